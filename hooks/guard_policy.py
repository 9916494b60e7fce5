"""What has the organisation, and what has the project, changed about the guard's rules?

The organisation's policy ships with the base-plugin and is signed with the release; it may switch rules off, soften
them, add zones and add rules for the organisation's own programs. A project's file comes with whatever was cloned, so
it may only tighten. What is wrong in either falls back to the default of that key and is noted; the rest holds.
Leaves judging to the rules. Read once per tool call, and only when there is something to judge.
"""

from guard_decision import ASK, CATASTROPHIC, DENY, Stop
from guard_options import read_options
from payload import parse_json, read_file

TYPE_CHECKING = False
if TYPE_CHECKING:
    from guard_walk import Command

PROJECT_FILE = ".claude/skillway-guard.json"
ORGANISATION_FILE = "/../settings/guard-policy.json"
SCHEMA = 1

_MAX_BYTES = 1 << 16
_MAX_ITEMS = 200
_MAX_TEXT = 400
_MAX_CONTACT = 160
_ID_CHARACTERS = "abcdefghijklmnopqrstuvwxyz0123456789-"
_MAX_ID = 48
_SYSTEM = frozenset([
    "bin", "boot", "dev", "etc", "lib", "lib32", "lib64", "proc", "root", "sbin", "sys", "usr", "System", "Library",
    "Applications", "Network", "cores",
])  # fmt: skip
_LEAST_DEPTH = 2
_KEYS = frozenset(["$schema", "schema", "about", "off", "ask", "projects", "caches", "contact", "rules"])
_PROJECT_KEYS = frozenset(["$schema", "schema", "about", "deny", "rules"])
_RULE_KEYS = frozenset(
    ["id", "executable", "subcommands", "options", "options_with_value", "unless", "decision", "why", "instead"]
)
_ASKS_ONLY = frozenset(["--help", "-h", "--version"])


class OwnRule:
    """A rule that a policy adds for one program.

    Attributes:
        id: The rule's id.
        executable: The program's name, without a folder and in lower case.
        decision: DENY or ASK.
    """

    __slots__ = (
        "_instead", "_longs", "_options", "_shorts", "_subcommands", "_unless", "_why", "decision", "executable", "id",
    )  # fmt: skip

    def __init__(self, rule: "dict[str, object]") -> None:
        """Take a rule as the policy has it.

        Raises:
            ValueError: It is not one; the message names the key.
        """
        unknown = sorted(set(rule) - _RULE_KEYS)
        if unknown:
            raise ValueError("has the unknown key " + unknown[0])
        self.id = _identifier(rule.get("id"))
        self.executable = _text(rule, "executable", _MAX_ID).lower()
        if "/" in self.executable or " " in self.executable:
            raise ValueError("executable is a program's name, without a folder")
        decision = rule.get("decision")
        if decision not in (DENY, ASK):
            raise ValueError("decision is deny or ask")
        self.decision = DENY if decision == DENY else ASK
        self._why = _text(rule, "why", _MAX_TEXT)
        self._instead = _text(rule, "instead", _MAX_TEXT)
        self._subcommands = [words.split() for words in _texts(rule.get("subcommands", []), "subcommands")]
        self._options = _texts(rule.get("options", []), "options")
        self._unless = _ASKS_ONLY | set(_texts(rule.get("unless", []), "unless"))
        valued = _texts(rule.get("options_with_value", []), "options_with_value")
        if any(not option.startswith("-") for option in [*self._options, *valued]):
            raise ValueError("an option begins with -")
        self._longs = frozenset([option[2:] for option in valued if option.startswith("--")])
        self._shorts = "".join([option[1:2] for option in valued if not option.startswith("--")])

    def judge(self, command: "Command") -> "Stop | None":
        """Stop a command whose subcommand and options the rule names."""
        options, operands = read_options(command.arguments, self._shorts, self._longs)
        given = {name for name, _ in options} | {name + "=" + value for name, value in options if value}
        if given & self._unless:
            return None
        if self._subcommands and not any(operands[: len(words)] == words for words in self._subcommands):
            return None
        if self._options and not given.intersection(self._options):
            return None
        return Stop(self.decision, self.id, self._why, self._instead)


