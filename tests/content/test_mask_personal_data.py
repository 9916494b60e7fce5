"""The masking script: what it finds, what it leaves, and that it loses nothing."""

import pytest

SCRIPT = "skills/support/escalation-summary/scripts/mask_personal_data.py"


@pytest.fixture
def mask(run_script, tmp_path):
    """Mask a text; return the masked text and the counts."""

    def run(text, *arguments):
        (tmp_path / "conversation.txt").write_text(text, encoding="utf-8")
        ran = run_script(SCRIPT, tmp_path / "conversation.txt", *arguments, "--json")
        assert ran.code == 0, ran.stdout
        return ran.answer["data"]["masked_text"], ran.answer["data"]["counts"]

    return run


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("mail jane.doe+x@example.co.uk now", "mail [email 1] now"),
        ("card 4111 1111 1111 1111, twice", "card [card 1], twice"),
        ("card 4111-1111-1111-1111", "card [card 1]"),
        ("5500005555555559", "[card 1]"),
        ("IBAN DE89 3704 0044 0532 0130 00.", "IBAN [iban 1]."),
        ("to GB82WEST12345698765432", "to [iban 1]"),
        ("+49 (0)30 123-4567", "[phone 1]"),
        ("at 030 1234567 or (415) 555-2671", "at [phone 1] or [phone 2]"),
        ("call me at 5551234567", "call me at [phone 1]"),
        ("from 10.1.2.3 and 2001:db8:0:1::5", "from [ip 1] and [ip 2]"),
        ("key AKIAIOSFODNN7EXAMPLE", "key [token 1]"),
        (f"ghp_{'a1' * 18}", "[token 1]"),
        ("Authorization: Bearer abcdefghijklmnop", "Authorization: Bearer [token 1]"),
        ("password: hunter22!", "password: [token 1]"),
        ("my pin is 4711x", "my pin is [token 1]"),
        ('"api_key": "s3cr3t-value"', '"api_key": "[token 1]"'),
        ("-----BEGIN PRIVATE KEY-----\nMII\n-----END PRIVATE KEY-----\nend", "[token 1]\nend"),
        ("eyJhbGciOiJI.eyJzdWIiOiIx.c2lnbmF0dXJl", "[token 1]"),
    ],
)
def test_personal_data_with_a_form_is_masked(mask, text, masked):
    assert mask(text)[0] == masked


@pytest.mark.parametrize(
    "text",
    [
        "order 2026112012345678 and invoice 12-345-678",
        "on 2026-11-20 at 10:42:33, 20.11.2026, 2026-11-20T10:42:33.123Z",
        "card 4111 1111 1111 1112 fails the check digit",
        "GB82 WEST 1234 5698 7654 33 fails the checksum",
        "version 1.2.3, v1.2.3.4, std::vector, a::b",
        "the token is missing, the pin is wrong, reset your password",
        "40 % of 3,000,000 rows; error 0x80070005; build 20261120.1",
        "see https://example.com/orders/123456789?page=2",
        "@jane said so",
    ],
)
def test_what_engineering_needs_stays(mask, text):
    assert mask(text) == (text, {})


def test_same_value_gets_the_same_label(mask):
    text = "a@example.com, b@example.com, A@EXAMPLE.COM; Jane Doe, JANE  DOE, Janet"

    masked, counts = mask(text, "--name", "Jane Doe")

    assert masked == "[email 1], [email 2], [email 1]; [name 1], [name 1], Janet"
    assert counts == {"email": 3, "name": 2}


def test_name_is_text_and_no_pattern(mask):
    assert mask("Is it A.B (C)? AxB (C)", "--name", "A.B (C)")[0] == "Is it [name 1]? AxB (C)"


def test_masking_twice_changes_nothing_more(mask):
    once, _ = mask("a@example.com 4111 1111 1111 1111 +49 30 1234567 password: hunter22!")

    assert mask(once)[0] == once


def test_everything_else_stays_byte_for_byte(run_script, tmp_path):
    text = "\u00e4\u20ac \U0001f600\r\n\ttab \r\n\u202bend a@example.com\n\n"
    (tmp_path / "in.txt").write_bytes(text.encode())

    ran = run_script(SCRIPT, tmp_path / "in.txt", "--output", tmp_path / "out.txt", "--json")

    assert ran.code == 0
    assert (tmp_path / "out.txt").read_bytes() == text.replace("a@example.com", "[email 1]").encode()
    assert (tmp_path / "out.txt").stat().st_mode & 0o077 == 0
    assert "masked_text" not in ran.answer["data"]


def test_check_names_the_lines_and_not_the_values(run_script, tmp_path):
    (tmp_path / "in.txt").write_text("fine\na@example.com\nfine\ncall +49 30 1234567\n")

    ran = run_script(SCRIPT, tmp_path / "in.txt", "--check", "--json")
    clean = run_script(SCRIPT, "-", "--check", stdin="[email 1] wrote\n")

    assert (ran.code, ran.answer["data"]["lines"]) == (5, [2, 4])
    assert "example.com" not in ran.stdout
    assert clean.code == 0


def test_original_and_existing_files_are_never_overwritten(run_script, tmp_path):
    source, taken = tmp_path / "in.txt", tmp_path / "taken.txt"
    source.write_text("a@example.com")
    taken.write_text("mine")

    same = run_script(SCRIPT, source, "--output", source, "--force", "--json")
    exists = run_script(SCRIPT, source, "--output", taken, "--json")

    assert (same.code, source.read_text()) == (2, "a@example.com")
    assert (exists.code, taken.read_text()) == (8, "mine")
    assert run_script(SCRIPT, source, "--output", taken, "--force").code == 0
    assert taken.read_text() == "[email 1]"


def test_dry_run_writes_nothing(run_script, tmp_path):
    (tmp_path / "in.txt").write_text("a@example.com")

    ran = run_script(SCRIPT, tmp_path / "in.txt", "--output", tmp_path / "out.txt", "--dry-run", "--json")

    assert (ran.code, ran.answer["data"]["counts"]) == (0, {"email": 1})
    assert not (tmp_path / "out.txt").exists()


@pytest.mark.parametrize(
    ("content", "exit_code"),
    [(None, 7), (b"\xff\xfe\x00", 2), (b"x" * (33 * 1024 * 1024), 1)],
    ids=["missing", "binary", "large"],
)
def test_file_that_cannot_be_masked(run_script, tmp_path, content, exit_code):
    if content is not None:
        (tmp_path / "in.txt").write_bytes(content)

    ran = run_script(SCRIPT, tmp_path / "in.txt", "--json")

    assert ran.code == exit_code
    assert ran.answer["error"]["fix"]


def test_text_made_to_be_slow_is_not(run_script, tmp_path):
    """Each repeats the beginning of a pattern; a pattern that looks again from every place would take minutes."""
    pieces = ["eyJ-" * 50_000, "a.b-" * 50_000, "1 " * 100_000, "::" * 100_000, "x@y." * 50_000, "(((" * 50_000]
    (tmp_path / "in.txt").write_text("\n".join(pieces))

    assert run_script(SCRIPT, tmp_path / "in.txt", "--check").code in (0, 5)
