"""Which telemetry record, if any, does this hook event make?

Counts the use of skills and the ends of sessions. Reads names of the catalogue and identifiers; prompts, arguments,
paths and results are in the same payloads and are never touched. Keeping the record is `spool.py`'s part, and what
a record may hold is `events.json`'s.

A skill is used in two ways that no event has in common: the model calls the tool Skill, or the user types
/plugin:skill, which makes no tool event at all.
"""

from time import time

import spool
from payload import environment, posix, read_file, read_object, read_stdin, string

FLUSH_AFTER_S = 60
"""A flusher is started when the last one's mark is older than this, in seconds."""
LONGEST_WAIT_S = 3700
"""A mark that is further in the future than a flusher ever puts it is from a clock that jumped."""

_UNLISTED = "unlisted"
_TYPED = "/typed"
_PATH_CHARACTERS = "0123456789abcdefghijklmnopqrstuvwxyz-_."


def main() -> None:
    """Read one payload from stdin and keep its record; always ends with 0, and says nothing but the notice, once."""
    try:
        if not spool.is_off():
            payload = read_object(read_stdin())
            _record(payload)
            _flush(string(payload, "hook_event_name"))
    except Exception:
        pass
    # Not sys.exit: taking the interpreter down in order costs a millisecond, and nothing here is buffered.
    posix._exit(0)  # noqa: SLF001 - the documented os._exit, without the import of os


def _record(payload: "dict[str, object]") -> None:
    event = string(payload, "hook_event_name")
    reader = _READERS.get(event)
    found = reader(payload) if reader else None
    if found is None:
        return
    name, attributes = found
    attributes.update(common_attributes(payload))
    spool.append(name, attributes)


def _flush(event: str) -> None:
    """Start the flusher when a session begins or ends, or when it did not run for a minute: one stat decides."""
    if environment("SKILLWAY_FLUSH") == "0":
        return
    mark = spool.state_folder() + "/flush.mark"
    try:
        age = time() - posix.stat(mark).st_mtime
    except OSError:
        age = FLUSH_AFTER_S + 1.0
    is_edge = event in ("SessionStart", "SessionEnd")
    # A mark in the future asks for peace: the receiver is away, or there is none.
    if (age >= 0 if is_edge else age > FLUSH_AFTER_S) or age < -LONGEST_WAIT_S:
        import flush_start

        flush_start.start_flusher()


def common_attributes(payload: "dict[str, object]") -> "dict[str, object]":
    """Give the attributes that every event has: whose session and prompt, and which client."""
    return {
        "session.id": string(payload, "session_id") or None,
        "prompt.id": string(payload, "prompt_id") or None,
        "user.hash": spool.user_hash(),
        "app.version": _client_version(),
        "app.entrypoint": environment("CLAUDE_CODE_ENTRYPOINT") or None,
        "skillway.ci": True if environment("CI") not in ("", "0", "false") else None,
    }


def _client_version() -> "str | None":
    """Take the version out of AI_AGENT, such as claude-code_2-1-197_harness; no payload has it."""
    parts = environment("AI_AGENT").split("_")
    if len(parts) > 1 and parts[0] == "claude-code":
        return parts[1].replace("-", ".")
    return None


def _tool_used(payload: "dict[str, object]") -> "tuple[str, dict[str, object]] | None":
    if payload.get("tool_name") != "Skill":
        return None
    asked = payload.get("tool_input")
    attributes = skill_attributes(string(asked, "skill") if isinstance(asked, dict) else "")
    prompt = string(payload, "prompt_id")
    if prompt and _typed_line(prompt, attributes) in read_file(spool.state_folder() + _TYPED):
        return None
    attributes["invocation_trigger"] = "claude-proactive"
    attributes["tool_use_id"] = string(payload, "tool_use_id") or None
    attributes["duration_ms"] = payload.get("duration_ms")
    answer = payload.get("tool_response")
    if payload["hook_event_name"] == "PostToolUseFailure":
        attributes["success"] = False
        attributes["error.type"] = "interrupted" if payload.get("is_interrupt") is True else "failed"
    elif isinstance(answer, dict) and isinstance(answer.get("success"), bool):
        attributes["success"] = answer["success"]
    return "skillway.skill.used", attributes


def _typed(payload: "dict[str, object]") -> "tuple[str, dict[str, object]] | None":
    if payload.get("expansion_type") != "slash_command" or payload.get("command_source") != "plugin":
        return None
    attributes = skill_attributes(string(payload, "command_name"))
    attributes["invocation_trigger"] = "user-slash"
    prompt = string(payload, "prompt_id")
    if prompt and attributes["skill.name"] != _UNLISTED:
        import usage_typed

        usage_typed.keep_typed(_typed_line(prompt, attributes))
    return "skillway.skill.used", attributes


def _typed_line(prompt: str, attributes: "dict[str, object]") -> bytes:
    return f"\n{prompt[:64]} {attributes['skill.name']}\n".encode("utf-8", "replace")


def _session_started(payload: "dict[str, object]") -> "tuple[str, dict[str, object]] | None":
    # Compaction starts a session in name only; counted, it would double every long conversation.
    if payload.get("source") == "compact":
        return None
    import usage_notice

    usage_notice.show_notice()
    return "skillway.session.started", {"session.source": string(payload, "source") or None}


def _session_ended(payload: "dict[str, object]") -> "tuple[str, dict[str, object]] | None":
    return "skillway.session.ended", {"session.end.reason": string(payload, "reason") or None}


_READERS = {
    "PostToolUse": _tool_used,
    "PostToolUseFailure": _tool_used,
    "UserPromptExpansion": _typed,
    "SessionStart": _session_started,
    "SessionEnd": _session_ended,
}


def skill_attributes(name: str) -> "dict[str, object]":
    """Describe a skill by what the catalogue says of it.

    A name that is not the catalogue's may itself be a secret, so that is all that is said of it. The version is
    that of the folder which a new session would load; a session that an update overtook counts as the new one.

    Args:
        name: As Claude Code gives it, `plugin:skill`.
    """
    root = spool.root_folder()
    plugin, _, skill = name.partition(":")
    catalogue = read_object(read_file(root + "/.claude-plugin/marketplace.json")) if root else {}
    folder = _plugin_folder(catalogue, plugin)
    if not folder or not _is_plain(skill) or not _exists(root + "/" + folder + "/skills/" + skill):
        return {"skill.name": _UNLISTED}
    manifest = read_object(read_file(root + "/" + folder + "/.claude-plugin/plugin.json"))
    return {
        "skill.name": name,
        "plugin.name": plugin,
        "plugin.version": string(manifest, "version") or None,
        "plugin.digest": folder.rpartition("/")[2][:12],
        "marketplace.name": string(catalogue, "name") or None,
    }


def _plugin_folder(catalogue: "dict[str, object]", plugin: str) -> str:
    entries = catalogue.get("plugins")
    for entry in entries if isinstance(entries, list) else ():
        if isinstance(entry, dict) and entry.get("name") == plugin:
            source = string(entry, "source")
            return source[2:] if source.startswith("./store/") and ".." not in source else ""
    return ""


def _is_plain(name: str) -> bool:
    return bool(name) and not name.startswith(".") and not name.strip(_PATH_CHARACTERS)


def _exists(path: str) -> bool:
    try:
        posix.stat(path)
    except OSError:
        return False
    return True