class Policy:
    """Both policies as one.

    Attributes:
        off: Ids of rules that are switched off.
        ask: Ids of rules whose deny is a question.
        deny: Ids of rules that deny whatever `off` and `ask` say.
        projects: Further folders that count as the project, absolute or with `~/`.
        caches: Further folders that may be emptied, absolute or with `~/`.
        contact: Where a wrong stop is reported; "" for the default sentence.
        rules: From a program's name to the rules that were added for it.
        faults: What could not be used, one sentence each; empty when all is well.
    """

    __slots__ = ("ask", "caches", "contact", "deny", "faults", "off", "projects", "rules")

    def __init__(self) -> None:
        """Start with the defaults: nothing is changed."""
        self.off: "frozenset[str]" = frozenset()
        self.ask: "frozenset[str]" = frozenset()
        self.deny: "frozenset[str]" = frozenset()
        self.projects: "list[str]" = []
        self.caches: "list[str]" = []
        self.contact = ""
        self.rules: "dict[str, list[OwnRule]]" = {}
        self.faults: "list[str]" = []

    def apply(self, stop: "Stop | None") -> "Stop | None":
        """Let the policy take a stop back, soften it or harden it; the catastrophic few stay as they are."""
        if stop is None or stop.rule in CATASTROPHIC:
            return stop
        if stop.rule in self.deny:
            stop.decision = DENY
        elif stop.rule in self.off:
            return None
        elif stop.rule in self.ask:
            stop.decision = ASK
        return stop

    def judge(self, command: "Command") -> "list[Stop]":
        """Judge a command by the rules that the policies added for its program."""
        found = [rule.judge(command) for rule in self.rules.get(command.name, [])]
        return [stop for stop in found if stop is not None]

    def read_organisation(self, data: bytes) -> None:
        """Take over the organisation's policy; each part that is wrong is left out and noted."""
        document = self._document(data, "guard-policy.json", _KEYS)
        if document is None:
            return
        self.off = frozenset(self._ids(document, "off", "guard-policy.json"))
        self.ask = frozenset(self._ids(document, "ask", "guard-policy.json"))
        self.projects = self._zones(document, "projects")
        self.caches = self._zones(document, "caches")
        contact = document.get("contact", "")
        if not isinstance(contact, str) or len(contact) > _MAX_CONTACT or not contact.isprintable():
            self.faults.append(f"guard-policy.json: contact is no line of at most {_MAX_CONTACT} characters")
        else:
            self.contact = contact
        self._add_rules(document, "guard-policy.json")

    def read_project(self, data: bytes) -> None:
        """Take over a project's file, which can only make the guard stricter."""
        document = self._document(data, PROJECT_FILE, _PROJECT_KEYS)
        if document is None:
            return
        self.deny = frozenset(self._ids(document, "deny", PROJECT_FILE))
        self._add_rules(document, PROJECT_FILE)

    def _document(self, data: bytes, name: str, keys: "frozenset[str]") -> "dict[str, object] | None":
        try:
            document = parse_json(data.decode())
        except Exception:
            self.faults.append(name + " is not JSON")
            return None
        if not isinstance(document, dict) or document.get("schema") is not SCHEMA:
            self.faults.append(f"{name} is no object with schema {SCHEMA}")
            return None
        for key in sorted(set(document) - keys):
            self.faults.append(f"{name} must not have the key {key[:_MAX_ID]!r}")
        return document

    def _ids(self, document: "dict[str, object]", key: str, name: str) -> "list[str]":
        try:
            return [_identifier(item) for item in _items(document.get(key, []), key)]
        except ValueError as error:
            self.faults.append(f"{name}: {error}")
            return []

    def _zones(self, document: "dict[str, object]", key: str) -> "list[str]":
        try:
            return [_zone(text) for text in _texts(document.get(key, []), key)]
        except ValueError as error:
            self.faults.append(f"guard-policy.json: {error}")
            return []

    def _add_rules(self, document: "dict[str, object]", name: str) -> None:
        try:
            items = _items(document.get("rules", []), "rules")
        except ValueError as error:
            self.faults.append(f"{name}: {error}")
            return
        for number, item in enumerate(items, 1):
            try:
                rule = OwnRule(item if isinstance(item, dict) else {})
            except ValueError as error:
                self.faults.append(f"{name}: rule {number}: {error}")
                continue
            self.rules.setdefault(rule.executable, []).append(rule)


