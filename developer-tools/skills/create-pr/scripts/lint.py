"""Whether a title and a description are fit for a reviewer, by rules that need no model.

A finding is an error (the pull request is not created) or a warning. Whether the reason is the user's own is
`intent`'s question. The text is compared with the change; it is never executed or followed.
"""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass, field
from typing import Any, Callable, Iterable, Sequence

import consistency
import leaks
import prose
from change import Change
from findings import ERROR, WARNING, Finding
from findings import error as _error
from findings import warning as _warning

TITLE_LIMIT = 72  # characters; longer ones are cut in lists of pull requests
BODY_LIMIT = 60_000  # characters; GitHub refuses more than 65,536
WORD_BANDS = ((50, 250), (500, 400))  # (changed lines up to, words allowed)
WORDS_FOR_LARGE = 700
RETELLING_SHARE = 0.25  # of the words; a description above it reads like the diff
RETELLING_LEAST = 8  # names, below which a share says nothing
CONSISTENCY_FLOOR = 0.6  # of 1; text of the right length that speaks of the wrong files and task has 0.5
WHY_OVERLAP = 0.4  # of the reason's content words that the description has to hold
NAMES_CHECKED = 40

_VAGUE = re.compile(
    r"^(?:\w+(?:\([^)]*\))?!?:\s*)?(?:wip|bugs?|fix(?:es|ed)?|bug\s?fix(?:es)?|fix (?:a |the )?bugs?|updates?|changes?|"
    r"improvements?|refactor(?:ing)?|cleanup|clean up|misc|minor (?:fixes|changes)|stuff|phase \d+|address (?:review )?"
    r"(?:comments|feedback)|update (?:code|files))\W*$",
    re.IGNORECASE,
)
_BARE_ISSUE = re.compile(r"(?<![\w/#&])#(\d+)\b")
_WHY = re.compile(
    r"\b(?:because|since|so that|in order to|to (?:avoid|prevent|stop|let|allow|make|keep|reduce|support)|otherwise|"
    r"currently|previously|until now|problem|needs?|wants?|asked|reported|caused?|lost|lose|fail\w*|broke\w*|breaks?)\b",
    re.IGNORECASE,
)
_WHY_HEADING = ("why", "motivation", "problem", "background", "context", "reason")
_TEST_PLAN = re.compile(r"^(?:test(?:ing)? plan|testing|tests?|how (?:to test|(?:has|was) this (?:been )?tested)\??)$")
_BOILERPLATE = re.compile(
    r"^\W*(?:\[[ x]\]\s*)?(?:(?:all |existing |unit |the )*tests? (?:pass(?:es|ed)?|suite passes)|run (?:the )?(?:unit )?"
    r"tests?(?: suite)?|manual(?:ly)? test(?:ing|ed)?|tested (?:locally|manually)|ci (?:passes|is green)|"
    r"verif(?:y|ied) (?:that )?(?:it|everything) works)\W*$",
    re.IGNORECASE,
)
_PATH = re.compile(r"^(?![/~$])(?:[\w.@+-]+/)+[\w.@+-]+\.[A-Za-z]\w{0,5}$")
_FILE = re.compile(
    r"^[\w.-]+\.(?:py|pyi|js|mjs|cjs|jsx|ts|tsx|go|rs|rb|java|kt|swift|c|h|cc|cpp|hpp|cs|php|sql|sh|md|rst|json|ya?ml|"
    r"toml|html|css|scss|vue|proto|tf|ini|cfg|lock)$"
)
_IDENTIFIER = re.compile(r"^[A-Za-z_]\w*(?:(?:\.|::)[A-Za-z_]\w*)*(?:\(\))?$")
_PROSE_PATH = re.compile(r"(?<![\w/:.@-])(?:[\w.-]+/)+[\w.-]+\.[A-Za-z]\w{0,5}\b")
_CONTENT = re.compile(r"[^\W\d_]{4,}")


@dataclass(frozen=True)
class Draft:
    """A title and a description, and what they are held against.

    Attributes:
        title: One line.
        body: Markdown.
        change: What the pull request carries.
        templates: Texts of the repository's templates.
        why: The reason in the intent file, or None when there is none yet.
        known_issues: Issues that the user or the intent names, as `#12`.
        exists: Whether the repository has a file of that path or a file that holds that name.
        parent: Number and address of the pull request that this one is stacked on, or None.
    """

    title: str
    body: str
    change: Change = field(default_factory=Change)
    templates: Sequence[str] = ()
    why: str | None = None
    known_issues: frozenset[str] = field(default_factory=frozenset)
    exists: Callable[[str], bool] = field(default=lambda _name: False)
    parent: tuple[int, str] | None = None


