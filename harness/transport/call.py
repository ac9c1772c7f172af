"""One request on its way through a sender, and the exchange it becomes."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from harness.dialects.event_stream import block_times, is_event_stream
from harness.exchange import (
    Exchange,
    Failure,
    FailureKind,
    Outcome,
    Request,
    RequestId,
    Response,
    Timing,
)
from harness.transport.target import Target
from harness.usage import Usage

if TYPE_CHECKING:
    from harness.transport.connection import Connection

UsageOf = Callable[[Response], Usage]
"""Reads what an answer says it used. Must not raise: an answer that does not say is `Usage()`."""


class Call:
    """State of one submitted request. Plain slots: there is one for every request.

    Attributes:
        begun_s: When it left the queue and a connection was looked for; None while queued.
        sent_s: First byte of the first attempt.
        first_byte_s: First byte of the last attempt's answer.
        deadline_s: When it is given up; runs from `begun_s`, and anew from `sent_s`.
        n_tries: Attempts begun, those included for which no connection came about.
        n_sent: Attempts of which at least one byte was sent.
        spared: Whether a connection that had gone stale was made up for already.
        chunk_at_s: When pieces of the body came; None where nobody asked.
        chunk_ends: Bytes of the body up to and including each.
    """

    __slots__ = (
        "begun_s",
        "call_order",
        "chunk_at_s",
        "chunk_ends",
        "connection",
        "deadline_s",
        "done",
        "due_s",
        "finished",
        "first_byte_s",
        "lag_s",
        "n_sent",
        "n_tries",
        "request",
        "request_id",
        "sent_s",
        "spared",
        "wire",
    )

    def __init__(
        self,
        request_id: RequestId,
        request: Request,
        due_s: float,
        lag_s: float,
        call_order: int,
        done: Callable[[Exchange], None],
    ) -> None:
        self.request_id = request_id
        self.request = request
        self.due_s = due_s
        self.lag_s = lag_s
        self.call_order = call_order
        self.done = done
        self.wire = b""
        self.begun_s: float | None = None
        self.sent_s: float | None = None
        self.first_byte_s: float | None = None
        self.deadline_s = 0.0
        self.n_tries = 0
        self.n_sent = 0
        self.spared = False
        self.finished = False
        self.connection: Connection | None = None
        self.chunk_at_s: list[float] | None = None
        self.chunk_ends: list[int] = []


def exchange_of(
    call: Call,
    outcome: Outcome,
    target: Target,
    *,
    now_s: float,
    wall_ns: int,
    usage_of: UsageOf | None,
) -> Exchange:
    """What became of the call, as of `now_s` on the clock and `wall_ns` in UTC."""
    # Service time begins with the first byte sent, else when a connection was looked for.
    start_s = call.begun_s if call.sent_s is None else call.sent_s
    if start_s is None:
        start_s = now_s
    first_byte_s = call.first_byte_s
    latency_s = now_s - start_s
    wait_s = start_s - call.due_s
    timing = Timing(
        wall_ns - int((now_s - call.due_s) * 1e9),
        wait_s if wait_s > 0.0 else 0.0,
        call.lag_s,
        None if first_byte_s is None else first_byte_s - start_s,
        latency_s,
        target.timeout_s,
        _chunk_times(call, outcome, start_s) if call.chunk_at_s else (),
    )
    price = target.price
    if price is None:
        return Exchange(call.request_id, target.name, outcome, timing, call.n_sent, call.call_order)
    usage = _usage(outcome, usage_of) if price.needs_usage else Usage()
    cost = price.cost_usd(attempts=call.n_sent, latency_s=latency_s, usage=usage)
    return Exchange(
        call.request_id,
        target.name,
        outcome,
        timing,
        call.n_sent,
        call.call_order,
        usage.input_tokens,
        usage.output_tokens,
        None if cost is None else float(cost),
        usage.model,
    )


def _chunk_times(call: Call, outcome: Outcome, start_s: float) -> tuple[float, ...]:
    """When the body came: of an event stream each block, of anything else each piece."""
    at_s = [at_s - start_s for at_s in call.chunk_at_s or ()]
    answer = outcome if isinstance(outcome, Response) else outcome.response
    if answer is None or answer.truncated or not is_event_stream(answer.body, answer.headers):
        return tuple(at_s)
    if any(name.lower() == "content-encoding" for name, _ in answer.headers):
        return tuple(at_s)  # its blocks are not to be seen in these bytes
    return tuple(block_times(answer.body, call.chunk_ends, at_s))


def _usage(outcome: Outcome, usage_of: UsageOf | None) -> Usage:
    """Tokens of a whole answer, also one that counts as failed; unknown for a partial one."""
    if usage_of is None:
        return Usage()
    match outcome:
        case Response():
            return usage_of(outcome)
        case Failure(FailureKind.HTTP_ERROR, _, Response() as response):
            return usage_of(response)
    return Usage()
