"""How does a person rate texts in a browser, on this machine alone?

A small server on loopback, behind a random token, that shows one question at a time as plain HTML without scripts.
Whoever does not know the token, or comes by another host's name, gets nothing. What is asked and kept is `labels`'.
"""

from __future__ import annotations

import html
import secrets
from collections.abc import Callable
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs

from skillway.errors import SkillwayError
from skillway_evals.labels import LabelBook, Question

_MOST_FORM_BYTES = 4096
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{title}</title><meta name="viewport" content="width=device-width">
<style>
:root {{ color-scheme: light dark; }}
body {{ font: 1rem/1.5 system-ui, sans-serif; max-width: 48rem; margin: 2rem auto; padding: 0 1rem; }}
pre {{ white-space: pre-wrap; overflow-wrap: anywhere; border: 1px solid; border-radius: .3rem; padding: 1rem; font: inherit; }}
button {{ font: inherit; display: block; width: 100%; text-align: left; margin: .5rem 0; padding: .7rem 1rem; }}
</style></head><body><main>{body}</main></body></html>"""


class LabelServer(ThreadingHTTPServer):
    """Asks one rater. `url` is where; `on_label` is called after each label that is kept.

    Args:
        book: What is asked, and where labels go.
        rater: The rater's pseudonym.
        on_label: Called after each label.
    """

    daemon_threads = True

    def __init__(self, book: LabelBook, rater: str, on_label: Callable[[], None] = lambda: None) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.book = book
        self.rater = rater
        self.on_label = on_label
        self.token = secrets.token_urlsafe(24)
        self.host = f"127.0.0.1:{self.server_address[1]}"
        self.url = f"http://{self.host}/{self.token}/"

    def run_until_done(self) -> None:
        """Serve until everything is rated and the last page had its moment to be fetched."""
        self.timeout = 1.0  # seconds between two looks
        while not self.is_done:
            self.handle_request()
        self.handle_request()

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ANN401 - the base class's types
        """Let a browser close a connection early."""

    @property
    def is_done(self) -> bool:
        """Tell whether the rater has rated everything."""
        return not self.book.open_questions(self.rater)


class _Handler(BaseHTTPRequestHandler):
    server: LabelServer
    server_version, sys_version = "skillway", ""
    timeout = 30  # seconds; then a connection that says nothing ends

    def do_GET(self) -> None:
        if self._is_allowed():
            self._send(HTTPStatus.OK, _page(self.server))

    def do_POST(self) -> None:
        if not self._is_allowed():
            return
        try:
            size = int(self.headers.get("Content-Length", "0"))
            if not 0 < size <= _MOST_FORM_BYTES:
                raise ValueError("a form of that size")  # noqa: TRY301 - told like every other fault
            form = parse_qs(self.rfile.read(size).decode(), strict_parsing=True)
            self.server.book.add(self.server.rater, form["text"][0], form["criterion"][0], int(form["score"][0]))
        except (ValueError, KeyError) as error:
            self._send(HTTPStatus.BAD_REQUEST, _frame("Not kept", f"<p>Not kept: {html.escape(str(error))}.</p>"))
            return
        except SkillwayError as error:
            text = f"<p>Not kept: {html.escape(error.message)} {html.escape(error.fix)}</p>"
            self._send(HTTPStatus.INTERNAL_SERVER_ERROR, _frame("Not kept", text))
            return
        self.server.on_label()
        self.send_response(HTTPStatus.SEE_OTHER)
        self.send_header("Location", f"/{self.server.token}/")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
        """Say nothing: the address has the token in it."""

    def _is_allowed(self) -> bool:
        """Let in who knows the token and came by the address itself: another name may be another site's page."""
        origin = self.headers.get("Origin")
        is_own = self.headers.get("Host") == self.server.host and origin in (None, f"http://{self.server.host}")
        if is_own and secrets.compare_digest(self.path.encode(), f"/{self.server.token}/".encode()):
            return True
        self._send(HTTPStatus.NOT_FOUND, _frame("Not found", "<p>There is nothing here.</p>"))
        return False

    def _send(self, status: HTTPStatus, page: str) -> None:
        data = page.encode("utf-8", "backslashreplace")
        self.send_response(status)
        for name, value in (
            ("Content-Type", "text/html; charset=utf-8"),
            ("Content-Length", str(len(data))),
            ("Content-Security-Policy", _POLICY),
            ("Cache-Control", "no-store"),
            ("Referrer-Policy", "same-origin"),
            ("X-Content-Type-Options", "nosniff"),
        ):
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(data)


def _page(server: LabelServer) -> str:
    questions = server.book.open_questions(server.rater)
    total = len(server.book.questions(server.rater))
    if not questions:
        return _frame("Done", f"<h1>Done</h1><p>All {total} are rated. Thank you; you can close this page.</p>")
    return _frame(
        f"{total - len(questions) + 1} of {total}", _question(questions[0], total - len(questions) + 1, total)
    )


def _question(question: Question, number: int, total: int) -> str:
    text, criterion = question.text, question.criterion
    task = f"<h2>What was asked</h2><pre>{html.escape(text.task)}</pre>" if text.task else ""
    buttons = "".join(
        f'<button name="score" value="{score}">{score}: {html.escape(anchor)}</button>'
        for score, anchor in sorted(criterion.anchors.items())
    )
    return (
        f"<p>{number} of {total}</p><h1>{html.escape(criterion.question)}</h1>"
        f'<form method="post"><input type="hidden" name="text" value="{html.escape(text.id)}">'
        f'<input type="hidden" name="criterion" value="{html.escape(criterion.id)}">{buttons}</form>'
        f"{task}<h2>The text</h2><pre>{html.escape(text.text)}</pre>"
    )


def _frame(title: str, body: str) -> str:
    return _PAGE.format(title=html.escape(title), body=body)
