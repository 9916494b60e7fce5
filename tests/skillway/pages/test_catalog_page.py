"""The catalogue's page in a real browser: searching, filtering, links to one skill, thousands of skills, hostile texts."""

from dataclasses import replace
from datetime import datetime, timezone

import pytest

from skillway.pages.catalog_page import catalog_page

NOW = datetime(2026, 11, 20, 14, 0, tzinfo=timezone.utc)
NO_DATA = "No usage data: there is no store."


def draw(entries, usage="Use is that of 90 days."):
    return catalog_page(entries, title="Acme Inc.", made=NOW, usage=usage)


def keys(seen):
    return seen.page.locator("#results h3").all_text_contents()


def test_page_loads_nothing_and_lists_the_first_skills(look, entries, shots):
    seen = look(draw(entries(300)))

    seen.page.screenshot(path=shots / "catalog-wide.png")

    assert seen.is_quiet(), (seen.console, seen.errors, seen.requests)
    assert len(keys(seen)) == 40
    assert seen.page.locator("#count").inner_text() == "300 skills."


def test_search_finds_by_words_in_any_order_and_puts_names_first(look, entries):
    seen = look(draw(entries(300)))

    seen.page.fill("#q", "Ticket REVIEW")

    found = keys(seen)
    assert len(found) == 3
    assert all("review-ticket" in key for key in found)
    assert seen.page.locator("#count").inner_text() == "3 skills."
    assert seen.page.locator("mark").count() > 0


def test_words_that_no_skill_has_together_are_looked_for_one_by_one(look, entries):
    seen = look(draw(entries(100)))

    seen.page.fill("#q", "invoice helicopter")

    assert "none has all of these words" in seen.page.locator("#count").inner_text()
    assert all("invoice" in key for key in keys(seen))


def test_nothing_found_is_said_and_nothing_invented(look, entries):
    seen = look(draw(entries(100)))

    seen.page.fill("#q", "helicopter")

    assert (keys(seen), seen.page.locator("#count").inner_text()) == ([], "No skill fits.")


def test_filters_join(look, entries):
    skills = entries(300)
    seen = look(draw(skills))

    seen.page.select_option("#plugin", "team-05")
    seen.page.select_option("#use", "used")
    seen.page.select_option("#evidence", "pass")

    expected = {
        skill.key
        for skill in skills
        if skill.plugin == "team-05" and skill.use.uses and skill.evidence.outcome == "pass"
    }
    assert set(keys(seen)) == expected != set()


def test_order_by_use(look, entries):
    seen = look(draw(entries(30)))

    seen.page.select_option("#order", "use")

    assert [key.rpartition("-")[2] for key in keys(seen)[:3]] == ["29", "28", "27"]


def test_search_is_in_the_address_and_comes_back(look, entries):
    text = draw(entries(300))
    seen = look(text)
    seen.page.fill("#q", "review ticket")
    seen.page.select_option("#evidence", "pass")
    fragment = seen.page.evaluate("location.hash")

    again = look(text, fragment=fragment)

    assert again.page.input_value("#q") == "review ticket"
    assert keys(again) == keys(seen) != []


def test_link_to_one_skill_shows_it_first(look, entries, shots):
    text = draw(entries(300))

    seen = look(text, fragment="#team-07:publish-ticket-217")
    seen.page.screenshot(path=shots / "catalog-linked.png")

    assert keys(seen)[0] == "team-07:publish-ticket-217"
    assert seen.page.evaluate("document.activeElement.textContent") == "team-07:publish-ticket-217"
    assert seen.page.locator(".linked").count() == 1


def test_link_to_a_skill_that_is_gone_says_so(look, entries):
    seen = look(draw(entries(30)), fragment="#team-07:gone")

    assert "There is no skill team-07:gone here." in seen.page.locator("#count").inner_text()


@pytest.mark.parametrize("fragment", ["#%E0%A4%A", "#q=%20&layer=nosuch&order=%E0%A4%A", "#=", "#" + "x" * 5000])
def test_broken_address_is_no_error(look, entries, fragment):
    seen = look(draw(entries(30)), fragment=fragment)

    assert seen.errors == []
    assert seen.page.locator("#results li").count() == 30


def test_card_tells_what_how_who_use_and_evidence(look, entries):
    seen = look(draw(entries(30)), fragment="#team-22:summarise-release-22")
    card = seen.page.locator("#results li").first.inner_text()

    for part in (
        "/team-22:summarise-release-22",
        "@acme/team-22",
        "Only when typed",
        "team-22 1.2.0",
        "not run",
        "22 uses by 22 people",
    ):
        assert part in card


def test_without_usage_data_no_number_is_shown(look, entries):
    without = [replace(skill, use=None) for skill in entries(30)]

    seen = look(draw(without, NO_DATA))

    assert seen.page.locator("#use").count() == 0
    assert NO_DATA in seen.page.locator(".note").first.inner_text()
    assert seen.page.locator("#results li").first.inner_text().count("no usage data") == 1


def test_few_people_are_hidden(look, entries):
    seen = look(draw(entries(30)), fragment="#team-08:archive-dashboard-8")

    assert "8 uses by few people (hidden)" in seen.page.locator("#results li").first.inner_text()


def test_more_are_shown_on_demand_and_focus_follows(look, entries):
    seen = look(draw(entries(100)))

    seen.page.click("#more")

    assert len(keys(seen)) == 80
    assert seen.page.evaluate("document.activeElement.textContent") == keys(seen)[40]
    seen.page.click("#more")
    assert seen.page.locator("#more").is_hidden()


def test_slash_goes_to_the_search(look, entries):
    seen = look(draw(entries(10)))

    seen.page.keyboard.press("/")
    seen.page.keyboard.type("plan")

    assert seen.page.input_value("#q") == "plan"


def test_five_thousand_skills_are_all_found(look, entries):
    seen = look(draw(entries(5000)))

    seen.page.fill("#q", "archive backup")

    assert seen.page.locator("#count").inner_text() == "50 skills."
    assert seen.is_quiet()


@pytest.mark.parametrize(("size", "scheme"), [((360, 780), "light"), ((360, 780), "dark"), ((1440, 900), "dark")])
def test_page_fits_and_is_readable(look, entries, shots, contrast, size, scheme):
    seen = look(draw(entries(60)), size=size, scheme=scheme)
    seen.page.fill("#q", "release")
    seen.page.screenshot(path=shots / f"catalog-{size[0]}-{scheme}.png")

    assert seen.page.evaluate("document.documentElement.scrollWidth") == size[0]
    assert seen.page.evaluate(contrast) == []


def test_hostile_texts_are_shown_and_never_run(look, entries, hostile):
    skill = entries(1)[0]
    bad = replace(
        skill,
        key=f"x:{hostile}",
        name=hostile,
        description=hostile * 3,
        owners=(hostile,),
        invocation=hostile,
        reach=hostile,
        plugin=hostile,
        team=hostile,
    )

    seen = look(draw([bad], hostile))
    seen.page.fill("#q", "onerror [(*")
    seen.page.wait_for_timeout(100)

    assert seen.is_quiet()
    assert seen.page.title() != "broken"
    assert seen.page.locator("#results img, #results script, .note img").count() == 0
    assert hostile in seen.page.locator("#results h3").inner_text()


def test_empty_catalogue_says_so(look, entries):
    seen = look(draw([]))

    assert seen.is_quiet()
    assert seen.page.locator("#count").inner_text() == "No skill fits."
