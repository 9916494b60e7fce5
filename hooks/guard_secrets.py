"""Does a tool call show a secret, or send one away?

Two kinds of secret files: those of the person (keys, tokens, sessions), which nobody needs to read; and those of a
project (`.env`, certificates' keys), which may be read here and may not leave. What a command sends is followed through
pipes, substitutions, variables and copies made in the same line.
"""

from guard_decision import DENY, Stop
from guard_expansion import UNKNOWN_TEXT
from guard_options import read_options
from guard_paths import absolute

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from guard_paths import Places
    from guard_walk import Command

PERSONAL, PROJECT = 2, 1
"""How secret: not to be read at all; not to be sent."""

_PERSONAL_FILES = frozenset([
    ".aws/credentials", ".netrc", "_netrc", ".git-credentials", ".pypirc", ".npmrc", ".yarnrc.yml", ".pgpass", ".my.cnf", ".mylogin.cnf",
    ".vault-token", ".docker/config.json", ".kube/config", ".config/gh/hosts.yml", ".config/glab-cli/config.yml",
    ".config/hub", ".config/rclone/rclone.conf", ".config/doctl/config.yaml", ".claude/.credentials.json",
    ".cargo/credentials", ".cargo/credentials.toml", ".gem/credentials", ".terraform.d/credentials.tfrc.json",
    ".terraformrc", ".config/op/config", ".m2/settings.xml", ".gradle/gradle.properties", ".boto", ".s3cfg", ".config/netlify/config.json",
    ".fly/config.yml", ".config/configstore/firebase-tools.json", ".msmtprc", ".config/hcloud/cli.toml", ".dbt/profiles.yml",
    ".pulumi/credentials.json", ".config/containers/auth.json", ".codex/auth.json", ".gemini/oauth_creds.json", ".config/github-copilot/hosts.json",
    ".config/github-copilot/apps.json", ".wgetrc", ".composer/auth.json", ".config/composer/auth.json", ".snowsql/config", ".databrickscfg",
])  # fmt: skip
_PERSONAL_FOLDERS = (
    ".aws/sso/cache", ".aws/cli/cache", ".gnupg/private-keys-v1.d", ".password-store", ".azure", ".config/gcloud",
    "Library/Keychains", ".local/share/keyrings", ".config/op", ".config/sops", ".mozilla/firefox", ".config/google-chrome",
    "Library/Application Support/Google/Chrome", "Library/Application Support/Firefox", ".config/Bitwarden CLI", ".electrum", ".bitcoin",
    "Library/Cookies", ".config/chromium", ".1password", ".gcp",
)  # fmt: skip
_HOLDERS = (".ssh", ".aws", ".gnupg", ".azure", ".config/gcloud", ".kube", ".password-store", ".docker")
"""Folders that hold secrets beside other things; reading one as a whole reads them."""
_SSH_OPEN = frozenset(
    ["config", "known_hosts", "known_hosts.old", "authorized_keys", "environment", "allowed_signers", "rc"]
)
_GCLOUD_OPEN = ("configurations", "active_config", "config_default", "logs")
_AZURE_SECRETS = ("accesstokens", "msal_token_cache", "service_principal", "azureprofile", "", "*")
_SYSTEM = frozenset(
    [
        "/etc/shadow",
        "/etc/gshadow",
        "/etc/master.passwd",
        "/etc/sudoers",
        "/etc/krb5.keytab",
        "/private/etc/master.passwd",
    ]
)
_SYSTEM_FOLDERS = (
    "/etc/ssl/private",
    "/etc/ssh/ssh_host_",
    "/run/secrets/",
    "/var/run/secrets/",
    "/etc/letsencrypt/live",
    "/etc/letsencrypt/archive",
    "/root/.ssh/id_",
    "/root/.aws",
)
_KEY_NAMES = ("id_rsa", "id_ed25519", "id_ecdsa", "id_dsa")
_SHARED = (
    ".example",
    ".sample",
    ".template",
    ".dist",
    ".defaults",
    ".schema",
    ".tpl",
    ".md",
    ".ts",
    ".js",
    ".py",
    ".go",
    ".d",
    ".pub",
    ".vault",
)
_KEY_ENDINGS = (".pem", ".key", ".p12", ".pfx", ".jks", ".keystore", ".kdbx", ".ppk", ".ovpn", ".asc.key", ".tfstate")
_PROJECT_NAMES = frozenset([
    ".npmrc", ".pypirc", ".netrc", ".git-credentials", "credentials.json", "service-account.json", "serviceaccount.json",
    "secrets.yml", "secrets.yaml", "secrets.json", "secrets.toml", "master.key", ".htpasswd", "kubeconfig", "credentials",
    "service_account.json", "google-credentials.json", "terraform.tfvars", "token.json", "client_secret.json", "auth.json",
    "secrets.env", "credentials.yml.enc", "wp-config.php", ".pgpass", ".dockercfg", "firebase-adminsdk.json", "application_default_credentials.json",
])  # fmt: skip