def lint(draft: Draft) -> list[Finding]:
    """Return everything that is wrong with a draft, errors first; a secret's value is not repeated."""
    found = [*title_findings(draft.title), *leaks.find_secrets(draft.title, draft.body), *_stack_line(draft)]
    if not prose.without_comments(draft.body).strip():
        found.append(_error("empty-body", "The description is empty.", "Say why the change is made and what to know."))
    elif any(prose.same_text(draft.body, template) for template in draft.templates):
        found.append(
            _error(
                "template-untouched", "The description is the unfilled template.", "Fill its sections, or write n/a."
            )
        )
    else:
        for rule in (
            _length,
            _missing_why,
            _file_list,
            _retelling,
            _test_plan,
            _template,
            _issues,
            _unknown_names,
            _agreement,
        ):
            found += rule(draft)
    return sorted(found, key=lambda finding: finding.severity != ERROR)


def as_json(findings: Iterable[Finding], draft: Draft) -> dict[str, Any]:
    """Return findings and measures as a JSON value."""
    return {
        "findings": [asdict(finding) for finding in findings],
        "words": len(prose.words(draft.body)),
        "words_allowed": allowed_words(draft.change),
        "retelling_share": round(retelling_share(draft), 3),
        "changed_lines_read": draft.change.lines,
        "diff_is_cut": draft.change.is_cut,
        "consistency": _measured(draft),
    }


def _measured(draft: Draft) -> dict[str, Any] | None:
    """Return how well text and change agree, with the share of words that name changed files; None without a diff stat."""
    if not draft.change.stat:
        return None
    measured = consistency.measure(draft.title, draft.body, draft.change.stat)
    ratio = consistency.retelling_ratio(draft.body, draft.change.stat)
    return {**asdict(measured), "file_name_ratio": round(ratio, 3), "floor": CONSISTENCY_FLOOR}


def _agreement(draft: Draft) -> list[Finding]:
    """Warn, and never more: the score is an indication, and a good description can be an unusual one."""
    measured = _measured(draft)
    if measured is None or measured["score"] >= CONSISTENCY_FLOOR:
        return []
    message = f"Text and change agree by {measured['score']:.2f} of 1. {' '.join(measured['remarks'])}"
    return [_warning("inconsistent", message.strip(), "Check that the text speaks of this change and of all of it.")]


def _stack_line(draft: Draft) -> list[Finding]:
    if draft.parent is None:
        return []
    number, address = draft.parent
    named = re.compile(rf"{re.escape(address)}(?!\d)|[#!]{number}(?!\d)")
    if any(
        re.match(r"\W*stack(?:ed)?\b", line, re.IGNORECASE) and named.search(line) for line in draft.body.splitlines()
    ):
        return []
    message = f"The branch is stacked on {address}, and the description has no line that says so."
    return [_error("stack-line", message, f"Add the line: Stack: on #{number}, which is to be merged first.")]


def allowed_words(change: Change) -> int:
    """Return how many words a description of that change may have."""
    if change.is_cut:
        return WORDS_FOR_LARGE
    return next((words for lines, words in WORD_BANDS if change.lines <= lines), WORDS_FOR_LARGE)


def retelling_share(draft: Draft) -> float:
    """Return the share of the description's words that are files or identifiers of the diff, 0 to 1."""
    everything = prose.prose(draft.body).split()
    return len(_retold(draft)) / len(everything) if everything else 0.0


def _retold(draft: Draft) -> list[str]:
    names = re.findall(r"[\w./-]+", prose.prose(draft.body))
    return [
        name for name in names if _looks_like_code(name) and (name in draft.change.names or draft.change.has_path(name))
    ]


def _looks_like_code(name: str) -> bool:
    plain = name.strip("._/-")
    return bool(_PATH.match(plain) or _FILE.match(plain) or "_" in plain or re.search(r"[a-z][A-Z]", plain))


def title_findings(title: str) -> list[Finding]:
    """Return what is wrong with a title alone."""
    title = title.strip()
    if not title:
        return [_error("empty-title", "The title is empty.", "Say in one line what the change does.")]
    found = []
    if len(title) > TITLE_LIMIT:
        found.append(
            _error("long-title", f"The title has {len(title)} characters; {TITLE_LIMIT} are shown.", "Shorten it.")
        )
    if _VAGUE.match(title):
        found.append(_error("vague-title", f"The title {title!r} could stand over any change.", "Name what changes."))
    if title.endswith("."):
        found.append(_warning("title-full-stop", "The title ends with a full stop.", "Leave it out."))
    return found


def _length(draft: Draft) -> list[Finding]:
    if len(draft.body) > BODY_LIMIT:
        return [
            _error(
                "too-long", f"The description has {len(draft.body)} characters; forges take {BODY_LIMIT}.", "Cut it."
            )
        ]
    count, allowed = len(prose.words(draft.body)), allowed_words(draft.change)
    if count <= allowed:
        return []
    message = f"The description has {count} words; {allowed} fit a change of {draft.change.lines} lines."
    return [_error("too-long", message, "Keep the reason and what the diff cannot show.")]


