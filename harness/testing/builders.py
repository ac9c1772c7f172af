"""Short ways to build nouns. Every argument has a dull default; a test says what it is about."""

from __future__ import annotations

from collections.abc import Mapping

from harness.exchange import (
    DeploymentName,
    Exchange,
    Failure,
    FailureKind,
    Headers,
    Outcome,
    Request,
    RequestId,
    Response,
    Timing,
)
from harness.pair import Pair
from harness.testing.clock import NOON_NS

JSON_HEADERS: Headers = (("Content-Type", "application/json"),)


def request(
    body: bytes = b'{"x": 1}', *, target: str = "/v1/predict", headers: Headers = JSON_HEADERS
) -> Request:
    """An ordinary inference request."""
    return Request("POST", target, headers, body)


def response(
    body: bytes = b'{"label": 7}', *, status: int = 200, headers: Headers = JSON_HEADERS
) -> Response:
    """An ordinary answer, complete."""
    return Response(status, headers, body, n_body_bytes=len(body))


def failure(kind: FailureKind = FailureKind.TIMEOUT, *, detail: str = "for a test") -> Failure:
    """A failure without an answer."""
    return Failure(kind, detail)


def exchange(
    request_id: str = "r1",
    deployment: str = "champion",
    *,
    outcome: Outcome | None = None,
    latency_s: float = 0.1,
    wait_s: float = 0.0,
    sender_lag_s: float = 0.0,
    timeout_s: float = 1.0,
    due_at_ns: int = NOON_NS,
    call_order: int = 0,
    cost_usd: float | None = None,
    was_begun: bool = True,
) -> Exchange:
    """An ordinary successful exchange, answered in 100 ms; no byte came unless `was_begun`."""
    return Exchange(
        request_id=RequestId(request_id),
        deployment=DeploymentName(deployment),
        outcome=response() if outcome is None else outcome,
        timing=Timing(
            due_at_ns=due_at_ns,
            wait_s=wait_s,
            sender_lag_s=sender_lag_s,
            first_byte_s=latency_s / 2 if was_begun else None,
            latency_s=latency_s,
            timeout_s=timeout_s,
        ),
        call_order=call_order,
        cost_usd=cost_usd,
    )


def pair(
    request_id: str = "r1",
    *,
    champion: Exchange | None = None,
    challenger: Exchange | None = None,
    asked: Request | None = None,
    cluster_id: str | None = None,
    segments: Mapping[str, str | None] | None = None,
    truth: str | None = "7",
    received_at_ns: int = NOON_NS,
) -> Pair:
    """An ordinary pair: both answered 7 in 100 ms, and 7 was right.

    Args:
        cluster_id: None makes the request its own, unknown cluster.
        truth: JSON text.
    """
    return Pair(
        request_id=RequestId(request_id),
        external_id=None,
        entry_key=f"entry-{request_id}",
        received_at_ns=received_at_ns,
        cluster_id=request_id if cluster_id is None else cluster_id,
        cluster_known=cluster_id is not None,
        request=request() if asked is None else asked,
        content_hash=f"content-{request_id}",
        champion=exchange(request_id, "champion") if champion is None else champion,
        challenger=(
            exchange(request_id, "challenger", call_order=1) if challenger is None else challenger
        ),
        segments={} if segments is None else segments,
        truth=truth,
    )
