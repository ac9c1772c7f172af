"""How much of a message is read, and how much of it is kept."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds on one answer.

    Attributes:
        max_head_bytes: Status line and headers together, and also trailers or chunk extensions
            that come without any body byte between them. nginx accepts 4 to 8 KiB by default,
            Node 16 KiB, httpcore 100 KiB.
        max_body_bytes: How much of the body is kept; the rest is counted and thrown away.
        max_answer_bytes: Beyond this many body bytes the answer is given up.
    """

    max_head_bytes: int = 64 * 1024
    max_body_bytes: int = 1024 * 1024
    max_answer_bytes: int = 64 * 1024 * 1024


ORDINARY = Limits()
"""Room for any answer of a model that is meant to be compared."""


@dataclass(frozen=True, slots=True)
class RequestLimits:
    """Bounds on one request of a client.

    Attributes:
        max_head_bytes: Request line and fields together, and also trailers or chunk extensions
            without a body byte between them. nginx allows 32 KiB, Apache 8 KiB a line.
        max_fields: Apache allows 100 by default, nginx any number.
        max_target_bytes: RFC 9110 section 4.1 wants 8000 at least.
        max_body_bytes: None for none.
    """

    max_head_bytes: int = 32 * 1024
    max_fields: int = 128
    max_target_bytes: int = 8192
    max_body_bytes: int | None = None


ORDINARY_REQUEST = RequestLimits()
"""What clients send to an API."""
