"""Which rule judges which program or tool? One function per program, found by its name.

A rule's module is imported when its program is met: most tool calls meet none. Every rule judges one command; none
looks at the text of the whole line, where a harmless word would disarm it or a quoted one set it off.
"""

from guard_commands import Analysis
from guard_decision import DENY, Stop, weightier
from guard_paths import Places
from payload import environment, string

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import ModuleType

    from guard_policy import Policy
    from guard_walk import Command

_QUIET_TARGETS = frozenset(["/dev/null", "/dev/stdout", "/dev/stderr", "-", "0", "1", "2"])


def _files() -> "ModuleType":
    import guard_files

    return guard_files


def _forge() -> "ModuleType":
    import guard_forge

    return guard_forge


def _data() -> "ModuleType":
    import guard_data

    return guard_data


def _git() -> "ModuleType":
    import guard_git

    return guard_git


def _self() -> "ModuleType":
    import guard_self

    return guard_self


def _processes() -> "ModuleType":
    import guard_processes

    return guard_processes


_RULES = {
    "git": (_git, "judge_git"),
    "gh": (_forge, "judge_gh"),
    "glab": (_forge, "judge_glab"),
    "find": (_files, "judge_find"),
    "shred": (_files, "judge_shred"),
    "dropdb": (_data, "judge_dropdb"),
    "mysqladmin": (_data, "judge_mysqladmin"),
    "redis-cli": (_data, "judge_redis"),
    "mongosh": (_data, "judge_mongo"),
    "mongo": (_data, "judge_mongo"),
    "kill": (_processes, "judge_kill"),
    "crontab": (_processes, "judge_crontab"),
    "claude": (_self, "judge_claude"),
    **dict.fromkeys(["hub", "tea", "az", "bb"], (_forge, "judge_by_words")),
    **dict.fromkeys(["curl", "wget", "http", "https", "xh"], (_forge, "judge_http")),
    **dict.fromkeys(["rm", "srm", "rimraf"], (_files, "judge_delete")),
    **dict.fromkeys(["chmod", "chown", "chgrp"], (_files, "judge_rights")),
    **dict.fromkeys(["dd", "wipefs", "diskutil", "mke2fs", "mkswap", "newfs", "blkdiscard"], (_files, "judge_disk")),
    **dict.fromkeys(["psql", "mysql", "mariadb"], (_data, "judge_client")),
}
_WRITERS = frozenset([
    "rm", "mv", "unlink", "rmdir", "truncate", "tee", "chmod", "chown", "shred", "chattr", "chflags", "cp", "ln",
    "install", "rsync", "ditto", "sed", "gsed", "perl", "dd",
])  # fmt: skip


class Judge:
    """Judges one tool call.

    `stop` holds the weightiest stop found so far, so that a judge that ran out of time still says what it saw.

    Args:
        cwd: Where the session works, absolute.
        home: The user's home.
        hooks_folder: Where the guard's own files are.
    """

    def __init__(self, cwd: str, home: str, hooks_folder: str) -> None:
        self.stop: "Stop | None" = None
        self.analysis: "Analysis | None" = None
        self._cwd = cwd
        self._home = home
        self._places = Places(cwd, home)
        self._hooks_folder = hooks_folder
        self._folders: "list[str] | None" = None
        self._policy: "Policy | None" = None

    @property
    def policy(self) -> "Policy":
        """What the organisation and the project changed; read when the first command or stop is judged."""
        policy = self._policy
        if policy is None:
            from guard_policy import load_policy

            policy = self._policy = load_policy(self._hooks_folder, self._places.project)
            self._places.widen(policy.projects, policy.caches)
        return policy

    @property
    def policy_faults(self) -> "list[str]":
        """What was wrong in the policies, as far as they were read."""
        return self._policy.faults if self._policy is not None else []

    @property
    def project(self) -> str:
        """The project's folder."""
        return self._places.project

    def judge(self, tool: str, tool_input: "dict[str, object]") -> None:
        """Judge a tool call by its tool.

        Args:
            tool: The tool's name, as Claude Code gives it.
            tool_input: What the tool was called with.
        """
        if tool in ("Bash", "PowerShell"):
            self._shell(string(tool_input, "command"))
        elif tool.startswith("mcp__"):
            self._note(_forge().judge_mcp(tool) or _data().judge_tool(tool, tool_input), tool)
        elif tool in ("Write", "Edit", "MultiEdit", "NotebookEdit"):
            path = string(tool_input, "file_path") or string(tool_input, "notebook_path")
            if path:
                self._note(_self().judge_written_file(path, _added(tool_input), self._cwd, self._own_folders()), path)

    def _shell(self, text: str) -> None:
        self.analysis = Analysis(self._home, environment)
        for command in self.analysis.commands(text, self._cwd):
            self._command(command)
            if self.stop is not None and self.stop.decision == DENY:
                return

    def _command(self, command: "Command") -> None:
        name = command.name
        if name in self.policy.rules:
            for stop in self.policy.judge(command):
                self._note(stop, command.source)
        rule = _RULES.get(name)
        if rule is None and name.startswith("mkfs"):
            rule = (_files, "judge_disk")
        if rule:
            self._note(getattr(rule[0](), rule[1])(command, self._places), command.source)
        if command.code or command.reads_code:
            import guard_network

            self._note(guard_network.judge_code_source(command), command.source)
        if command.function and command.feed:
            self._note(_processes().judge_fork_bomb(command), command.source)
        redirects = [target for _, target in command.redirects if target not in _QUIET_TARGETS]
        if redirects:
            self._note(_files().judge_redirects(command), command.source)
        if redirects or name in _WRITERS:
            self._note(_self().judge_command(command, self._own_folders()), command.source)

    def _own_folders(self) -> "list[str]":
        folders = self._folders
        if folders is None:
            folders = self._folders = list(_self().own_folders(self._home, self._hooks_folder))
        return folders

    def _note(self, stop: "Stop | None", what: str) -> None:
        stop = self.policy.apply(stop) if stop is not None else None
        if stop is not None:
            stop.what = what
            self.stop = weightier(self.stop, stop)


def _added(tool_input: "dict[str, object]") -> "list[str]":
    """Give the texts that a writing tool puts into its file."""
    texts = [string(tool_input, key) for key in ("content", "new_string", "new_source")]
    edits = tool_input.get("edits")
    changes = edits if isinstance(edits, list) else []
    return texts + [string(change, "new_string") for change in changes if isinstance(change, dict)]
