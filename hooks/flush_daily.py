"""What does the flusher itself have to say? Which skills this laptop has, once a day, and how the sending does.

Its records go through the spool like all others. They are made only where somebody receives them.
"""

import json
import os
import time

import spool
from flush_config import document

TYPE_CHECKING = False
if TYPE_CHECKING:
    from flush_config import Config
    from flush_spool import Spool
    from flush_state import State

HEALTH_EVERY_S = 24 * 3600
HEALTH_AT_LOSS_S = 3600
"""Something that was lost is told sooner."""
SKILLS_PER_RECORD = 40

_WRITERS = ("full", "short_write")


def keep_own_records(waiting: "Spool", state: "State", config: "Config") -> None:
    """Put the records into the spool that are due."""
    day = time.strftime("%Y-%m-%d", time.gmtime())
    if state.values["inventory_day"] != day:
        for attributes in inventory(spool.root_folder()):
            spool.append("skillway.inventory", {**attributes, "user.hash": spool.user_hash()})
        state.values["inventory_day"] = day
        state.save()
    _keep_health(waiting, state, config)


def _keep_health(waiting: "Spool", state: "State", config: "Config") -> None:
    counts = _counts(waiting, state)
    reported = state.values["reported"]
    news = {key: max(0, number - _int(reported.get(key))) for key, number in counts.items()}
    is_loss = any(number for key, number in news.items() if key != "flush.sent")
    since = time.time() - state.values["health_at"]
    if 0 <= since < (HEALTH_AT_LOSS_S if is_loss else HEALTH_EVERY_S):
        return
    attributes: "dict[str, object]" = {key: number for key, number in news.items() if number or key == "flush.sent"}
    attributes.update(
        {
            "spool.bytes": waiting.waiting_bytes(),
            "spool.oldest_s": oldest_seconds(waiting),
            "flush.failure": state.values["failure"] or None,
            "key.id": config.key_id or None,
            "user.hash": spool.user_hash(),
        }
    )
    if spool.append("skillway.telemetry.health", attributes):
        state.values.update(reported=counts, health_at=int(time.time()))
        state.save()


def _counts(waiting: "Spool", state: "State") -> "dict[str, int]":
    """Give every count since the beginning, under the names of the health record."""
    dropped = {f"dropped.{reason}": _int(number) for reason, number in state.values["dropped"].items()}
    dropped.update({f"dropped.{reason}": waiting.counter(reason) for reason in _WRITERS})
    dropped["dropped.total"] = sum(dropped.values())
    values = state.values
    own = {"torn.count": values["torn"], "unknown.count": values["unknown"], "flush.failures": values["failures"]}
    return {**dropped, **own, "flush.sent": values["sent"]}


def _int(value: object) -> int:
    return value if isinstance(value, int) else 0


def oldest_seconds(waiting: "Spool") -> "int | None":
    """Give the age of the oldest waiting record; None when there is none to be read."""
    for name in waiting.waiting_files():
        for line, _ in waiting.lines(name, waiting.offset(name)):
            try:
                age = int(time.time() - json.loads(line)["ts"] / 1e9)
            except (ValueError, TypeError, KeyError, RecursionError):
                continue
            return max(0, age)
    return None


def inventory(root: str) -> "list[dict[str, object]]":
    """Describe every plugin that the catalogue offers on this laptop; none without a catalogue."""
    catalogue = document(root + "/.claude-plugin/marketplace.json") if root else {}
    plugins = catalogue.get("plugins")
    records: "list[dict[str, object]]" = []
    for entry in plugins if isinstance(plugins, list) else ():
        source = entry.get("source") if isinstance(entry, dict) else None
        if isinstance(source, str) and source.startswith("./store/") and ".." not in source:
            records.extend(_plugin(root + source[1:], catalogue.get("name"), entry.get("name")))
    return records


def _plugin(folder: str, marketplace: object, name: object) -> "list[dict[str, object]]":
    try:
        skills = sorted(skill for skill in os.listdir(folder + "/skills") if not skill.startswith("."))
    except OSError:
        skills = []
    common: "dict[str, object]" = {
        "plugin.name": name,
        "plugin.version": document(folder + "/.claude-plugin/plugin.json").get("version"),
        "plugin.digest": folder.rpartition("/")[2][:12],
        "plugin.enabled": True,
        "marketplace.name": marketplace,
        "skill.count": len(skills),
    }
    parts = [skills[place : place + SKILLS_PER_RECORD] for place in range(0, len(skills), SKILLS_PER_RECORD)]
    return [{**common, "skills": part} for part in parts] or [common]
