"""Why a request is not taken on, and the answer that says so."""

from __future__ import annotations

from enum import Enum
from http import HTTPStatus


class Refusal(Enum):
    """A reason to refuse. The value is its name in counters, and the status that answers it."""

    MALFORMED = ("malformed", 400)
    FRAMING = ("framing", 400)  # where the message ends cannot be told beyond doubt
    HOST = ("host", 400)
    TARGET = ("target", 400)
    CODING = ("coding", 501)  # a transfer coding other than chunked
    METHOD = ("method", 405)
    HTTP2 = ("http2", 505)
    VERSION = ("version", 505)
    LONG_TARGET = ("long_target", 414)
    LARGE_HEAD = ("large_head", 431)
    LARGE_BODY = ("large_body", 413)
    SLOW_HEAD = ("slow_head", 408)
    SLOW_BODY = ("slow_body", 408)
    SLOW_READER = ("slow_reader", 0)  # nobody reads what we would say
    CROWDED = ("crowded", 503)

    @property
    def label(self) -> str:
        return self.value[0]

    @property
    def status(self) -> int:
        return self.value[1]


class RefusedError(Exception):
    """The request is not taken on. The message is one line for whoever sent it."""

    def __init__(self, refusal: Refusal, why: str) -> None:
        super().__init__(why)
        self.refusal = refusal
        self.why = why


def own_answer(status: int, why: str) -> bytes:
    """An answer of our own, after which the connection is closed.

    Examples:
        >>> own_answer(400, "no").splitlines()[0]
        b'HTTP/1.1 400 Bad Request'
    """
    text = f"harness: {why}\n".encode("ascii", "backslashreplace")
    head = (
        f"HTTP/1.1 {status} {HTTPStatus(status).phrase}\r\n"
        f"Content-Type: text/plain; charset=us-ascii\r\n"
        f"Content-Length: {len(text)}\r\nConnection: close\r\n\r\n"
    )
    return head.encode("ascii") + text
