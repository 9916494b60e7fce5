"""A loopback API with GitHub's documented shapes: pages with Link headers, ETags, rate limits, and faults on demand."""

import hashlib
import json
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

import pytest

TOKEN = "token-of-the-test"


@dataclass
class Forge:
    """What the API serves, what it was asked for, and the faults that wait: each is (status, headers, body)."""

    url: str = ""
    pulls: list = field(default_factory=list)
    files: dict = field(default_factory=dict)
    asked: list = field(default_factory=list)
    faults: dict = field(default_factory=dict)

    def add(self, number, *, day=None, merged=True, title=None, body="", login="ada-lovelace", kind="User"):
        moment = f"2026-{1 + number // 28:02d}-{1 + number % 28:02d}" if day is None else day
        self.pulls.append(
            {
                "number": number,
                "title": title or f"Keep carts of kind {number}",
                "body": body,
                "state": "closed",
                "updated_at": f"{moment}T12:00:00Z",
                "merged_at": f"{moment}T12:00:00Z" if merged else None,
                "user": None if login is None else {"login": login, "type": kind},
            }
        )

    def fail(self, request, *answers):
        """Give these answers to the coming requests whose path starts so."""
        self.faults[request] = list(answers)

    def answer(self, path, headers):
        parts, query = urlsplit(path), parse_qs(urlsplit(path).query)
        self.asked.append(path)
        for start, answers in self.faults.items():
            if path.startswith(start) and answers:
                return answers.pop(0)
        if headers.get("authorization") != f"Bearer {TOKEN}":
            return 401, {}, b'{"message": "Bad credentials"}'
        if not parts.path.startswith("/repos/acme/shop/pulls"):
            return 404, {}, b'{"message": "Not Found"}'
        pieces = parts.path.split("/")
        if len(pieces) > 5:
            held = self.files.get(int(pieces[5]), [{"filename": "src/cart.py", "additions": 30, "deletions": 4}])
        else:
            held = sorted(self.pulls, key=lambda one: one["updated_at"], reverse=True)
        return self.page(parts, query, held, headers)

    def page(self, parts, query, held, headers):
        size, number = int(query["per_page"][0]), int(query.get("page", ["1"])[0])
        last = max(1, -(-len(held) // size))
        kept = [f"{name}={values[0]}" for name, values in query.items() if name != "page"]
        address = f"{self.url}{parts.path}?{'&'.join(kept)}"
        links = [f'<{address}&page={number + 1}>; rel="next"', f'<{address}&page={last}>; rel="last"']
        body = json.dumps(held[(number - 1) * size : number * size]).encode()
        tag = f'"{hashlib.sha256(body).hexdigest()}"'
        answer = {"ETag": tag} | ({"Link": ", ".join(links)} if number < last else {})
        return (304, answer, b"") if headers.get("if-none-match") == tag else (200, answer, body)


@pytest.fixture
def forge(monkeypatch):
    """A running API; the token for it is in the environment."""
    held = Forge()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = -1  # one packet per answer; two would wait for each other

        def do_GET(self):
            status, headers, body = held.answer(self.path, {name.lower(): v for name, v in self.headers.items()})
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *arguments):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    held.url = f"http://127.0.0.1:{server.server_address[1]}"
    monkeypatch.setenv("GH_ENTERPRISE_TOKEN", TOKEN)
    yield held
    server.shutdown()
    server.server_close()
    thread.join()
