"""Does a program bring a secret that it keeps to where it can be seen: a key chain, a password store, a cloud's CLI?

A secret that goes into a variable, or into the program that needs it, is used and not shown. So what counts is where it
ends: followed through filters to the terminal, a file or the clipboard.
"""

from guard_options import read_options

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from guard_walk import Command

_PRINTERS: "dict[str, tuple[tuple[str, ...], ...]]" = {
    "gh": (("auth", "token"),),
    "glab": (("auth", "token"), ("config", "get", "token")),
    "aws": (
        ("secretsmanager", "get-secret-value"), ("secretsmanager", "batch-get-secret-value"), ("secretsmanager", "get-random-password"), ("ssm", "get-parameter"), ("ssm", "get-parameters"),
        ("ssm", "get-parameters-by-path"), ("ssm", "get-parameter-history"), ("configure", "get"), ("configure", "export-credentials"), ("sts", "get-session-token"), ("sts", "assume-role"),
        ("sts", "get-federation-token"), ("ecr", "get-login-password"), ("ecr", "get-authorization-token"), ("kms", "decrypt"), ("rds", "generate-db-auth-token"),
        ("codeartifact", "get-authorization-token"), ("ec2", "get-password-data"), ("lightsail", "download-default-key-pair"),
    ),
    "gcloud": (
        ("secrets", "versions", "access"), ("auth", "print-access-token"), ("auth", "print-identity-token"), ("auth", "application-default", "print-access-token"), ("kms", "decrypt"),
        ("config", "config-helper"),
    ),
    "az": (
        ("keyvault", "secret", "show"), ("account", "get-access-token"), ("storage", "account", "keys", "list"), ("storage", "account", "show-connection-string"), ("acr", "credential", "show"),
        ("cosmosdb", "keys", "list"), ("redis", "list-keys"), ("functionapp", "keys", "list"), ("keyvault", "secret", "download"), ("webapp", "deployment", "list-publishing-credentials"),
        ("servicebus", "namespace", "authorization-rule", "keys", "list"), ("eventhubs", "namespace", "authorization-rule", "keys", "list"), ("ad", "sp", "credential", "reset"),
        ("cognitiveservices", "account", "keys", "list"), ("search", "admin-key", "show"), ("batch", "account", "keys", "list"), ("maps", "account", "keys", "list"),
    ),
    "vault": (("kv", "get"), ("read",), ("token", "lookup"), ("print", "token"), ("unwrap",), ("token", "create")),
    "bao": (("kv", "get"), ("read",), ("print", "token"), ("unwrap",)),
    "op": (("read",), ("item", "get"), ("document", "get"), ("inject",)),
    "pass": (("show",), ("otp",)),
    "gopass": (("show",), ("cat",), ("otp",)),
    "bw": (("get", "password"), ("get", "item"), ("get", "totp"), ("get", "notes"), ("export",), ("list", "items"), ("unlock",)),
    "rbw": (("get",), ("code",)),
    "lpass": (("show",), ("export",)),
    "keepassxc-cli": (("show",), ("export",), ("attachment-export",)),
    "kpcli": ((),),
    "dcli": (("password",), ("read",)),
    "kwallet-query": (("-r",),),
    "conjur": (("variable", "get"), ("variable", "value")),
    "akeyless": (("get-secret-value",), ("get-dynamic-secret-value",)),
    "berglas": (("access",), ("read",)),
    "argocd": (("admin", "initial-password"), ("account", "generate-token")),
    "doppler": (("secrets", "download"), ("secrets", "get"), ("secrets",), ("configs", "tokens", "create")),
    "heroku": (("config",), ("config:get",), ("auth:token",), ("pg:credentials:url",), ("authorizations:create",)),
    "kubectl": (("get", "secret"), ("get", "secrets"), ("create", "token"), ("view-secret",), ("config", "view")),
    "oc": (("get", "secret"), ("get", "secrets"), ("create", "token"), ("extract",), ("config", "view")),
    "npm": (("config", "get"), ("token", "create")),
    "ps": ((),),
    "railway": (("variables",), ("variable", "list")),
    "netlify": (("env:get",), ("env:list",)),
    "dokku": (("config",), ("config:show",), ("config:get",), ("config:export",)),
    "scalingo": (("env",), ("env-get",)),
    "clever": (("env",),),
    "convox": (("env",), ("env", "get")),
    "cf": (("env",), ("service-key",), ("oauth-token",)),
    "eb": (("printenv",),),
    "supabase": (("projects", "api-keys"),),
    "stripe": (("config", "--list"),),
    "rails": (("credentials:show",), ("secrets:show",)),
    "wg": (("showconf",), ("show",)),
    "nmcli": (("dev", "wifi", "show-password"), ("device", "wifi", "show-password"), ("connection", "show"), ("con", "show"), ("c", "show")),
    "teller": (("show",), ("env",), ("sh",), ("yaml",), ("json",), ("export",)),
    "kubeadm": (("token", "create"), ("token", "list"), ("certs", "certificate-key")),
    "git": (("credential", "fill"), ("credential-osxkeychain", "get"), ("credential-store", "get"), ("credential-manager", "get")),
    "keyring": (("get",),),
    "getent": (("shadow",), ("gshadow",)),
    "security": (),
    "infisical": (("secrets",), ("export",)),
    "chamber": (("read",), ("export",), ("env",)),
    "sops": (("decrypt",),),
    "ansible-vault": (("view",), ("decrypt",)),
    "flyctl": (("auth", "token"), ("tokens", "create")),
    "fly": (("auth", "token"), ("tokens", "create")),
    "doctl": (("auth", "token"), ("kubernetes", "cluster", "kubeconfig", "show")),
    "aws-vault": (("export",),),
    "docker-credential-osxkeychain": (("get",),),
    "docker-credential-desktop": (("get",),),
    "docker-credential-pass": (("get",),),
    "docker-credential-secretservice": (("get",),),
}  # fmt: skip
KEPT_QUIET = frozenset(["sops", "ansible-vault"])
"""Their secrets may be shown here; they may not be sent."""
_PASS_VERBS = frozenset([
    "init", "ls", "list", "show", "find", "search", "grep", "insert", "add", "edit", "generate", "rm", "remove", "delete", "mv", "rename", "cp", "copy", "git", "help", "version", "otp",
    "fsck", "sync", "recipients", "mounts", "config", "audit", "update", "clone", "setup", "completion", "env", "cat", "history",
])  # fmt: skip
_FILTERS = frozenset([
    "cat", "tac", "tee", "head", "tail", "less", "more", "bat", "nl", "grep", "egrep", "fgrep", "rg", "awk", "gawk", "mawk", "sed", "gsed", "cut", "sort", "uniq", "tr", "rev", "fold", "fmt", "paste",
    "column", "base64", "base32", "gbase64", "xxd", "od", "hexdump", "strings", "jq", "yq", "gron", "fx", "gojq", "jaq", "dasel", "mlr", "pbcopy", "xclip", "xsel", "wl-copy", "clip", "qrencode", "echo",
    "printf", "dd", "sponge", "iconv", "json_pp", "gunzip", "zcat", "pygmentize", "ts", "pv", "xargs", "nkf", "gpg", "age", "openssl", "perl", "python", "python3", "node", "ruby",
])  # fmt: skip
"""Programs that show what they are given, or a part of it; every other one needs it for something."""
_SHOWING_WORDS = ("print", "console.log", "puts", "echo", "stdout", "json.tool", "-pe", "-ne", "say")
_HARMLESS_FIELDS = frozenset([
    "metadata", "name", "namespace", "labels", "annotations", "type", "kind", "arn", "versionid", "createddate", "policies", "ttl", "expiretime", "expire_time", "renewable", "id", "attributes", "uid",
    "creationtimestamp", "version", "versions", "lastmodifieddate", "items", "resourceversion", "ownerreferences", "created_time", "updated", "enabled", "expires", "contenttype", "tags", "title", "category",
])  # fmt: skip
"""What an answer with a secret in it has beside the secret."""
_SECRET_FIELDS = ("data", "secret", "value", "password", "token", "key]", "connectionstring", "credential", "plaintext")
_NAMES_OF_OUTPUT = frozenset(["name", "wide", "custom-columns-file"])