def _missing_why(draft: Draft) -> list[Finding]:
    text = prose.prose(draft.body)
    if draft.why is not None:
        wanted = {word.casefold() for word in _CONTENT.findall(draft.why)}
        held = {word.casefold() for word in _CONTENT.findall(text)}
        if not wanted or len(wanted & held) / len(wanted) >= WHY_OVERLAP:
            return []
        return [
            _error(
                "missing-why", "The description does not give the reason that the intent file states.", "Put it first."
            )
        ]
    if _WHY.search(text) or any(
        section.heading in _WHY_HEADING and section.filled for section in prose.sections(draft.body)
    ):
        return []
    return [_error("missing-why", "The description does not say why the change is made.", "Start with the reason.")]


def _file_list(draft: Draft) -> list[Finding]:
    items = prose.bullets(draft.body)
    files = [item for item in items if _starts_with_path(item, draft.change)]
    if len(files) < 3 or len(files) * 2 < len(items):  # noqa: PLR2004 - two files may be worth naming
        return []
    return [
        _error(
            "file-list", f"The description lists {len(files)} changed files.", "Leave the list out: the diff has it."
        )
    ]


def _starts_with_path(item: str, change: Change) -> bool:
    first = item.strip("`*_ ").split()[0].strip("`*_:,") if item.strip("`*_ ") else ""
    return bool(_PATH.match(first) or _FILE.match(first)) and change.has_path(first)


def _retelling(draft: Draft) -> list[Finding]:
    share = retelling_share(draft)
    if share <= RETELLING_SHARE or len(_retold(draft)) < RETELLING_LEAST:
        return []
    message = f"{share:.0%} of the words are names from the diff."
    return [_error("retells-the-code", message, "Say what the change achieves; the reader sees the code below.")]


def _test_plan(draft: Draft) -> list[Finding]:
    from_template = {heading for template in draft.templates for heading in prose.headings(template)}
    return [
        _error(
            "test-plan",
            f"The section {section.heading!r} is boilerplate.",
            "Say what was run and seen, or leave it out.",
        )
        for section in prose.sections(draft.body)
        if _TEST_PLAN.match(section.heading) and section.heading not in from_template and _is_boilerplate(section)
    ]


def _is_boilerplate(section: prose.Section) -> bool:
    return section.has_only_boxes or all(_BOILERPLATE.match(line) for line in section.filled)


def _template(draft: Draft) -> list[Finding]:
    wanted = [prose.headings(template) for template in draft.templates]
    given = prose.headings(draft.body)
    missing = min(([heading for heading in one if heading not in given] for one in wanted), key=len, default=[])
    found = [
        _error("template-heading", f"The template's section {heading!r} is missing.", "Add it; n/a is an answer.")
        for heading in missing
    ]
    return found + [
        _error("empty-section", f"The section {section.heading!r} is empty.", "Fill it, write n/a, or take it out.")
        for section in prose.sections(draft.body)
        if not section.filled and not section.has_parts
    ]


def _issues(draft: Draft) -> list[Finding]:
    numbers = dict.fromkeys(_BARE_ISSUE.findall(prose.without_code(draft.body)))
    severity = WARNING if draft.why is None else ERROR
    return [
        Finding(
            "bare-issue",
            severity,
            f"#{number} becomes a link to whatever has that number in the project, and nobody named that issue.",
            "Take the mark away, or put the issue into the intent file's evidence.",
        )
        for number in numbers
        if f"#{number}" not in draft.known_issues
    ]


def _unknown_names(draft: Draft) -> list[Finding]:
    found = []
    for name in _names_to_check(draft.body)[:NAMES_CHECKED]:
        plain = re.split(r"\.|::", name.rstrip("()"))[-1] if _is_identifier(name) else name
        if draft.change.has_path(name) or plain in draft.change.names or name in draft.change.names:
            continue
        if draft.exists(plain):
            if not _is_identifier(name):
                found.append(
                    _warning("name-outside-diff", f"{name} is not part of this change.", "Check that it belongs here.")
                )
        elif not draft.change.is_cut:
            message = f"{name} is neither in the diff nor in the repository."
            found.append(_error("unknown-name", message, "Name what really changed."))
    return found


def _names_to_check(body: str) -> list[str]:
    spans = [span for span in prose.code_spans(body) if _PATH.match(span) or _FILE.match(span) or _is_identifier(span)]
    return list(dict.fromkeys([*spans, *_PROSE_PATH.findall(prose.without_code(body))]))


def _is_identifier(span: str) -> bool:
    """Whether a span is surely a name in code: `total_of`, `parseLine`, `reload()`; not a value such as `main`."""
    plain = span.rstrip("()")
    looks = span.endswith("()") or "_" in plain.strip("_") or bool(re.search(r"[a-z][A-Z]", plain))
    return bool(_IDENTIFIER.match(span)) and looks and not _FILE.match(span)
