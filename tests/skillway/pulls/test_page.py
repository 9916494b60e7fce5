"""The trend's page: the same numbers as the table, nothing loaded, hostile texts shown as what they are."""

import json
import random
import re
import shutil
import subprocess
import sys
from datetime import date, datetime, timedelta, timezone

import pytest

from skillway.pages.level_chart import LevelChart, Point, level_chart
from skillway.pulls.page import trend_page
from skillway.pulls.trend import make_trend
from skillway.pulls.values import ChangedFile, PullRequest

HOSTILE = "</script><script>document.title='broken'</script><img src=x onerror=\"document.title='broken'\">'\"&{{7*7}}"
START = datetime(2025, 1, 6, tzinfo=timezone.utc)
GOOD = "Carts were lost because the session ended, which made shoppers start again. Tested with two accounts: no longer lost. See #4."


def pulls(weeks=60, per_week=5, title="Keep carts of one account"):
    chance = random.Random(1)
    for number in range(weeks * per_week):
        week = number // per_week
        body = GOOD if chance.random() < (0.2 if week < 30 else 0.9) else "Changes."
        author = f"{HOSTILE}{chance.randrange(9)}"
        when = START + timedelta(days=7 * week + number % 5)
        files = (ChangedFile(HOSTILE, 20, 3),)
        yield PullRequest(f"#{number}", title, body, author, False, False, when, files, "fetch")


@pytest.fixture(scope="module")
def trend():
    return make_trend(pulls(title=HOSTILE), source=f"github {HOSTILE}", at=date(2025, 8, 4))


def test_the_page_has_the_numbers_of_the_trend(trend):
    text = trend_page(trend)
    assert len(trend.changes) == 1
    change = trend.changes[0]
    row = re.search(rf"<tr>\s*<th[^>]*>A</th>.*?{change.monday}.*?</tr>", text, re.DOTALL)
    assert re.findall(r">(\d\.\d\d)<", row.group()) == [f"{change.before:.2f}", f"{change.after:.2f}"]
    for week in trend.weeks[:3]:
        assert week.monday.isoformat() in text
    for name in ("Week by week", "Is it only length?", "At 2025-08-04", "No model was asked"):
        assert name in text
    assert text.count("<svg") == 6
    assert "by agents" in text


def test_hostile_texts_stay_texts(trend):
    text = trend_page(trend)
    assert "<img src=x" not in text
    assert "<script>document" not in text
    assert "49" not in text.partition("<title>")[2].partition("</title>")[0]


def test_a_browser_loads_nothing_and_runs_nothing_foreign(trend, tmp_path):
    program = shutil.which("chromium") or shutil.which("google-chrome")
    if program is None:
        pytest.skip("not run: no Chromium (on Debian: apt install chromium)")
    playwright = pytest.importorskip("playwright.sync_api", reason="not run: no playwright")
    (tmp_path / "page.html").write_text(trend_page(trend), encoding="utf-8")
    requests, told = [], []
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=program, args=["--no-sandbox"])
        for width in (360, 1280):
            page = browser.new_page(viewport={"width": width, "height": 800})
            page.on("request", lambda request: requests.append(request.url))
            page.on("console", lambda message: told.append(message.text))
            page.on("pageerror", lambda error: told.append(str(error)))
            page.goto((tmp_path / "page.html").as_uri())
            assert page.title() == "Pull request descriptions"
            assert page.evaluate("document.documentElement.scrollWidth") <= width
            assert page.locator("svg.drawn:visible").count() == 3
        browser.close()
    assert told == []
    assert [url for url in requests if not url.startswith("file:")] == []


def test_a_chart_without_numbers_says_so():
    point = Point(date(2025, 1, 6), 0, None, None, None)
    text = level_chart(LevelChart("t", "u", (point,)))
    assert "Nothing in this period" in text
    assert "<svg" not in text


def test_the_command_writes_the_page(tmp_path):
    header = {"kind": "skillway.pulls", "schema": 1, "source": "git main", "salt": "00" * 16}
    lines = [json.dumps(header), *(json.dumps(pull.to_json()) for pull in pulls(weeks=6))]
    (tmp_path / "x.jsonl").write_text("\n".join(lines) + "\n")
    command = [sys.executable, "-m", "skillway", "pr", "trend", "--input", "x.jsonl", "--page", "p.html", "--json"]
    answer = json.loads(subprocess.run(command, check=True, capture_output=True, cwd=tmp_path).stdout)
    assert answer["data"]["pull_requests"] == 30
    assert (tmp_path / "p.html").read_text().startswith("<!")
