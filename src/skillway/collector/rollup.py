"""How do new events get into the sums that reports read?

Runs in the transaction that stores the events, so that sums and events agree after any crash. Everything is counted
from rows that were really inserted, so that a record that arrives twice is counted once.
"""

from __future__ import annotations

import sqlite3

from skillway.collector.schema import DAY_NS, DECISION, FAILURE, HEALTH, REQUEST, SUCCESS

_NEW = "id > :last"

_DAILY = f"""
INSERT INTO daily
SELECT name, ts / {DAY_NS}, coalesce(skill, rule, release, 0), coalesce(trigger, 0),
    coalesce(decision, outcome, CASE success WHEN 1 THEN {SUCCESS} WHEN 0 THEN {FAILURE} END, 0),
    coalesce(team, 0), coalesce(user, 0), count(*), max(ts)
FROM event WHERE {_NEW}
GROUP BY 1, 2, 3, 4, 5, 6, 7
ON CONFLICT DO UPDATE SET n = n + excluded.n, last = max(last, excluded.last)
"""

_MEASURE = f"""
INSERT INTO measure
SELECT name, ts / {DAY_NS}, coalesce(rule, 0), CASE type WHEN 'text' THEN key || '=' || value ELSE key END, count(*),
    sum(CASE type WHEN 'text' THEN 1 ELSE value END), max(CASE type WHEN 'text' THEN 1 ELSE value END), max(ts)
FROM event, json_each(event.rest)
WHERE event.{_NEW} AND (event.name = {HEALTH} AND (type IN ('integer', 'real') OR key = 'key.id')
    OR event.name = {DECISION} AND key = 'skillway.sample.weight')
GROUP BY 1, 2, 3, 4
ON CONFLICT DO UPDATE SET n = n + excluded.n, total = total + excluded.total,
    biggest = max(biggest, excluded.biggest), last = max(last, excluded.last)
"""

# A use can arrive days after the requests that it explains, so a prompt that gets news is attributed again.
_TOUCHED = f"""
INSERT INTO temp.touched
SELECT DISTINCT session, coalesce(prompt, 0) FROM event WHERE {_NEW} AND role IS NOT NULL AND session IS NOT NULL
"""

# The same for a session whose team becomes known only after its first requests.
_MOVED = f"""
INSERT INTO temp.touched
SELECT session, prompt FROM prompt_cost WHERE session IN (
    SELECT event.session FROM event JOIN session ON session.id = event.session
    WHERE event.{_NEW} AND event.team > session.team
)
"""

_SESSION = f"""
INSERT INTO session
SELECT session, max(coalesce(team, 0)), min(ts) / {DAY_NS}, max(ts) / {DAY_NS}
FROM event WHERE {_NEW} AND session IS NOT NULL
GROUP BY session
ON CONFLICT DO UPDATE SET team = max(team, excluded.team),
    first_day = min(first_day, excluded.first_day), last_day = max(last_day, excluded.last_day)
"""

_FORGET = "DELETE FROM prompt_cost WHERE (session, prompt) IN (SELECT session, prompt FROM temp.touched)"

_ATTRIBUTE = f"""
INSERT INTO prompt_cost
SELECT day, team, skill, session, prompt, row_number() OVER (PARTITION BY session, prompt) = 1 AND prompt > 0,
    sum(usd), count(*)
FROM (
    SELECT request.ts / {DAY_NS} AS day, session.team, coalesce((
            SELECT used.skill FROM event AS used
            WHERE used.session = request.session AND used.prompt = request.prompt AND used.role = 1
                AND used.ts <= request.ts
            ORDER BY used.ts DESC LIMIT 1
        ), 0) AS skill, touched.session, touched.prompt, coalesce(request.cost_usd, 0) AS usd
    FROM (SELECT DISTINCT session, prompt FROM temp.touched) AS touched
    CROSS JOIN session ON session.id = touched.session
    CROSS JOIN event AS request
        ON request.session = touched.session AND request.prompt IS nullif(touched.prompt, 0) AND request.role = 2
)
GROUP BY session, prompt, day, team, skill
"""

# Requests without a session have nothing to be joined by; they only add up.
_UNJOINED = f"""
INSERT INTO prompt_cost
SELECT ts / {DAY_NS}, coalesce(team, 0), 0, 0, 0, 0, sum(coalesce(cost_usd, 0)), count(*)
FROM event WHERE {_NEW} AND name = {REQUEST} AND session IS NULL
GROUP BY 1, 2
ON CONFLICT DO UPDATE SET usd = usd + excluded.usd, requests = requests + excluded.requests
"""

_TOTAL = f"""
UPDATE total SET events = events + new.n, duplicates = duplicates + :sent - new.n,
    earliest = min(coalesce(earliest, new.low), coalesce(new.low, earliest)),
    latest = max(coalesce(latest, new.high), coalesce(new.high, latest))
FROM (SELECT count(*) AS n, min(ts) AS low, max(ts) AS high FROM event WHERE {_NEW}) AS new
"""


def prepare_rollup(connection: sqlite3.Connection) -> None:
    """Make the connection's own working table."""
    connection.execute("CREATE TEMP TABLE touched (session INTEGER, prompt INTEGER)")


def add_to_sums(connection: sqlite3.Connection, *, last: int, sent: int) -> None:
    """Count the events that this transaction stored.

    Args:
        connection: A store's, in a transaction.
        last: The greatest event id before them.
        sent: How many rows were to be stored; those that are not there now were duplicates.
    """
    values = {"last": last, "sent": sent}
    for statement in (_DAILY, _MEASURE, _TOUCHED, _MOVED, _SESSION):
        connection.execute(statement, values)
    for statement in (_FORGET, _ATTRIBUTE):
        connection.execute(statement)
    connection.execute("DELETE FROM temp.touched")
    connection.execute(_UNJOINED, values)
    connection.execute(_TOTAL, values)


def forget_before(connection: sqlite3.Connection, day: int) -> None:
    """Remove the sums of the days before `day`."""
    for table in ("daily", "measure", "prompt_cost"):
        connection.execute(f"DELETE FROM {table} WHERE day < ?", (day,))
    connection.execute("DELETE FROM session WHERE last_day < ?", (day,))
