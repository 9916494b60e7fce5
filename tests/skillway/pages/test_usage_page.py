"""The usage page in a real browser: nothing loaded, the right numbers, readable everywhere, no foreign script."""

import re
from dataclasses import replace
from itertools import pairwise

import pytest

from skillway.pages.usage_page import usage_page
from skillway.usage.values import Rollout


def rows_of(seen, caption):
    """Read a table as a reader of its cells would, folded away or not."""
    table = seen.page.locator(
        "table", has=seen.page.locator("caption", has_text=re.compile(f"^{re.escape(caption)}"))
    ).first
    return [row.locator("th,td").all_text_contents() for row in table.locator("tbody tr").all()]


def width_of(seen):
    return seen.page.evaluate("document.documentElement.scrollWidth")


def test_page_loads_nothing_and_says_nothing(look, drawn, shots):
    seen = look(drawn)

    seen.shot(shots, "usage-wide")

    assert seen.is_quiet(), (seen.console, seen.errors, seen.requests)
    assert "http://" not in re.sub(r"http://www\.w3\.org/\S+", "", seen.page.content())


def test_every_chart_is_drawn_and_has_a_table_with_its_numbers(look, drawn):
    seen = look(drawn)
    figures = seen.page.locator("figure.chart")

    assert figures.count() == 10
    for figure in figures.all():
        assert figure.locator("svg.wide").is_visible()
        assert figure.locator("svg.narrow").is_hidden()
        assert (
            figure.locator("svg.wide [aria-roledescription=bar], svg.wide [aria-roledescription='rect mark']").count()
            > 0
        )
        assert figure.locator("table tbody tr").count() > 0


def test_numbers_of_the_tables_are_those_of_the_report(look, report, drawn):
    seen = look(drawn)

    weekly = rows_of(seen, "Uses per week, by layer")
    most = rows_of(seen, "Most used skills")
    counts = [int(cell.replace(",", "")) for row in weekly for cell in row[1:]]

    assert [row[0] for row in weekly] == [week.isoformat() for week in report.period.weeks]
    assert sum(counts) == sum(use.uses for use in report.plugins) == report.totals.uses
    assert most[0] == [report.skills[0].name, f"{report.skills[0].uses:,}"]
    assert rows_of(seen, "Adoption by team")[0] == ["support", "38", "900", "40", "95 %", "60 %", "yes"]
    assert rows_of(seen, "Decisions of the guard, by rule")[0] == ["pull-request", "300", "90", "0"]
    assert sum(int(row[1].replace(",", "")) for row in rows_of(seen, "How skills are started")) == report.totals.uses


def test_bar_is_as_long_as_its_number_says(look, report, drawn):
    seen = look(drawn)
    bars = seen.page.locator("figure.chart", has_text="Most used skills").locator("svg.wide [aria-roledescription=bar]")
    one, four = (bars.nth(index).bounding_box()["width"] for index in (0, 3))

    assert one / four == pytest.approx(report.skills[0].uses / report.skills[3].uses, rel=0.03)


def test_costs_of_the_columns_add_up_to_the_total_and_are_called_estimates(look, report, drawn):
    seen = look(drawn)

    rows = rows_of(seen, "Estimated cost per week, by team")
    section = seen.page.locator("#cost")

    assert sum(float(cell) for row in rows for cell in row[1:]) == pytest.approx(report.cost.total_usd, rel=0.001)
    assert "An estimate." in section.inner_text()
    assert report.cost.basis in section.inner_text()


def test_hidden_groups_are_called_hidden_and_never_zero(look, drawn):
    seen = look(drawn)

    assert rows_of(seen, "Adoption by team")[-1] == [
        "(hidden)",
        "hidden",
        "12",
        "unknown",
        "unknown or hidden",
        "none",
        "unknown",
    ]
    assert rows_of(seen, "Releases")[-1] == ["9", "hidden", "hidden", "2026-10-02"]
    assert rows_of(seen, "People who used a skill, by team and week")[0][-1] == "hidden"
    assert seen.page.locator("#fleet svg.wide text", has_text="hidden").count() == 1
    assert rows_of(seen, "People on each release, per week")[0] == ["2026-08-31", "0", "0", "200"]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_and_marks_stand_out_from_their_background(look, drawn, shots, contrast, scheme):
    seen = look(drawn, scheme=scheme)
    seen.page.evaluate("document.querySelectorAll('details').forEach((each) => { each.open = true; })")

    seen.shot(shots, f"usage-{scheme}-open")

    assert seen.page.evaluate(contrast) == []


def test_dark_page_is_dark(look, drawn, shots):
    seen = look(drawn, scheme="dark")

    seen.shot(shots, "usage-dark")

    assert seen.page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(15, 18, 22)"


@pytest.mark.parametrize("width", [360, 719, 720, 1024, 1440])
def test_nothing_is_wider_than_the_window(look, drawn, shots, width):
    seen = look(drawn, size=(width, 800))
    seen.page.evaluate("document.querySelectorAll('details').forEach((each) => { each.open = true; })")

    if width == 360:
        seen.shot(shots, "usage-narrow")

    assert width_of(seen) == width
    assert seen.page.locator("svg.narrow").first.is_visible() == (width < 720)


