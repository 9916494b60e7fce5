"""A real server on loopback that serves the store, or misbehaves in one way at a time."""

import http.server
import socket
import socketserver
import ssl
import threading
import time
from urllib.parse import unquote, urlsplit

import pytest

from skillway_sync.engine import run
from skillway_sync.errors import OfflineError, RefusedError
from skillway_sync.fetcher import Limits, StoreFetcher


class Server:
    """Serves a folder; `misbehave` may answer a request in its own way and then returns True."""

    def __init__(self, folder):
        self.folder = folder
        self.requests = []
        self.misbehave = lambda _: False
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                outer.requests.append(self.path)
                if outer.misbehave(self):
                    self.close_connection = True
                    return
                path = outer.folder / unquote(urlsplit(self.path).path).lstrip("/")
                body = path.read_bytes() if path.is_file() else b"<html>not found</html>"
                self.answer(200 if path.is_file() else 404, body)

            def answer(self, status, body, **headers):
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                for name, value in headers.items():
                    self.send_header(name.replace("_", "-"), value)
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        class Threading(socketserver.ThreadingMixIn, http.server.HTTPServer):
            daemon_threads = True

            def handle_error(self, *_):
                pass  # clients that give up are what is tested

        self._server = Threading(("127.0.0.1", 0), Handler)
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    @property
    def port(self):
        return self._server.server_address[1]

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    def close(self):
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def server(publisher, monkeypatch):
    for name in ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    made = Server(publisher.folder)
    yield made
    made.close()


QUICK = Limits(connect=0.5, request=0.6, grace=0.2, minimum_rate=2048, run=5.0)


def quick(config):
    return StoreFetcher(config.store, limits=QUICK)


@pytest.fixture
def http_site(site, server):
    site.configure(store=server.url)
    return site


def only(path, action):
    """Misbehave for addresses that end so."""

    def misbehave(handler):
        if handler.path.endswith(path):
            action(handler)
            return True
        return False

    return misbehave


def expect_offline(site, match, make_fetcher=quick):
    """The run says what happened, ends in order, and what is installed stays as it was."""
    before = site.installed()
    outcome = run(site.laptop(), make_fetcher=make_fetcher)
    assert outcome.state == "offline"
    assert outcome.exit_code == 0
    assert outcome.error is not None
    assert match in outcome.message, outcome.message
    assert site.installed() == before


def test_install_and_update_over_http(http_site, second_release):
    run(http_site.laptop())
    second_release(http_site.publisher)

    assert run(http_site.laptop()).data["release"] == 2
    assert http_site.catalogue() == http_site.digests(2)


def test_check_without_change_takes_two_requests(http_site, server):
    run(http_site.laptop())
    server.requests.clear()

    run(http_site.laptop())

    assert server.requests == ["/metadata/2.root.json", "/metadata/timestamp.json"]


def test_update_fetches_only_what_changed(http_site, server, second_release):
    run(http_site.laptop())
    second_release(http_site.publisher)
    server.requests.clear()

    run(http_site.laptop())

    archives = sorted(path.split("/")[3] for path in server.requests if path.endswith(".tgz"))
    assert archives == ["base", "support"]


def test_archive_that_arrived_is_not_fetched_again_after_a_broken_download(http_site, server):
    def cut(handler):
        handler.send_response(200)
        handler.send_header("Content-Length", "100000")
        handler.end_headers()
        handler.wfile.write(b"\x1f\x8b")

    server.misbehave = lambda handler: (
        "/tools/" in handler.path and handler.path.endswith(".tgz") and (cut(handler) or True)
    )
    with pytest.raises(OfflineError, match="broke while"):
        run(http_site.laptop(), make_fetcher=quick)
    server.misbehave = lambda _: False
    server.requests.clear()

    run(http_site.laptop())

    assert [path.split("/")[3] for path in server.requests if path.endswith(".tgz")] == ["tools"]


@pytest.mark.parametrize("status", [500, 503])
def test_server_fault_is_offline(http_site, server, status):
    run(http_site.laptop())
    server.misbehave = only("timestamp.json", lambda handler: handler.answer(status, b"down"))

    expect_offline(http_site, f"answered {status}")


def test_missing_metadata_is_said(http_site, server):
    run(http_site.laptop())
    server.misbehave = only("timestamp.json", lambda handler: handler.answer(404, b""))

    expect_offline(http_site, "does not have a file that it must have")


def test_sign_in_page_is_named(http_site, server):
    run(http_site.laptop())
    server.misbehave = lambda handler: handler.answer(200, b"<html>hotel</html>", Content_Type="text/html") or True

    expect_offline(http_site, "A web page came back")


def test_page_without_its_content_type_is_named_too(http_site, server):
    run(http_site.laptop())
    server.misbehave = only("timestamp.json", lambda handler: handler.answer(200, b"\r\n<!DOCTYPE html>"))

    expect_offline(http_site, "A web page came back")


def test_redirect_to_another_host_is_not_followed(http_site, server, tmp_path):
    run(http_site.laptop())
    other = Server(tmp_path)
    try:
        target = f"http://localhost:{other.port}/timestamp.json"
        server.misbehave = only("timestamp.json", lambda handler: handler.answer(302, b"", Location=target))

        expect_offline(http_site, "which is not the store")
        assert other.requests == []
    finally:
        other.close()


