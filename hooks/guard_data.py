"""Does a command or an SQL tool throw away a database, a table, or all rows of one?"""

from guard_decision import DENY, Stop
from guard_expansion import UNKNOWN_TEXT
from guard_options import read_options
from guard_paths import TEMPORARY

TYPE_CHECKING = False
if TYPE_CHECKING:
    from guard_paths import Places
    from guard_walk import Command

_LONGS = frozenset([
    "command", "execute", "query", "dbname", "database", "host", "port", "username", "user", "password", "set", "output", "variable", "socket", "sql", "url", "format",
    "file", "cmd", "keyspace", "server", "db", "login-path", "defaults-file", "delimiter",
])  # fmt: skip
_SQL_OPTIONS = frozenset(["-c", "--command", "-e", "--execute", "-q", "-Q", "--query", "--sql", "-cmd", "--cmd", "-s"])
_SHORTS = {
    "psql": "cdfhLopPRTUvF",
    "mysql": "eDhPuSr",
    "mariadb": "eDhPuSr",
    "mycli": "eDhPuS",
    "pgcli": "cdhpUu",
    "sqlcmd": "QqSUPdi",
    "cqlsh": "efuk",
    "clickhouse-client": "qhu",
    "clickhouse": "q",
    "duckdb": "cs",
    "snowsql": "qfacud",
    "cockroach": "ed",
    "usql": "c",
    "sqlplus": "",
    "influx": "e",
}
_DROPPED = frozenset(
    [
        "database",
        "schema",
        "table",
        "tablespace",
        "keyspace",
        "user",
        "role",
        "collection",
        "owned",
        "warehouse",
        "stage",
        "bucket",
    ]
)
_SQL_SERVERS = (
    "sql",
    "postgres",
    "mysql",
    "maria",
    "database",
    "db",
    "supabase",
    "snowflake",
    "bigquery",
    "clickhouse",
    "sqlite",
    "duckdb",
    "neon",
    "oracle",
    "redshift",
)


def judge_client(command: "Command", places: "Places") -> "Stop | None":
    """Judge the clients of SQL databases by the SQL on the command line, in a literal file on stdin, or as an operand."""
    name = command.name
    arguments = command.arguments
    if name in ("sqlite3", "duckdb", "litecli"):
        options, operands = read_options(
            ["-" + a if a.startswith("-") and a[2:] and not a.startswith("--") else a for a in arguments],
            "cs",
            _LONGS | {"separator", "init", "nullvalue"},
        )
        if operands[:1] == [":memory:"] or (operands and places.zone(operands[0], command.cwd) == TEMPORARY):
            return None
        texts = operands[1:] + [value for option, value in options if option in _SQL_OPTIONS]
    elif name == "surreal":
        return judge_sql(" ".join(arguments[-1:]) + ";" + command.stdin())
    else:
        options, operands = read_options(arguments, _SHORTS.get(name, "ceqQuUhpPdD"), _LONGS)
        texts = [value for option, value in options if option in _SQL_OPTIONS]
    if not texts and any(source.name in ("curl", "wget") for source in command.upstream()):
        from guard_network import package_stop

        return package_stop()
    texts.append(command.stdin())
    texts = [_without_meta(text) for text in texts]
    stop = next((stop for text in texts for stop in [judge_sql(text)] if stop), None)
    return stop or _judge_produced(command, texts)


_CARRYING: "dict[str, tuple[tuple[str, ...], tuple[str, ...]]]" = {
    # program: words that it must have, and the options whose value is SQL; the last operand where there are none
    "heroku": (("pg:psql",), ("-c", "--command")),
    "wrangler": (("d1", "execute"), ("--command",)),
    "turso": (("db", "shell"), ()),
    "pscale": (("shell",), ("--execute", "-e")),
    **dict.fromkeys(["fly", "flyctl"], (("connect",), ("-c", "--command"))),
    "aws": ((), ("--sql", "--query-string", "--sqls")),
    **dict.fromkeys(["spark-sql", "hive", "beeline"], ((), ("-e",))),
    "impala-shell": ((), ("-q", "--query")),
    **dict.fromkeys(["trino", "presto"], ((), ("--execute",))),
    "prisma": (("db", "execute"), ("--stdin",)),
    "snow": (("sql",), ("-q", "--query")),
    "supabase": (("db", "query"), ()),
    "manage.py": (("dbshell",), ("-c", "--command")),
    "railway": (("connect",), ()),
    "databricks": (("api",), ("--json",)),
    **dict.fromkeys(["edgedb", "gel"], (("query",), ())),
    "athenacli": ((), ("-e", "--execute")),
}


