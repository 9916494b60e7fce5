"""Does a command or an SQL tool throw away a database, a table, or all rows of one?"""

from guard_decision import DENY, Stop
from guard_expansion import UNKNOWN_TEXT
from guard_options import read_options

TYPE_CHECKING = False
if TYPE_CHECKING:
    from guard_paths import Places
    from guard_walk import Command

_CLIENTS = {
    # name: (options whose value is SQL, short options with a value, long options with a value)
    "psql": (("-c", "--command"), "cdfhLopPRTUvF", frozenset(["command", "dbname", "file", "host", "port", "username", "set", "output", "variable"])),
    "mysql": (("-e", "--execute"), "eDhPuSr", frozenset(["execute", "database", "host", "port", "user", "socket"])),
    "mariadb": (("-e", "--execute"), "eDhPuSr", frozenset(["execute", "database", "host", "port", "user", "socket"])),
}  # fmt: skip
_DROPPED = frozenset(["database", "schema", "table", "tablespace"])
_SQL_SERVERS = ("sql", "postgres", "mysql", "maria", "database", "db", "supabase", "snowflake", "bigquery")


def judge_client(command: "Command", _places: "Places") -> "Stop | None":
    """Judge psql, mysql and mariadb by the SQL on the command line or on stdin."""
    sql_options, shorts, longs = _CLIENTS[command.name]
    options, _ = read_options(command.arguments, shorts, longs)
    texts = [value for name, value in options if name in sql_options]
    if not texts:
        texts = [command.stdin()]
    return next((stop for text in texts for stop in [judge_sql(text)] if stop), None)


def judge_dropdb(command: "Command", _places: "Places") -> "Stop | None":
    """Judge dropdb, whose whole purpose it is."""
    return None if {"--help", "-?", "--version"} & set(command.arguments) else _stop("it deletes a whole database.")


def judge_mysqladmin(command: "Command", _places: "Places") -> "Stop | None":
    """Judge mysqladmin drop."""
    return _stop("it deletes a whole database.") if "drop" in command.arguments else None


def judge_redis(command: "Command", _places: "Places") -> "Stop | None":
    """Judge redis-cli FLUSHALL and FLUSHDB."""
    _, operands = read_options(command.arguments, "hpanuri", frozenset(["user", "pass"]))
    is_flush = bool(operands) and operands[0].lower() in ("flushall", "flushdb")
    return _stop("it empties the whole Redis database.") if is_flush else None


def judge_mongo(command: "Command", _places: "Places") -> "Stop | None":
    """Judge the MongoDB shell's --eval and stdin."""
    text = " ".join(command.arguments) + " " + command.stdin()
    return _stop("it deletes a whole database.") if "dropDatabase(" in text else None


def judge_tool(tool: str, tool_input: "dict[str, object]") -> "Stop | None":
    """Judge an MCP tool that runs SQL; a tool is one when its server or its input says so."""
    keys = ["sql"]
    if any(mark in tool.lower() for mark in _SQL_SERVERS):
        keys = ["sql", "query", "statement"]
    for key in keys:
        text = tool_input.get(key)
        stop = judge_sql(text) if isinstance(text, str) else None
        if stop:
            return stop
    return None


def judge_sql(text: str) -> "Stop | None":
    """Judge SQL by the heads of its statements; text in quotes and comments says nothing."""
    for words in _statements(text):
        head = words[0]
        if head == "drop" and len(words) > 1 and words[1] in _DROPPED:
            return _stop(f"it deletes a {words[1]} with everything in it.")
        if head == "truncate":
            return _stop("it deletes all rows of a table.")
        if head == "delete" and words[1:2] == ["from"] and "where" not in words and UNKNOWN_TEXT not in " ".join(words):
            return _stop("without WHERE it deletes all rows of a table.")
    return None


def _stop(why: str) -> Stop:
    return Stop(
        DENY,
        "database-drop",
        why,
        "look at what would be lost with a SELECT, or delete single rows with WHERE; a migration belongs in a reviewed file",
    )


def _statements(text: str) -> "list[list[str]]":
    """Split SQL into statements of lower-case words, without literals and comments."""
    statements = []
    for statement in _plain(text).lower().split(";"):
        words = statement.split()
        if words:
            statements.append(words)
    return statements


def _plain(text: str) -> str:
    """Take quoted text and comments out of SQL, from left to right."""
    pieces = []
    start = at = 0
    while at < len(text):
        stop = _literal_end(text, at)
        if stop:
            pieces.append(text[start:at])
            pieces.append(" ")
            start = at = stop
        else:
            at += 1
    pieces.append(text[start:])
    return "".join(pieces)


def _literal_end(text: str, at: int) -> int:
    """Give the end of the literal or comment that starts at a position; 0 when none does."""
    character = text[at]
    if character == "'":
        closer, opening = "'", 1
    elif text.startswith("--", at):
        closer, opening = "\n", 2
    elif text.startswith("/*", at):
        closer, opening = "*/", 2
    else:
        return 0
    stop = text.find(closer, at + opening)
    return len(text) if stop < 0 else stop + len(closer)
