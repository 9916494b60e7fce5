"""Which rule judges which program or tool? One function per program, found by its name.

A rule's module is imported when its program is met: most tool calls meet none. Every rule judges one command; none
looks at the text of the whole line, where a harmless word would disarm it or a quoted one set it off.
"""

from guard_commands import Analysis
from guard_decision import DENY, Stop, weightier
from guard_expansion import UNKNOWN_TEXT
from guard_paths import Places, is_inside
from payload import environment, string

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import ModuleType

    from guard_policy import Policy
    from guard_secrets import Secrets
    from guard_walk import Command

_FETCHERS = frozenset(["curl", "wget", "aria2c"])
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


def _discard() -> "ModuleType":
    import guard_discard

    return guard_discard


def _self() -> "ModuleType":
    import guard_self

    return guard_self


def _processes() -> "ModuleType":
    import guard_processes

    return guard_processes


def _publish() -> "ModuleType":
    import guard_publish

    return guard_publish


def _cloud() -> "ModuleType":
    import guard_cloud

    return guard_cloud


def _clusters() -> "ModuleType":
    import guard_clusters

    return guard_clusters


def _machine() -> "ModuleType":
    import guard_machine

    return guard_machine


def _writes() -> "ModuleType":
    import guard_writes

    return guard_writes


def _secrets() -> "ModuleType":
    import guard_secrets

    return guard_secrets


