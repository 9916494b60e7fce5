"""What is around every page: one HTML file that needs nothing else, looks the same everywhere, and runs no foreign script.

A page is a title and sections; a section is a title and parts, made by `parts` and `charts`. The style follows the
reader's light or dark setting, fits a phone and a wide screen, and prints.
"""

from __future__ import annotations

import os
import tempfile
import webbrowser
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from markupsafe import Markup

from skillway import __version__
from skillway.errors import SkillwayError
from skillway.pages.markup import asset, fill, script_hash
from skillway.pages.palette import color_rules


class PageNotWrittenError(SkillwayError):
    """The caller must act: the page cannot be put where it was asked for."""

    code = "page_not_written"


@dataclass(frozen=True, slots=True)
class Section:
    """One section of a page.

    Attributes:
        identifier: The fragment by which the section is linked, kebab-case, unique in the page.
        title: The heading.
        parts: What stands below it; a plain text is escaped, markup comes from `parts` and `charts`.
    """

    identifier: str
    title: str
    parts: tuple[str | Markup, ...]


def page(title: str, sections: Sequence[Section], *, subtitle: str = "", footer: str = "", script: str = "") -> str:
    """Make a page.

    Args:
        title: Heading and title of the page.
        sections: From top to bottom; more than one get links at the top.
        subtitle: One line below the title: what is shown, of when.
        footer: Where the numbers come from.
        script: The name of a script in `assets` that this page needs beside the common one.

    Returns:
        The whole file. It loads nothing, and only the scripts that skillway put there can run.
    """
    code = "\n".join(asset(name) for name in ("page.js", script) if name)
    policy = f"default-src 'none'; script-src {script_hash(code)}; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'"
    return str(
        fill(
            "page.html",
            title=title,
            sections=sections,
            subtitle=subtitle,
            footer=footer,
            version=__version__,
            policy=policy,
            style=Markup(asset("style.css") + color_rules()),  # noqa: S704 - our own files, no data
            script=Markup(code),  # noqa: S704 - as above
        )
    )


def deliver_page(text: str, path: Path, *, dry_run: bool, wants_open: bool) -> None:
    """Do with a finished page what a command was asked for: write it, show it in the reader's browser, or neither.

    Raises:
        PageNotWrittenError: As `write_page`.
    """
    if dry_run:
        return
    write_page(text, path)
    if wants_open:
        webbrowser.open(path.resolve().as_uri())


def write_page(text: str, path: Path) -> None:
    """Write a page whole or not at all; an older one in its place is replaced.

    Raises:
        PageNotWrittenError: The folder is missing or cannot be written, or `path` is a folder.
    """
    try:
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=".page-")
        try:
            with os.fdopen(handle, "w", encoding="utf-8", errors="replace", newline="\n") as stream:
                stream.write(text)
            Path(temporary).chmod(0o644)
            Path(temporary).replace(path)
        except BaseException:
            Path(temporary).unlink()
            raise
    except OSError as error:
        raise PageNotWrittenError(
            f"The page cannot be written to {path} ({error.strerror}).",
            fix="Name another file in a folder that exists with --output.",
        ) from error
