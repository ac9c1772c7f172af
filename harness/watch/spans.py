"""Exchanges as spans of OpenTelemetry, in the JSON form of OTLP 1.x.

The front passes a client's `traceparent` to the champion unchanged, and challengers get it too, so
what a deployment traces by itself is in the client's trace already. Added to it is what harness
saw: one span for each exchange, children of the client's span, and of each challenger's a link to
the champion's. A request without `traceparent` gets a trace of its own. One whose client chose not
to trace it is not traced here either.

No body, header, path or cluster is in a span.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from harness.exchange import Exchange, Failure, Headers
from harness.pair import Kept, Observed

Span = dict[str, Any]

_TRACEPARENT = re.compile(r"[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(?:-.*)?")
_NONE = frozenset("0")
_SAMPLED = 1
_KIND_CLIENT = 3
_OK, _ERROR = 1, 2
_NS_PER_S = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Context:
    """Where spans of one request belong.

    Attributes:
        trace_id: 32 hexadecimal digits.
        parent_id: The client's span, 16 digits; empty without one.
    """

    trace_id: str
    parent_id: str


def context_of(headers: Headers, request_id: str) -> Context | None:
    """The client's trace, or one of its own; None where the client chose not to trace.

    A field that is damaged counts as none, as W3C Trace Context wants it.
    """
    given = [value.strip() for name, value in headers if name.lower() == "traceparent"]
    found = _TRACEPARENT.fullmatch(given[0]) if len(given) == 1 else None
    if found is None or _NONE.issuperset(found[1]) or _NONE.issuperset(found[2]):
        return Context(hashlib.blake2b(request_id.encode(), digest_size=16).hexdigest(), "")
    if not int(found[3], 16) & _SAMPLED:
        return None
    return Context(found[1], found[2])


def spans_of(kept: Kept, *, run_id: str) -> list[Span]:
    """The champion's span first; then the challenger's, or that of the second question.

    Exchanges without times (recorded answers) have none.
    """
    context = context_of(kept.request.headers, kept.request_id)
    if context is None:
        return []
    champion = _span(kept, kept.champion, "champion", context, run_id)
    if isinstance(kept, Observed):
        return [one for one in (champion,) if one]
    is_repeat = kept.challenger.deployment == kept.champion.deployment
    role = "repeat" if is_repeat else "challenger"
    challenger = _span(kept, kept.challenger, role, context, run_id)
    if champion and challenger:
        challenger["links"] = [{"traceId": context.trace_id, "spanId": champion["spanId"]}]
    return [one for one in (champion, challenger) if one]


def envelope(spans: Sequence[Span], *, version: str) -> dict[str, Any]:
    """The body of an export request."""
    return {
        "resourceSpans": [
            {
                "resource": {"attributes": _attributes({"service.name": "harness"})},
                "scopeSpans": [{"scope": {"name": "harness", "version": version}, "spans": spans}],
            }
        ]
    }


def _span(kept: Kept, exchange: Exchange, role: str, context: Context, run_id: str) -> Span | None:
    timing, outcome = exchange.timing, exchange.outcome
    if timing is None:
        return None
    start_ns = timing.due_at_ns + round((timing.wait_s or 0.0) * _NS_PER_S)
    answer = outcome.response if isinstance(outcome, Failure) else outcome
    facts = {
        "harness.run_id": run_id,
        "harness.request_id": kept.request_id,
        "harness.deployment": exchange.deployment,
        "harness.role": role,
        "harness.outcome": outcome.kind.value if isinstance(outcome, Failure) else "ok",
        "harness.wait_s": timing.wait_s,
        "harness.cost_usd": exchange.cost_usd,
        "http.request.method": kept.request.method,
        "http.response.status_code": None if answer is None else answer.status,
        "http.request.resend_count": max(0, exchange.attempts - 1) or None,
    }
    failure = {"code": _ERROR, "message": outcome.detail} if isinstance(outcome, Failure) else None
    return {
        "traceId": context.trace_id,
        "spanId": _span_id(kept.request_id, role, exchange.deployment),
        "parentSpanId": context.parent_id,
        "name": f"{role} {exchange.deployment}",
        "kind": _KIND_CLIENT,
        "startTimeUnixNano": str(start_ns),
        "endTimeUnixNano": str(start_ns + round(timing.latency_s * _NS_PER_S)),
        "attributes": _attributes(facts),
        "status": failure or {"code": _OK},
    }


def _span_id(request_id: str, role: str, deployment: str) -> str:
    """The same whoever computes it: the champion stands in the pairs of several challengers."""
    content = "\0".join((request_id, role, deployment)).encode()
    return hashlib.blake2b(content, digest_size=8).hexdigest()


def _attributes(facts: Mapping[str, str | int | float | None]) -> list[dict[str, Any]]:
    return [
        {"key": name, "value": _value(value)} for name, value in facts.items() if value is not None
    ]


def _value(value: str | int | float) -> dict[str, Any]:
    match value:
        case int():
            return {"intValue": str(value)}
        case float():
            return {"doubleValue": value}
        case str():
            return {"stringValue": value}