def prints_secret(command: "Command") -> bool:
    """Tell whether a command prints a secret that some program keeps."""
    name = command.name
    arguments = command.arguments
    _, words = read_options(arguments, _SHORTS.get(name, ""), _VALUES.get(name, _NONE))
    if name == "security":
        return (
            words[:1] in (["find-generic-password"], ["find-internet-password"])
            and any(a.startswith("-") and ("w" in a or "g" in a) for a in arguments)
        ) or words[:1] in (["dump-keychain"], ["export"])
    if name in ("gpg", "gpg2"):
        return any(argument.startswith(("--export-secret", "--export-secret-keys")) for argument in arguments)
    if name == "secret-tool":
        return words[:1] in (["lookup"], ["search"])
    if name == "sops" and {"-d", "--decrypt"} & set(arguments):
        return True
    if name in ("oc", "gh", "glab") and words[:1] in (["whoami"], ["auth"]) and {"-t", "--show-token"} & set(arguments):
        return True
    if name in ("pass", "gopass") and words and words[0] not in _PASS_VERBS:
        return not {"-c", "--clip"} & set(arguments)
    heads = _PRINTERS.get(name, ())
    if not any(words[: len(head)] == list(head) or _has_run(words, head) for head in heads):
        return False
    return _PRINTS_IF[name](arguments, words) if name in _PRINTS_IF else True


