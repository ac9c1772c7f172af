"""Challengers that behave badly, as a client of theirs sees them."""

import socket

import pytest

from harness.testing.conditions import CONDITIONS, condition
from harness.testing.load import Schedule, asked

SEEN_AS = {
    "fast": set(),
    "down": {"timeout"},
    "refusing": {"connect_error"},
    "slow": {"timeout"},
    "never_reads": {"timeout"},
    "never_closes": {"timeout"},
    "trickling": {"timeout"},
    "flooding": {"unreadable", "timeout"},
    "bomb": {"wrong answer"},
}


def test_every_condition_is_tried_here():
    assert set(SEEN_AS) == set(CONDITIONS)


@pytest.mark.process
@pytest.mark.parametrize("name", CONDITIONS)
def test_it_behaves_as_its_name_says(name):
    """One request and its end, within what a patient client waits."""
    patience_s = 10.0 if name in ("fast", "bomb") else 0.5
    with condition(name) as url:
        seen = asked(url, Schedule(rate_per_s=1e-6, seconds=0.1, timeout_s=patience_s))

    assert seen.n_sent == 1
    assert set(seen.problems) <= SEEN_AS[name]
    assert (seen.n_right == 1) is (name == "fast")


@pytest.mark.process
def test_who_never_reads_takes_no_more_than_the_kernel_does():
    """Whoever sends to it is stuck soon."""
    with condition("never_reads") as url:
        port = int(url.rpartition(":")[2])
        sock = socket.create_connection(("127.0.0.1", port), timeout=0.3)
        with sock, pytest.raises(TimeoutError):
            sock.sendall(bytes(64 << 20))