_READERS = frozenset([
    "cat", "tac", "less", "more", "most", "head", "tail", "bat", "batcat", "nl", "grep", "egrep", "fgrep", "rg", "ag", "ack", "awk", "gawk",
    "mawk", "sed", "gsed", "cut", "sort", "uniq", "tr", "rev", "fold", "fmt", "paste", "join", "column", "pr", "expand", "base64",
    "base32", "basenc", "xxd", "od", "hexdump", "hd", "strings", "openssl", "gpg", "cp", "mv", "scp", "rsync", "sftp", "install", "ditto", "dd",
    "ln", "tar", "bsdtar", "gtar", "zip", "7z", "7za", "gzip", "gunzip", "zcat", "bzip2", "xz", "zstd", "cpio", "pax", "ar", "tee", "diff", "cmp",
    "comm", "sdiff", "vimdiff", "vim", "vi", "nvim", "nano", "emacs", "code", "open", "xdg-open", "pbcopy", "xclip", "xsel", "wl-copy", "jq", "yq", "xq", "gron",
    "split", "csplit", "uuencode", "qrencode", "curl", "wget", "http", "https", "xh", "nc", "ncat", "netcat", "socat", "telnet", "source", ".",
    "mapfile", "readarray", "read", "look", "iconv", "dos2unix", "view", "pg", "ed", "ex", "mail", "mailx", "mutt", "sendmail", "gh", "aws", "gsutil", "rclone",
    "python", "python3", "perl", "ruby", "node", "php", "croc", "wormhole", "magic-wormhole", "ftp", "lftp", "tftp", "s3cmd", "mc", "az", "gcloud", "ssh-to-age", "age", "busybox", "print",
    "envsubst", "dasel", "miller", "mlr", "csvcut", "hexyl", "glow", "pygmentize", "highlight", "shasum", "foreach", "docker", "kubectl", "msgfmt", "git",
])  # fmt: skip
_FOLDER_READERS = frozenset(
    [
        "tar",
        "bsdtar",
        "gtar",
        "zip",
        "7z",
        "7za",
        "cp",
        "mv",
        "scp",
        "rsync",
        "ditto",
        "cpio",
        "pax",
        "rclone",
        "aws",
        "gsutil",
        "croc",
        "wormhole",
        "rg",
        "ag",
        "ack",
    ]
)
_SEARCHERS = frozenset(["grep", "egrep", "fgrep"])
_NOT_CONTENT = frozenset(
    [
        "-i",
        "-F",
        "-o",
        "--key",
        "--cert",
        "--cacert",
        "-E",
        "--identity",
        "--env-file",
        "--config",
        "--kubeconfig",
        "-K",
        "--netrc-file",
        "-n",
        "-b",
        "-c",
        "-S",
    ]
)
_WITH_IDENTITY = frozenset(
    ["scp", "sftp", "rsync", "curl", "wget", "docker", "kubectl", "git", "age", "gh", "http", "https", "xh"]
)
_ENVIRONMENT = frozenset(["env", "printenv", "export", "set", "declare", "typeset", "compgen"])
_SENDERS = frozenset([
    "curl", "wget", "http", "https", "xh", "curlie", "nc", "ncat", "netcat", "socat", "telnet", "scp", "sftp", "rsync", "ftp", "lftp", "tftp",
    "mail", "mailx", "mutt", "sendmail", "msmtp", "swaks", "ssh", "rclone", "croc", "wormhole", "magic-wormhole", "transfer", "s3cmd", "s5cmd", "mc", "pastebinit", "termbin",
    "dig", "nslookup", "host", "ping", "drill", "aws", "gsutil", "gcloud", "az", "gh", "glab", "b2", "websocat", "grpcurl", "mosquitto_pub", "kcat", "wl-paste", "ntfy", "firebase", "ipfs", "bashupload", "sprunge", "w3m", "lynx", "openssl", "azcopy", "oci", "doctl", "huggingface-cli",
])  # fmt: skip


