"""What would a PowerShell or cmd.exe command do, said as a shell would say it?

Not their grammar: the names of the commands that do harm, and paths as Windows writes them. Imported only when one of
the two is met.
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

_FETCHERS = (
    "iwr", "irm", "invoke-webrequest", "invoke-restmethod", "downloadstring", "downloaddata", "start-bitstransfer", "curl", "wget", "openread",
)  # fmt: skip
_EVALUATORS = ("iex", "invoke-expression", "[scriptblock]::create", "invoke-command", "icm")
_DELETERS = frozenset(["remove-item", "ri", "rm", "rmdir", "rd", "del", "erase", "clear-content", "clear-item", "clc"])
_LISTERS = frozenset(["get-childitem", "gci", "ls", "dir", "get-item", "gi", "resolve-path"])
_READERS = frozenset(["get-content", "gc", "cat", "type", "select-string", "sls", "copy-item", "cpi", "copy"])
_WRITERS = frozenset(
    [
        "set-content",
        "sc",
        "out-file",
        "add-content",
        "ac",
        "new-item",
        "ni",
        "move-item",
        "mi",
        "move",
        "rename-item",
        "rni",
    ]
)
_MACHINE = {
    "stop-computer": "shutdown -h now", "restart-computer": "reboot", "format-volume": "mkfs /dev/sda", "clear-disk": "mkfs /dev/sda", "initialize-disk": "mkfs /dev/sda",
    "remove-partition": "mkfs /dev/sda", "diskpart": "mkfs /dev/sda", "remove-localuser": "userdel dev", "disable-localuser": "userdel dev", "set-mppreference": "setenforce 0",
    "bcdedit": "setenforce 0", "vssadmin": "tmutil delete", "wbadmin": "tmutil delete", "remove-vm": "virsh undefine vm", "format": "mkfs /dev/sda", "format.com": "mkfs /dev/sda",
    "cipher": "shred /etc/x", "takeown": "chown -R dev /etc",
}  # fmt: skip
_MACHINE_NEEDS = {
    "set-mppreference": ("-disable",),
    "vssadmin": ("delete",),
    "wbadmin": ("delete",),
    "bcdedit": ("/set", "/delete", "-set"),
    "format": (":",),
    "cipher": ("/w",),
    "takeown": ("/r",),
}
_CLOUD = (
    "remove-az",
    "remove-ec2",
    "remove-s3",
    "remove-rds",
    "remove-gcs",
    "remove-aks",
    "remove-cfn",
    "remove-azresourcegroup",
)
_HOMES = ("$env:userprofile", "$home", "~", "%userprofile%", "$env:homepath", "${env:userprofile}", "%homepath%")
_SEPARATORS = frozenset("|;&\n{}()")


def texts(text: str) -> "list[str]":
    """Give what a PowerShell text does, as shell commands.

    Args:
        text: What stands after -Command, or the whole command of a PowerShell tool.
    """
    lower = text.lower()
    found = []
    words = frozenset(
        lower.replace("(", " ")
        .replace(")", " ")
        .replace("|", " ")
        .replace(";", " ")
        .replace("'", " ")
        .replace(".", " ")
        .split()
    )
    fetches = any(word in words or (len(word) > 8 and word in lower) for word in _FETCHERS)  # noqa: PLR2004 - long names only
    if fetches and any(word in words or ("[" in word and word in lower) for word in _EVALUATORS):
        found.append("curl -s https://example.com | sh")
    if any(word in words for word in ("-encodedcommand", "-enc", "-ec")) or (
        "frombase64string" in lower and "iex" in words
    ):
        found.append("base64 -d code.txt | sh")
    listed: "list[str]" = []
    for statement in _statements(text):
        if statement[0].lower() in _DELETERS and not [word for word in statement[1:] if not word.startswith("-")]:
            statement = [*statement, *listed]  # noqa: PLW2901 - what the pipe hands on
        found.extend(_statement(statement))
        if statement[0].lower() in _LISTERS:
            listed = [word for word in statement[1:] if not word.startswith("-")]
    return found


def _statements(text: str) -> "list[list[str]]":
    """Split a text into statements of words; quoted words stay whole."""
    statements: "list[list[str]]" = [[]]
    word, quote, is_word = "", "", False
    for character in text + "\n":
        if quote:
            if character == quote:
                quote = ""
            else:
                word += character
        elif character in "'\"":
            quote, is_word = character, True
        elif character in _SEPARATORS or character in " \t,\r":
            if is_word or word:
                statements[-1].append(word)
            word, is_word = "", False
            if character in _SEPARATORS and statements[-1]:
                statements.append([])
        else:
            word += character
    return [statement for statement in statements if statement]


def _statement(words: "list[str]") -> "list[str]":
    name = words[0].lower().removesuffix(".exe")
    options = [word.lower() for word in words[1:] if word.startswith("-")]
    operands = [posix_path(word) for word in words[1:] if not word.startswith("-")]
    quoted = [
        " '" + operand.replace("'", "") + "'" if not operand.startswith("~") else " " + operand for operand in operands
    ]
    if any(option.startswith("-whatif") for option in options):
        return []
    if name in _DELETERS:
        recurses = any(option.startswith(("-r", "/s")) for option in options) or "*" in " ".join(operands)
        return ["rm " + ("-rf" if recurses else "-f") + word.replace("'", "") for word in quoted]
    if name in _READERS:
        return ["cat" + word for word in quoted]
    if name in _WRITERS:
        return ["tee" + word for word in quoted[:1]]
    if name in _MACHINE and any(need in " ".join(words).lower() for need in _MACHINE_NEEDS.get(name, ("",))):
        return [_MACHINE[name]]
    if name.startswith(_CLOUD):
        return ["aws ec2 terminate-instances"]
    if name == "reg" and "delete" in [word.lower() for word in words]:
        return ["rm -rf /etc/x"] if any(word.lower().startswith(("hklm", "hkey_local")) for word in words) else []
    if name in ("invoke-sqlcmd", "invoke-dbaquery"):
        return ["psql -c '" + word.replace("'", "") + "'" for word in words[1:] if " " in word]
    if name in ("invoke-restmethod", "irm", "invoke-webrequest", "iwr") and "-method" in options:
        method = words[[word.lower() for word in words].index("-method") + 1 :][:1]
        return ["curl -X " + "".join(method).upper() + " '" + word + "'" for word in words[1:] if "://" in word]
    return [" ".join([name, *["'" + word.replace("'", "") + "'" for word in words[1:]]])]


def posix_path(path: str) -> str:
    """Write a Windows path as a POSIX one; the home's name is kept, a drive is the root."""
    lower = path.lower()
    for home in _HOMES:
        if lower.startswith(home):
            return "~" + path[len(home) :].replace("\\", "/")
    if lower.startswith(
        ("$env:systemroot", "$env:windir", "%windir%", "%systemroot%", "$env:programfiles", "%programfiles%")
    ):
        return "/usr/lib"
    if len(path) > 1 and path[1] == ":" and path[0].isalpha():
        below = path[2:].replace("\\", "/").rstrip("/") or "/"
        first = below.strip("/").partition("/")[0].lower()
        if first in ("windows", "program files", "program files (x86)", "programdata"):
            return "/usr/lib"
        return "/Users" + below[len("/users") :] if first == "users" else below
    return path.replace("\\", "/") if "\\" in path else path


def cmd_text(arguments: "Sequence[str]") -> str:
    """Give what cmd.exe /c is told, as a shell text."""
    at = next((place for place, word in enumerate(arguments) if word.lower() in ("/c", "/k", "//c", "//k", "/r")), -1)
    if at < 0:
        return ""
    found = []
    for part in " ".join(arguments[at + 1 :]).replace("&&", "&").split("&"):
        words = _statements(part.strip().strip('"'))
        if not words or not words[0]:
            continue
        name = words[0][0].lower().removesuffix(".exe")
        flags = [word.lower() for word in words[0][1:] if word.startswith("/")]
        operands = [posix_path(word) for word in words[0][1:] if not word.startswith("/")]
        if name in ("rd", "rmdir", "del", "erase", "deltree"):
            found.extend(
                ["rm " + ("-rf " if "/s" in flags else "-f ") + operand.replace(" ", "\\ ") for operand in operands]
            )
        elif name == "type":
            found.extend(["cat " + operand.replace(" ", "\\ ") for operand in operands])
        else:
            found.extend(_statement(words[0]))
    return "; ".join(found)
