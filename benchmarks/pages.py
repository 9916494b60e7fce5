"""How big are the pages, how long do they take to make, and does the catalogue's search lag with 5,000 skills?

Measured in a real headless Chromium: from opening the page to the first skills drawn, and for each key of a typed search
from the event to the finished layout. Peer in the same browser: a plain substring filter over the same skills that neither
ranks nor draws, the least that any search must do. Limits: the slowest key at most 50 ms with 5,000 skills (100 ms is felt),
first skills within 1 s.
"""

import importlib.util
import shutil
import statistics
import sys
import tempfile
import time
from datetime import datetime, timezone
from pathlib import Path
from types import ModuleType

from skillway.pages.catalog_page import catalog_page
from skillway.pages.usage_page import usage_page

SAMPLES = Path(__file__).resolve().parents[1] / "tests" / "skillway" / "pages" / "conftest.py"
TYPED = ("review ticket", "archive backup 77", "customer", "xyz", "e")
KEY_LIMIT, READY_LIMIT = 50.0, 1000.0
"""Milliseconds."""
TYPE = """
(texts) => {
  const field = document.getElementById("q");
  const times = [];
  for (const text of texts) for (let length = 1; length <= text.length; length += 1) {
    const start = performance.now();
    field.value = text.slice(0, length);
    field.dispatchEvent(new Event("input"));
    document.body.offsetHeight;
    times.push(performance.now() - start);
  }
  return times;
}
"""
FILTER = """
(texts) => {
  const skills = JSON.parse(document.getElementById("skills").textContent);
  const lowered = skills.map((skill) => [skill.key, skill.team, skill.owners.join(" "), skill.description].join(" ").toLowerCase());
  const times = [];
  for (const text of texts) for (let length = 1; length <= text.length; length += 1) {
    const start = performance.now();
    lowered.filter((each) => each.includes(text.slice(0, length))).length;
    times.push(performance.now() - start);
  }
  return times;
}
"""
READY = "performance.getEntriesByType('navigation')[0].domContentLoadedEventEnd"


def load_samples() -> ModuleType:
    """Load what the tests draw."""
    spec = importlib.util.spec_from_file_location("samples", SAMPLES)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def main() -> int:
    samples = load_samples()
    program = next((found for found in map(shutil.which, samples.PROGRAMS) if found), None)
    if program is None:
        print("not run: no Chromium (on Debian: apt install chromium)")
        return 3
    from playwright.sync_api import sync_playwright  # noqa: PLC0415 - only with a browser

    good = True
    with sync_playwright() as driver, tempfile.TemporaryDirectory() as folder:
        browser = driver.chromium.launch(executable_path=program, args=["--no-sandbox"])
        for count in (300, 5000):
            start = time.perf_counter()
            text = catalog_page(samples.make_entries(count), title="Acme", made=datetime.now(timezone.utc), usage="")
            took = time.perf_counter() - start
            path = Path(folder) / f"{count}.html"
            path.write_text(text, encoding="utf-8")
            page = browser.new_page()
            page.goto(path.as_uri())
            ready = page.evaluate(READY)
            keys, floor = page.evaluate(TYPE, TYPED), page.evaluate(FILTER, TYPED)
            good = good and max(keys) <= KEY_LIMIT and ready <= READY_LIMIT
            print(
                f"catalogue, {count} skills: {len(text.encode()) / 1e6:.2f} MB made in {took:.2f} s, ready in {ready:.0f} ms; "
                f"a key: median {statistics.median(keys):.1f}, slowest {max(keys):.1f} ms; plain filter: median "
                f"{statistics.median(floor):.1f}, slowest {max(floor):.1f} ms; ratio {statistics.median(keys) / max(statistics.median(floor), 0.05):.1f}"
            )
        browser.close()
    for name, report in (("seven teams", samples.make_report()), ("empty", samples.make_empty_report())):
        start = time.perf_counter()
        text = usage_page(report, title="Acme")
        print(f"usage page, {name}: {len(text.encode()) / 1000:.0f} kB drawn in {time.perf_counter() - start:.2f} s")
    print(f"limits: slowest key {KEY_LIMIT:.0f} ms, ready {READY_LIMIT:.0f} ms: {'kept' if good else 'MISSED'}")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
