"""Does a program print a secret that it keeps: a key chain, a password store, a cloud's CLI?"""

from guard_options import read_options

TYPE_CHECKING = False
if TYPE_CHECKING:
    from guard_walk import Command

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
    "oc": (("get", "secret"), ("get", "secrets")),
    "npm": (("config", "get"), ("config", "list"), ("token", "list")),
    "git": (("credential", "fill"), ("credential-osxkeychain", "get")),
    "keyring": (("get",),),
    "security": (),
    "infisical": (("secrets",), ("export",)),
    "chamber": (("read",), ("export",)),
    "sops": (("decrypt",),),
    "ansible-vault": (("view",), ("decrypt",)),
}
KEPT_QUIET = frozenset(["sops", "ansible-vault", "npm", "heroku"])
"""Their secrets may be shown here; they may not be sent."""


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
    if name == "sops" and {"-d", "--decrypt"} & set(command.arguments):
        return True
    if name == "oc" and words[:1] == ["whoami"]:
        return bool({"-t", "--show-token"} & set(command.arguments))
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