_RULES = {
    "git": (_git, "judge_git"),
    "gh": (_forge, "judge_gh"),
    "glab": (_forge, "judge_glab"),
    "find": (_files, "judge_find"),
    "shred": (_files, "judge_shred"),
    "kill": (_processes, "judge_kill"),
    "crontab": (_processes, "judge_crontab"),
    "claude": (_self, "judge_claude"),
    "hub": (_forge, "judge_hub"),
    "aws": (_cloud, "judge_aws"),
    "gsutil": (_cloud, "judge_gsutil"),
    "systemctl": (_machine, "judge_systemctl"),
    "service": (_machine, "judge_systemctl"),
    "launchctl": (_machine, "judge_systemctl"),
    **dict.fromkeys(["hg", "svn"], (_discard, "judge_other")),
    **dict.fromkeys(["tea", "bb"], (_forge, "judge_by_words")),
    **dict.fromkeys(["curl", "wget", "http", "https", "xh"], (_forge, "judge_http")),
    **dict.fromkeys(["rm", "srm", "rimraf", "unlink", "del-cli", "remove-item", "grm"], (_files, "judge_delete")),
    **dict.fromkeys(["chmod", "chown", "chgrp"], (_files, "judge_rights")),
    **dict.fromkeys(["dd", "wipefs", "diskutil", "mke2fs", "mkswap", "newfs", "blkdiscard"], (_files, "judge_disk")),
    **dict.fromkeys(
        ["fdisk", "sfdisk", "cfdisk", "gdisk", "sgdisk", "parted", "hdparm", "badblocks", "mdadm", "nvme", "cryptsetup", "zpool", "zfs", "lvm",
         "lvremove", "vgremove", "pvremove", "asr", "btrfs", "tmutil"], (_machine, "judge_wiper")),
    **dict.fromkeys(["shutdown", "reboot", "halt", "poweroff", "init", "telinit"], (_machine, "judge_power")),
    **dict.fromkeys(
        ["iptables", "ip6tables", "iptables-legacy", "iptables-nft", "nft", "ufw", "pfctl", "setenforce", "csrutil", "spctl", "nvram", "fdesetup",
         "profiles", "auditctl", "aa-teardown", "firewall-cmd", "socketfilterfw", "umount"], (_machine, "judge_protection")),
    **dict.fromkeys(
        ["userdel", "deluser", "groupdel", "delgroup", "dscl", "sysadminctl", "usermod", "passwd", "chpasswd"], (_machine, "judge_users")),
    **dict.fromkeys(["apt", "apt-get", "aptitude", "dpkg", "yum", "dnf", "rpm", "pacman", "zypper"], (_machine, "judge_packages")),
    **dict.fromkeys(["pkill", "killall", "killall5"], (_machine, "judge_mass_kill")),
    **dict.fromkeys(
        ["psql", "mysql", "mariadb", "sqlite3", "sqlcmd", "cqlsh", "clickhouse-client", "clickhouse", "duckdb", "snowsql", "usql", "cockroach", "sqlplus",
         "pgcli", "mycli", "litecli", "trino", "presto", "bsqlsh", "hive", "beeline", "isql", "mssql-cli", "rsql"], (_data, "judge_client")),
    **dict.fromkeys(["dropdb", "dropuser", "pg_dropcluster"], (_data, "judge_dropdb")),
    "mysqladmin": (_data, "judge_mysqladmin"),
    "redis-cli": (_data, "judge_redis"),
    "valkey-cli": (_data, "judge_redis"),
    "mongosh": (_data, "judge_mongo"),
    "mongo": (_data, "judge_mongo"),
    "mongorestore": (_data, "judge_restore"),
    "pg_restore": (_data, "judge_restore"),
    **dict.fromkeys(
        ["rails", "rake", "prisma", "manage.py", "django-admin", "artisan", "alembic", "knex", "sequelize", "sequelize-cli", "typeorm", "drizzle-kit",
         "supabase", "dbmate", "flyway", "liquibase", "goose", "migrate", "hasura", "doctrine", "mix", "influx", "kafka-topics", "kafka-topics.sh",
         "console", "atlas", "diesel", "sqlx", "ecto", "flask", "dotnet", "dotnet-ef"], (_data, "judge_migration")),
    **dict.fromkeys(["kubectl", "oc", "kubecolor", "k3s", "microk8s", "k"], (_clusters, "judge_kubectl")),
    **dict.fromkeys(
        ["helm", "helmfile", "argocd", "flux", "eksctl", "kops", "kubeadm", "istioctl", "velero", "skaffold", "rancher", "k0s", "talosctl"],
        (_clusters, "judge_helm")),
    **dict.fromkeys(["terraform", "tofu", "terragrunt"], (_clusters, "judge_terraform")),
    **dict.fromkeys(
        ["pulumi", "cdk", "cdktf", "serverless", "sls", "sam", "sst", "vagrant", "multipass", "lxc", "incus", "juju", "virsh", "colima", "limactl",
         "docker-machine", "azd", "bosh", "sky"], (_clusters, "judge_pulumi")),
    **dict.fromkeys(["ansible", "ansible-playbook"], (_clusters, "judge_ansible")),
    **dict.fromkeys(["docker", "podman", "nerdctl", "docker-compose", "podman-compose"], (_clusters, "judge_docker")),
    **dict.fromkeys(["heroku", "netlify", "firebase", "dokku", "clever", "scalingo", "platform"], (_cloud, "judge_heroku")),
    **dict.fromkeys(
        ["gcloud", "bq", "oci", "openstack", "ibmcloud", "hcloud", "doctl", "linode-cli", "scw", "yc", "vultr-cli", "exo", "fly",
         "flyctl", "vercel", "now", "railway", "render", "neonctl", "neon", "pscale", "planetscale", "turso",
         "wrangler", "eb", "copilot", "amplify", "cf", "mc", "s3cmd", "s5cmd", "b2", "rclone", "aws-nuke", "cloud-nuke", "consul", "vault",
         "etcdctl", "nomad", "rabbitmqctl", "rabbitmqadmin", "ngrok", "sentry-cli", "stripe", "auth0", "okta"], (_cloud, "judge_cloud")),
    "az": (_forge, "judge_az"),
    **dict.fromkeys(
        ["npm", "pnpm", "yarn", "bun", "lerna", "changeset", "changesets", "semantic-release", "release-it", "np", "nx", "jsr", "deno", "twine",
         "cargo", "gem", "uv", "poetry", "flit", "hatch", "pdm", "rye", "maturin", "setup.py", "mvn", "mvnw", "gradle", "gradlew", "sbt", "lein",
         "nuget", "pod", "dart", "flutter", "rebar3", "vsce", "ovsx", "buildah", "skopeo", "crane", "oras", "goreleaser", "conda", "anaconda",
         "ansible-galaxy", "luarocks", "cabal", "stack", "snapcraft", "web-ext", "fastlane", "eas"], (_publish, "judge_publication")),
}  # fmt: skip
_ALSO_PUBLISHES = frozenset(["gh", "glab", "helm", "rake", "mix", "dotnet", "claude"])
_MAY_PRINT_SECRETS = frozenset([
    "security", "gpg", "gpg2", "secret-tool", "gh", "glab", "aws", "gcloud", "az", "vault", "op", "pass", "gopass", "bw", "lpass", "doppler",
    "kubectl", "oc", "git", "keyring", "infisical", "chamber",
])  # fmt: skip
_SECRET_HINTS = (
    "/.", "/etc/", "/proc/", "/run/", "/root", "Library/", ".env", "cred", "secret", "key", "id_", ".pem", ".p12", ".pfx", ".ppk", "token", "tfvars", "tfstate", "auth", "account",
    "htpasswd", "kubeconfig", "kdbx", "jks", "ovpn", "admin", "wp-config", "@.", "=.", "/tmp/",  # noqa: S108 - a word to look for
)  # fmt: skip
"""Every secret file has one of these in its path; a path without them needs no closer look."""
_PUBLISHING_HINTS = (
    "publish", "push", "upload", "deploy", "release", "deprecate", "yank", "sign", "copy", "sync", "delete", "deliver", "submit", "pilot",
    "supply", "import", "retire", "lish", "dist-tag", "perform", "archives",
)  # fmt: skip
_SENDERS = frozenset([
    "curl", "wget", "http", "https", "xh", "curlie", "nc", "ncat", "netcat", "socat", "telnet", "scp", "sftp", "rsync", "ftp", "lftp", "tftp",
    "mail", "mailx", "mutt", "sendmail", "msmtp", "swaks", "ssh", "rclone", "croc", "wormhole", "magic-wormhole", "transfer", "s3cmd", "s5cmd", "mc",
    "pastebinit", "termbin", "dig", "nslookup", "host", "ping", "drill", "aws", "gsutil", "gcloud", "az", "gh", "glab", "b2", "websocat", "grpcurl",
    "mosquitto_pub", "kcat", "ntfy", "firebase", "ipfs", "bashupload", "sprunge", "w3m", "lynx", "openssl", "azcopy", "oci", "doctl", "huggingface-cli",
])  # fmt: skip
"""Programs that give what they get to another machine."""
_UNINTERESTED_IN_FILES = frozenset([
    "echo", "printf", "ls", "cd", "pwd", "test", "[", "true", "false", "mkdir", "touch", "chmod", "chown", "stat", "file", "du", "which", "ssh-add",
    "ssh-keygen", "rm", "find", "npm", "pnpm", "yarn", "pytest", "make", "cargo", "go", "date", "sleep", "export", "wc", "ps", "kill",
])  # fmt: skip
_WRITERS = frozenset([
    "rm", "mv", "unlink", "rmdir", "truncate", "tee", "chmod", "chown", "shred", "chattr", "chflags", "cp", "ln",
    "install", "rsync", "ditto", "sed", "gsed", "perl", "dd",
])  # fmt: skip
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
        self._policy: "Policy | None" = None

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
        elif tool.startswith("mcp__"):
            self._mcp(tool, tool_input)
        elif tool in ("Write", "Edit", "MultiEdit", "NotebookEdit"):
            self._written(string(tool_input, "file_path") or string(tool_input, "notebook_path"), _added(tool_input))
        elif tool == "Read":
            path = string(tool_input, "file_path")
            self._note(_secrets().judge_read(path, self._cwd, self._home), path)
        elif tool == "Grep":
            path = string(tool_input, "path")
            self._note(_secrets().judge_searched(path, self._cwd, self._home), path)

    def _written(self, path: str, added: "list[str]") -> None:
        if path:
            self._note(_self().judge_written_file(path, added, self._cwd, self._own_folders()), path)
            self._note(_writes().judge_file(path, self._places, self._cwd), path)

    def _mcp(self, tool: str, tool_input: "dict[str, object]") -> None:
        import guard_tools

        self._note(_forge().judge_mcp(tool) or _data().judge_tool(tool, tool_input), tool)
        self._note(guard_tools.judge_name(tool, tool_input), tool)
        for text in guard_tools.shell_texts(tool, tool_input):
            self._shell(text)
        is_writing = guard_tools.is_writing(tool)
        for path in guard_tools.paths(tool_input):
            if is_writing:
                self._written(path, _added(tool_input))
            else:
                self._note(_secrets().judge_read(path, self._cwd, self._home), path)

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
        if rule is None and name.startswith(("mkfs", "newfs_")):
            rule = (_files, "judge_disk")
        redirects: "list[str]" = [target for _, target in command.redirects if target not in _QUIET_TARGETS]
        writes = (bool(redirects) or name in _WRITERS) and not self._stays_inside(command, redirects)
        if writes:
            self._note(_self().judge_command(command, self._own_folders(), self._home), command.source)
        if rule and (rule[0] is not _publish or _may_publish(command)):
            self._note(getattr(rule[0](), rule[1])(command, self._places), command.source)
        if name in _ALSO_PUBLISHES and _may_publish(command):
            self._note(_publish().judge_publication(command, self._places), command.source)
        if command.code or command.reads_code:
            import guard_network

            self._note(guard_network.judge_code_source(command), command.source)
        if command.function and command.feed:
            self._note(_processes().judge_fork_bomb(command), command.source)
        if name == "kill" and "-l" not in command.arguments:
            self._note(_machine().judge_kill_list(command), command.source)
        if writes and redirects:
            self._note(_writes().judge_redirects(command, self._places), command.source)
        if writes and name in _OUTSIDE_WRITERS:
            self._note(_writes().judge_writer(command, self._places), command.source)
        if self._downloads or name in _FETCHERS:
            self._note(self._downloaded(command), command.source)
        self._secrets_of(command)

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

    def _downloaded(self, command: "Command") -> "Stop | None":
        """Note what is downloaded, and judge what runs it."""
        import guard_network

        stop = guard_network.judge_downloaded(command, self._downloads)
        self._downloads.update(guard_network.downloads(command))
        return stop

    def _secrets_of(self, command: "Command") -> None:
        name = command.name
        if name in _MAY_PRINT_SECRETS and (name != "git" or "credential" in " ".join(command.arguments[:1])):
            is_taken = command.is_captured or any(target not in _QUIET_TARGETS for _, target in command.redirects)
            self._note(_secrets().judge_printer(command, is_captured=is_taken), command.source)
        secrets = self._secrets
        if secrets is None and not _may_touch_secrets(command):
            return
        if secrets is None:
            secrets = self._secrets = _secrets().Secrets(self._places)
        self._note(secrets.judge(command), command.source)

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


def _may_touch_secrets(command: "Command") -> bool:
    """Tell, without the rule's own tables, whether it is worth asking it; most commands end here."""
    if command.name in _SENDERS or any(target.startswith("/dev/") for _, target in command.redirects):
        return True
    if any(_may_be_secret(path) for path in command.files_in()):
        return True
    if command.name in _UNINTERESTED_IN_FILES:
        return False
    if command.cwd is not None and ("/." in command.cwd or command.cwd.startswith("/etc")):
        return True
    return any(_may_be_secret(argument) for argument in command.arguments)


def _may_be_secret(path: str) -> bool:
    return path[:1] == "." or any(hint in path for hint in _SECRET_HINTS)


def _may_publish(command: "Command") -> bool:
    """Tell, without the rule's own table, whether it is worth asking it."""
    if not command.arguments or command.name in ("np", "release-it", "semantic-release"):
        return True
    return any(hint in argument.lower() for argument in command.arguments for hint in _PUBLISHING_HINTS)
