"""Which commands need no closer look?

Most commands concern no rule that has to look at every program: they end here, before those rules' modules are imported.
What is let past here is judged by nobody, so each test lets too much through rather than too little.
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from guard_walk import Command

READERS = frozenset([
    "cat", "tac", "less", "more", "most", "head", "tail", "bat", "batcat", "nl", "grep", "egrep", "fgrep", "rg", "ag", "ack", "awk", "gawk",
    "mawk", "sed", "gsed", "cut", "sort", "uniq", "tr", "rev", "fold", "fmt", "paste", "join", "column", "pr", "expand", "base64",
    "base32", "basenc", "xxd", "od", "hexdump", "hd", "strings", "openssl", "gpg", "cp", "mv", "scp", "rsync", "sftp", "install", "ditto", "dd",
    "ln", "tar", "bsdtar", "gtar", "zip", "7z", "7za", "gzip", "gunzip", "zcat", "bzip2", "xz", "zstd", "cpio", "pax", "ar", "diff", "cmp",
    "comm", "sdiff", "vimdiff", "vim", "vi", "nvim", "nano", "emacs", "code", "open", "xdg-open", "pbcopy", "xclip", "xsel", "wl-copy", "jq", "yq", "xq", "gron",
    "split", "csplit", "uuencode", "qrencode", "curl", "wget", "http", "https", "xh", "nc", "ncat", "netcat", "socat", "telnet", "source", ".",
    "mapfile", "readarray", "read", "look", "iconv", "dos2unix", "view", "pg", "ed", "ex", "mail", "mailx", "mutt", "sendmail", "gh", "aws", "gsutil", "rclone",
    "python", "python3", "perl", "ruby", "node", "php", "croc", "wormhole", "magic-wormhole", "ftp", "lftp", "tftp", "s3cmd", "mc", "az", "gcloud", "ssh-to-age", "age", "busybox", "print",
    "envsubst", "sqlite3", "xargs", "dasel", "miller", "mlr", "csvcut", "hexyl", "glow", "pygmentize", "highlight", "shasum", "foreach", "docker", "kubectl", "msgfmt",
])  # fmt: skip
"""Programs that show, copy or send what is in the files that they are named."""
SENDERS = frozenset([
    "curl", "wget", "http", "https", "xh", "curlie", "nc", "ncat", "netcat", "socat", "telnet", "scp", "sftp", "rsync", "ftp", "lftp", "tftp",
    "mail", "mailx", "mutt", "sendmail", "msmtp", "swaks", "ssh", "rclone", "croc", "wormhole", "magic-wormhole", "transfer", "s3cmd", "s5cmd", "mc",
    "pastebinit", "termbin", "dig", "nslookup", "host", "ping", "drill", "aws", "gsutil", "gcloud", "az", "gh", "glab", "b2", "websocat", "grpcurl",
    "mosquitto_pub", "kcat", "ntfy", "firebase", "ipfs", "bashupload", "sprunge", "w3m", "lynx", "openssl", "azcopy", "oci", "doctl", "huggingface-cli",
])  # fmt: skip
"""Programs that give what they get to another machine."""
MAY_PRINT_SECRETS = frozenset([
    "security", "gpg", "gpg2", "secret-tool", "gh", "glab", "aws", "gcloud", "az", "vault", "op", "pass", "gopass", "bw", "lpass", "doppler",
    "kubectl", "oc", "git", "keyring", "infisical", "chamber", "getent", "rbw", "keepassxc-cli", "kpcli", "dcli", "kwallet-query", "conjur", "akeyless", "berglas", "argocd", "npm", "fly", "flyctl",
    "heroku", "ps", "railway", "netlify", "dokku", "scalingo", "clever", "convox", "cf", "eb", "supabase", "stripe", "rails", "wg", "nmcli", "teller", "kubeadm",
    "doctl", "bao", "aws-vault", "docker-credential-osxkeychain", "docker-credential-desktop", "docker-credential-pass", "docker-credential-secretservice",
])  # fmt: skip
_PRINTING_HINTS = {
    "git": ("credential",), "npm": ("config", "token"), "gh": ("auth",), "glab": ("auth", "config"), "kubectl": ("secret", "token", "raw"), "oc": ("secret", "token", "whoami", "extract", "raw"),
    "ps": ("e", "E"), "rails": ("credentials", "secrets"), "stripe": ("config",), "heroku": ("config", "token", "credentials", "auth"), "netlify": ("env",),
    "aws": ("get-", "configure", "decrypt", "assume", "generate-", "secretsmanager", "download-"), "gcloud": ("secrets", "print-", "decrypt", "config-helper"),
    "az": ("secret", "token", "key", "credential", "connection"), "fly": ("token",), "flyctl": ("token",), "doctl": ("auth", "kubeconfig"), "argocd": ("password", "token"), "getent": ("shadow",),
}  # fmt: skip
SECRET_HINTS = (
    "\n.", "/.", "/etc/", "/proc/", "/run/", "/root", "Library/", ".env", "cred", "secret", "key", "id_", ".pem", ".p12", ".pfx", ".ppk", "token", "tfvars", "tfstate", "auth", "account", "netrc",
    "hosts", "config/gh", "password", "wallet", "shadow", "ogin", "ookies", "htpasswd", "kubeconfig", "kdbx", "jks", "ovpn", "admin", "wp-config", "@.", "=.", "/tmp/",  # noqa: S108 - a word to look for
)  # fmt: skip
"""Every secret file has one of these in its path, which begins after a line feed; others need no closer look."""
CONNECTIONS = frozenset(["nc", "ncat", "netcat", "telnet", "socat", "openssl", "websocat", "gsocket", "gs-netcat"])
"""Programs that join what they are given to another machine."""
PACKAGE_RUNNERS = frozenset(
    ["npx", "bunx", "uvx", "pipx", "pnpm", "yarn", "bun", "deno", "nix", "go", "npm", "pip", "pip3", "uv"]
)
SQL_CARRIERS = frozenset(
    [
        "heroku",
        "wrangler",
        "turso",
        "pscale",
        "fly",
        "flyctl",
        "aws",
        "spark-sql",
        "hive",
        "beeline",
        "impala-shell",
        "trino",
        "presto",
        "neonctl",
        "railway",
        "vercel",
        "prisma",
        "snow",
        "databricks",
        "athenacli",
        "edgedb",
        "gel",
        "supabase",
        "manage.py",
    ]
)
"""Programs that hand SQL on to a database of theirs."""
_SECRET_PLACES = ("/etc", "/root", "/run", "/var/run", "/proc")
_PUBLISHING_HINTS = (
    "publish", "push", "upload", "deploy", "release", "deprecate", "yank", "sign", "copy", "sync", "delete", "deliver", "submit", "pilot",
    "pub", "tag", "access", "owner", "build", "apply", "resolve", "cp", "append", "mutate", "jib", "shipit", "create", "attach", "supply", "import", "retire", "lish", "dist-tag", "perform", "archives",
)  # fmt: skip


def may_touch_secrets(command: "Command") -> bool:
    """Tell whether a command may read a secret file, or send anything."""
    name = command.name
    if name in SENDERS or any(target.startswith("/dev/") for _, target in command.redirects):
        return True
    files = command.files_in() if command.feed is not None else ()
    if files and may_be_secret(files):
        return True
    if not files and name not in READERS and name.rstrip("0123456789.") not in READERS:
        return False
    cwd = command.cwd
    if cwd is not None and ("/." in cwd or "/Library/" in cwd or cwd.startswith(_SECRET_PLACES)):
        return True
    return may_be_secret(command.arguments)


def may_be_secret(paths: "Sequence[str]") -> bool:
    """Tell whether one of some paths may be a secret file's."""
    # All as one text: this is asked about every command of a long one.
    text = "\n" + "\n".join(paths)
    for hint in SECRET_HINTS:  # noqa: SIM110 - a generator costs as much again
        if hint in text:
            return True
    return False


