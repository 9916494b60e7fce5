"""Events of a small made-up fleet, from a seed, and what a report must say of them, counted one by one."""

import random
from collections import Counter, defaultdict
from datetime import UTC, date, datetime, timedelta

DAY_NS = 86_400 * 10**9
LEAST = 5


def make_events(seed, *, until, count=500, days=60):
    """Give events as plain dictionaries; some have no user, no team, no success, and many are out of order."""
    chance = random.Random(seed)
    people = [f"{number:032x}" for number in range(1, 41)]
    # teams of 24, 9, 4 and 3: the last two are too small to be shown
    team_of = {
        user: "big" if n < 24 else "mid" if n < 33 else "tiny" if n < 37 else "wee" for n, user in enumerate(people)
    }
    end = int(datetime(until.year, until.month, until.day, tzinfo=UTC).timestamp() * 10**9) + DAY_NS
    events = []
    for number in range(count):
        user = chance.choice(people) if chance.random() < 0.95 else None
        team = team_of.get(user) if chance.random() < 0.97 else None
        session = f"session-{number}"
        when = end - 1 - int(chance.random() * days * DAY_NS)
        common = {"session.id": session, **({"user.hash": user} if user else {})}
        events += _session(chance, common, team, session, when)
    chance.shuffle(events)
    return events


def _session(chance, common, team, session, when):
    ours = [_event(chance, "skillway.session.started", when, common, team)]
    native = []
    if chance.random() < 0.5:
        values = {"sync.outcome": chance.choice(["ok", "noop", "failed"]), "sync.to": chance.choice(["7", "8"])}
        ours.append(_event(chance, "skillway.sync.completed", when + 5, {**common, **values}, team))
    if chance.random() < 0.3:
        values = {"dropped.full": chance.randrange(3), "spool.bytes": chance.randrange(9000), "key.id": "2026-11"}
        ours.append(_event(chance, "skillway.telemetry.health", when + 6, {**common, **values}, team))
    for prompt in range(chance.randint(0, 3)):
        when += 1_000_000
        for _ in range(chance.randint(1, 5)):
            when += chance.randint(1000, 9 * 10**9)
            ids = {**common, "prompt.id": f"{session}-{prompt}"}
            kind = chance.random()
            if kind < 0.35:
                ours.append(_event(chance, "skillway.skill.used", when, {**ids, **_skill(chance)}, team))
            elif kind < 0.5:
                values = {
                    "hook.rule.id": chance.choice(["a", "b", "c"]),
                    "hook.decision": chance.choice(["deny", "ask", "error"]),
                }
                ours.append(_event(chance, "skillway.hook.decision", when, {**ids, **values}, team))
            else:
                ids.pop("user.hash", None)
                values = {"cost_usd": chance.randrange(1, 1000) / 1000, "event.sequence": len(native)}
                if chance.random() < 0.1:
                    ids.pop("prompt.id")
                native.append(
                    {**_event(chance, "claude_code.api_request", when, {**ids, **values}, None), "native": True}
                )
    return ours + native


def _skill(chance):
    name = chance.choice(
        ["p:one", "p:one", "p:one", "p:two", "q:three", "q:rare" if chance.random() < 0.05 else "q:three"]
    )
    values = {
        "skill.name": name,
        "plugin.name": name[0],
        "invocation_trigger": chance.choice(["user-slash", "claude-proactive"]),
    }
    if chance.random() < 0.8:
        values["success"] = chance.random() < 0.9
    return values


def _event(chance, name, when, attributes, team):
    return {"uid": f"{chance.getrandbits(128):032x}", "name": name, "ts": when, "attributes": attributes, "team": team}


class Counted:
    """The right answers, by going through all events for each question."""

    def __init__(self, events, since, until):
        self.all = events
        self.since, self.until = since, until
        self.events = [event for event in events if since <= self.day(event) <= until]
        self.team_of_session = {e["attributes"]["session.id"]: e["team"] for e in events if e["team"]}

        self.uses_of_prompt = defaultdict(list)
        for event in events:
            if event["name"] == "skillway.skill.used":
                self.uses_of_prompt[event["attributes"]["prompt.id"]].append(event)

    @staticmethod
    def day(event):
        return (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=event["ts"] // 1000)).date()

    def named(self, name):
        return [event for event in self.events if event["name"] == name]

    def users(self, events):
        return {event["attributes"]["user.hash"] for event in events if "user.hash" in event["attributes"]}

    def shown(self, users):
        return None if 0 < len(users) < LEAST else len(users)

    def skill(self, name):
        return [event for event in self.named("skillway.skill.used") if event["attributes"]["skill.name"] == name]

    def weekly(self, events, value=lambda _: 1):
        first = self.since - timedelta(days=self.since.weekday())
        weeks = Counter()
        for event in events:
            weeks[(self.day(event) - first).days // 7] += value(event)
        return tuple(weeks[week] for week in range((self.until - first).days // 7 + 1))

    def cost_by(self, key):
        sums = defaultdict(float)
        for event in self.named("claude_code.api_request"):
            sums[key(event)] += event["attributes"]["cost_usd"]
        return dict(sums)

    def skill_of(self, request):
        """Give the skill used last before a request in the same prompt."""
        ids = request["attributes"]
        if "prompt.id" not in ids:
            return None
        used = [event for event in self.uses_of_prompt[ids["prompt.id"]] if event["ts"] <= request["ts"]]
        return max(used, key=lambda event: event["ts"])["attributes"]["skill.name"] if used else None

    def team_of(self, request):
        return self.team_of_session.get(request["attributes"]["session.id"])


UNTIL = date(2026, 11, 18)