def secrecy(path: str, home: str) -> int:
    """Say how secret a file is, by its absolute path: PERSONAL, PROJECT or 0."""
    if path.startswith("/proc/") and path.endswith("/environ"):
        return PROJECT
    if path in _SYSTEM or path.startswith(_SYSTEM_FOLDERS):
        return PERSONAL
    last = path.rpartition("/")[2].lower()
    if path.startswith(home + "/"):
        inner = path[len(home) + 1 :]
        if _is_personal(inner):
            return PERSONAL
    if last.startswith(_KEY_NAMES) and not last.endswith(".pub") and "/.ssh/" in path:
        return PERSONAL
    return PROJECT if _is_of_project(last) else 0


def _is_personal(inner: str) -> bool:
    if inner in _PERSONAL_FILES:
        return True
    folder, _, last = inner.rpartition("/")
    if inner.startswith(".ssh/"):
        return not (
            last in _SSH_OPEN
            or last.endswith(".pub")
            or last == ""
            or inner.startswith((".ssh/config.d", ".ssh/known"))
        )
    if inner.startswith(".azure/"):
        return last.lower().startswith(_AZURE_SECRETS[:4])
    if inner.startswith(".config/gcloud/"):
        return not inner[len(".config/gcloud/") :].startswith(_GCLOUD_OPEN)
    if inner.startswith((".mozilla", ".config/google-chrome", ".config/chromium", "Library/Application Support")):
        return last.lower() in ("login data", "cookies", "logins.json", "key4.db", "cookies.sqlite", "web data")
    return any(inner.startswith(place + "/") for place in _PERSONAL_FOLDERS) or (
        folder in (".aws", ".kube") and "*" in last
    )


def _is_of_project(last: str) -> bool:
    if last.endswith(_SHARED):
        return False
    if last == ".env" or last.startswith(".env.") or last == ".envrc" or last.endswith(".env"):
        return True
    if last in _PROJECT_NAMES or last.endswith(_KEY_ENDINGS):
        return "public" not in last and not last.startswith(("ca.", "ca-", "cert"))
    return last.startswith(_KEY_NAMES) or last.startswith(".env*")


def holds_secrets(path: str, home: str) -> bool:
    """Tell whether a folder as a whole holds secrets of the person."""
    return any(path == home + "/" + folder for folder in _HOLDERS) or path.startswith(
        tuple(home + "/" + f for f in _PERSONAL_FOLDERS)
    )


def judge_read(path: str, cwd: str, home: str) -> "Stop | None":
    """Judge a file or folder that a tool reads."""
    full = absolute(path.replace("~", home, 1) if path.startswith("~/") else path, cwd)
    if full is None:
        return None
    return _read_stop() if secrecy(full, home) == PERSONAL else None


