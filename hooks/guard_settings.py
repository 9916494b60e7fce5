"""Which commands does a setting hold: a key of git's configuration, a variable of the environment?

A program that is told its pager, its editor or its transport runs what it is told. Imported only when git is met, or a
variable that some program runs. Leaves what such a command does to the rules.
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

_KEYS = frozenset([
    "core.sshcommand", "core.pager", "core.editor", "core.fsmonitor", "core.askpass", "core.gitproxy", "sequence.editor", "diff.external", "gpg.program", "interactive.difffilter",
    "credential.helper", "uploadpack.packobjectshook", "sendemail.smtpserver", "sendemail.sendmailcmd", "sendemail.tocmd", "sendemail.cccmd", "web.browser",
    "core.alternaterefscommand",
])  # fmt: skip
_KEY_FAMILIES = (
    ("diff.", (".command", ".textconv")), ("difftool.", (".cmd",)), ("mergetool.", (".cmd",)), ("merge.", (".driver",)), ("filter.", (".clean", ".smudge", ".process")), ("pager.", ("",)),
    ("credential.", (".helper",)), ("gpg.", (".program",)), ("browser.", (".cmd",)), ("man.", (".cmd",)), ("remote.", (".uploadpack", ".receivepack")), ("trailer.", (".command", ".cmd")),
    ("guitool.", (".cmd",)), ("tar.", (".command",)), ("submodule.", (".update",)), ("hook.", (".command",)),
)  # fmt: skip
"""Keys by their beginning and their ends."""
_NO_COMMAND = frozenset(["true", "false", "yes", "no", "on", "off", "0", "1", "", "auto", "always", "never"])
_COMMAND_OPTIONS = {
    "difftool": ("-x", "--extcmd"), "rebase": ("-x", "--exec"), "fetch": ("--upload-pack",), "pull": ("--upload-pack",), "clone": ("-u", "--upload-pack"), "ls-remote": ("--upload-pack",),
    "push": ("--receive-pack", "--exec"), "archive": ("--exec",), "filter-branch": ("--tree-filter", "--index-filter", "--msg-filter", "--env-filter", "--commit-filter", "--parent-filter"),
    "grep": ("-O", "--open-files-in-pager"), "send-email": ("--sendmail-cmd", "--to-cmd", "--cc-cmd"), "diff": (), "fetch-pack": ("--upload-pack",),
}  # fmt: skip
_SETTING_OPTIONS = ("-c", "--config")
RUN_BY_SHELL = frozenset([
    "GIT_SSH_COMMAND", "GIT_SSH", "GIT_EDITOR", "GIT_SEQUENCE_EDITOR", "GIT_PAGER", "GIT_EXTERNAL_DIFF", "GIT_ASKPASS", "GIT_PROXY_COMMAND", "SSH_ASKPASS", "SUDO_ASKPASS", "EDITOR", "VISUAL",
    "FCEDIT", "PAGER", "MANPAGER", "SYSTEMD_PAGER", "AWS_PAGER", "GH_PAGER", "GH_EDITOR", "GH_BROWSER", "GLAB_PAGER", "DELTA_PAGER", "BAT_PAGER", "PSQL_PAGER", "KUBE_EDITOR", "BROWSER", "LESSOPEN",
    "LESSCLOSE", "PROMPT_COMMAND", "SUDO_EDITOR", "SVN_EDITOR", "SVN_SSH", "HGEDITOR", "CVS_RSH", "RSYNC_RSH", "RSYNC_CONNECT_PROG", "TEXEDIT", "PS4", "FZF_DEFAULT_COMMAND",
    "FZF_CTRL_T_COMMAND", "RUSTC_WRAPPER", "KUBECTL_EXTERNAL_DIFF",
    "NPM_CONFIG_EDITOR", "NPM_CONFIG_SCRIPT_SHELL", "BUNDLER_EDITOR",
])  # fmt: skip
"""Variables of the environment that some program runs as a command."""


def environment_command(name: str, value: str) -> str:
    """Give what a program runs that finds a variable set so, or "".

    Args:
        name: The variable.
        value: What it is set to.
    """
    if name not in RUN_BY_SHELL or value.lower() in _NO_COMMAND:
        return ""
    if name == "PS4":
        return "echo " + value if "$(" in value or "`" in value else ""
    return value.lstrip("|- ") if name in ("LESSOPEN", "LESSCLOSE") else value


def git_commands(arguments: "Sequence[str]") -> "list[str]":
    """Give the texts that git hands to a shell: settings that are commands, --exec and its like, bisect run, foreach."""
    texts = []
    for place, argument in enumerate(arguments[:-1], 1):
        if argument in _SETTING_OPTIONS:
            key, _, value = arguments[place].partition("=")
            texts.extend(_setting_commands(key, value))
    plain = [argument for argument in arguments if not argument.startswith("-")]
    if "config" in plain[:2] and not {"--get", "--unset", "--get-all", "--unset-all", "--get-regexp"} & set(arguments):
        for key, value in zip(plain, plain[1:]):  # noqa: B905, RUF007 - Python 3.9 has neither
            texts.extend(_setting_commands(key, value))
    for subcommand in [word for word in plain[:3] if word in _COMMAND_OPTIONS]:
        texts.extend(_option_commands(arguments, _COMMAND_OPTIONS[subcommand]))
    for subcommand, verb in (("bisect", "run"), ("submodule", "foreach")):
        if subcommand in arguments and verb in arguments:
            words = [word for word in arguments[arguments.index(verb) + 1 :] if word != "--recursive"]
            # One word is a text for a shell; several are the words of a command, which keep their blanks.
            texts.append(words[0] if len(words) == 1 else " ".join([_quoted(word) for word in words]))
    return texts


def _quoted(word: str) -> str:
    if word and not set(" \t\n'\"\\$`;&|<>()*?[]{}#~!").intersection(word):
        return word
    return "'" + word.replace("'", "'\\''") + "'"


def _setting_commands(key: str, value: str) -> "list[str]":
    """Give what git runs for one setting; for one that makes each push a forced one, that push."""
    key = key.lower()
    if key.startswith("alias."):
        return [value[1:] if value.startswith("!") else "git " + value]
    if key.startswith("remote.") and (
        (key.endswith(".push") and value.startswith("+")) or (key.endswith(".mirror") and value.lower() == "true")
    ):
        return ["git push --force"]
    if value.lower() in _NO_COMMAND:
        return []
    is_command = key in _KEYS or any(
        key.startswith(start) and key.endswith(ends) and key != start for start, ends in _KEY_FAMILIES
    )
    if not is_command:
        return []
    if key.endswith(".helper"):
        return [value[1:]] if value.startswith("!") else [value] if value.startswith("/") else []
    return [value.lstrip("!")]


def _option_commands(arguments: "Sequence[str]", options: "tuple[str, ...]") -> "list[str]":
    found = []
    for place, argument in enumerate(arguments):
        name, has_value, value = argument.partition("=")
        if name in options:
            found.append(value if has_value else "".join(arguments[place + 1 : place + 2]))
    return found