def _has_run(words: "list[str]", head: "tuple[str, ...]") -> bool:
    """Tell whether words stand together somewhere in the first few: global options' values may stand before them."""
    return any(tuple(words[place : place + len(head)]) == head for place in range(1, 4))


_NONE: "frozenset[str]" = frozenset()
_SHORTS = {
    "kubectl": "nslo",
    "oc": "nslo",
    "heroku": "ar",
    "railway": "sep",
    "dokku": "",
    "doppler": "pc",
    "scalingo": "a",
    "clever": "a",
    "convox": "ar",
}
_VALUES = {
    "heroku": frozenset(["app", "remote"]),
    "railway": frozenset(["service", "environment"]),
    "netlify": frozenset(["context", "scope", "filter", "site"]),
    "doppler": frozenset(["project", "config", "format", "scope", "token"]),
    "kubectl": frozenset(["namespace", "context", "kubeconfig", "selector", "cluster", "user"]),
    "oc": frozenset(["namespace", "context", "kubeconfig", "selector"]),
    "aws": frozenset(["profile", "region", "output", "query", "endpoint-url"]),
    "az": frozenset(["output", "query", "subscription"]),
    "gcloud": frozenset(["project", "account", "format"]),
}


def _kubectl_prints(arguments: "Sequence[str]", words: "list[str]") -> bool:
    """Tell whether kubectl shows a secret's data: with a format that has all of it, or that selects it."""
    if "view" in words[:2]:
        return "--raw" in arguments or "--raw=true" in arguments
    if "get" not in words[:1]:
        return True
    options, _ = read_options(arguments, "nslo", frozenset(["output", "template", "namespace", "context", "selector"]))
    for name, value in options:
        if name in ("-o", "--output", "--template"):
            kind, _, selected = value.replace("=", "\0", 1).partition("\0")
            if kind in _NAMES_OF_OUTPUT:
                return False
            if not selected and name != "--template":
                return kind in ("json", "yaml", "")
            text = (selected or value).lower().replace("metadata", "")
            return "data" in text or text.strip("'{}.$@ \t") in ("", "items", "items[*]") or "." not in text
    return False