def may_touch_own(command: "Command") -> bool:
    """Tell whether a command may name the guard's files or its settings."""
    for argument in command.arguments:
        if ".claude" in argument or "laude" in argument or "skillway" in argument:
            return True
    return any(".claude" in target or "skillway" in target for _, target in command.redirects) or (
        command.cwd is not None and "/.claude/" in command.cwd
    )


def may_print(command: "Command") -> bool:
    """Tell whether a program that keeps secrets may print one; most of its subcommands do not."""
    name = command.name
    if name not in _PRINTING_HINTS:
        return True
    text = " ".join(command.arguments)
    for hint in _PRINTING_HINTS[name]:  # noqa: SIM110 - as below
        if hint in text:
            return True
    return False


def may_fetch_code(command: "Command") -> bool:
    """Tell whether a package runner may be given something that is in no registry."""
    return any(":" in argument or "git" in argument or "@" in argument for argument in command.arguments)


def may_publish(command: "Command") -> bool:
    """Tell whether a program that can publish may be doing it."""
    if not command.arguments or command.name in ("np", "release-it", "semantic-release"):
        return True
    text = "\n".join(command.arguments).lower()
    for hint in _PUBLISHING_HINTS:  # noqa: SIM110 - as above
        if hint in text:
            return True
    return False
