from pathlib import Path

import pytest


def test_write_to_real_home_is_an_error(real_home):
    with pytest.raises(PermissionError, match="real home"):
        (real_home / ".skillway-test-probe").write_text("x")


def test_write_below_real_claude_folder_is_an_error(real_home):
    with pytest.raises(PermissionError, match="real home"):
        (real_home / ".claude" / "settings.json").write_text("{}")


def test_home_of_a_test_is_its_own(home):
    assert Path("~").expanduser() == home
