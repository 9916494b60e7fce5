"""What a server, a network or an attacker between them can send, over real HTTP: the laptop keeps what it had."""

from __future__ import annotations

import contextlib
import datetime as dt
import http.server
import itertools
import json
import socket
import threading
import time
from pathlib import Path
from urllib.parse import unquote

import pytest

from skillway_sync.disk import TEMPORARY_SUFFIX
from skillway_sync.engine import run
from skillway_sync.errors import ConfigError, ExpiredError, OfflineError, RefusedError
from skillway_sync.fetcher import Limits, StoreFetcher
from skillway_sync.release_document import archive_target, manifest_target

SHORT = Limits(connect=2.0, request=1.5, grace=0.4, minimum_rate=2048, run=20.0)
AT_ONCE = 15.0
"""Seconds; what is left to drip or to stream would take minutes."""
DAY = 86_400.0


class _Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        store = self.server.store
        store.requests.append(self.path)
        with contextlib.suppress(OSError):
            answer = next((each for part, each in store.answers.items() if part in self.path), None)
            if answer is not None:
                answer(self)
            else:
                self.serve_file()

    def serve_file(self):
        path = self.server.store.folder / unquote(self.path).lstrip("/")
        if path.is_file():
            self.send(200, path.read_bytes())
        else:
            self.send(404, b"no such file")

    def send(self, status, body, **headers):
        self.send_response(status)
        fields = {"Content_Type": "application/octet-stream", "Content_Length": str(len(body)), **headers}
        for name, value in fields.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        """Keep quiet."""


class HttpStore:
    """Serves a folder; `answers` has, by a part of the path, what answers in place of the file."""

    def __init__(self, folder: Path):
        self.folder = folder
        self.requests: list[str] = []
        self.answers = {}
        self.stopped = threading.Event()
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
        self.server.daemon_threads = True
        self.server.store = self
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    def close(self):
        self.stopped.set()
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture
def store(publisher):
    made = HttpStore(publisher.folder)
    yield made
    made.close()


@pytest.fixture
def web_site(site, store):
    """A laptop whose store is behind the server."""
    site.configure(store=store.url)
    return site


def sync(site):
    return run(site.laptop(), make_fetcher=lambda config: StoreFetcher(config.store, limits=SHORT))


@pytest.fixture
def ready(web_site, second_release):
    """The laptop has release 1, the store has release 2."""
    sync(web_site)
    second_release(web_site.publisher)
    return web_site


def assert_untouched(site, before) -> None:
    assert site.installed() == before
    assert not list(site.prefix.rglob(f"*{TEMPORARY_SUFFIX}"))


# --- a good server --------------------------------------------------------------------------------------------------


def test_first_install_over_http_asks_for_each_file_once(web_site, store):
    outcome = sync(web_site)

    assert outcome.exit_code == 0
    assert web_site.catalogue() == web_site.digests(1)
    assert len(store.requests) == len(set(store.requests))
    # root N+1, timestamp, snapshot, targets, ring role, ring, release role, release, and two files for each plugin
    assert len(store.requests) == 8 + 2 * 3


def test_full_run_without_news_asks_for_metadata_only(web_site, store):
    """What `noop` answers costs two requests (test_noop); this is the run that looks at everything."""
    sync(web_site)
    store.requests.clear()

    sync(web_site)

    assert {"/metadata/2.root.json", "/metadata/timestamp.json"} <= set(store.requests)
    assert all(path.startswith("/metadata/") for path in store.requests)
    assert len(store.requests) <= 4


def test_update_fetches_only_the_plugins_that_changed(ready, store):
    store.requests.clear()

    sync(ready)

    assert ready.catalogue() == ready.digests(2)
    fetched = {path.split("/")[3] for path in store.requests if path.startswith("/targets/plugins/")}
    assert fetched == {"base", "support"}
    assert len([path for path in store.requests if path.endswith(".tgz")]) == 2


def test_redirect_within_the_store_is_followed(ready, store):
    name = archive_target("support", ready.digests(2)["support"])
    place = ready.publisher.place(name)
    moved = place.parent / "moved.bin"
    place.rename(moved)
    location = "/" + moved.relative_to(store.folder).as_posix()
    store.answers[place.name] = lambda handler: handler.send(302, b"", Location=location)

    sync(ready)

    assert ready.catalogue() == ready.digests(2)


# --- a bad network --------------------------------------------------------------------------------------------------


def portal(handler):
    handler.send(200, b"<html>Please sign in</html>", Content_Type="text/html; charset=utf-8")


def portal_without_type(handler):
    handler.send(200, b"\n <!DOCTYPE html><p>Please sign in")


def status(code):
    return lambda handler: handler.send(code, b"some text of the server's own")