def judge_carried(command: "Command") -> "Stop | None":
    """Judge SQL that a platform's own program hands on to a database of the platform, by an option or on stdin."""
    words, options = _CARRYING.get(command.name, (("\0",), ()))
    arguments = command.arguments
    if not set(words).issubset(arguments) or "--local" in arguments:
        return None
    texts = [command.stdin()] if words else []
    for place, argument in enumerate(arguments):
        name, has_value, value = argument.partition("=")
        if name in options:
            texts.append(value if has_value else "".join(arguments[place + 1 : place + 2]))
    if words and not options:
        texts.extend(arguments[-1:])
    return next((stop for text in texts for stop in [judge_sql(text)] if stop), None)


def _without_meta(text: str) -> str:
    r"""Take the lines out that a client reads itself, such as `\\timing` and `.headers on`; they hide no SQL after them."""
    if "\n" not in text:
        return text
    return "\n".join([line for line in text.split("\n") if not line.lstrip().startswith(("\\", "."))])


def _judge_produced(command: "Command", texts: "list[str]") -> "Stop | None":
    r"""Judge SQL that a query writes, and that a client runs: by \\gexec, or from a client before it in the pipe."""
    queries = [text for text in texts if "\\gexec" in text]
    queries.extend(
        [word for source in command.upstream() if source.name in _CLIENTS for word in source.arguments if "'" in word]
    )
    if any("\\gexec" in word for source in command.upstream() for word in source.arguments):
        queries.extend([word for source in command.upstream() for word in source.arguments])
    for query in queries:
        for literal in query.split("'")[1::2]:
            if literal.strip().lower().startswith(_PRODUCED):
                return stop_for("it runs SQL that a query writes, and that deletes.")
    return None


_CLIENTS = frozenset(
    [
        "psql",
        "mysql",
        "mariadb",
        "sqlite3",
        "duckdb",
        "clickhouse-client",
        "cockroach",
        "usql",
        "sqlcmd",
        "pgcli",
        "mycli",
    ]
)
_PRODUCED = ("drop ", "truncate ", "delete from", "alter table", "drop", "truncate")


def judge_cypher(command: "Command", _places: "Places") -> "Stop | None":
    """Judge a graph database's shell: DELETE of whatever a MATCH without a condition finds."""
    for text in [*command.arguments, command.stdin()]:
        lower = " " + " ".join(text.lower().split()) + " "
        is_deleted = " delete " in lower and " match " in lower
        if (is_deleted and " where " not in lower and "{" not in lower) or " drop database " in lower:
            return stop_for("it deletes all that it finds in the graph.")
    return None


_FLUSHES = ("flushall", "flushdb", "flush_all", "flush all")


def judge_wire(text: str) -> "Stop | None":
    """Judge what is sent to a cache in its own protocol."""
    words = text.lower().replace("\r", "\n").split("\n")
    return stop_for("it empties a whole cache.") if any(word.strip().startswith(_FLUSHES) for word in words) else None


def judge_restore(command: "Command", _places: "Places") -> "Stop | None":
    """Judge the programs that restore a dump over what is there."""
    arguments = frozenset(command.arguments)
    return (
        stop_for("it deletes what is in the database before it restores.")
        if arguments & {"--clean", "-c", "--drop"}
        else None
    )


def _is_for_tests(database: str) -> bool:
    return database.endswith(("_test", "-test")) or database.startswith("test_")


def judge_dropdb(command: "Command", _places: "Places") -> "Stop | None":
    """Judge dropdb and its like, whose whole purpose it is; a database that tests fill again on this machine may go."""
    options, operands = read_options(
        command.arguments, "hpUW", frozenset(["host", "port", "username", "maintenance-db"])
    )
    is_near = dict(options).get("-h", dict(options).get("--host", "localhost")) in ("localhost", "127.0.0.1")
    is_dropdb = command.name == "dropdb" and is_near and not command.is_remote
    if is_dropdb and operands and all(_is_for_tests(name.lower()) for name in operands):
        return None
    return None if {"--help", "-?", "--version"} & set(command.arguments) else stop_for("it deletes a whole database.")


def judge_mysqladmin(command: "Command", _places: "Places") -> "Stop | None":
    """Judge mysqladmin drop."""
    return stop_for("it deletes a whole database.") if "drop" in command.arguments else None