def judge_searched(path: str, cwd: str, home: str) -> "Stop | None":
    """Judge a folder or file that a tool searches for text."""
    full = absolute(path.replace("~", home, 1) if path.startswith("~/") else path, cwd)
    if full is not None and (holds_secrets(full, home) or secrecy(full, home) == PERSONAL):
        return _read_stop()
    return None


class Secrets:
    """Follows secrets through the commands of one tool call.

    Args:
        places: The folders that paths are measured from.
    """

    def __init__(self, places: "Places") -> None:
        self._home = places.home
        self._copies: "set[str]" = set()

    def judge(self, command: "Command") -> "Stop | None":
        """Judge one command: does it read the person's secrets, or send any?"""
        read = self._level(command)
        if read and not command.is_remote:
            self._remember(command)
        sent = self._sends(command)
        if sent:
            return sent
        return _read_stop() if read == PERSONAL and not command.is_remote else None

    def _sends(self, command: "Command") -> "Stop | None":
        to_socket = any(target.startswith(("/dev/tcp/", "/dev/udp/")) for _, target in command.redirects)
        if not to_socket and not is_sender(command):
            return None
        if to_socket and (self._level(command) or _dumps_environment(command)):
            return _send_stop()
        # A name that is all of ssh's own may be a file of keys; it is used, not sent.
        if command.name != "ssh" and self._level(command):
            return _send_stop()
        sources = list(command.upstream())
        if command.walk is not None:
            for argument in command.arguments:
                if not _is_header(argument):
                    for first, last in (*argument.outputs, *argument.files):
                        sources.extend(command.walk.plain(first, last, command.cwd, -1))
        return (
            _send_stop()
            if any(self._level(source) or _dumps_environment(source) or prints_secret(source) for source in sources)
            else None
        )

    def _level(self, command: "Command") -> int:
        """Say how secret what a command reads is."""
        level = 0
        for path in self._paths(command):
            full = absolute(path, command.cwd)
            if full is None:
                continue
            if full in self._copies:
                level = max(level, PROJECT)
            level = max(level, secrecy(full, self._home))
            is_folder_read = command.name in _FOLDER_READERS or (command.name in _SEARCHERS and _is_recursive(command))
            if (is_folder_read and holds_secrets(full, self._home)) or self._is_anything_in_holder(full, command):
                level = PERSONAL
        return level

    def _is_anything_in_holder(self, full: str, command: "Command") -> bool:
        folder, _, last = full.rpartition("/")
        is_anything = not last.strip("*" + UNKNOWN_TEXT) and ("*" in last or command.is_bulk)
        return is_anything and command.name in _READERS and holds_secrets(folder, self._home)

    def _paths(self, command: "Command") -> "Iterable[str]":
        """Give the paths whose content a command reads."""
        found = list(command.files_in())
        names = {command.name, command.name.rstrip("0123456789.")}
        if not found and names.isdisjoint(_READERS) and command.name not in _SENDERS:
            return found
        if command.name in ("ssh", "git", "dig", "ping", "host", "openssl") and command.name != "openssl":
            return found
        skips = command.name in _WITH_IDENTITY
        previous = ""
        last_is_target = command.name in ("cp", "mv", "ln", "install", "ditto", "tee")
        arguments = command.arguments[:-1] if last_is_target and len(command.arguments) > 1 else command.arguments
        if command.name == "tee":
            return found
        for argument in arguments:
            if not (skips and previous in _NOT_CONTENT and not (previous == "-F" and command.name in ("curl", "gh"))):
                found.extend(_inside(argument))
            previous = argument
        return found

    def _remember(self, command: "Command") -> None:
        """Note where a command leaves what it read."""
        targets = [target for operator, target in command.redirects if operator != "<>"]
        if command.name in ("cp", "mv", "ln", "install", "ditto", "dd"):
            targets.extend(command.arguments[-1:])
        elif command.name in ("tar", "bsdtar", "gtar", "zip", "7z", "7za", "gpg", "openssl", "base64", "age"):
            targets.extend([argument for argument in command.arguments if not argument.startswith("-")])
        for target in targets:
            full = absolute(target.rpartition("=")[2], command.cwd)
            if full is not None and full != "/":
                self._copies.add(full)


