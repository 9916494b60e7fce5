"""How secret is a file?

Two kinds: those of the person (keys, tokens, sessions), which nobody needs to read; and those of a project (`.env`,
certificates' keys), which may be read here and may not leave. Leaves what a command does with a file to
`guard_secrets.py`. A new secret needs a hint in `guard_prefilter.py`.
"""

from guard_paths import is_inside

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
    "Library/Keychains", ".local/share/keyrings", ".config/op", ".config/sops", ".config/Bitwarden CLI", ".electrum", ".bitcoin",
    "Library/Cookies", ".1password", ".gcp",
)  # fmt: skip
_BROWSERS = (
    ".mozilla/firefox", ".config/google-chrome", ".config/chromium", ".config/microsoft-edge", ".config/BraveSoftware", ".config/vivaldi",
    "Library/Application Support/Google/Chrome", "Library/Application Support/Firefox", "Library/Application Support/Microsoft Edge",
    "Library/Application Support/BraveSoftware",
)  # fmt: skip
_BROWSER_SECRETS = frozenset(
    ["login data", "cookies", "logins.json", "key4.db", "cookies.sqlite", "web data", "local state", "signons.sqlite"]
)
_BROWSER_OPEN = frozenset([
    "NativeMessagingHosts", "External Extensions", "Extensions", "Crash Reports", "Crashpad", "Bookmarks", "Bookmarks.bak", "Preferences",
    "profiles.ini", "installs.ini", "user.js", "prefs.js", "chrome", "extensions", "Cache", "cache2", "Dictionaries", "policies",
])  # fmt: skip
"""What a browser keeps beside passwords and sessions: files and folders anywhere below its own."""
_FOUND_NAMES = frozenset([
    ".netrc", "_netrc", ".npmrc", ".pypirc", ".pgpass", ".my.cnf", ".git-credentials", "credentials", "login data", "cookies", "logins.json", "key4.db", "cookies.sqlite", "shadow",
    "wallet.dat", ".vault-token", "hosts.yml", "*credential*", "*credentials*", "*secret*", "*password*", "*.gpg",
])  # fmt: skip
"""Names of the person's secrets that say enough without their folder."""
_HOLDERS = (
    ".config/gh",
    ".config/glab-cli",
    ".config/rclone",
    ".ssh",
    ".aws",
    ".gnupg",
    ".azure",
    ".config/gcloud",
    ".kube",
    ".password-store",
    ".docker",
)
"""Folders that hold secrets beside other things; reading one as a whole reads them."""
_SSH_OPEN = frozenset(
    ["config", "known_hosts", "known_hosts.old", "authorized_keys", "environment", "allowed_signers", "rc"]
)
_GCLOUD_OPEN = ("configurations", "active_config", "config_default", "logs")
_AZURE_SECRETS = ("accesstokens", "msal_token_cache", "service_principal", "azureprofile", "", "*")
_SYSTEM = frozenset([
    "/etc/shadow", "/etc/gshadow", "/etc/master.passwd", "/etc/sudoers", "/etc/krb5.keytab",
    "/private/etc/master.passwd",
])  # fmt: skip
_SYSTEM_FOLDERS = (
    "/etc/ssl/private", "/etc/ssh/ssh_host_", "/run/secrets/", "/var/run/secrets/", "/etc/letsencrypt/live",
    "/etc/letsencrypt/archive", "/root/.ssh/id_", "/root/.aws",
)  # fmt: skip
_KEY_NAMES = ("id_rsa", "id_ed25519", "id_ecdsa", "id_dsa")
_SHARED = (
    ".example", ".sample", ".template", ".dist", ".defaults", ".schema", ".tpl", ".md", ".ts", ".js", ".py", ".go",
    ".d", ".pub", ".vault",
)  # fmt: skip
_KEY_ENDINGS = (".pem", ".key", ".p12", ".pfx", ".jks", ".keystore", ".kdbx", ".ppk", ".ovpn", ".asc.key", ".tfstate")
_PROJECT_NAMES = frozenset([
    ".npmrc", ".pypirc", ".netrc", ".git-credentials", "credentials.json", "service-account.json", "serviceaccount.json",
    "secrets.yml", "secrets.yaml", "secrets.json", "secrets.toml", "master.key", ".htpasswd", "kubeconfig", "credentials",
    "service_account.json", "google-credentials.json", "terraform.tfvars", "token.json", "client_secret.json", "auth.json",
    "secrets.env", "credentials.yml.enc", "wp-config.php", ".pgpass", ".dockercfg", "firebase-adminsdk.json", "application_default_credentials.json",
])  # fmt: skip


def secrecy(path: str, home: str) -> int:
    """Say how secret a file is, by its absolute path: PERSONAL, PROJECT or 0."""
    if path.startswith("/proc/") and path.endswith("/environ"):
        return PERSONAL
    if path in _SYSTEM or path.startswith(_SYSTEM_FOLDERS):
        return PERSONAL
    last = path.rpartition("/")[2].lower()
    inner = below_home(path, home)
    if inner and _is_personal(inner):
        return PERSONAL
    if "/\0/" in path and is_found(path, last, home):
        return PERSONAL
    if last.startswith(_KEY_NAMES) and not last.endswith(".pub") and "/.ssh/" in path:
        return PERSONAL
    return PROJECT if _is_of_project(last) else 0


def below_home(path: str, home: str) -> str:
    """Give a path's part below a home, the user's or another one's; "" when it is in none."""
    if path.startswith(home + "/"):
        return path[len(home) + 1 :]
    if path.startswith(("/home/", "/Users/")):
        return path.partition("/")[2].partition("/")[2].partition("/")[2]
    return path[len("/root/") :] if path.startswith("/root/") else ""


def is_found(path: str, last: str, home: str) -> bool:
    """Tell whether a name that is looked for below a whole home or disk is a secret's; a project's own are not meant."""
    before = path.partition("/\0/")[0]
    if before not in ("", home, "/home", "/Users", "/root", "/etc", "/mnt", "/Volumes") and not (
        before.startswith(("/home/", "/Users/")) and before.count("/") == 2  # noqa: PLR2004 - somebody's home
    ):
        return False
    stem = last.partition("*")[0]
    is_key = len(stem) > 2 and any(name.startswith(stem) for name in _KEY_NAMES)  # noqa: PLR2004 - id_
    return is_key or last in _FOUND_NAMES or (_is_of_project(last) and not last.startswith(".env"))


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
    if inner.startswith((*_BROWSERS, ".mozilla", "Library/Application Support")):
        return last.lower() in _BROWSER_SECRETS
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
    if not path.startswith(home + "/"):
        return False
    inner = path[len(home) + 1 :]
    if inner in _HOLDERS or any(is_inside(inner, folder) for folder in _PERSONAL_FOLDERS):
        return True
    return any(is_inside(inner, folder) for folder in _BROWSERS) and _BROWSER_OPEN.isdisjoint(inner.split("/"))
