"""Does Claude Code's own CLI switch the guard, its plugins or its questions off, or start a session without them?"""

from guard_decision import ASK, DENY, Stop
from guard_options import read_options

TYPE_CHECKING = False
if TYPE_CHECKING:
    from guard_paths import Places
    from guard_walk import Command

_VALUES = frozenset([
    "settings", "setting-sources", "permission-mode", "model", "output-format", "input-format", "append-system-prompt", "system-prompt", "max-turns", "allowedTools", "disallowedTools", "allowed-tools",
    "disallowed-tools", "mcp-config", "add-dir", "session-id", "fallback-model", "agents", "plugin-dir", "scope", "permission-prompt-tool", "json-schema", "tools", "betas", "debug-file", "effort", "agent",
])  # fmt: skip
_SWITCHES = (
    "disableallhooks",
    "hooks",
    "permissions",
    "enabledplugins",
    "allowmanaged",
    "disablebypass",
    "extraknownmarketplaces",
)
_PLACES = ("CLAUDE_CONFIG_DIR", "HOME", "USERPROFILE")
"""Variables that say where the person's settings are."""
_OTHERS = ("CLAUDE_CODE_SIMPLE", "CLAUDE_CODE_BARE", "CLAUDE_CODE_MANAGED_SETTINGS_PATH", "CLAUDE_CODE_DISABLE_HOOKS")


def judge_claude(command: "Command", _places: "Places") -> "Stop | None":
    """Judge `claude`: plugins off, settings set, and sessions with other settings."""
    options, words = read_options(
        command.arguments, "pcrdnw" if command.arguments[:1] in (["plugin"], ["config"]) else "n", _VALUES
    )
    found = dict(options)
    if found.keys() & {"--help", "-h", "--version", "-v"}:
        return None
    if words[:1] in (["plugin"], ["plugins"]):
        return _judge_plugin(words[1:])
    if words[:1] == ["config"]:
        is_set = words[1:2] in (["set"], ["add"], ["remove"], ["rm"], ["unset"])
        return (
            _session_stop(DENY) if is_set and any(word.lower().startswith(_SWITCHES) for word in words[2:3]) else None
        )
    if words[:1] in (["mcp"], ["doctor"], ["update"], ["install"], ["auth"], ["agents"], ["setup-token"], ["upgrade"]):
        return None
    return _judge_session(command, found)


def _judge_plugin(words: "list[str]") -> "Stop | None":
    if words[:1] in (["disable"], ["uninstall"], ["remove"], ["rm"]) or words[:2] in (
        ["marketplace", "remove"],
        ["marketplace", "rm"],
    ):
        return Stop(
            DENY,
            "plugin-off",
            "plugins may be part of what the organisation put on this laptop.",
            "look at what is installed",
            "claude plugin list",
        )
    return None


def _judge_session(command: "Command", found: "dict[str, str]") -> "Stop | None":
    settings = found.get("--settings", "")
    if settings.lstrip().startswith("{"):
        text = "".join(settings.split())
        if '"disableAllHooks":true' in text or '"hooks"' in text or '"enabledPlugins"' in text:
            return _session_stop(DENY)
    elif settings and not settings.endswith((".claude/settings.json", ".claude/settings.local.json")):
        return _session_stop(ASK)
    if "--setting-sources" in found and "user" not in found["--setting-sources"].split(","):
        return _session_stop(ASK)
    if found.keys() & {"--dangerously-skip-permissions", "--allow-dangerously-skip-permissions", "--bare"}:
        return _session_stop(ASK)
    if found.get("--permission-mode") == "bypassPermissions":
        return _session_stop(ASK)
    return _session_stop(ASK) if _has_other_place(command) else None


def _has_other_place(command: "Command") -> bool:
    """Tell whether variables, given here, by env or exported before, lead Claude Code to other settings."""
    given = [setting.partition("=")[0] for setting in command.assignments]
    outer = command.outer
    while outer is not None:
        if outer.name == "env":
            given.extend([word.partition("=")[0] for word in outer.arguments if "=" in word])
            if {"-i", "-", "--ignore-environment"} & set(outer.arguments) or "HOME" in outer.arguments:
                return True
        given.extend([setting.partition("=")[0] for setting in outer.assignments])
        outer = outer.outer
    values = command.walk.values if command.walk is not None else None
    return any(name in given or (values is not None and values.is_assigned(name)) for name in (*_PLACES, *_OTHERS))


def _session_stop(decision: str) -> Stop:
    return Stop(
        decision,
        "guard-tampering",
        "it starts or sets up Claude Code without the organisation's guard, settings or questions.",
        "start it with the person's own settings",
        "claude --version",
    )
