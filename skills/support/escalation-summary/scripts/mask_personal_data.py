#!/usr/bin/env python3
"""Mask personal data in a text, so that it can be pasted into a ticket: which kinds, how often, with what labels.

Finds what has a form: mail addresses, phone numbers, card numbers (Luhn), IBANs (checksum), access tokens, IP addresses,
and the names that the caller gives. Names that nobody gave, postal addresses and free descriptions of a person have no
form and stay; a person reads the text before it leaves.

The same value gets the same label, so that a conversation can still be followed.
"""

from __future__ import annotations

import argparse
import ipaddress
import json
import os
import re
import sys
import tempfile
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Callable, NoReturn, Sequence

SIZE_LIMIT = 32 * 1024 * 1024  # bytes
OK, FAILED, USAGE, FINDINGS, NOT_FOUND, CONFLICT = 0, 1, 2, 5, 7, 8
_EXAMPLE = """examples:
  mask_personal_data.py conversation.txt --output masked.txt --name "Jane Doe" --json
  mask_personal_data.py escalation.md --check

Exit codes: 0 ok, 1 failure, 2 usage, 5 --check found personal data, 7 file not found, 8 the output exists."""

_GAP = "[ \u00a0\u202f.-]"  # what people put between groups of digits
_CREDENTIAL = (
    r"-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)"
    r"|\beyJ[\w-]{8,4096}\.[\w-]{8,4096}\.[\w-]{0,4096}"
    r"|\b(?:AKIA|ASIA)[A-Z0-9]{16}\b"
    r"|\b(?:gh[opsur]_[A-Za-z0-9]{30,}|github_pat_\w{30,}|glpat-[\w-]{16,}|xox[abeprs]-[\w-]{10,}|npm_[A-Za-z0-9]{30,})"
    r"|\b[sprw]k[-_](?:(?:live|test|ant|proj)[-_])?[A-Za-z0-9_-]{16,}"
    r"|(?<=[Bb]earer )[\w.~+/=-]{12,}"
)
# Here only the value is personal; the word before it tells engineering what was there.
_TOLD_CREDENTIAL = (
    r"(?i:\b(?:password|passwd|passcode|pwd|secret|api[ _-]?key|access[ _-]?token|auth[ _-]?token|token|pin|otp)\b)"
    r"[\"']?\s*(?:[:=]|\bis\b(?=\s*\S*\d))\s*[\"']?(?!\[[a-z]+ \d+\])(?P<value>[^\s\"',;<>]{4,})"
)
_EMAIL = r"(?<![\w.+-])[\w.!#$%&*+/=?^`{|}~-]{1,64}@(?:[\w-]{1,63}\.){1,8}[^\W\d_]{2,24}\b"
_IBAN = rf"\b[A-Z]{{2}}\d{{2}}(?:{_GAP}?[A-Z0-9]){{11,30}}(?![A-Za-z0-9])"
_CARD = rf"(?<![\w.-])\d(?:{_GAP}?\d){{12,18}}(?![\w-]|\.\d)"
_IP4 = r"(?<![\w.])(?:\d{1,3}\.){3}\d{1,3}(?![\w]|\.\d)"
_IP6 = r"(?<![\w:.])(?:[0-9A-Fa-f]{0,4}:){2,7}[0-9A-Fa-f]{0,4}(?![\w:])"
_PHONE_WORD = (
    r"(?i:\b(?:tel|telephone|phone|mobile|cell|whatsapp|fax|call(?:\s+me)?(?:\s+(?:at|on|under))?))\.?\s*:?\s*"
)
_PHONE = (
    rf"(?<![\w+])(?:\+|00)[1-9](?:(?:{_GAP}|[()/]){{0,2}}\d){{6,14}}(?!\d)"
    rf"|(?<![\w.-])\(?0\d{{1,5}}\)?(?:{_GAP}|/)(?:{_GAP}?\d){{5,10}}(?![\w-]|\.\d)"
    rf"|(?<![\w.-])\(?[2-9]\d{{2}}\)?{_GAP}[2-9]\d{{2}}{_GAP}\d{{4}}(?![\w-])"
    rf"|{_PHONE_WORD}(?P<told>\(?\d(?:(?:{_GAP}|[()/]){{0,2}}\d){{5,14}})(?!\d)"
)
_DATE = re.compile(r"^(?:\d{4}[-. ]\d{2}[-. ]\d{2}|\d{2}[-. ]\d{2}[-. ]\d{4})(?:\D|$)")


@dataclass(frozen=True)
class Match:
    """One piece of personal data: where it is, of which kind, and what makes two of them the same."""

    start: int
    end: int
    kind: str
    identity: str


