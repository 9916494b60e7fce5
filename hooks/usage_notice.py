"""What is a user told about telemetry, once, before it leaves the laptop for the first time?

At the first session of a person at a terminal, when there is somewhere to send to. Never in a program's pipe: nobody
reads it there, and the output is somebody else's.
"""

import spool
from payload import environment, posix, quote_json, read_file, read_object, string, write_all

SHOWN = "/notice.shown"


def show_notice() -> bool:
    """Print the notice as Claude Code's message to the user, unless it was shown; tell whether it was printed."""
    state = spool.state_folder()
    if environment("CLAUDE_CODE_ENTRYPOINT") != "cli" or not state or _is_there(state + SHOWN):
        return False
    config = read_object(read_file(spool.root_folder() + "/telemetry.json"))
    endpoint = string(config, "endpoint")
    if not endpoint or not spool.own_folder(state):
        return False
    # Noted first: a notice that cannot be noted would come at every session.
    descriptor = spool.open_own(state + SHOWN)
    if descriptor < 0:
        return False
    posix.close(descriptor)
    write_all(1, '{"systemMessage":' + quote_json(notice(endpoint, is_always=config.get("always") is True)) + "}\n")
    return True


def notice(endpoint: str, *, is_always: bool) -> str:
    """Write the text; of the endpoint only the host, for a path or a login may be secret."""
    host = endpoint.partition("://")[2].partition("/")[0].rpartition("@")[2]
    how = (
        "Your organisation's policy keeps this on"
        if is_always
        else "DO_NOT_TRACK=1 or SKILLWAY_TELEMETRY=0 switches it off"
    )
    return (
        f"skillway tells your organisation ({host}) which of its skills are used and what the guard stopped: names, "
        f"identifiers, times. Never prompts, code, commands or file names. `skillway usage show` prints what is queued. {how}."
    )


def _is_there(path: str) -> bool:
    try:
        posix.lstat(path)
    except OSError:
        return False
    return True
