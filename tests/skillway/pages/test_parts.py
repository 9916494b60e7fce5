"""Frame, tables and charts without a browser: what is escaped, what None means, and the example of the guide."""

import re
from html.parser import HTMLParser

import pytest

from skillway.pages.charts import Chart, Series, chart
from skillway.pages.frame import PageNotWrittenError, Section, page, write_page
from skillway.pages.markup import json_block
from skillway.pages.parts import Column, note, table, tiles


class Found(HTMLParser):
    """Which tags and attributes a browser would see."""

    def __init__(self):
        super().__init__()
        self.tags, self.attributes = set(), set()

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        self.attributes.update(name for name, _ in attrs)


def make_chart(**more):
    values = {
        "title": "Uses",
        "kind": "bars",
        "categories": ("a", "b"),
        "category_title": "skill",
        "series": (Series("uses", (3, None)),),
        "unit": "uses",
    }
    return Chart(**{**values, **more})


def test_example_of_the_guide_runs(repository):
    text = (repository / "docs" / "guides" / "discovery.md").read_text()
    example = re.search(r"```python\n(.*?)```", text, re.DOTALL)[1]
    scope = {}

    exec(example, scope)

    assert scope["text"].startswith("<!doctype html>")
    assert "not run" in scope["text"]


@pytest.mark.parametrize("make", [
    lambda bad: table(bad, [Column(bad), Column("n", bad)], [[bad, None]], folded=bad),
    lambda bad: tiles([(bad, bad, bad)]),
    lambda bad: note(bad, kind=bad),
    lambda bad: chart(make_chart(title=bad, categories=(bad, "b"), category_title=bad, series=(Series(bad, (1, None)),), unit=bad, note=bad, none=bad)),
    lambda bad: chart(make_chart(title=bad, kind="cells", categories=(bad, "b"), series=(Series(bad, (1, None)),), series_title=bad, unit=bad)),
    lambda bad: page(bad, [Section("a", bad, (bad,)), Section("b", "b", ())], subtitle=bad, footer=bad),
])  # fmt: skip
def test_every_text_is_escaped(make, hostile):
    text = make(hostile)
    found = Found()
    found.feed(text)

    assert found.tags.isdisjoint({"img", "b"})
    assert "<script>document" not in text
    assert not {name for name in found.attributes if name.startswith("on")}
    assert "{{7*7}}" in text, "a text is no template"


def test_data_for_scripts_cannot_leave_its_block(hostile):
    block = json_block("data", {hostile: ["<!--", "]]>", "\u2028"]})

    inside = block.removeprefix('<script type="application/json" id="data">').removesuffix("</script>")
    assert not set(inside) & set("<>&\u2028")


def test_number_that_is_not_there_is_said_and_not_zero():
    text = table(
        "t", [Column("a"), Column("b", "hidden"), Column("c", percent=True)], [["x", None, 0.5], ["y", 1234567, 1]]
    )

    assert re.findall(r"<td[^>]*>([^<]*)</td>", text) == ["hidden", "50 %", "1,234,567", "100 %"]


def test_chart_without_any_number_says_so_and_draws_nothing():
    text = chart(make_chart(series=(Series("uses", (0, None)),)))

    assert "<svg" not in text
    assert "Nothing in this period." in text


def test_categories_that_are_not_drawn_are_in_the_table_and_told():
    names = tuple(f"skill-{number}" for number in range(50))
    text = chart(make_chart(categories=names, series=(Series("uses", tuple(range(50, 0, -1))),), shown=20))

    assert "the table has 30 more" in text
    assert text.count('<th scope="row">') == 50
    assert ">skill-49</th>" in text


def test_page_has_no_address_of_another_place():
    text = page("t", [Section("a", "A", (chart(make_chart()),))])
    addresses = set(re.findall(r"https?://[^\s\"'<]+", text))

    assert {address for address in addresses if "www.w3.org" not in address} == set()
    assert re.findall(r"<(?:link|script|img|iframe|object)[^>]*(?:src|href)=\"(?!data:)", text) == []


def test_lone_surrogates_of_broken_names_can_be_written(tmp_path):
    write_page(page("t\udcff", []), tmp_path / "page.html")

    assert (tmp_path / "page.html").read_text(encoding="utf-8").count("t?") == 2


def test_page_that_cannot_be_written_leaves_the_old_one(tmp_path):
    (tmp_path / "page").mkdir()
    (tmp_path / "page" / "kept").write_text("x")

    with pytest.raises(PageNotWrittenError, match="cannot be written"):
        write_page("text", tmp_path / "page")

    assert sorted(path.name for path in tmp_path.iterdir() if path.name != "home") == ["page"]


NAMES = ["\x00", "\ud800", "\u202eabc", "a\nb", "", "\U0001f600", "x" * 300, "${x}", "datum.value", "NaN"]
NAMES += ["constructor", "toString", "__proto__", "valueOf", "hasOwnProperty", "__defineGetter__"]


@pytest.mark.parametrize("kind", ["bars", "columns", "cells"])
def test_any_name_can_be_drawn(kind):
    """A NUL ended the whole process, and names that every object of JavaScript has were an error of the drawing."""
    drawn = chart(
        make_chart(kind=kind, categories=tuple(NAMES), series=tuple(Series(name, (1,) * len(NAMES)) for name in NAMES))
    )

    marks = drawn.partition("<svg")[2].partition("</svg>")[0].count('aria-roledescription="')
    assert marks >= len(NAMES) ** 2


@pytest.mark.parametrize("value", [float("nan"), float("inf"), 1e300, -5.0, 1e-9])
def test_any_number_can_be_drawn(value):
    assert "<svg" in chart(make_chart(series=(Series("uses", (value, 2)),)))
