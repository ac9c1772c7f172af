"""Deployments behind TLS: verified by name, and clear about what is wrong."""

import ssl
import subprocess

import pytest

from harness.errors import UnreachableError
from harness.exchange import Failure, FailureKind
from harness.transport.probe import probe
from harness.transport.target import Target
from tests.transport.raw_server import OK, answering


@pytest.fixture(scope="session")
def certificate(tmp_path_factory):
    """A self-signed certificate for the name `localhost` alone, with its key."""
    folder = tmp_path_factory.mktemp("tls")
    cert, key = folder / "cert.pem", folder / "key.pem"
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"),
            *("-nodes", "-days", "2", "-subj", "/CN=localhost"),
            *("-addext", "subjectAltName=DNS:localhost"),
            *("-keyout", str(key), "-out", str(cert)),
        ],
        check=True,
        capture_output=True,
    )
    return cert, key


@pytest.fixture
def server_tls(certificate):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate)
    return context


async def test_requests_go_through_tls(serve, asking, certificate, server_tls):
    """With the certificate trusted, over one kept connection, byte for byte."""
    server = serve(answering(OK), tls=server_tls)
    asked = asking(f"https://localhost:{server.port}", ca_file=str(certificate[0]))

    exchanges = [await asked.ask() for _ in range(3)]

    assert [e.outcome.body for e in exchanges] == [b"ok"] * 3
    assert server.received[-1] == b"GET / HTTP/1.1\r\nHost: test\r\n\r\n" * 3


async def test_a_certificate_for_another_name_is_refused(serve, asking, certificate, server_tls):
    """Trusted or not: 127.0.0.1 is not localhost. Nothing is sent."""
    server = serve(answering(OK), tls=server_tls)
    asked = asking(f"https://127.0.0.1:{server.port}", ca_file=str(certificate[0]))

    exchange = await asked.ask()

    assert isinstance(exchange.outcome, Failure)
    assert exchange.outcome.kind == FailureKind.CONNECT_ERROR
    assert "has a certificate that is not accepted: " in exchange.outcome.detail
    assert "mismatch" in exchange.outcome.detail
    assert exchange.attempts == 0
    assert b"".join(server.received) == b""


async def test_an_unknown_certificate_is_refused(serve, asking, server_tls):
    """The system does not know who signed it."""
    server = serve(answering(OK), tls=server_tls)

    exchange = await asking(f"https://localhost:{server.port}").ask()

    assert exchange.outcome.kind == FailureKind.CONNECT_ERROR
    assert "self-signed certificate" in exchange.outcome.detail


async def test_https_to_an_http_server_says_so(serve, asking):
    """It is a common mistake in a config."""

    def plain(peer):
        peer._receive()
        peer.send(b"HTTP/1.1 400 Bad Request\r\n\r\n")

    exchange = await asking(f"https://127.0.0.1:{serve(plain).port}").ask()

    assert exchange.outcome.kind == FailureKind.CONNECT_ERROR
    assert exchange.outcome.detail.endswith("is it an http:// server?")


async def test_http_to_an_https_server_says_so(serve, asking, server_tls):
    """The other way round."""
    server = serve(answering(OK), tls=server_tls)

    exchange = await asking(server).ask()

    assert exchange.outcome.kind in (FailureKind.UNREADABLE, FailureKind.DISCONNECTED)
    assert "use an https:// URL" in exchange.outcome.detail or "without answering" in (
        exchange.outcome.detail
    )


async def test_a_server_that_speaks_http2_alone_says_so(serve, asking, certificate):
    """It refuses HTTP/1.1 in the handshake, or is told apart by its first frame."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate)
    context.set_alpn_protocols(["h2"])

    def settings(peer):
        peer._receive()
        peer.send(b"\x00\x00\x00\x04\x00\x00\x00\x00\x00")
        peer.wait_for_eof()

    server = serve(settings, tls=context)
    asked = asking(f"https://localhost:{server.port}", ca_file=str(certificate[0]))

    outcome = (await asked.ask()).outcome

    assert outcome.kind == FailureKind.UNREADABLE
    assert outcome.detail == "answered in HTTP/2; only HTTP/1.1 is spoken here"


async def test_a_handshake_that_hangs_times_out(serve, asking):
    """It accepts and says nothing."""
    server = serve(lambda peer: peer.wait_for_eof())

    exchange = await asking(f"https://127.0.0.1:{server.port}", timeout_s=0.2).ask()

    assert exchange.outcome == Failure(FailureKind.TIMEOUT, "no connection within 200 ms")
    assert exchange.attempts == 0


async def test_a_ca_file_that_is_none_is_named(asking, tmp_path):
    """Before anything is asked."""
    missing = tmp_path / "none.pem"

    with pytest.raises(UnreachableError, match=r"d: CA file .*none.pem.*: No such file"):
        asking("https://localhost", ca_file=str(missing))


async def test_a_probe_needs_no_request(serve):
    """Accepting the connection is enough; nothing is sent."""
    server = serve(lambda peer: peer.wait_for_eof())

    await probe(Target("d", f"http://127.0.0.1:{server.port}", 1.0), 5.0)

    assert server.received in ([], [b""])


async def test_a_probe_says_who_where_why_and_what_to_do():
    """In one line."""
    target = Target("knn", "http://127.0.0.1:1/v1", 1.0)

    with pytest.raises(UnreachableError) as caught:
        await probe(target, 5.0)

    assert str(caught.value) == (
        "knn: http://127.0.0.1:1/v1: 127.0.0.1:1 refused the connection. "
        "Start the deployment, or correct its `url`."
    )


async def test_a_probe_checks_the_certificate(serve, server_tls):
    """So that the mistake is found before the run."""
    server = serve(answering(OK), tls=server_tls)
    target = Target("d", f"https://localhost:{server.port}", 1.0)

    with pytest.raises(UnreachableError, match="certificate that is not accepted"):
        await probe(target, 5.0)


async def test_a_probe_has_a_deadline(serve):
    """A handshake that hangs is no deployment."""
    server = serve(lambda peer: peer.wait_for_eof())

    with pytest.raises(UnreachableError, match=r"accepted no connection within 0.1 s"):
        await probe(Target("d", f"https://127.0.0.1:{server.port}", 1.0), 0.1)
