"""Each dimension of a computed score goes up and down with what it is about, on descriptions made up for it."""

from datetime import datetime, timezone

import pytest

from skillway.pulls.message import is_backport
from skillway.pulls.scores import WEIGHTS, score
from skillway.pulls.values import ChangedFile, PullRequest

SOURCE = [("src/shop/cart.py", 30, 8)]
TESTED = [*SOURCE, ("tests/test_cart.py", 25, 0)]
MIGRATION = [("src/shop/cart.py", 30, 8), ("db/migrations/0007_cart.sql", 12, 0)]
MIGRATED = [("web/button.tsx", 2, 2), ("db/migrations/0040_drop_notes.sql", 60, 0)]
LARGE = [("src/shop/cart.py", 420, 90)]
GOOD = (
    "Carts were lost when a session ended, because they were kept in the session alone. Shoppers who came back the next day "
    "reported an empty basket. Carts are now kept by account and merged when somebody signs in, which is the design of #210. "
    "Tested with two accounts on a local shop: the basket is no longer empty after a restart, and the new test fails before."
)


def made(title, body, files=SOURCE):
    stat = None if files is None else tuple(ChangedFile(*file) for file in files)
    return PullRequest("#1", title, body, "a", False, False, datetime(2026, 1, 5, tzinfo=timezone.utc), stat, "merge")


def dimension(name, title, body, files=SOURCE):
    return score(made(title, body, files)).dimensions[name]


KEEP = "Keep carts after a session ends"
CASES = [
    ("why", KEEP, "Carts are stored by account.", SOURCE, 0),
    ("why", KEEP, "Carts are stored by account. The old table was missing.", SOURCE, 1),
    ("why", KEEP, "Shoppers lost their carts because the session was their only place.", SOURCE, 2),
    ("why", KEEP, "Currently a restart crashes the basket page.", SOURCE, 2),
    ("why", KEEP, "## Why\n\nA restart failed.", SOURCE, 2),
    ("why", KEEP, "## Why\n\n<!-- say why -->\n\n## Test plan", SOURCE, 0),
    ("why", KEEP, "## Why\n\nShoppers asked.", SOURCE, 1),
    ("what", "Fix", "Carts are stored by account and merged when somebody signs in.", SOURCE, 0),
    ("what", "Misc improvements", "Carts are stored by account and merged at sign-in.", SOURCE, 0),
    ("what", KEEP, "Fixes #12", SOURCE, 1),
    ("what", KEEP, "Keep carts after a session ends.", SOURCE, 1),
    ("what", KEEP, "Baskets are stored by account and merged at sign-in.", SOURCE, 2),
    ("faithful", "docs: explain carts", "Adds tests and a CI workflow for carts.", SOURCE, 0),
    ("faithful", KEEP, GOOD, TESTED, 2),
    ("faithful", "Rename the save button", "The button said Store, which nobody looked for.", MIGRATED, 1),
    ("faithful", KEEP, "", TESTED, 0),
    ("verification", KEEP, "Carts are stored by account.", SOURCE, 0),
    ("verification", KEEP, "Carts are stored by account. Tested locally.", SOURCE, 1),
    ("verification", KEEP, "Tested on two accounts: the basket is no longer empty.", SOURCE, 2),
    ("verification", KEEP, "Not tested because the payment sandbox is down until Monday.", SOURCE, 2),
    ("verification", KEEP, "The checked-out branch is stored by account.", SOURCE, 0),
    ("risk", KEEP, GOOD, SOURCE, None),
    ("risk", KEEP, "Carts are stored by account.", MIGRATION, 0),
    ("risk", KEEP, "The new column has a default, so a rollback needs no second migration.", MIGRATION, 2),
    ("risk", "Check tokens before use", "Tokens are checked.", [("src/auth/tokens.py", 40, 2)], 0),
    ("risk", KEEP, GOOD, [("src/shop/cart.py", 300, 8), ("pyproject.toml", 2, 1)], None),
    ("guidance", KEEP, GOOD, SOURCE, None),
    ("guidance", KEEP, GOOD, LARGE, 0),
    ("guidance", KEEP, f"{GOOD} Please look at merge_carts first; the rest is mechanical.", LARGE, 2),
    ("context", KEEP, "Carts are stored by account.", SOURCE, 0),
    ("context", KEEP, "Fixes #12", SOURCE, 1),
    ("context", KEEP, GOOD, SOURCE, 2),
    ("context", KEEP, "acme/shop#77", SOURCE, 1),
    ("signal", KEEP, GOOD, SOURCE, 2),
    ("signal", KEEP, "This PR adds a cart. Everything else stays as it was before.", SOURCE, 1),
    ("signal", KEEP, "This PR updates cart.py in src/shop/cart.py\n\n- [ ] tested\n- cart.py\n- cart", SOURCE, 0),
    ("signal", KEEP, "- `src/shop/cart.py`: changed function keep\n- `cart.py`: removed function lose", SOURCE, 0),
    ("signal", KEEP, "A comprehensive and robust cart that leverages accounts.", SOURCE, 0),
    ("signal", KEEP, "Closes #4", SOURCE, None),
    ("length", KEEP, "Short.", LARGE, 0),
    ("length", KEEP, "Carts are stored by account, and merged when somebody signs in again.", LARGE, 0),
    ("length", KEEP, GOOD, TESTED, 2),
    ("length", KEEP, "Carts are kept. " * 400, SOURCE, 0),
]


