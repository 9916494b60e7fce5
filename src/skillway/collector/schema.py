"""What stands in the store: tables, the names with fixed numbers, and how an older store becomes a newer one.

Texts that repeat are kept once in `word` and stand elsewhere as numbers; 0 stands for "none". `event` has every
record; the tables below it are sums over `event` that `rollup` keeps, so that a report reads thousands of rows
instead of a million. Days are days since 1970-01-01 UTC.
"""

from __future__ import annotations

from skillway.collector.rows import NUMBER_COLUMNS, WORD_COLUMNS

APPLICATION_ID = 0x736B7779
"""What SQLite's header says of a file of ours ("skwy")."""

DAY_NS = 86_400_000_000_000

WORDS = (
    "skillway.skill.used",
    "skillway.hook.decision",
    "skillway.sync.completed",
    "skillway.telemetry.health",
    "claude_code.api_request",
    "success",
    "failure",
)
"""Words with fixed numbers, from 1. New ones are only ever added at the end, with a migration."""

USED, DECISION, SYNCED, HEALTH, REQUEST, SUCCESS, FAILURE = range(1, len(WORDS) + 1)

EVENT_COLUMNS = ("uid", "ts", "kind", "name", "source", *WORD_COLUMNS, *NUMBER_COLUMNS, "rest")
"""The columns of `event` that a row fills, in the order of `rows.Row`."""

_TABLES = f"""
CREATE TABLE word (id INTEGER PRIMARY KEY, text TEXT NOT NULL UNIQUE);

CREATE TABLE event (
    id INTEGER PRIMARY KEY,
    uid BLOB NOT NULL UNIQUE,
    ts INTEGER NOT NULL,
    kind INTEGER NOT NULL,
    name INTEGER NOT NULL,
    source INTEGER NOT NULL,
    {" INTEGER, ".join(WORD_COLUMNS)} INTEGER,
    {" REAL, ".join(NUMBER_COLUMNS)} REAL,
    rest TEXT,
    -- 1 for a skill's use, 2 for a request's cost: what the cost of a prompt is made of
    role INTEGER GENERATED ALWAYS AS (CASE name WHEN {USED} THEN 1 WHEN {REQUEST} THEN 2 END) VIRTUAL
);
CREATE INDEX event_of_prompt ON event (session, prompt, role, ts) WHERE role IS NOT NULL;

-- how many events of a name on a day; what subject, detail and outcome are depends on the name
CREATE TABLE daily (
    name INTEGER NOT NULL,
    day INTEGER NOT NULL,
    subject INTEGER NOT NULL,
    detail INTEGER NOT NULL,
    outcome INTEGER NOT NULL,
    team INTEGER NOT NULL,
    user INTEGER NOT NULL,
    n INTEGER NOT NULL,
    last INTEGER NOT NULL,
    PRIMARY KEY (name, day, subject, detail, outcome, team, user)
) WITHOUT ROWID;

-- sums of the numbers that health reports and sampled decisions carry
CREATE TABLE measure (
    name INTEGER NOT NULL,
    day INTEGER NOT NULL,
    subject INTEGER NOT NULL,
    key TEXT NOT NULL,
    n INTEGER NOT NULL,
    total REAL NOT NULL,
    biggest REAL NOT NULL,
    last INTEGER NOT NULL,
    PRIMARY KEY (name, day, subject, key)
) WITHOUT ROWID;

-- what the requests of a prompt cost, by the skill that was active; one row of a prompt has is_first
CREATE TABLE prompt_cost (
    day INTEGER NOT NULL,
    team INTEGER NOT NULL,
    skill INTEGER NOT NULL,
    session INTEGER NOT NULL,
    prompt INTEGER NOT NULL,
    is_first INTEGER NOT NULL,
    usd REAL NOT NULL,
    requests INTEGER NOT NULL,
    PRIMARY KEY (day, team, skill, session, prompt)
) WITHOUT ROWID;
CREATE INDEX cost_of_prompt ON prompt_cost (session, prompt);

-- whose a session is, as skillway's own events say; Claude Code's do not
CREATE TABLE session (
    id INTEGER PRIMARY KEY,
    team INTEGER NOT NULL,
    first_day INTEGER NOT NULL,
    last_day INTEGER NOT NULL
);

-- one row: what would need a count over all events
CREATE TABLE total (events INTEGER NOT NULL, duplicates INTEGER NOT NULL, earliest INTEGER, latest INTEGER);
INSERT INTO total VALUES (0, 0, NULL, NULL);
"""

MIGRATIONS: tuple[str, ...] = (
    _TABLES + "".join(f"INSERT INTO word VALUES ({number}, '{text}');\n" for number, text in enumerate(WORDS, 1)),
)
"""What makes version n of the schema out of version n - 1; a new store starts at 0."""