class Failure(Exception):  # noqa: N818 - a normal ending, not only an error
    """The program ends here, with what happened, what to do next, and the exit code."""

    def __init__(self, code: str, message: str, fix: str, exit_code: int, data: object = None) -> None:
        super().__init__(message)
        self.code, self.message, self.fix, self.exit_code, self.data = code, message, fix, exit_code, data


def is_luhn(digits: str) -> bool:
    """Whether the last digit is the check digit that payment cards carry (ISO/IEC 7812-1)."""
    total = 0
    for place, digit in enumerate(reversed(digits)):
        value = int(digit) * (2 if place % 2 else 1)
        total += value - 9 if value > 9 else value  # noqa: PLR2004 - the digits of a two-digit product
    return total % 10 == 0


def is_iban(text: str) -> bool:
    """Whether the check digits of an IBAN are right (ISO 13616: remainder 1 by 97)."""
    moved = text[4:] + text[:4]
    return int("".join(str(int(character, 36)) for character in moved)) % 97 == 1


def find_personal_data(text: str, names: Sequence[str] = ()) -> list[Match]:
    """Return what is personal in `text`, without overlaps, in its order; names as whole words in any case."""
    found: list[Match] = []
    taken = bytearray(len(text))
    for kind, pattern, check in _KINDS + [("name", _name_pattern(names), _as_name)] * bool(names):
        for match in re.finditer(pattern, text):
            group = next((name for name, value in match.groupdict().items() if value is not None), 0)
            start, end = match.span(group)
            identity = check(text[start:end])
            if identity and not any(taken[start:end]):
                taken[start:end] = b"\x01" * (end - start)
                found.append(Match(start, end, kind, identity))
    return sorted(found, key=lambda one: one.start)


def mask(text: str, names: Sequence[str] = ()) -> tuple[str, dict[str, int], dict[str, int]]:
    """Return the masked text, how often each kind occurred, and how many different values it had."""
    labels: dict[tuple[str, str], str] = {}
    seen: Counter[str] = Counter()
    distinct: Counter[str] = Counter()
    parts, place = [], 0
    for match in find_personal_data(text, names):
        seen[match.kind] += 1
        if (match.kind, match.identity) not in labels:
            distinct[match.kind] += 1
            labels[match.kind, match.identity] = f"[{match.kind} {distinct[match.kind]}]"
        parts += [text[place : match.start], labels[match.kind, match.identity]]
        place = match.end
    return "".join([*parts, text[place:]]), dict(seen), dict(distinct)


def _digits(text: str) -> str:
    return "".join(character for character in text if character.isdigit())


def _as_card(text: str) -> str:
    digits = _digits(text)
    return digits if digits[0] in "23456" and is_luhn(digits) else ""


def _as_iban(text: str) -> str:
    plain = re.sub(_GAP, "", text)
    return plain if len(plain) <= 34 and is_iban(plain) else ""  # noqa: PLR2004 - the longest IBAN


def _as_address(text: str) -> str:
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return ""
    # `a::b` is an address by its form, but in a report of a fault it is a name in a program.
    groups = [part for part in text.split(":") if part]
    return str(address) if address.version == 4 or len(groups) > 2 else ""  # noqa: PLR2004 - as above


def _as_phone(text: str) -> str:
    return "" if _DATE.match(text) else _digits(text)


def _as_name(text: str) -> str:
    return " ".join(text.casefold().split())


def _name_pattern(names: Sequence[str]) -> str:
    longest_first = sorted({" ".join(name.split()) for name in names}, key=len, reverse=True)
    return "(?i:" + "|".join(rf"(?<!\w){re.escape(name)}(?!\w)" for name in longest_first).replace(r"\ ", r"\s+") + ")"


_KINDS: list[tuple[str, str, Callable[[str], str]]] = [
    ("token", _CREDENTIAL, str),
    ("email", _EMAIL, str.casefold),
    ("token", _TOLD_CREDENTIAL, str),
    ("iban", _IBAN, _as_iban),
    ("card", _CARD, _as_card),
    ("ip", _IP4, _as_address),
    ("ip", _IP6, _as_address),
    ("phone", _PHONE, _as_phone),
]


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise Failure("usage", f"{message}.", f"See `{self.prog} --help`.", USAGE)


