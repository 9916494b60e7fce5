"""A receiver on loopback that keeps what it gets and misbehaves as asked."""

import gzip
import json
import os
import socket
import struct
import threading
import time
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Reply:
    """What to answer: a status with headers and body, or one of the ways in which a connection ends."""

    def __init__(self, status=200, body=b"{}", headers=None, how="answer"):
        self.status = status
        self.body = body
        self.headers = headers or {}
        self.how = how


OK = Reply()


class Receiver:
    """Answers each request with `reply`, or with what `reply(records)` says of the request's LogRecords."""

    def __init__(self, reply=OK):
        self.reply = reply
        self.requests = []
        self.accepted = []
        self.skew = 0
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self.released = threading.Event()
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)

    @property
    def url(self):
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self.released.set()
        self._server.shutdown()
        self._server.server_close()

    def names(self):
        return [record["eventName"] for record in self.accepted]

    def uids(self, name="skillway.skill.used"):
        return [attributes(record)["log.record.uid"] for record in self.accepted if record["eventName"] == name]

    def _handler(self):
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                document = json.loads(gzip.decompress(body))
                records = [
                    record
                    for resource in document["resourceLogs"]
                    for scope in resource["scopeLogs"]
                    for record in scope["logRecords"]
                ]
                receiver.requests.append((self.path, dict(self.headers.items()), document))
                reply = receiver.reply(records) if callable(receiver.reply) else receiver.reply
                if reply.how == "answer":
                    if 200 <= reply.status < 300 and not reply.body.startswith(b"<"):
                        receiver.accepted.extend(records)
                    self.answer(reply)
                else:
                    self.misbehave(reply.how)

            def answer(self, reply):
                self.send_response_only(reply.status)
                headers = {"Date": formatdate(time.time() + receiver.skew, usegmt=True)}
                headers.update({"Content-Length": str(len(reply.body)), **reply.headers})
                for name, value in headers.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(reply.body)

            def misbehave(self, how):
                if how == "hang":
                    receiver.released.wait(30)
                elif how == "trickle":
                    while not receiver.released.wait(0.2):
                        try:
                            self.wfile.write(b"H")
                        except OSError:
                            break
                elif how == "reset":
                    self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                    os.close(self.connection.detach())
                elif how == "half-closed":
                    self.connection.shutdown(socket.SHUT_WR)
                self.close_connection = True

            def log_message(self, *_):
                pass

        return Handler


def attributes(record):
    """Give a LogRecord's attributes as plain values."""
    return {entry["key"]: plain(entry["value"]) for entry in record["attributes"]}


def plain(value):
    ((kind, content),) = value.items()
    if kind == "intValue":
        return int(content)
    if kind == "arrayValue":
        return [plain(item) for item in content["values"]]
    return content
