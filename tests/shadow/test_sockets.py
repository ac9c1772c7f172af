"""Sockets for children, and what is said when there is none to be had."""

import pytest

from harness.errors import UsageError
from harness.shadow.sockets import listener, where


def test_a_port_that_is_taken_is_said():
    """With the config's key and what to do."""
    with listener("127.0.0.1", 0, key="capture.listen") as first:
        port = first.getsockname()[1]

        with pytest.raises(UsageError) as caught:
            listener("127.0.0.1", port, key="capture.listen")

    assert str(caught.value) == (
        f"capture.listen: 127.0.0.1:{port} is taken by another process. "
        f"Stop that, or name another port"
    )


@pytest.mark.parametrize("host", ["203.0.113.7", "no-such-host.invalid"])
def test_an_address_of_somebody_else_is_said(host):
    """An address that this machine does not have."""
    with pytest.raises(UsageError, match="is no address of this machine"):
        listener(host, 0, key="capture.listen")


def test_ipv6_is_written_with_brackets():
    """As a config writes it."""
    with listener("::1", 0, key="capture.admin") as sock:
        assert where(sock) == f"[::1]:{sock.getsockname()[1]}"