def _queries_secret(arguments: "Sequence[str]") -> bool:
    """Tell whether --query, when there is one, selects the secret itself."""
    for place, argument in enumerate(arguments):
        if argument == "--query" or argument.startswith("--query="):
            text = (argument.partition("=")[2] or "".join(arguments[place + 1 : place + 2])).lower()
            return not text or any(word in text for word in _SECRET_FIELDS) or text.strip("[]*@. ") == ""
    return True


def _aws_prints(arguments: "Sequence[str]", words: "list[str]") -> bool:
    if any(argument.startswith(("--generate-cli-skeleton", "--dry-run")) for argument in arguments):
        return False
    if any(word.startswith("get-parameter") for word in words):
        return "--with-decryption" in arguments and _queries_secret(arguments)
    if words[:1] == ["configure"] and "get" in words:
        return any("secret" in word or "token" in word for word in words)
    return _queries_secret(arguments)


_SECRET_NAMES = (
    "secret",
    "token",
    "password",
    "passwd",
    "key",
    "credential",
    "dsn",
    "_url",
    "_uri",
    "auth",
    "private",
    "salt",
    "cert",
)


def _settings_print(arguments: "Sequence[str]", words: "list[str]") -> bool:
    """Tell whether a platform's program prints the value of a setting that is a secret by its name, or all values."""
    if any(option in arguments for option in ("--only-names", "--names", "--help", "-h")):
        return False
    asks_one = ":get" in words[0] or "get" in words[1:2] or words[0].endswith("-get")
    named = [word for word in words[1:] if word != "get"]
    if not asks_one:
        return not any(word.startswith(_CHANGES) for word in named) and not any("=" in word for word in named)
    return any(mark in word.lower() for word in named for mark in _SECRET_NAMES)


_CHANGES = ("set", "add", "rm", "remove", "unset", "delete", "upload", "push", "import", "edit", "notes", "substitute")
_BSD_LETTERS = frozenset("aAcefghjklmnrsStTuUvVwxXZ")


def _ps_prints(arguments: "Sequence[str]", _: "list[str]") -> bool:
    """Tell whether ps shows the processes' environments: `e` without a dash does, and -E on macOS."""
    options, words = read_options(
        arguments, "oOpCuUgGtsqk", frozenset(["pid", "user", "format", "sort", "ppid", "group", "tty"])
    )
    if any(name in ("-o", "--format") for name, _ in options):
        return False
    return any(name == "-E" for name, _ in options) or any(
        "e" in word and _BSD_LETTERS.issuperset(word) for word in words
    )


_PRINTS_IF = {
    **dict.fromkeys(
        ["heroku", "railway", "netlify", "dokku", "scalingo", "clever", "convox", "doppler"], _settings_print
    ),
    "ps": _ps_prints,
    "wg": lambda _, words: words[0] == "showconf" or "private-key" in words or "preshared-keys" in words,
    "nmcli": lambda arguments, words: "show-password" in words or bool({"-s", "--show-secrets"} & set(arguments)),
    "kubectl": _kubectl_prints,
    "oc": _kubectl_prints,
    "aws": _aws_prints,
    "az": lambda arguments, _: _queries_secret(arguments),
    "npm": lambda _, words: any("auth" in word.lower() or "token" in word.lower() for word in words),
    "op": lambda arguments, words: words[0] != "inject" or not {"-o", "--out-file"} & set(arguments),
    "bw": lambda arguments, words: words[0] != "unlock" or "--raw" in arguments,
}


def is_quiet(command: "Command") -> bool:
    """Tell whether a command's output is thrown away."""
    targets = [target for operator, target in command.redirects if not operator.startswith("2") and operator[0] != "<"]
    return bool(targets) and targets[-1] == "/dev/null"