@pytest.mark.parametrize(("name", "title", "body", "files", "expected"), CASES)
def test_each_dimension_moves_with_what_it_is_about(name, title, body, files, expected):
    assert dimension(name, title, body, files) == expected


def test_every_dimension_is_seen_low_and_high():
    seen = {name: {case[4] for case in CASES if case[0] == name} for name in WEIGHTS}
    assert all(2 in values and 0 in values for values in seen.values())


def test_an_empty_description_scores_nothing_whatever_its_title():
    assert score(made(KEEP, "")).total == 0.0
    assert score(made(KEEP, "<!-- describe your change -->")).total == 0.0


def test_a_good_description_is_far_above_a_retelling():
    retelling = "This PR updates cart.py. Changed src/shop/cart.py and cart.py.\n\n- [ ] Tests"
    assert score(made(KEEP, GOOD, TESTED)).total > 0.85
    assert score(made("Update cart", retelling, TESTED)).total < 0.4


def test_more_words_alone_do_not_help():
    padded = GOOD + " The cart is the part of the shop in which things lie until they are paid for." * 40
    assert score(made(KEEP, padded, TESTED)).total < score(made(KEEP, GOOD, TESTED)).total


def test_author_dates_and_merge_state_play_no_part():
    one = made(KEEP, GOOD)
    other = PullRequest(
        "#9", KEEP, GOOD, "zz", True, False, datetime(2020, 1, 1, tzinfo=timezone.utc), one.files, "fetch"
    )
    assert score(one) == score(other)


def test_without_a_diff_stat_what_needs_one_is_left_out():
    given = score(made(KEEP, GOOD, None))
    assert {name for name, value in given.dimensions.items() if value is None} >= {"faithful", "risk", "length"}
    assert given.consistency is None


@pytest.mark.parametrize("body", ["\0", "💥" * 5000, "<!--" * 2000, "#" * 20000, "`" * 20000, "a-" * 20000])
def test_odd_texts_have_a_score(body):
    assert 0 <= score(made(body[:80], body)).total <= 1


@pytest.mark.parametrize(
    ("title", "body", "expected"),
    [
        ("[8.2.x] Keep carts", "", True),
        ("[Backport 1.4] Keep carts", "", True),
        ("Backport #12 to 1.4", "", True),
        ("Keep carts", "Why.\n\n(cherry picked from commit 0123abc4567)", True),
        ("Backport labels are set by a workflow", "", False),
        (KEEP, GOOD, False),
    ],
)
def test_backports_are_told(title, body, expected):
    assert is_backport(title, body) is expected
