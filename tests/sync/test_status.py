"""`status` ends with the code that a run would end with: MDM asks either."""

from dataclasses import replace

import pytest

from skillway_sync.status import Status, present_exit_code

DAY = 86_400.0
NOW = 1_800_000_000.0
CHECKED = replace(Status(), state="ok", release=7, last_check=NOW)


@pytest.mark.parametrize(
    ("state", "days", "code"),
    [
        ("ok", 0, 0),
        ("offline", 2, 0),
        ("offline", 4, 10),
        ("stale", 1, 0),
        ("stale", 4, 10),
        ("refused", 1, 30),
        ("disk", 1, 40),
        ("config", 1, 50),
    ],
)
def test_exit_code_tells_state_and_age(state, days, code):
    assert present_exit_code(replace(CHECKED, state=state), now=NOW + days * DAY) == code
