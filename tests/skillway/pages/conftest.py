"""Reports and catalogues to draw, and a real browser to look at what was drawn.

The browser is an installed Chromium, driven over its own protocol by Playwright. Every request that it makes, every line
in its console and every error of a script is noted.
"""

import os
import shutil
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta, timezone
from pathlib import Path

import pytest

from skillway.discovery import Evidence, SkillEntry, SkillUse
from skillway.pages.usage_page import usage_page
from skillway.usage.values import (
    OTHERS,
    Adoption,
    Cost,
    CostGroup,
    Health,
    Period,
    Provenance,
    Release,
    Rollout,
    RuleDecisions,
    Source,
    SyncOutcome,
    Totals,
    UnusedSkill,
    UsageReport,
    Use,
)

HOSTILE = "</script><script>document.title='broken'</script><img src=x onerror=\"document.title='broken'\">'\"&{{7*7}}"
"""A text that would show itself if anything took it for markup or for a template."""

CONTRAST = """
() => {
  const rgb = (text) => text.match(/[\\d.]+/g).map(Number);
  const light = ([red, green, blue]) => {
    const [r, g, b] = [red, green, blue].map((part) => part / 255).map((part) => part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const behind = (node) => {
    for (let each = node; each; each = each.parentElement) {
      const color = rgb(getComputedStyle(each).backgroundColor);
      if (color.length < 4 || color[3] > 0) return color;
    }
    return [255, 255, 255];
  };
  const ratio = (one, other) => { const [low, high] = [light(one), light(other)].sort((a, b) => a - b); return (high + 0.05) / (low + 0.05); };
  const low = [];
  for (const node of document.querySelectorAll("h1,h2,h3,p,a,th,td,dt,dd span,summary,label,caption,text,code,mark,button")) {
    if (!node.textContent.trim() || !node.getClientRects().length) continue;
    const style = getComputedStyle(node);
    const value = ratio(rgb(node.tagName === "text" ? style.fill : style.color), behind(node));
    if (value < 4.5) low.push([node.tagName, node.textContent.slice(0, 40), value]);
  }
  for (const node of document.querySelectorAll("svg.drawn .mark-rect path[fill^='#']")) {
    if (!node.getClientRects().length || node.closest("[fill-opacity]")) continue;
    const value = ratio(rgb(getComputedStyle(node).fill), behind(node));
    if (value < 3) low.push(["mark", node.getAttribute("aria-label"), value]);
  }
  return low;
}
"""
"""Names every text with a contrast below 4.5:1 and every mark of a chart below 3:1 (WCAG 2.2, 1.4.3 and 1.4.11)."""

PROGRAMS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
PHONE, DESK = (360, 780), (1440, 900)
NOW = datetime(2026, 11, 20, 14, 0, tzinfo=timezone.utc)


@dataclass
class Seen:
    """What a browser did while a page was open."""

    page: object
    requests: list[str] = field(default_factory=list)
    console: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)

    def is_quiet(self):
        """Nothing was said, nothing failed, and nothing but the page itself was asked for."""
        foreign = [url for url in self.requests[1:] if not url.startswith("data:")]
        return (self.console, self.errors, foreign) == ([], [], [])

    def shot(self, folder, name):
        self.page.screenshot(path=folder / f"{name}.png", full_page=True)


