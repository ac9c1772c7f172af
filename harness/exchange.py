"""Requests, answers, and how a request put to a deployment ended.

Text that came off the wire as bytes (methods, targets, header names and values) is held as `str`
with one character per byte (ISO-8859-1), so that what was recorded can be sent again byte for byte
and still be read by people. Bodies are bytes as they were on the wire, content encoding intact.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NewType

from harness.value import value

RequestId = NewType("RequestId", str)
DeploymentName = NewType("DeploymentName", str)

Headers = tuple[tuple[str, str], ...]
"""Header fields in wire order, case and duplicates kept."""


class FailureKind(StrEnum):
    """Why a deployment gave no usable answer."""

    HTTP_ERROR = "http_error"  # a status the config counts as failed; the response is kept
    TIMEOUT = "timeout"
    CONNECT_ERROR = "connect_error"
    DISCONNECTED = "disconnected"
    UNREADABLE = "unreadable"  # broken HTTP
    CANCELLED = "cancelled"  # the client left; nobody's fault
    SHED = "shed"  # the challenger's own doing: its queue was full or its breaker open


@value
class Request:
    """One request, as it goes on the wire.

    Attributes:
        method: For instance `POST`.
        target: Request target exactly as sent, percent-escapes and `..` untouched.
        headers: Without framing changes; `Host` and `Content-Length` stand where they stood.
        body: Bytes as sent; empty for none.
    """

    method: str
    target: str
    headers: Headers = ()
    body: bytes = b""


@value
class Response:
    """An answer, as it came off the wire.

    Attributes:
        body: Body bytes with transfer coding removed and content encoding intact; the first
            `max_body` bytes where `truncated`.
        n_body_bytes: Size of the whole body that was received.
        truncated: Whether `body` is shorter than what was received.
    """

    status: int
    headers: Headers = ()
    body: bytes = b""
    n_body_bytes: int = 0
    truncated: bool = False


@value
class Failure:
    """No usable answer, and why.

    Attributes:
        detail: One line for a person, for instance `no answer within 500 ms`.
        response: What was received: whole for `http_error`, possibly partial for the others, None
            when not even a head arrived.
    """

    kind: FailureKind
    detail: str
    response: Response | None = None


Outcome = Response | Failure


@value
class Timing:
    """When a request was due, sent and answered.

    Attributes:
        due_at_ns: When the schedule wanted the request sent (UTC, nanoseconds since 1970).
        wait_s: Seconds from due to the first byte sent; connection set-up, queueing for a rate or
            in-flight ceiling and our own lateness are inside. None where a log was all that was
            seen of it, and nothing was due.
        sender_lag_s: The part of `wait_s` that is the measuring process's own lateness; None
            likewise. Live, where nothing is due, the part of `latency_s` that may be.
        first_byte_s: Seconds from the first byte sent to the first byte of the answer; None if
            nothing came.
        latency_s: Seconds from the first byte sent to the end of the outcome (service time). With
            retries, the total from the first attempt's first byte. For a timeout, the time waited.
        timeout_s: The deadline that was in force, whole exchange.
        chunk_at_s: Arrival of body pieces, seconds from the first byte sent; empty unless asked. Of
            an event stream, and where it could be told, one for each empty line in it.
    """

    due_at_ns: int
    wait_s: float | None
    sender_lag_s: float | None
    first_byte_s: float | None
    latency_s: float
    timeout_s: float
    chunk_at_s: tuple[float, ...] = ()


@value
class Exchange:
    """One request put to one deployment, with its outcome.

    Attributes:
        attempts: How many times it was sent; 0 when it never was (shed, or a recorded answer).
        call_order: Position in which this deployment was called for this request, from 0.
        timing: None for a recorded answer whose log has no times.
        input_tokens: From the answer's usage where a price needs it; None when unknown.
        cost_usd: Total of all attempts; None when the deployment has no price.
        model_version: What the answer says served it, where it says so.
    """

    request_id: RequestId
    deployment: DeploymentName
    outcome: Outcome
    timing: Timing | None
    attempts: int = 1
    call_order: int = 0
    input_tokens: int | None = None
    output_tokens: int | None = None
    cost_usd: float | None = None
    model_version: str | None = None


@value
class RecordedAnswer:
    """What the log says the champion answered.

    Attributes:
        latency_s: From the log where it is known, otherwise None, never zero.
    """

    outcome: Outcome
    latency_s: float | None = None
    first_byte_s: float | None = None


@value
class Recorded:
    """One entry of a recorded log.

    Attributes:
        entry_id: The log's own id; empty when the format has none.
        position: Where it stands, for messages: `line 17`, `record 4`.
        at_ns: When the request arrived (UTC, nanoseconds since 1970); None when not recorded.
        cluster_id: User, session or conversation, where the log names one.
        truth: JSON text of the label that was right, where the log knows it (7 is not "7").
    """

    entry_id: str
    position: str
    at_ns: int | None
    request: Request
    answer: RecordedAnswer | None = None
    cluster_id: str | None = None
    segments: Mapping[str, str] = field(default_factory=dict)
    truth: str | None = None


@dataclass(frozen=True, slots=True)
class LateAnswer:
    """An answer that stands apart from its request in the log, to be joined by `entry_id`.

    Attributes:
        at_ns: When the answer was complete (UTC, nanoseconds since 1970), where the latency has to
            be computed from it.
        first_byte_at_ns: When its first byte came, likewise.
        by: Whose answer it is where the log has those of several deployments; empty for the
            champion's.
    """

    entry_id: str
    position: str
    answer: RecordedAnswer
    at_ns: int | None = None
    first_byte_at_ns: int | None = None
    by: str = ""


@dataclass(frozen=True, slots=True)
class Rejected:
    """An entry we could not read, kept so that it can be counted and shown."""

    position: str
    why: str