def _is_header(argument: str) -> bool:
    """Tell whether a word is a header, where a token belongs."""
    head, colon, _ = argument.partition(":")
    return bool(colon) and head.lower() in (
        "authorization",
        "private-token",
        "x-api-key",
        "cookie",
        "api-key",
        "x-auth-token",
        "proxy-authorization",
    )


def _inside(argument: str) -> "list[str]":
    """Give the paths that a word may hold: itself, after `=`, after `@`, a `file://`."""
    found = []
    text = argument
    for mark in ("=", "@", "<"):
        _, sign, rest = text.rpartition(mark)
        if sign and rest:
            text = rest
    text = text.partition(";")[0]
    for word in (argument, text):
        path = word.removeprefix("file://").removeprefix("fileb://")
        if path and not path.startswith("-"):
            found.append(path)
    if argument.startswith("-T") and len(argument) > 2:  # noqa: PLR2004 - curl's -Tfile
        found.append(argument[2:])
    return found


def _is_recursive(command: "Command") -> bool:
    return any(
        (argument.startswith("-") and not argument.startswith("--") and ("r" in argument or "R" in argument))
        or argument in ("--recursive", "--dereference-recursive")
        for argument in command.arguments
    )


def _dumps_environment(command: "Command") -> bool:
    """Tell whether a command prints the whole environment, or a variable that is named like a secret."""
    name, arguments = command.name, command.arguments
    if name in ("set", "export", "declare", "typeset"):
        return not arguments or arguments[0] in ("-p", "-x", "-px")
    if name == "env":
        return all(argument.startswith("-") for argument in arguments)
    return name == "printenv"


def is_sender(command: "Command") -> bool:
    """Tell whether a command gives what it gets to another machine."""
    name, arguments = command.name, command.arguments
    if name not in _SENDERS:
        return False
    if name in ("scp", "rsync", "sftp"):
        return any(":" in argument and not argument.startswith(("-", "/", "./")) for argument in arguments)
    if name in ("aws", "gsutil", "gcloud", "az", "rclone", "s3cmd", "mc", "s5cmd", "azcopy", "oci"):
        return any(
            word in arguments
            for word in (
                "cp",
                "mv",
                "sync",
                "put",
                "upload",
                "copy",
                "copyto",
                "rsync",
                "move",
                "upload-batch",
                "put-object",
                "publish",
                "send-message",
            )
        )
    if name in ("gh", "glab"):
        return arguments[:1] in (["gist"], ["api"], ["issue"], ["pr"], ["snippet"], ["release"])
    if name == "openssl":
        return arguments[:1] == ["s_client"]
    if name == "curl":
        return not any(argument in ("-K", "--config") for argument in arguments) or len(arguments) > 2  # noqa: PLR2004
    return True


def prints_secret(command: "Command") -> bool:
    """Tell whether a command prints a secret that some program keeps."""
    name = command.name
    _, words = read_options(command.arguments, "", frozenset())
    if name == "security":
        return (
            words[:1] in (["find-generic-password"], ["find-internet-password"])
            and any(a.startswith("-") and ("w" in a or "g" in a) for a in command.arguments)
        ) or words[:1] in (["dump-keychain"], ["export"])
    if name in ("gpg", "gpg2"):
        return any(argument.startswith(("--export-secret", "--export-secret-keys")) for argument in command.arguments)
    if name == "secret-tool":
        return words[:1] in (["lookup"], ["search"])
    heads = _PRINTERS.get(name, ())
    if not any(words[: len(head)] == list(head) or _has_run(words, head) for head in heads):
        return False
    if name in ("kubectl", "oc"):
        return any(
            argument in ("-o", "--output", "-oyaml", "-ojson") or argument.startswith(("-o", "--output=", "--template"))
            for argument in command.arguments
        ) and not {"name", "wide"} & set(words)
    if name == "aws" and "get-parameter" in words:
        return "--with-decryption" in command.arguments
    if name == "aws" and "configure" in words:
        return any("secret" in word or "token" in word for word in words)
    return not (name == "npm" and not any("auth" in word.lower() or "token" in word.lower() for word in words))