def _parser() -> _Parser:
    parser = _Parser(
        description="Mask personal data in a text file.",
        epilog=_EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("file", metavar="FILE", help="a text in UTF-8; - reads stdin")
    parser.add_argument("--output", metavar="FILE", help="write the masked text there; default: print it")
    parser.add_argument("--name", action="append", default=[], metavar="NAME", help="a name to mask too; repeatable")
    parser.add_argument("--check", action="store_true", help="print no text; exit 5 when personal data is left")
    parser.add_argument("--force", action="store_true", help="replace an existing output file")
    parser.add_argument("--dry-run", action="store_true", help="write no file; only count")
    parser.add_argument("--json", action="store_true", help="print one JSON envelope on stdout")
    return parser


def _run(options: argparse.Namespace) -> tuple[dict[str, object], str]:
    """Return the data of the envelope and the text for a person."""
    text = _read(options.file)
    names = [name for name in options.name if name.strip()]
    masked, counts, distinct = mask(text, names)
    data: dict[str, object] = {"counts": counts, "different_values": distinct, "output": None}
    told = ", ".join(f"{number} x {kind}" for kind, number in sorted(counts.items())) or "nothing"
    if options.check:
        if counts:
            lines = sorted({text.count("\n", 0, match.start) + 1 for match in find_personal_data(text, names)})
            message = f"{options.file} holds personal data ({told}) in lines {', '.join(map(str, lines[:20]))}."
            fix = "Mask it with this program, or take it out."
            raise Failure("personal_data", message, fix, FINDINGS, {**data, "lines": lines[:100]})
        return data, "No personal data of a known form was found; names and descriptions are for you to see."
    if options.output and not options.dry_run:
        _write(options.output, masked, replace=options.force, source=options.file)
        data["output"] = options.output
    elif not options.output:
        data["masked_text"] = masked
        return data, masked
    return data, f"Masked {told}."


def _read(path: str) -> str:
    try:
        if path == "-":
            raw = sys.stdin.buffer.read(SIZE_LIMIT + 1)
        else:
            with Path(path).open("rb") as stream:
                raw = stream.read(SIZE_LIMIT + 1)
    except OSError as error:
        raise Failure("no_file", f"{path} cannot be read ({error.strerror}).", "Check the path.", NOT_FOUND) from error
    if len(raw) > SIZE_LIMIT:
        raise Failure("too_large", f"{path} is larger than 32 MiB.", "Split it and mask the parts.", FAILED)
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        message = f"{path} is not UTF-8 text (byte {error.start})."
        raise Failure("not_utf8", message, "Save it as UTF-8 text.", USAGE) from error


def _write(path: str, text: str, *, replace: bool, source: str) -> None:
    """Write the text whole or not at all."""
    target = Path(path)
    try:
        if source != "-" and target.exists() and target.samefile(source):
            raise Failure(
                "same_file", f"{path} is the file that is read.", "Keep the original; name another file.", USAGE
            )
        if target.exists() and not replace:
            raise Failure("exists", f"{path} exists.", "Name another file, or add --force.", CONFLICT)
        # Only its owner reads it: what no rule knows may still be in it.
        descriptor, temporary = tempfile.mkstemp(dir=str(target.parent), prefix=".masked-")
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8", newline="") as stream:
                stream.write(text)
            Path(temporary).replace(target)
        except BaseException:
            Path(temporary).unlink()
            raise
    except OSError as error:
        message = f"{path} cannot be written ({error.strerror})."
        raise Failure("not_written", message, "Name a place that can be written.", FAILED) from error


def main(arguments: Sequence[str]) -> int:
    """Mask one file; return the exit code."""
    wants_json = "--json" in arguments
    try:
        data, text = _run(_parser().parse_args(arguments))
        if wants_json:
            _print_envelope(True, data, None)
        else:
            _print_text(text)
    except Failure as failure:
        return _print_failure(failure, wants_json=wants_json)
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        # Python flushes stdout once more at its end; the reader is gone, so that would be a traceback.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED
    return OK


def _print_text(text: str) -> None:
    """Print as UTF-8, whatever the terminal's encoding: the text is a file's content."""
    sys.stdout.buffer.write(text.encode("utf-8") + (b"" if text.endswith("\n") else b"\n"))
    sys.stdout.flush()


def _print_failure(failure: Failure, *, wants_json: bool) -> int:
    if wants_json:
        error = {"code": failure.code, "message": failure.message, "fix": failure.fix}
        _print_envelope(False, failure.data, error)
    else:
        print(f"{failure.code}: {failure.message}\n  fix: {failure.fix}", file=sys.stderr)
    return failure.exit_code


def _print_envelope(ok: bool, data: object, error: object) -> None:
    envelope = {"ok": ok, "schema_version": 1, "data": data, "warnings": [], "error": error, "next_actions": []}
    print(json.dumps(envelope, ensure_ascii=True))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