def load_policy(hooks_folder: str, project: str) -> Policy:
    """Read both policies.

    Args:
        hooks_folder: Where the guard's files are; the organisation's policy is in `settings/` beside it.
        project: The project's folder, absolute.
    """
    policy = Policy()
    try:
        _read_both(policy, hooks_folder, project)
    except Exception as error:
        # Whatever a policy holds, the guard's own rules must not be blinded by it.
        policy = Policy()
        policy.faults.append("the policies could not be read: " + type(error).__name__)
    return policy


def _read_both(policy: Policy, hooks_folder: str, project: str) -> None:
    both = (
        (hooks_folder + ORGANISATION_FILE, policy.read_organisation),
        (project.rstrip("/") + "/" + PROJECT_FILE, policy.read_project),
    )
    for path, read in both:
        data = read_file(path, _MAX_BYTES)
        if data:
            read(data)
        elif _exists(path):
            policy.faults.append(f"{path.rpartition('/')[2]} is empty, unreadable or longer than {_MAX_BYTES} bytes")


def _exists(path: str) -> bool:
    from posix import stat

    try:
        stat(path)
    except (OSError, ValueError):
        return False
    return True


def _items(value: object, key: str) -> "list[object]":
    if not isinstance(value, list) or len(value) > _MAX_ITEMS:
        raise ValueError(f"{key} is no list of at most {_MAX_ITEMS} items")
    return value


def _texts(value: object, key: str) -> "list[str]":
    texts = [item for item in _items(value, key) if isinstance(item, str) and item.strip() and len(item) <= _MAX_TEXT]
    if not isinstance(value, list) or len(texts) != len(value):
        raise ValueError(f"{key} holds something that is no text of 1 to {_MAX_TEXT} characters")
    return texts


def _text(rule: "dict[str, object]", key: str, longest: int) -> str:
    value = rule.get(key)
    if not isinstance(value, str) or not value.strip() or len(value) > longest or not value.isprintable():
        raise ValueError(f"{key} is no line of 1 to {longest} characters")
    return value.strip()


def _identifier(value: object) -> str:
    if not isinstance(value, str) or not 0 < len(value) <= _MAX_ID or value.strip(_ID_CHARACTERS):
        raise ValueError("an id is made of lower-case letters, digits and hyphens")
    return value


def _zone(text: str) -> str:
    """Check that a zone is deep enough that nobody loses a home or the system by it."""
    parts = [part for part in text.split("/") if part not in ("", ".")]
    in_home = text.startswith("~/")
    if not in_home and not text.startswith("/"):
        raise ValueError(f"the zone {text!r} begins with neither / nor ~/")
    is_shallow = len(parts) < _LEAST_DEPTH or (
        not in_home and parts[0] in ("home", "Users") and len(parts) == _LEAST_DEPTH
    )
    if ".." in parts or is_shallow or (not in_home and parts[0] in _SYSTEM) or set("*?[$") & set(text):
        raise ValueError(f"the zone {text!r} is too wide: name a folder below a home, /opt, /srv or a disk")
    return ("~/" if in_home else "/") + "/".join(parts[1:] if in_home else parts)