def _has_run(words: "list[str]", head: "tuple[str, ...]") -> bool:
    """Tell whether words stand together somewhere in the first few: global options' values may stand before them."""
    return any(tuple(words[place : place + len(head)]) == head for place in range(1, 4))


_PRINTERS: "dict[str, tuple[tuple[str, ...], ...]]" = {
    "gh": (("auth", "token"),),
    "glab": (("auth", "token"),),
    "aws": (
        ("secretsmanager", "get-secret-value"),
        ("ssm", "get-parameter"),
        ("configure", "get"),
        ("ssm", "get-parameters"),
        ("configure", "export-credentials"),
        ("sts", "get-session-token"),
        ("ecr", "get-login-password"),
    ),
    "gcloud": (
        ("secrets", "versions", "access"),
        ("auth", "print-access-token"),
        ("auth", "print-identity-token"),
        ("auth", "application-default", "print-access-token"),
    ),
    "az": (("keyvault", "secret", "show"), ("account", "get-access-token"), ("storage", "account", "keys", "list")),
    "vault": (("kv", "get"), ("read",), ("token", "lookup"), ("print", "token")),
    "op": (("read",), ("item", "get"), ("document", "get")),
    "pass": (("show",),),
    "gopass": (("show",),),
    "bw": (("get", "password"), ("get", "item"), ("export",), ("list", "items")),
    "lpass": (("show",), ("export",)),
    "doppler": (("secrets", "download"), ("secrets", "get")),
    "heroku": (("config",), ("config:get",), ("auth:token",)),
    "kubectl": (("get", "secret"), ("get", "secrets")),
    "oc": (("get", "secret"), ("get", "secrets"), ("whoami", "-t")),
    "npm": (("config", "get"), ("config", "list"), ("token", "list")),
    "git": (("credential", "fill"), ("credential-osxkeychain", "get")),
    "keyring": (("get",),),
    "security": (),
    "infisical": (("secrets",), ("export",)),
    "chamber": (("read",), ("export",)),
    "sops": (("-d",), ("decrypt",)),
    "ansible-vault": (("view",), ("decrypt",)),
}
_UNUSED_INSIDE = frozenset(["sops", "ansible-vault", "npm", "heroku"])


def judge_printer(command: "Command", *, is_captured: bool) -> "Stop | None":
    """Judge a program that prints a secret; one whose output another command takes is that one's business.

    Args:
        command: The command.
        is_captured: It stands in a substitution or pipe, or its output goes to a file.
    """
    if {"--help", "-h"} & set(command.arguments) or not prints_secret(command):
        return None
    if command.name in _UNUSED_INSIDE or (is_captured and command.name not in ("security", "gpg", "gpg2")):
        return None
    return _read_stop()


def _read_stop() -> Stop:
    return Stop(
        DENY,
        "secret-read",
        "it brings a key, a password or a token of the person into this conversation, or makes a copy of it.",
        "use the program that needs the secret, which reads it itself; see only that the file is there",
        "ls -l ~/.ssh",
    )


def _send_stop() -> Stop:
    return Stop(
        DENY,
        "secret-send",
        "it sends secrets of this machine or project to another one.",
        "send a file without secrets, such as the example file, or let the person hand the secret over",
        "cp .env.example settings-to-share.txt",
    )