def judge_redis(command: "Command", _places: "Places") -> "Stop | None":
    """Judge redis-cli FLUSHALL and FLUSHDB."""
    _, operands = read_options(command.arguments, "hpanuri", frozenset(["user", "pass"]))
    texts = [operands[0].lower()] if operands else [line.split(" ")[0].lower() for line in command.stdin().split("\n")]
    script = (" ".join(operands[1:]) if texts[:1] in (["eval"], ["evalsha"]) else "") + (
        command.stdin() if "--eval" in command.arguments else ""
    )
    is_flush = (
        bool({"flushall", "flushdb"} & set(texts))
        or any(mark in script.lower() for mark in _FLUSHES)
        or (texts[:1] == ["shutdown"])
    )
    is_swept = command.is_bulk and texts[:1] in (["del"], ["unlink"])
    if is_swept:
        return stop_for("it deletes every key that was found in the Redis database.")
    return stop_for("it empties the whole Redis database.") if is_flush else None


def judge_mongo(command: "Command", _places: "Places") -> "Stop | None":
    """Judge the MongoDB shell's --eval and stdin."""
    from guard_interpreters import read_program

    _, text = read_program("\n".join(command.arguments) + "\n" + command.stdin(), "node")
    text = "".join(text.split())
    if any(
        mark in text
        for mark in (
            "dropDatabase(",
            ".drop()",
            ".deleteMany({})",
            ".remove({})",
            "dropUser(",
            "dropAllUsers(",
            ".dropIndexes()",
            ".drop({",
        )
    ):
        return stop_for("it deletes a database, or all of a collection.")
    return None


def judge_tool(tool: str, tool_input: "dict[str, object]") -> "Stop | None":
    """Judge an MCP tool that runs SQL; a tool is one when its server or its input says so."""
    keys = ["sql"]
    if any(mark in tool.lower() for mark in _SQL_SERVERS):
        keys = ["sql", "query", "statement", "sqlQuery", "sql_query", "command"]
    for key in [*keys, "statements", "queries", "sqls"]:
        value = tool_input.get(key)
        for text in value if isinstance(value, list) else [value]:
            stop = judge_sql(text) if isinstance(text, str) else None
            if stop:
                return stop
    return _judge_database_tool(tool.lower())


def _judge_database_tool(tool: str) -> "Stop | None":
    name = tool.rpartition("__")[2].replace("-", "_")
    is_database = any(
        mark in tool for mark in (*_SQL_SERVERS, "mongo", "redis", "elastic", "qdrant", "pinecone", "clickhouse")
    )
    is_drop = name.startswith(
        (
            "drop_",
            "truncate_",
            "flush",
            "delete_database",
            "delete_table",
            "delete_collection",
            "delete_index",
            "delete_many",
            "reset",
            "purge",
            "wipe",
            "clear_",
            "remove_all",
        )
    ) or name.endswith(("_drop", "_truncate", "_reset", "_wipe", "_purge"))
    return stop_for("it deletes a database, a table or all of its rows.") if is_database and is_drop else None


def judge_sql(text: str) -> "Stop | None":
    """Judge SQL by the heads of its statements; text in quotes and comments says nothing."""
    for words in _statements(text):
        stop = _judge_statement(words)
        if stop:
            return stop
    return None


def _judge_statement(words: "list[str]") -> "Stop | None":
    head = words[0]
    if head in ("explain", "begin") and words[1:]:
        return None if head == "explain" and "analyze" not in words[:3] else _judge_statement(words[1:])
    if head == "with" and "delete" in words:
        words = words[words.index("delete") :]
        head = "delete"
    if head == "drop" and len(words) > 1:
        kind = words[2] if words[1] in ("materialized", "foreign", "temporary") and words[2:] else words[1]
        if kind in _DROPPED:
            return stop_for(f"it deletes a {kind} with everything in it.")
    if head == "remove" and words[1:2] and words[1] in ("table", "database", "namespace"):
        return stop_for("it deletes a table or database with everything in it.")
    if head == "truncate":
        return stop_for("it deletes all rows of a table.")
    if head == "alter" and "drop" in words and ("column" in words or "partition" in words):
        return stop_for("it deletes a column with all its values.")
    is_whole = "where" not in words or _always(words)
    if head == "delete" and words[1:2] == ["from"] and is_whole and UNKNOWN_TEXT not in " ".join(words):
        return stop_for("without WHERE it deletes all rows of a table.")
    if head == "update" and "set" in words and is_whole and UNKNOWN_TEXT not in " ".join(words):
        return stop_for("without WHERE it changes all rows of a table.")
    return None


def _always(words: "list[str]") -> bool:
    condition = "".join(words[words.index("where") + 1 :])
    return condition in ("1=1", "true", "1", "(1=1)", "''=''", "1<2", "notfalse")


def stop_for(why: str) -> Stop:
    """Make the stop for data that would be gone."""
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