def test_empty_store_says_so_and_draws_nothing(look, empty_report, shots):
    seen = look(usage_page(empty_report, title=""))

    seen.shot(shots, "usage-empty")

    assert seen.is_quiet()
    assert seen.page.locator("svg").count() == 0
    assert "no event of this period" in seen.page.locator("#overview").inner_text()


def test_one_event_is_one_column_of_one(look, report, empty_report, shots):
    use = replace(report.skills[0], uses=1, weekly=(0, 0, 0, 0, 1), triggers={"user-slash": 1}, failures=0, users=None)
    provenance = replace(empty_report.provenance, events=1, skillway_events=1)
    single = replace(empty_report, skills=(use,), plugins=(replace(use, name=use.plugin),), provenance=provenance)

    seen = look(usage_page(single, title="Acme Inc."))
    seen.shot(shots, "usage-one")

    assert seen.is_quiet()
    assert rows_of(seen, "Uses per week, by layer")[-1][1:] == ["0", "1", "0"]
    axis = (
        seen.page.locator("figure.chart", has_text="Uses per week")
        .locator("svg.wide .role-axis-label text")
        .all_text_contents()
    )
    assert not [label for label in axis if "." in label]


def test_hostile_names_are_shown_and_never_run(look, hostile_report):
    text = usage_page(hostile_report, title=hostile_report.skills[0].name)

    seen = look(text)
    seen.page.wait_for_timeout(100)

    assert seen.is_quiet()
    assert seen.page.locator("main img, main script, figure script").count() == 0
    assert seen.page.title() != "broken"
    assert "{{7*7}}" in seen.page.locator("h1").inner_text()
    assert "<script" in rows_of(seen, "Decisions of the guard, by rule")[0][0]


def test_script_that_got_in_all_the_same_does_not_run(look, drawn):
    """The content security policy is the second wall: it is tried with the first one taken away."""
    text = drawn.replace(
        "</main>", "<script>document.title='broken'</script><img src=x onerror=\"document.title='broken'\"></main>"
    )

    seen = look(text)
    seen.page.wait_for_timeout(100)

    assert seen.page.title() != "broken"
    assert any("Content Security Policy" in line for line in seen.console)


def test_every_table_and_link_is_reached_by_keyboard(look, drawn):
    seen = look(drawn)

    seen.page.keyboard.press("Tab")
    first = seen.page.evaluate("document.activeElement.textContent")
    seen.page.keyboard.press("Enter")
    reached = seen.page.evaluate("document.activeElement.id")
    seen.page.locator("summary").first.focus()
    seen.page.keyboard.press("Enter")

    assert (first, reached) == ("Skip to the content", "main")
    assert seen.page.locator("details").first.get_attribute("open") is not None


def test_headings_have_no_gaps(look, drawn):
    seen = look(drawn)
    levels = seen.page.evaluate("[...document.querySelectorAll('h1,h2,h3,h4')].map((each) => Number(each.tagName[1]))")

    assert levels.count(1) == 1
    assert all(later - former <= 1 for former, later in pairwise(levels))


def test_pointer_on_a_column_tells_its_number(look, drawn):
    seen = look(drawn)
    seen.page.locator("figure.chart", has_text="Most used skills").locator(
        "svg.wide [aria-roledescription=bar]"
    ).first.hover()

    assert "4,000" in seen.page.locator(".hint").inner_text() or "4000" in seen.page.locator(".hint").inner_text()


def test_printed_page_is_light_and_has_no_links_at_the_top(look, drawn, shots):
    seen = look(drawn, scheme="dark")
    seen.page.emulate_media(media="print", color_scheme="dark")

    seen.shot(shots, "usage-print")

    assert seen.page.locator("nav").is_hidden()
    assert seen.page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert seen.page.evaluate("getComputedStyle(document.querySelector('svg.wide text')).fill") == "rgb(58, 66, 76)"


def test_without_targets_people_are_counted_and_no_share_is_shown(look, report):
    bare = tuple(replace(team, people=None, target=None, share=None, is_reached=None) for team in report.adoption)

    seen = look(usage_page(replace(report, adoption=bare), title="Acme Inc."))

    assert rows_of(seen, "Adoption by team")[0] == ["support", "38", "900"]
    assert seen.page.locator("#adoption", has_text="reached").count() == 0


def test_more_releases_than_colours_are_drawn_together(look, report):
    weeks = len(report.period.weeks) - 1
    rollout = tuple(Rollout(str(number), (*(10,) * weeks, None)) for number in range(20, 10, -1))

    seen = look(usage_page(replace(report, rollout=rollout), title="Acme Inc."))

    rows = rows_of(seen, "People on each release, per week")
    assert rows[0][1:] == ["10"] * 5 + ["50"]
    assert rows[-1][1:] == ["hidden"] * 6
