"""Which pull request a commit's message stands for, as four forges write it."""

import pytest

from skillway.pulls.message import is_bot, read_message, says_agent


@pytest.mark.parametrize(
    ("message", "is_merge", "expected"),
    [
        ("Keep carts (#12)\n\nThey were lost.\n", False, ("#12", "Keep carts", "They were lost.", True)),
        ("Keep carts (!12)", False, ("!12", "Keep carts", "", True)),
        ("Keep carts (#12)\n\n* one\n\n* two\n", False, ("#12", "Keep carts", "", False)),
        (
            "Keep carts (#12)\n\n* Keep carts\n\nThey were lost.\n",
            False,
            ("#12", "Keep carts", "They were lost.", True),
        ),
        (
            "Keep carts (#12)\n\n- a list\n- of points\n\nAnd why.\n",
            False,
            ("#12", "Keep carts", "- a list\n- of points\n\nAnd why.", True),
        ),
        ("Merge pull request #7 from ada/carts\n\nKeep carts\n", True, ("#7", "Keep carts", "", False)),
        (
            "Merge pull request #7 from ada/carts\n\nKeep carts\n\nThey were lost.",
            True,
            ("#7", "Keep carts", "They were lost.", True),
        ),
        (
            "Merge branch 'carts' into 'main'\n\nKeep carts\n\nThey were lost.\n\nSee merge request acme/shop!9",
            True,
            ("!9", "Keep carts", "They were lost.", True),
        ),
        ("Merged in carts (pull request #3)\n\nKeep carts\n\nWhy.", True, ("#3", "Keep carts", "Why.", True)),
        ("Merged PR 31: Keep carts\n\nWhy.", False, ("#31", "Keep carts", "Why.", True)),
        (
            "Keep carts (#12)\n\nWhy.\n\nCo-Authored-By: Claude <noreply@anthropic.com>\nSigned-off-by: Ada <a@b>\n",
            False,
            ("#12", "Keep carts", "Why.", True),
        ),
    ],
)
def test_each_forge_is_read(message, is_merge, expected):
    found = read_message(message, is_merge=is_merge)
    assert (found.number, found.title, found.body, found.has_description) == expected


@pytest.mark.parametrize(
    ("message", "is_merge"),
    [
        ("Fix a typo", False),
        ("Merge branch 'main' of host:repo", True),
        ("Merge branch 'a' into 'b'", True),
        ("", False),
        ("(#12)", False),
    ],
)
def test_what_stands_for_no_pull_request_is_none(message, is_merge):
    assert read_message(message, is_merge=is_merge) is None


def test_agents_and_bots_are_told_apart():
    assert says_agent("x\n\nCo-authored-by: Claude Opus <noreply@anthropic.com>", "Ada <a@b>")
    assert says_agent("x\n\nGenerated with [Claude Code](https://claude.com)", "Ada <a@b>")
    assert not says_agent("Explain how the generated code works", "Claudia <c@b>")
    assert is_bot("dependabot[bot] <x@y>")
    assert not is_bot("Copilot <x@y>")
    assert not is_bot("Ada <a@b>")