def test_redirect_to_another_scheme_is_not_followed(http_site, server):
    run(http_site.laptop())
    server.misbehave = only("timestamp.json", lambda handler: handler.answer(301, b"", Location="ftp://127.0.0.1/x"))

    expect_offline(http_site, "which is not the store")


def test_redirect_within_the_store_is_followed(http_site, server, second_release):
    run(http_site.laptop())
    second_release(http_site.publisher)
    metadata = http_site.publisher.folder / "metadata"
    (metadata / "moved.json").write_bytes((metadata / "timestamp.json").read_bytes())
    server.misbehave = only("timestamp.json", lambda handler: handler.answer(307, b"", Location="/metadata/moved.json"))

    assert run(http_site.laptop(), make_fetcher=quick).data["release"] == 2


def test_endless_redirects_end(http_site, server):
    run(http_site.laptop())
    server.misbehave = only("timestamp.json", lambda handler: handler.answer(302, b"", Location=handler.path))

    expect_offline(http_site, "more than 3 times")


def drip(handler, *, headers: bool):
    """Ten bytes a second, for as long as somebody listens."""
    try:
        if headers:
            handler.send_response(200)
            handler.send_header("Content-Length", "400")
            handler.end_headers()
        for _ in range(60):
            handler.wfile.write(b"x")
            handler.wfile.flush()
            time.sleep(0.1)
    except OSError:
        pass


@pytest.mark.parametrize("headers", [True, False], ids=["body", "headers"])
def test_server_that_drips_is_left(http_site, server, headers):
    run(http_site.laptop())
    server.misbehave = only("timestamp.json", lambda handler: drip(handler, headers=headers))
    begun = time.monotonic()

    expect_offline(http_site, "The store gave" if headers else "did not give")

    assert time.monotonic() - begun < QUICK.request + 1.0


def test_server_that_sends_for_ever_is_refused(http_site, server):
    run(http_site.laptop())
    before = http_site.installed()

    def stream(handler):
        handler.send_response(200)
        handler.end_headers()
        try:
            while True:
                handler.wfile.write(b"{" * 65536)
        except OSError:
            pass

    server.misbehave = only("timestamp.json", stream)

    with pytest.raises(RefusedError, match="more bytes than it may"):
        run(http_site.laptop())
    assert http_site.installed() == before


def test_answer_that_breaks_off_is_offline(http_site, server):
    def cut(handler):
        handler.send_response(200)
        handler.send_header("Content-Length", "5000")
        handler.end_headers()
        handler.wfile.write(b'{"signed"')

    run(http_site.laptop())
    server.misbehave = only("timestamp.json", cut)

    expect_offline(http_site, "broke while")


def test_refused_connection_is_named(http_site, server):
    run(http_site.laptop())
    server.close()

    expect_offline(http_site, "refused the connection")


def test_unknown_host_is_named(site, monkeypatch):
    run(site.laptop())

    def no_such_host(*_, **__):
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", no_such_host)
    site.configure(store="https://skills.acme.invalid")

    expect_offline(site, "host name cannot be found")


def test_name_lookup_that_hangs_is_left(site, monkeypatch):
    run(site.laptop())
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: time.sleep(30))
    site.configure(store="https://skills.acme.invalid")
    begun = time.monotonic()

    expect_offline(site, "did not give")

    assert time.monotonic() - begun < QUICK.request + 1.0


def test_plain_server_behind_https_is_a_tls_fault(site, server):
    run(site.laptop())
    site.configure(store=server.url.replace("http://", "https://"))

    expect_offline(site, "TLS")


def test_untrusted_certificate_is_a_tls_fault(site, tmp_path):
    run(site.laptop())
    with untrusted_tls_server(tmp_path) as port:
        site.configure(store=f"https://127.0.0.1:{port}")

        expect_offline(site, "TLS certificate is not accepted")


class untrusted_tls_server:  # noqa: N801 - read as a function
    """A TLS server whose certificate nobody signed."""

    def __init__(self, folder):
        from datetime import datetime, timedelta, timezone

        from cryptography import x509
        from cryptography.hazmat.primitives import hashes, serialization
        from cryptography.hazmat.primitives.asymmetric import ec

        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
        now = datetime.now(timezone.utc)
        built = (
            x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key()).serial_number(1)
        )
        certificate = built.not_valid_before(now).not_valid_after(now + timedelta(days=1)).sign(key, hashes.SHA256())
        pem = serialization.Encoding.PEM
        private = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        (folder / "tls.pem").write_bytes(private + certificate.public_bytes(pem))
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(folder / "tls.pem")

    def __enter__(self):
        self._socket = socket.create_server(("127.0.0.1", 0))
        threading.Thread(target=self._serve, daemon=True).start()
        return self._socket.getsockname()[1]

    def __exit__(self, *_):
        self._socket.close()

    def _serve(self):
        while True:
            try:
                connection, _ = self._socket.accept()
                self._context.wrap_socket(connection, server_side=True).close()
            except ssl.SSLError:
                continue
            except OSError:
                return


def test_laptop_that_was_never_synced_reports_the_cause(http_site, server):
    server.close()

    with pytest.raises(OfflineError, match="refused the connection") as caught:
        run(http_site.laptop(), make_fetcher=quick)
    assert caught.value.exit_code == 10
