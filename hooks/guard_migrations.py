"""Does a framework's or a queue's own command empty a database: prisma migrate reset, rails db:drop, nats stream purge?

The commands are data, one line for each program. Leaves SQL to `guard_data.py`.
"""

from guard_data import judge_sql, stop_for
from guard_options import read_options

TYPE_CHECKING = False
if TYPE_CHECKING:
    from guard_decision import Stop
    from guard_paths import Places
    from guard_walk import Command

_MIGRATIONS: "dict[str, tuple[str, ...]]" = {
    "rails": (
        "db:drop",
        "db:reset",
        "db:purge",
        "db:schema:load",
        "db:structure:load",
        "db:truncate_all",
        "db:migrate:reset",
        "db:seed:replant",
        "db:drop:all",
        "db:setup",
    ),
    "prisma": ("migrate reset", "db push --force-reset", "db push --accept-data-loss"),
    "manage.py": ("flush", "reset_db", "migrate zero"),
    "artisan": ("migrate:fresh", "migrate:reset", "migrate:refresh", "db:wipe"),
    "alembic": ("downgrade base",),
    "knex": ("migrate:rollback --all",),
    "sequelize": ("db:drop", "db:migrate:undo:all"),
    "typeorm": ("schema:drop",),
    "drizzle-kit": ("drop",),
    "supabase": ("db reset", "projects delete", "functions delete", "branches delete", "storage rm", "secrets unset"),
    "dbmate": ("drop",),
    "flyway": ("clean",),
    "liquibase": ("drop-all", "dropall"),
    "goose": ("reset", "down-to 0"),
    "migrate": ("drop",),
    "hasura": ("database drop",),
    "doctrine": ("database:drop", "schema:drop"),
    "console": ("doctrine:database:drop", "doctrine:schema:drop"),
    "mix": ("ecto.drop", "ecto.reset"),
    "influx": ("delete", "bucket delete"),
    "kafka-topics": ("--delete",),
    "atlas": ("schema clean", "clusters delete", "projects delete"),
    "diesel": ("database reset", "database drop"),
    "sqlx": ("database drop", "database reset"),
    "flask": ("db downgrade base",),
    "dotnet": ("ef database drop",),
    "dotnet-ef": ("database drop",),
    "wp": ("db reset", "db drop", "db clean", "site empty", "site delete", "plugin delete --all"),
    "drush": ("sql:drop", "sql-drop", "site:install", "entity:delete"),
    "mikro-orm": ("schema:drop", "schema:fresh", "migration:fresh"),
    "rpk": ("topic delete", "cluster storage"),
    "nats": ("stream rm", "stream delete", "stream purge", "kv del", "kv purge", "object del", "consumer rm"),
    "pulsar-admin": ("topics delete", "namespaces delete", "tenants delete", "topics truncate"),
    "zkcli.sh": ("deleteall", "rmr", "delete"),
    "celery": ("purge",),
    "kafka-delete-records": ("",),
    "kafka-delete-records.sh": ("",),
    "kcctl": ("delete",),
    "magento": ("setup:uninstall",),
    "bench": ("drop-site", "reinstall"),
    "payload": ("migrate:fresh", "migrate:reset"),
    "kysely": ("migrate:rollback --all",),
    "medusa": ("db:rollback",),
    "nodetool": ("clearsnapshot", "decommission", "assassinate"),
}
_MIGRATION_SHORTS = "aedcu"
_MIGRATION_VALUES = frozenset([
    "path", "database", "source", "dir", "url", "env", "config", "schema", "knexfile", "migrations-dir", "environment", "datasource", "dialect", "connection-string", "project", "context", "host", "port",
    "bootstrap-server", "topic", "user", "password", "a", "app", "server", "n", "namespace", "conn", "token", "s", "context-name",
])  # fmt: skip
_SAME_AS = {
    "rake": "rails",
    "django-admin": "manage.py",
    "sequelize-cli": "sequelize",
    "kafka-topics.sh": "kafka-topics",
}


def judge_migration(command: "Command", _places: "Places") -> "Stop | None":
    """Judge the frameworks' commands that drop or empty a database."""
    if command.name == "influx" and "-execute" in command.arguments:
        return judge_sql(" ".join(command.arguments[command.arguments.index("-execute") + 1 :]))
    words = [argument.lower() for argument in command.arguments]
    if {"--help", "-h", "--dry-run", "--pretend", "--sql"} & set(words):
        return None
    if any(
        setting in ("RAILS_ENV=test", "APP_ENV=test", "NODE_ENV=test", "MIX_ENV=test", "DJANGO_ENV=test")
        for setting in command.assignments
    ):
        return None  # a database that tests fill again
    stop = _judge_code(command)
    if stop:
        return stop
    doubled = ["-" + word if word[:1] == "-" and word[1:2] not in ("-", "") and word[2:] else word for word in words]
    _, operands = read_options(doubled, _MIGRATION_SHORTS, _MIGRATION_VALUES)
    if command.name == "goose":
        operands = operands[-1:] if operands[-1:] != ["0"] else operands[-2:]
    plain_words = [word for word in words if not word.startswith("-")]
    lines = [" " + " ".join(some) + " " for some in (plain_words, operands)]
    flags = " ".join([word for word in words if word.startswith("-")])
    for pattern in _MIGRATIONS.get(_SAME_AS.get(command.name, command.name), ()):
        plain = " ".join([word for word in pattern.split() if not word.startswith("-")])
        needed = [word for word in pattern.split() if word.startswith("-")]
        if plain == "migrate zero":
            if words[:1] == ["migrate"] and words[-1:] == ["zero"]:
                return stop_for("it takes all tables of an application away.")
        elif (
            any(line.startswith(" " + plain + " ") or (":" in plain and " " + plain + " " in line) for line in lines)
            or not plain
        ) and all(flag in flags for flag in needed):
            return stop_for("it deletes or empties the whole database.")
    return None


_RUNNING_CODE = ("runner", "tinker", "shell", "console", "eval", "run", "rails:runner")
_CODE_LOSSES = (
    ".delete_all",
    ".destroy_all",
    ".objects.all().delete()",
    "->truncate()",
    "::truncate()",
    "->delete()",
    "drop_database",
    "dropdatabase",
    "flushall",
    "drop_all(",
    "delete_all(",
)


def _judge_code(command: "Command") -> "Stop | None":
    """Judge the code that a framework is given to run with its models."""
    if not any(word.partition(":")[0] in _RUNNING_CODE for word in command.arguments[:2]):
        return None
    text = "".join((" ".join(command.arguments) + command.stdin()).lower().split())
    is_picked = "where(" in text or "filter(" in text or "find(" in text
    return (
        stop_for("it deletes all rows of a table.")
        if any(mark in text for mark in _CODE_LOSSES) and not is_picked
        else None
    )
