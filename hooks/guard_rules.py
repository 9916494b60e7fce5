"""Is a tool call stopped? Puts every command of it, or its file, before the rules that it concerns.

Every rule judges one command; none looks at the text of the whole line, where a harmless word would disarm it or a
quoted one set it off. Leaves which rule judges which program to `guard_table.py`.
"""

from guard_commands import Analysis
from guard_decision import DENY, Stop, weightier
from guard_expansion import UNKNOWN_TEXT
from guard_paths import Places, is_inside
from guard_prefilter import (
    CONNECTIONS,
    MAY_PRINT_SECRETS,
    PACKAGE_RUNNERS,
    SQL_CARRIERS,
    may_fetch_code,
    may_print,
    may_publish,
    may_touch_own,
    may_touch_secrets,
)
from guard_table import PUBLISHERS, find_rule
from payload import environment, string

TYPE_CHECKING = False
if TYPE_CHECKING:
    from guard_merged import Branches
    from guard_policy import Policy
    from guard_secrets import Secrets
    from guard_walk import Command

_FETCHERS = frozenset(["curl", "wget", "aria2c", "scp", "rsync", "aws", "gsutil", "gcloud", "rclone", "mc", "s5cmd"])
_BRANCH_PROGRAMS = frozenset(["git", "gh", "glab", "hub"])
_BRANCH_WORDS = frozenset([
    "push", "commit", "rebase", "switch", "checkout", "co", "branch", "worktree", "stash", "reset", "pull", "merge", "symbolic-ref",
])  # fmt: skip
"""Without one of these words none of them adds to a branch or changes to another one."""
_QUIET_TARGETS = frozenset(["/dev/null", "/dev/stdout", "/dev/stderr", "-", "0", "1", "2"])
_WRITERS = frozenset([
    "rm", "mv", "unlink", "rmdir", "truncate", "tee", "chmod", "chown", "shred", "chattr", "chflags", "cp", "ln",
    "install", "rsync", "ditto", "sed", "gsed", "perl", "dd",
])  # fmt: skip
_EDIT_KEYS = (("old_string", "new_string"), ("oldText", "newText"), ("old_text", "new_text"), ("old_str", "new_str"))
_OUTSIDE_WRITERS = frozenset(
    ["tee", "truncate", "cp", "mv", "install", "ditto", "ln", "rsync", "sed", "gsed", "perl", "dd", "gcp"]
)


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
        self._downloads: "set[str]" = set()
        self._secrets: "Secrets | None" = None
        self._is_secret_out = False
        self._policy: "Policy | None" = None
        self._branches: "Branches | None" = None

    @property
    def policy(self) -> "Policy":
        """What the organisation and the project changed; read once."""
        policy = self._policy
        if policy is None:
            from guard_policy import load_policy

            policy = self._policy = load_policy(self._hooks_folder, self._places.project)
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
        self._places.widen(self.policy.projects, self.policy.caches)
        if tool in ("Bash", "PowerShell"):
            self._shell(string(tool_input, "command"))
            if tool == "PowerShell":
                from guard_powershell import texts

                for text in texts(string(tool_input, "command")):
                    self._shell(text)
        elif tool.startswith("mcp__"):
            self._mcp(tool, tool_input)
        elif tool in ("Write", "Edit", "MultiEdit", "NotebookEdit"):
            self._written(string(tool_input, "file_path") or string(tool_input, "notebook_path"), _changes(tool_input))
        elif tool == "Read":
            path = string(tool_input, "file_path")
            import guard_secrets

            self._note(guard_secrets.judge_read(path, self._cwd, self._home), path)
        elif tool == "Grep":
            path = string(tool_input, "path")
            import guard_secrets

            self._note(guard_secrets.judge_searched(path, self._cwd, self._home, string(tool_input, "glob")), path)

    def _written(self, path: str, changes: "list[tuple[str, str]]") -> None:
        if path:
            import guard_self
            import guard_writes

            self._note(guard_self.judge_written_file(path, changes, self._cwd, self._own_folders(), self._home), path)
            self._note(guard_writes.judge_file(path, self._places, self._cwd), path)
            if "/.git/hooks/" in path and not path.endswith(".sample"):
                for _, text in changes:
                    self._shell(text)  # git runs it by itself at the next commit, checkout or push

    def _mcp(self, tool: str, tool_input: "dict[str, object]") -> None:
        import guard_data
        import guard_forge
        import guard_tools

        self._note(guard_forge.judge_mcp(tool) or guard_data.judge_tool(tool, tool_input), tool)
        self._note(guard_tools.judge_name(tool, tool_input), tool)
        for text in guard_tools.shell_texts(tool, tool_input):
            self._shell(text)
        is_writing = guard_tools.is_writing(tool)
        for path in guard_tools.paths(tool_input):
            if is_writing:
                self._written(path, _changes(tool_input))
            else:
                import guard_secrets

                self._note(guard_secrets.judge_read(path, self._cwd, self._home), path)

    def _shell(self, text: str) -> None:
        self.analysis = Analysis(self._home, environment)
        for command in self.analysis.commands(text, self._cwd):
            self._command(command)
            if self.stop is not None and self.stop.decision == DENY:
                return

    def _command(self, command: "Command") -> None:
        name = command.name
        if self.policy.rules:
            self._own_rules(command)
        rule = find_rule(name)
        redirects: "list[str]" = []
        if command.redirects:
            redirects = [target for _, target in command.redirects if target not in _QUIET_TARGETS]
        writes = (redirects or name in _WRITERS) and not self._stays_inside(command, redirects)
        if writes or may_touch_own(command):
            import guard_self

            self._note(guard_self.judge_command(command, self._own_folders(), self._home), command.source)
        if rule is not None:
            self._note(rule(command, self._places), command.source)
        if name in _BRANCH_PROGRAMS and not _BRANCH_WORDS.isdisjoint(command.arguments):
            self._note(self._on_merged_branch(command), command.source)
        if name in SQL_CARRIERS:
            import guard_data

            self._note(guard_data.judge_carried(command), command.source)
        if name in PUBLISHERS and may_publish(command):
            import guard_publish

            self._note(guard_publish.judge_publication(command, self._places), command.source)
        self._network(command, redirects)
        if command.function and command.feed:
            import guard_processes

            self._note(guard_processes.judge_fork_bomb(command), command.source)
        if name == "kill" and "-l" not in command.arguments:
            import guard_machine

            self._note(guard_machine.judge_kill_list(command), command.source)
        if writes and redirects:
            import guard_writes

            self._note(guard_writes.judge_redirects(command, self._places), command.source)
        if writes and name in _OUTSIDE_WRITERS:
            import guard_writes

            self._note(guard_writes.judge_writer(command, self._places), command.source)
        if self._downloads or name in _FETCHERS:
            self._note(self._downloaded(command), command.source)
        self._secrets_of(command)

    def _network(self, command: "Command", redirects: "list[str]") -> None:
        name = command.name
        if command.code or command.reads_code:
            import guard_network

            self._note(guard_network.judge_code_source(command), command.source)
        if name in CONNECTIONS or any(target.startswith(("/dev/tcp/", "/dev/udp/")) for target in redirects):
            import guard_network

            self._note(guard_network.judge_connection(command), command.source)
            text = command.stdin() if name in CONNECTIONS else " ".join(command.arguments)
            if "flush" in text.lower():
                import guard_data

                self._note(guard_data.judge_wire(text), command.source)
        if name in PACKAGE_RUNNERS and may_fetch_code(command):
            import guard_network

            self._note(guard_network.judge_package_source(command), command.source)

    def _own_rules(self, command: "Command") -> None:
        """Judge by the policies' own rules; they may also name a wrapper, which is no command for the others."""
        judged: "Command | None" = command
        while judged is not None:
            for stop in self.policy.judge(judged):
                self._note(stop, command.source)
            judged = judged.outer

    def _stays_inside(self, command: "Command", redirects: "list[str]") -> bool:
        """Tell, without the rules' own modules, that a command writes plainly below the project; most do."""
        project, cwd = self._places.project, command.cwd
        if cwd is None or project in ("/", self._home) or not is_inside(cwd, project):
            return False
        written = redirects + (command.arguments if command.name in _WRITERS else [])
        return (
            not any(
                word[:1] in ("/", "~", UNKNOWN_TEXT) or ".." in word or ":" in word or ".claude" in word or "=" in word
                for word in written
            )
            and ".claude" not in cwd
        )

    def _on_merged_branch(self, command: "Command") -> "Stop | None":
        """Judge what may add to a branch, with what the line did to the branch before."""
        branches = self._branches
        if branches is None:
            import guard_merged

            branches = self._branches = guard_merged.Branches()
        return branches.judge(command)

    def _downloaded(self, command: "Command") -> "Stop | None":
        """Note what is downloaded, and judge what runs it."""
        import guard_downloads

        stop = guard_downloads.judge_downloaded(command, self._downloads)
        self._downloads.update(guard_downloads.downloads(command))
        return stop

    def _secrets_of(self, command: "Command") -> None:
        name = command.name
        if name in MAY_PRINT_SECRETS and may_print(command):
            import guard_secrets
            from guard_secret_printers import prints_secret

            if prints_secret(command) and not {"--help", "-h"} & set(command.arguments):
                self._is_secret_out = True
                self._note(guard_secrets.judge_printer(command), command.source)
        elif self._is_secret_out:
            import guard_secrets

            self._note(guard_secrets.judge_shown(command), command.source)
        secrets = self._secrets
        if secrets is None and not may_touch_secrets(command):
            return
        if secrets is None:
            import guard_secrets

            secrets = self._secrets = guard_secrets.Secrets(self._places)
        self._note(secrets.judge(command), command.source)

    def _own_folders(self) -> "list[str]":
        folders = self._folders
        if folders is None:
            import guard_self

            folders = self._folders = list(guard_self.own_folders(self._home, self._hooks_folder))
        return folders

    def _note(self, stop: "Stop | None", what: str) -> None:
        stop = self.policy.apply(stop) if stop is not None else None
        if stop is not None:
            stop.what = what
            self.stop = weightier(self.stop, stop)


def _changes(tool_input: "dict[str, object]") -> "list[tuple[str, str]]":
    """Give what a writing tool puts in place of what: pairs of the old text, "" for a whole file, and the new one."""
    pairs = [
        ("", string(tool_input, key))
        for key in ("content", "new_source", "text", "contents", "data", "file_text")
        if key in tool_input
    ]
    edits = tool_input.get("edits")
    for change in [tool_input, *(edits if isinstance(edits, list) else [])]:
        if not isinstance(change, dict):
            continue
        for old, new in _EDIT_KEYS:
            if old in change or new in change:
                pairs.append((string(change, old), string(change, new)))
    return pairs
