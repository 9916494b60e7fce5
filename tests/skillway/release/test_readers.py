"""A laptop that reads while releases are published: python-tuf's client over HTTP, in a process of its own."""

import http.server
import json
import subprocess
import sys
import threading
from pathlib import Path

import pytest

READER = Path(__file__).with_name("reader.py")


@pytest.fixture
def served(published):
    """The store behind a static web server on a free port of the loopback address; gives its URL."""

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def __init__(self, *arguments):
            super().__init__(*arguments, directory=str(published.store))

        def log_message(self, *arguments):
            """Say nothing."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Quiet) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_release_is_read_from_a_plain_web_server(published, served, tmp_path):
    assert published.seen(tmp_path / "cache", base=served).seq == 1


def test_reader_during_twenty_publishes_never_misses_a_target(published, served, tmp_path):
    stop = tmp_path / "stop"
    arguments = [served, str(published.keys / "root.json"), str(tmp_path / "cache"), str(stop)]
    reader = subprocess.Popen(
        [sys.executable, str(READER), *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    try:
        assert reader.stdout is not None
        assert json.loads(reader.stdout.readline()) == {"first": 1}
        for number in range(20):
            published.build(developer_tools={"bin/skillway-pr": f"#!/bin/sh\nexit {number}\n"})
            published.publish()
        stop.touch()
        out, err = reader.communicate(timeout=60)
    finally:
        reader.kill()
        reader.wait()
    assert reader.returncode == 0, err
    seen = json.loads(out)["seen"]
    assert seen == sorted(seen)
    assert seen[-1] == 21
    assert len(seen) >= 2