@pytest.fixture(scope="module")
def browser():
    """A headless Chromium, one for all tests of a file: while its driver lives, nothing else may run an event loop."""
    program = next((found for found in map(shutil.which, PROGRAMS) if found), None)
    if program is None:
        pytest.skip("not run: no Chromium (on Debian: apt install chromium)")
    driver = pytest.importorskip("playwright.sync_api", reason="not run: no playwright").sync_playwright().start()
    # Chromium's own sandbox refuses to start as root, as which containers run; the pages are our own.
    arguments = ["--no-sandbox"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []
    started = driver.chromium.launch(executable_path=program, args=arguments)
    yield started
    started.close()
    driver.stop()


@pytest.fixture
def look(browser, tmp_path):
    """Open a page's text, or a file, in a window of some size and colour scheme."""
    contexts = []

    def open_page(text, *, size=DESK, scheme="light", fragment=""):
        path = text if isinstance(text, Path) else tmp_path / "page.html"
        if path is not text:
            path.write_text(text, encoding="utf-8")
        context = browser.new_context(viewport={"width": size[0], "height": size[1]}, color_scheme=scheme)
        contexts.append(context)
        page = context.new_page()
        seen = Seen(page)
        page.on("request", lambda request: seen.requests.append(request.url))
        page.on("console", lambda message: seen.console.append(message.text))
        page.on("pageerror", lambda error: seen.errors.append(str(error)))
        page.goto(path.as_uri() + fragment)
        return seen

    yield open_page
    for context in contexts:
        context.close()


@pytest.fixture(scope="session")
def shots(tmp_path_factory):
    """Where screenshots go: a folder of this test run, or the one that SKILLWAY_SHOTS names."""
    named = os.environ.get("SKILLWAY_SHOTS")
    folder = Path(named) if named else tmp_path_factory.mktemp("screenshots")
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def make_use(name, uses, *, weekly, users=9, **more):
    values = {
        "plugin": name.partition(":")[0] if ":" in name else "",
        "teams": 3,
        "by_team": {},
        "triggers": {"user-slash": uses // 3, "claude-proactive": uses - uses // 3},
        "failures": uses // 50,
        "success_rate": 0.98,
        "last_used": date(2026, 11, 19),
    }
    return Use(name=name, uses=uses, users=users, weekly=weekly, **{**values, **more})


def spread(total, parts):
    """Cut a number into as many parts, growing, that add up to it."""
    weights = [index + 3 for index in range(parts)]
    cut = [total * weight // sum(weights) for weight in weights]
    return (*cut[:-1], total - sum(cut[:-1]))


def make_period(weeks=12):
    first = date(2026, 9, 2)
    mondays = tuple(date(2026, 8, 31) + timedelta(days=7 * index) for index in range(weeks))
    return Period(since=first, until=mondays[-1] + timedelta(days=4), weeks=mondays)


def make_empty_report():
    """What a store without any event gives."""
    period = make_period(5)
    nothing = (0,) * 5
    totals = Totals(0, 0, 0, None, None, 0, 0, 0, None, nothing)
    health = Health(0, {}, 0, 0, None, None, {}, None)
    source = Source("store", "usage.db", 0, None, None)
    provenance = Provenance(NOW, (source,), 0, 0, 0, 0, 5, 0, None, None)
    return UsageReport(period, totals, (), (), None, (), None, (), (), (), health, provenance)


def make_report(scale=1):
    """A report of an organisation with eight teams; `scale` multiplies every count."""
    period = make_period()
    weeks = len(period.weeks)
    names = [
        "developer-tools:create-pr",
        "base-plugin:skillway-help",
        "support:escalation-summary",
        "developer-tools:write-skill",
    ]
    names += [f"team-{number % 7}:skill-number-{number}" for number in range(40)] + ["unlisted"]
    skills = tuple(
        make_use(name, count, weekly=spread(count, weeks), users=None if index > 30 else 40 - index)
        for index, name in enumerate(names)
        for count in [scale * 4000 // (index + 1)]
    )
    sums = {}
    for use in skills:
        sums.setdefault(use.plugin, [0] * weeks)
        sums[use.plugin] = [one + other for one, other in zip(sums[use.plugin], use.weekly, strict=True)]
    plugins = tuple(
        make_use(plugin, sum(values), weekly=tuple(values), plugin=plugin) for plugin, values in sums.items()
    )
    teams = ["support", "platform", "data", "swarm", "growth", "mobile"]
    adoption = tuple(
        Adoption(team, 40, 0.6, 38 - 6 * index, 39, (38 - 6 * index) / 40, (38 - 6 * index) / 40 >= 0.6, 900 * scale,
                 tuple(None if (index + week) % 9 == 8 else week + 12 - 2 * index for week in range(weeks)))
        for index, team in enumerate(teams)
    )  # fmt: skip
    hidden = Adoption(OTHERS, None, None, None, None, None, None, 12 * scale, (None,) * weeks)
    costs = tuple(
        CostGroup(team, 900.5 / (index + 1), 4000, 900, tuple(75.04 / (index + 1) for _ in range(weeks)))
        for index, team in enumerate(teams)
    )
    weekly = tuple(sum(group.weekly[week] for group in costs) for week in range(weeks))
    total = sum(group.usd for group in costs)
    cost = Cost(
        "The cost of a request goes to the skill that was activated last before it.",
        total,
        total * 0.62,
        24000,
        weekly,
        costs,
        costs[:3],
    )
    rules = tuple(
        RuleDecisions(
            name,
            300 * scale // (index + 1),
            90 // (index + 1),
            20,
            index % 2,
            None if index > 3 else 12,
            spread(390, weeks),
        )
        for index, name in enumerate(
            ["pull-request", "force-push", "remove-files", "cloud-delete", "secrets", "database-drop"]
        )
    )
    releases = (
        Release("12", 190, 0.86, date(2026, 11, 20)),
        Release("11", 30, 0.14, date(2026, 11, 12)),
        Release("9", None, None, date(2026, 10, 2)),
    )
    syncs = tuple(
        SyncOutcome(name, runs, 200, spread(runs, weeks))
        for name, runs in (("noop", 9000), ("ok", 700), ("failed", 41), ("rolled_back", 3))
    )
    unused = tuple(
        UnusedSkill(
            f"team-{number % 7}:idle-{number}",
            f"team-{number % 7}",
            "team",
            "@acme/team",
            date(2026, 5, 1) if number % 3 else None,
        )
        for number in range(23)
    )
    rollout = (
        Rollout("12", (0,) * 9 + (40, 120, 190)),
        Rollout("11", (0,) * 3 + (30, 90, 150, 200, 210, 215, 170, 90, 30)),
        Rollout("9", (200, 205, 210, 180, 125, 60, 12, 6, None, None, None, None)),
    )
    uses = sum(use.uses for use in skills)
    totals = Totals(
        uses, sum(use.failures for use in skills), len(skills), 231, 205, 7, 9800, 1200, total, spread(uses, weeks)
    )
    health = Health(800, {"full": 12, "too_old": 3}, 2, 17, 48_000, 5400.0, {"2026-11": 700, "2026-05": 100}, NOW)
    source = Source("store", "/home/ada/.local/state/skillway/usage.db", 1_000_000, NOW - timedelta(days=80), NOW)
    provenance = Provenance(
        NOW, (source,), 40 * uses, 30 * uses, 10 * uses, 77, 5, 3, "/home/ada/skills", "targets.yaml"
    )
    return UsageReport(
        period,
        totals,
        skills,
        plugins,
        unused,
        (*adoption, hidden),
        cost,
        rules,
        releases,
        syncs,
        health,
        provenance,
        rollout=rollout,
    )


def make_hostile_report():
    """A report in which every name is hostile."""
    report = make_report()
    return replace(
        report,
        skills=tuple(replace(use, name=f"{HOSTILE}{index}") for index, use in enumerate(report.skills[:4])),
        adoption=tuple(replace(team, team=f"{HOSTILE}{index}") for index, team in enumerate(report.adoption)),
        rules=tuple(replace(rule, rule=f"{HOSTILE}{index}") for index, rule in enumerate(report.rules)),
        releases=tuple(replace(release, release=f"{HOSTILE}{index}") for index, release in enumerate(report.releases)),
        unused=tuple(replace(skill, name=HOSTILE, owner=HOSTILE) for skill in report.unused[:2]),
    )


def make_entries(count):
    """So many skills over thirty teams; every tenth was never used, every seventh has evidence."""
    things = [
        "dashboard",
        "ticket",
        "release",
        "invoice",
        "incident",
        "migration",
        "backup",
        "contract",
        "alert",
        "survey",
    ]
    verbs = ["prepare", "review", "summarise", "clean up", "explain", "plan", "test", "publish", "archive", "compare"]
    entries = []
    for number in range(count):
        verb, thing, team = verbs[number % 10], things[number // 10 % 10], f"team-{number % 30:02d}"
        name = f"{verb.replace(' ', '-')}-{thing}-{number}"
        entries.append(
            SkillEntry(
                key=f"{team}:{name}", name=name, plugin=team, version="1.2.0", layer="team", team=team,
                description=f"Use when somebody has to {verb} the {thing} of case {number}: '{verb} this', 'what about the {thing}'.",
                owners=(f"@acme/{team}",), invocation=f"/{team}:{name}", is_typed_only=number % 11 == 0,
                reach=f"On laptops of the team {team}.",
                use=SkillUse(0, 0, date.min) if number % 10 == 0 else SkillUse(number, None if number % 4 == 0 else number, date(2026, 11, 1)),
                evidence=Evidence("pass", "2026-11-01") if number % 7 == 0 else Evidence(),
            )
        )  # fmt: skip
    return entries


@pytest.fixture
def report():
    return make_report()


@pytest.fixture(scope="session")
def drawn():
    """The page of `report`, drawn once."""
    return usage_page(make_report(), title="Acme Inc.")


@pytest.fixture
def empty_report():
    return make_empty_report()


@pytest.fixture
def hostile_report():
    return make_hostile_report()


@pytest.fixture
def entries():
    return make_entries


@pytest.fixture
def hostile():
    return HOSTILE


@pytest.fixture
def contrast():
    return CONTRAST
