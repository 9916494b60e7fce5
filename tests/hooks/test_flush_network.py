"""The way to the receiver: certificates, proxies, and a key that goes to nobody else."""

import datetime as dt
import ipaddress
import ssl
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from receiver import OK, Receiver, Reply


@pytest.fixture
def certificate(tmp_path):
    """A certificate for 127.0.0.1 that only those trust who are given it."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "receiver")])
    now = dt.datetime.now(dt.timezone.utc)
    place = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(place, critical=False)
        .sign(key, hashes.SHA256())
    )
    file = tmp_path / "certificate.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    file.write_bytes(made.public_bytes(serialization.Encoding.PEM) + private)
    return file


@pytest.fixture
def secure(certificate):
    with Receiver() as started:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        started._server.socket = context.wrap_socket(started._server.socket, server_side=True)
        yield started


@pytest.mark.parametrize("how", ["ca_file", "SSL_CERT_FILE"])
def test_a_certificate_of_the_organisations_own_is_trusted_when_it_is_named(laptop, secure, certificate, how):
    laptop.append(2)
    url = secure.url.replace("http:", "https:")
    laptop.configure(url, **({"ca_file": str(certificate)} if how == "ca_file" else {}))
    laptop.flush(**({"SSL_CERT_FILE": str(certificate)} if how == "SSL_CERT_FILE" else {}))
    assert len(secure.uids()) == 2


@pytest.mark.parametrize("ca_file", [None, "/nonexistent.pem"])
def test_a_certificate_that_nobody_named_is_not(laptop, secure, ca_file):
    laptop.append(2)
    laptop.configure(secure.url.replace("http:", "https:"), ca_file=ca_file, headers={"x-key": "secret"})
    laptop.flush()
    assert secure.requests == []
    assert len(laptop.waiting()) == 2
    assert laptop.figures()["failure"] == ("connection" if ca_file else "tls")


def test_a_proxy_is_asked_and_can_be_left_out(laptop, receiver):
    asked = []

    class Proxy(BaseHTTPRequestHandler):
        def do_POST(self):
            asked.append((self.path, self.headers["Proxy-Authorization"]))
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Proxy) as proxy:
        threading.Thread(target=proxy.serve_forever, daemon=True).start()
        address = f"http://ada:s%40cret@127.0.0.1:{proxy.server_address[1]}"
        laptop.append(1)
        laptop.flush(http_proxy=address)
        assert asked == [(receiver.url + "/v1/logs", "Basic YWRhOnNAY3JldA==")]
        assert receiver.requests == []
        laptop.append(1)
        laptop.flush(http_proxy=address, NO_PROXY="127.0.0.1")
        assert len(receiver.uids()) == 1
        proxy.shutdown()


def test_a_redirect_takes_the_key_nowhere(laptop, receiver):
    with Receiver() as other:
        laptop.append(1)
        receiver.reply = Reply(308, headers={"Location": other.url + "/v1/logs"})
        laptop.flush()
        assert other.requests == []
        assert len(laptop.waiting()) == 1


@pytest.mark.parametrize(
    "more", [{"headers": {"x-key": "a\r\nInjected: 1", "x-fine": "b"}}, {"headers": ["x"]}, {"headers": {"x-fine": 7}}]
)
def test_headers_that_cannot_be_sent_are_left_out(laptop, receiver, more):
    laptop.append(1)
    laptop.configure(receiver.url, **more)
    laptop.flush()
    assert "Injected" not in receiver.requests[0][1]
    assert len(receiver.uids()) == 1


@pytest.mark.parametrize("endpoint", ["ftp://127.0.0.1", "127.0.0.1:4318", 7, None, "", "http://"])
def test_an_endpoint_that_is_none_sends_nothing_and_loses_nothing(laptop, receiver, endpoint):
    laptop.append(1)
    laptop.configure(endpoint)
    laptop.flush()
    assert receiver.requests == []
    assert len(laptop.waiting()) == 1


@pytest.mark.parametrize("text", ["{", "[]", "null", "\x00"])
def test_a_broken_configuration_sends_nothing_and_loses_nothing(laptop, receiver, text):
    laptop.append(1)
    (laptop.root / "telemetry.json").write_text(text)
    laptop.flush()
    assert len(laptop.waiting()) == 1
    receiver.reply = OK
