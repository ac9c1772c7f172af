"""Heads that a front let through, as nouns: done where nobody waits for it.

They were checked before they were let through, so that reading them is cutting at line ends.
"""

from __future__ import annotations

from harness.exchange import Headers, Request, Response


def captured_request(head: bytes, body: bytes) -> Request:
    """A request from its raw head and its body with transfer coding removed.

    Raises:
        ValueError: The head has no request line.
    """
    line, headers = _parted(head)
    method, _, rest = line.partition(" ")
    target, blank, _ = rest.rpartition(" ")
    if not blank:
        raise ValueError(f"has no request line: {line[:80]!r}")
    return Request(method, target, headers, body)


def captured_response(
    head: bytes, status: int, body: bytes, n_body_bytes: int, *, truncated: bool
) -> Response:
    """An answer from its raw head and as much of its body as was kept."""
    _, headers = _parted(head)
    return Response(status, headers, body, n_body_bytes, truncated)


def _parted(head: bytes) -> tuple[str, Headers]:
    line, *fields = head.decode("latin-1").rstrip("\r\n").split("\r\n")
    parted = (field.partition(":") for field in fields)
    return line, tuple((name, value.strip(" \t")) for name, _, value in parted)