def goes_to_file(command: "Command") -> bool:
    """Tell whether a command's output, not only its errors, goes to a file."""
    return any(
        not operator.startswith("2") and operator[0] != "<" and not target.startswith("/dev/") and not target.isdigit()
        for operator, target in command.redirects
    )


def brings_secret(source: "Command", *, depth: int = 0) -> bool:
    """Tell whether a source of data is a printed secret, also by way of `echo "$secret"`."""
    if prints_secret(source) and source.name not in KEPT_QUIET:
        return True
    if source.name not in ("echo", "printf") or source.walk is None or depth:
        return False
    spans = [span for argument in source.arguments for span in argument.outputs]
    return any(_carries(source.walk.plain(first, last, source.cwd, -1)) for first, last in spans)


def _carries(sources: "Sequence[Command]") -> bool:
    """Tell whether commands, in their order, end with a secret in what they print."""
    is_secret = False
    for source in sources:
        if brings_secret(source, depth=1):
            is_secret = True
        elif is_secret and (_hides(source) or source.name not in _FILTERS):
            is_secret = False
    return is_secret


def shows(command: "Command") -> bool:
    """Tell whether a command brings a secret to the terminal, a file or the clipboard that it is given or prints."""
    if is_quiet(command):
        return False
    if command.name not in _FILTERS:
        return False
    leaves = (
        command.name == "tee" and any(not a.startswith(("-", "/dev/")) for a in command.arguments)
    ) or goes_to_file(command)
    if command.is_captured and not leaves:
        return False
    if command.walk is not None and command.name in ("echo", "printf"):
        spans = [span for argument in command.arguments for span in argument.outputs]
        return any(_carries(command.walk.plain(first, last, command.cwd, -1)) for first, last in spans)
    if command.name in ("python", "python3", "node", "ruby", "perl") and not any(
        word in argument for argument in command.arguments for word in _SHOWING_WORDS
    ):
        return False
    return not _hides(command) and _carries(command.upstream())


def _hides(command: "Command") -> bool:
    """Tell whether a filter lets nothing of a secret through: counts, names, hashes."""
    name, arguments = command.name, command.arguments
    if name in ("grep", "egrep", "fgrep", "rg"):
        return any(
            argument in ("--quiet", "--count", "--silent")
            or (argument[:1] == "-" and argument[1:2] != "-" and not {"q", "c"}.isdisjoint(argument[1:]))
            for argument in arguments
        )
    if name in ("jq", "yq", "gojq", "jaq"):
        return _leaves_out_secret("".join([argument for argument in arguments if not argument.startswith("-")]).lower())
    if name in ("cut", "awk", "gawk", "mawk"):
        # Only the names, of lines such as NAME=value and NAME: value.
        text = " ".join(arguments).replace(" ", "").replace("'", "").replace('"', "")
        return any(
            mark in text for mark in ("-d=-f1", "-d:-f1", "-f1-d=", "-f1-d:", "-F={print$1}", "-F:{print$1}")
        ) and not text.endswith("-")
    if name in ("openssl", "gpg", "age"):
        return not any(argument in ("-d", "-base64", "base64", "--decrypt") for argument in arguments)
    return False


def _leaves_out_secret(text: str) -> bool:
    """Tell whether a filter of jq takes only keys, counts and fields that are no secret."""
    words = "".join([character if character.isalnum() or character in "._@" else " " for character in text]).split()
    if any(word in ("map_values", "to_entries", "@base64d", "with_entries") for word in words):
        return False
    if {"keys", "length", "has", "keys_unsorted"} & {word.strip(".") for word in words}:
        return True
    fields = [word for word in words if word.startswith(".")]
    return (
        bool(fields)
        and all(field.rpartition(".")[2] in _HARMLESS_FIELDS or field == "." for field in fields)
        and "." not in fields[-1:]
    )
