"""The page for raters in a real browser: what it sends has to pass the page's own locks."""

import json
import os
import shutil
import threading

import pytest

from skillway_evals.label_page import LabelServer
from skillway_evals.labels import rater_id

PROGRAMS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
HOSTILE = "<script>document.title='broken'</script><img src=x onerror=\"document.title='broken'\"> & more"


@pytest.fixture
def page():
    program = next((found for found in map(shutil.which, PROGRAMS) if found), None)
    if program is None:
        pytest.skip("not run: no Chromium (on Debian: apt install chromium)")
    driver = pytest.importorskip("playwright.sync_api", reason="not run: no playwright").sync_playwright().start()
    arguments = ["--no-sandbox"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []
    started = driver.chromium.launch(executable_path=program, args=arguments)
    yield started.new_page()
    started.close()
    driver.stop()


def test_person_rates_by_clicking_and_hostile_text_stays_text(bench, page):
    texts = bench.folder / "calibration/texts.jsonl"
    texts.write_text("".join(json.dumps({"id": name, "text": f"{name} {HOSTILE}"}) + "\n" for name in ("one", "two")))
    who = rater_id("Ada")
    with LabelServer(bench.book(), who) as server:
        thread = threading.Thread(target=server.run_until_done, daemon=True)
        thread.start()
        said = []
        page.on("console", lambda message: said.append(message.text))
        page.goto(server.url)
        for number in range(1, 5):
            assert page.title() == f"{number} of 4"
            assert HOSTILE in page.inner_text("pre")
            page.get_by_role("button").nth(number % 3).click()
        assert page.inner_text("h1") == "Done"
        thread.join(30)
        assert not thread.is_alive()
    assert [label.score for label in bench.book().labels] == [1, 2, 0, 1]
    assert [line for line in said if "favicon" not in line] == []