def redirect(location):
    return lambda handler: handler.send(302, b"", Location=location)


def redirect_to_itself(handler):
    handler.send(302, b"", Location=handler.path)


def ends_early(handler):
    body = (handler.server.store.folder / handler.path.lstrip("/")).read_bytes()
    handler.send(200, body[: len(body) // 2], Content_Length=str(len(body)))
    handler.close_connection = True


def hang_up(handler):
    handler.connection.shutdown(socket.SHUT_RDWR)


NETWORK = {
    "captive portal": (portal, "web page"),
    "captive portal without a content type": (portal_without_type, "web page"),
    "404": (status(404), "404"),
    "403": (status(403), "403"),
    "401": (status(401), "sign-in"),
    "407": (status(407), "sign-in"),
    "500": (status(500), "500"),
    "503": (status(503), "503"),
    "redirect to another host": (redirect("http://localhost.invalid/store"), "redirected"),
    "redirect to another scheme": (redirect("https://127.0.0.1/metadata/timestamp.json"), "redirected"),
    "redirect to a file": (redirect("file:///etc/hostname"), "redirected"),
    "redirect without an address": (redirect("//"), ""),
    "redirect for ever": (redirect_to_itself, "redirected"),
    "content length too high": (ends_early, "broke"),
    "hangs up": (hang_up, ""),
}
PLACES = ("timestamp.json", ".tgz")


@pytest.mark.parametrize("fault", NETWORK)
@pytest.mark.parametrize("place", PLACES)
def test_bad_network_leaves_the_laptop_in_order_and_on_its_release(ready, store, fault, place):
    answer, cause = NETWORK[fault]
    before = ready.installed()
    store.answers[place] = answer

    outcome = sync(ready)

    assert (outcome.exit_code, outcome.state) == (0, "offline")
    assert cause in outcome.message
    assert_untouched(ready, before)
    assert ready.status()["error"]["code"] == "offline"
    assert ready.status()["error"]["fix"]
    store.answers.clear()
    sync(ready)
    assert ready.catalogue() == ready.digests(2)
    assert ready.status()["error"] is None


def test_refused_connection_is_offline(ready, store):
    before = ready.installed()
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        ready.configure(store=f"http://127.0.0.1:{unused.getsockname()[1]}")

        outcome = sync(ready)

    assert (outcome.exit_code, outcome.state) == (0, "offline")
    assert "refused the connection" in outcome.message
    assert_untouched(ready, before)


def test_unknown_host_is_offline(ready):
    before = ready.installed()
    ready.configure(store="http://store.invalid")

    outcome = sync(ready)

    assert (outcome.exit_code, outcome.state) == (0, "offline")
    assert_untouched(ready, before)


def test_first_install_without_a_network_says_so_and_installs_nothing(web_site, store):
    store.answers["/"] = portal

    with pytest.raises(OfflineError, match="web page"):
        sync(web_site)

    assert web_site.installed() == {}
    assert web_site.status()["state"] == "offline"


def test_offline_for_longer_than_the_grace_exits_10_and_changes_nothing(ready, store):
    before = ready.installed()
    store.answers["/"] = status(503)

    ready.now += 2.9 * DAY
    assert sync(ready).exit_code == 0
    ready.now += 0.2 * DAY
    outcome = sync(ready)

    assert outcome.exit_code == 10
    assert_untouched(ready, before)


def test_portal_keeps_nothing_of_its_page(ready, store):
    store.answers["/"] = portal

    sync(ready)

    assert not [path for path in ready.layout.state.rglob("*") if path.is_file() and b"<html" in path.read_bytes()]


# --- a slow or endless server ---------------------------------------------------------------------------------------


def drip(handler):
    """Ten bytes a second, of a file that would be right in the end."""
    handler.send_response(200)
    handler.end_headers()
    body = itertools.cycle((handler.server.store.folder / handler.path.lstrip("/")).read_bytes())
    while not handler.server.store.stopped.wait(0.1):
        handler.wfile.write(bytes([next(body)]))


def drip_headers(handler):
    handler.wfile.write(b"HTTP/1.1 200 OK\r\nX-Slow: ")
    while not handler.server.store.stopped.wait(0.1):
        handler.wfile.write(b"a")


def say_nothing(handler):
    handler.server.store.stopped.wait(60)


def endless(handler):
    handler.send_response(200)
    handler.end_headers()
    while not handler.server.store.stopped.is_set():
        handler.wfile.write(b" " * 65536)


@pytest.mark.parametrize("answer", [drip, drip_headers, say_nothing])
@pytest.mark.parametrize("place", ["timestamp.json", ".tgz"])
def test_slow_server_is_left_within_the_limits(ready, store, answer, place):
    before = ready.installed()
    store.answers[place] = answer

    begun = time.monotonic()
    outcome = sync(ready)

    assert time.monotonic() - begun < AT_ONCE
    assert (outcome.exit_code, outcome.state) == (0, "offline")
    assert_untouched(ready, before)


def test_many_slow_requests_end_with_the_deadline_of_the_whole_run(ready, store):
    """Each answer is fast enough alone; all of them together are not."""

    def pause(handler):
        time.sleep(0.3)
        handler.serve_file()

    store.answers["/"] = pause
    before = ready.installed()
    limits = Limits(connect=2.0, request=5.0, grace=5.0, run=1.0)

    outcome = run(ready.laptop(), make_fetcher=lambda config: StoreFetcher(config.store, limits=limits))

    assert (outcome.exit_code, outcome.state) == (0, "offline")
    assert_untouched(ready, before)


@pytest.mark.parametrize("place", ["2.root.json", "timestamp.json", ".tgz"])
def test_endless_answer_is_refused_and_never_kept(ready, store, place):
    before = ready.installed()
    store.answers[place] = endless

    begun = time.monotonic()
    with pytest.raises(RefusedError):
        sync(ready)

    assert time.monotonic() - begun < AT_ONCE
    assert_untouched(ready, before)
    assert sum(path.stat().st_size for path in ready.layout.state.rglob("*") if path.is_file()) < 1_000_000


# --- an attacker ----------------------------------------------------------------------------------------------------


def altered(change):
    def answer(handler):
        handler.send(200, change((handler.server.store.folder / handler.path.lstrip("/")).read_bytes()))

    return answer


def flip_a_bit(data):
    middle = len(data) // 2
    return data[:middle] + bytes([data[middle] ^ 1]) + data[middle + 1 :]


def cut(data):
    return data[: len(data) // 2]


def raise_version(data):
    content = json.loads(data)
    content["signed"]["version"] += 1
    return json.dumps(content).encode()


TAMPERED = {
    "archive with a flipped bit": (".tgz", flip_a_bit),
    "truncated archive": (".tgz", cut),
    "empty archive": (".tgz", lambda _: b""),
    "timestamp with another version": ("timestamp.json", raise_version),
    "truncated timestamp": ("timestamp.json", cut),
    "empty timestamp": ("timestamp.json", lambda _: b""),
    "timestamp that is a list": ("timestamp.json", lambda _: b"[]"),
    "timestamp that nests deep": ("timestamp.json", lambda _: b"[" * 9_000),
    "snapshot with another version": (".snapshot.json", raise_version),
    "targets with another version": (".targets.json", raise_version),
    "release role with another version": (".release.json", raise_version),
    "ring role with another version": (".ring-broad.json", raise_version),
    "ring pointer with a flipped bit": ("targets/rings/", flip_a_bit),
    "release document with a flipped bit": ("targets/releases/", flip_a_bit),
    "new root that is nobody's": ("2.root.json", lambda _: b"{}"),
}


@pytest.mark.parametrize("case", TAMPERED)
def test_tampered_file_is_refused_with_30_and_nothing_of_it_is_used(ready, store, case):
    place, change = TAMPERED[case]
    before = ready.installed()
    if place == "2.root.json":
        (store.folder / "metadata" / "2.root.json").write_bytes(b"{}")
    store.answers[place] = altered(change)

    with pytest.raises(RefusedError) as caught:
        sync(ready)

    assert caught.value.exit_code == 30
    assert_untouched(ready, before)
    assert ready.status()["state"] == "refused"
    store.answers.clear()
    (store.folder / "metadata" / "2.root.json").unlink(missing_ok=True)
    sync(ready)
    assert ready.catalogue() == ready.digests(2)


def test_refused_run_leaves_no_unfinished_work(ready, store):
    store.answers[".tgz"] = altered(flip_a_bit)

    with pytest.raises(RefusedError):
        sync(ready)

    assert not ready.layout.staging.exists()


def test_tampered_manifest_is_refused(ready, store):
    place = ready.publisher.place(manifest_target("support", ready.digests(2)["support"])).name
    before = ready.installed()
    store.answers[place] = altered(flip_a_bit)

    with pytest.raises(RefusedError):
        sync(ready)

    assert_untouched(ready, before)
    assert not ready.laptop().archives.manifest_file("support", ready.digests(2)["support"]).exists()


def test_archives_of_two_plugins_that_are_swapped_are_refused(ready, store):
    base, support = (
        ready.publisher.place(archive_target(name, ready.digests(2)[name])) for name in ("base", "support")
    )
    other = base.read_bytes()
    store.answers[support.name] = lambda handler: handler.send(200, other)
    before = ready.installed()

    with pytest.raises(RefusedError):
        sync(ready)

    assert_untouched(ready, before)


def test_store_of_another_root_is_refused_with_30(ready, store, make, tmp_path):
    other = make.publisher(tmp_path / "other", prefix="other-")
    for seq in (1, 2, 3):  # so that its versions are not the older ones
        other.release(seq, {"base": make.base(f"hostile {seq}")})
    before = ready.installed()
    store.folder = other.folder

    with pytest.raises(RefusedError) as caught:
        sync(ready)

    assert caught.value.exit_code == 30
    assert_untouched(ready, before)


def test_first_install_from_a_store_of_another_root_installs_nothing(web_site, store, make, tmp_path):
    other = make.publisher(tmp_path / "other", prefix="other-")
    other.release(1, {"base": make.base("hostile")})
    store.folder = other.folder

    with pytest.raises(RefusedError):
        sync(web_site)

    assert web_site.installed() == {}
    assert not list((web_site.layout.state / "trust").glob("*.json"))


def test_older_timestamp_is_refused(ready, store):
    old = {path.name: path.read_bytes() for path in (store.folder / "metadata").glob("*.json")}
    sync(ready)
    ready.publisher.sign()
    sync(ready)
    before = ready.installed()
    (store.folder / "metadata" / "timestamp.json").write_bytes(json.dumps(json.loads(old["timestamp.json"])).encode())

    with pytest.raises(RefusedError, match="older"):
        sync(ready)

    assert_untouched(ready, before)


def test_ring_that_goes_back_is_refused_although_it_is_signed(ready):
    sync(ready)
    before = ready.installed()
    ready.publisher.point("broad", 1)

    with pytest.raises(RefusedError, match="points back"):
        sync(ready)

    assert_untouched(ready, before)


def test_old_content_in_a_new_release_is_taken(ready, make):
    sync(ready)
    first = {"base": make.base(), "tools": make.plugin("tools"), "support": make.plugin("support")}
    ready.publisher.release(3, first, teams={"support": "support"})

    sync(ready)

    assert ready.catalogue() == ready.digests(1)
    assert ready.status()["release"] == 3


def test_unknown_ring_is_refused_and_named(ready):
    before = ready.installed()
    for ring in ("canary", "nowhere"):
        ready.configure(store=ready.publisher.url, ring=ring)
        with pytest.raises(RefusedError, match=ring):
            run(ready.laptop())
    assert_untouched(ready, before)


def test_root_json_that_is_no_root_is_a_configuration_error(ready):
    before = ready.installed()
    for content in (b"", b"{}", b"\xff\xfe", ready.publisher.folder.joinpath("metadata/timestamp.json").read_bytes()):
        (ready.layout.config_file.parent / "root.json").write_bytes(content)
        with pytest.raises(ConfigError):
            sync(ready)
    assert_untouched(ready, before)


# --- signatures that are out of date --------------------------------------------------------------------------------

ROLES = ("timestamp", "snapshot", "targets", "release", "ring-broad")


@pytest.mark.parametrize("role", ROLES)
def test_expired_signatures_leave_every_file_and_exit_0_within_the_grace(ready, role):
    before = ready.installed()
    ready.publisher.expires[role] = dt.timedelta(days=-1)
    ready.publisher.sign()

    outcome = sync(ready)

    assert (outcome.exit_code, outcome.state) == (0, "stale")
    assert "out of date" in outcome.message
    assert outcome.error.code == "expired"
    assert_untouched(ready, before)


def test_expired_signatures_beyond_the_grace_exit_10_and_recover_by_themselves(ready):
    before = ready.installed()
    ready.publisher.expires["timestamp"] = dt.timedelta(days=-1)
    ready.publisher.sign()
    ready.now += 4 * DAY

    assert sync(ready).exit_code == 10
    assert_untouched(ready, before)
    ready.publisher.expires.clear()
    ready.publisher.sign()
    assert sync(ready).exit_code == 0
    assert ready.catalogue() == ready.digests(2)


def test_expired_signatures_on_a_new_laptop_exit_31(web_site):
    web_site.publisher.expires["timestamp"] = dt.timedelta(days=-1)
    web_site.publisher.sign()

    with pytest.raises(ExpiredError) as caught:
        sync(web_site)

    assert caught.value.exit_code == 31
    assert web_site.installed() == {}


def test_drift_is_repaired_while_the_signatures_are_out_of_date(ready):
    before = ready.installed()
    ready.publisher.expires["timestamp"] = dt.timedelta(days=-1)
    ready.publisher.sign()
    (ready.folder("tools") / "skills" / "tools-skill" / "SKILL.md").write_text("edited here")

    sync(ready)

    assert_untouched(ready, before)
