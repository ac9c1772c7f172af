"""What the mirror makes of frames: requests with what the run wants to know of them, exchanges."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field

from harness.exchange import (
    DeploymentName,
    Exchange,
    Failure,
    FailureKind,
    Outcome,
    Request,
    RequestId,
    Response,
    Timing,
)
from harness.http1.captured import captured_request, captured_response
from harness.pair import Kept, Observed, Pair
from harness.traffic.attributes import Attribute
from harness.traffic.forwarding import REQUEST_ID_HEADER
from harness.traffic.framing import ChampionFrame, FrameError, RequestFrame
from harness.traffic.identity import content_hash, request_id_of
from harness.usage import Price, Usage

_PPM = 1_000_000


@dataclass(slots=True)
class Asked:
    """A request on its way to pairs.

    Attributes:
        front: Whose it is.
        entry_key: `<front>:<number>`.
        offered_s: When the front handed it over.
        sampled: Probability with which it was drawn.
        n_owed: Challengers for which it is not settled.
    """

    front: str
    entry_key: str
    request_id: RequestId
    request: Request
    received_at_ns: int
    offered_s: float
    cluster_id: str | None
    segments: dict[str, str | None]
    sampled: float
    n_owed: int

    @property
    def draw_key(self) -> str:
        """What a share is drawn by."""
        return self.cluster_id or self.entry_key


@dataclass(frozen=True, slots=True)
class Study:
    """What a run wants to know of every request.

    Attributes:
        seed: Of draws and of the order of calls.
        cluster: Where users, sessions or conversations are told apart.
        segments: Facts to report by.
    """

    run_id: str
    seed: int
    cluster: Attribute | None = None
    segments: Mapping[str, Attribute] = field(default_factory=dict)

    def asked(self, front: str, frame: RequestFrame, n_owed: int) -> Asked:
        """The request of a frame.

        Raises:
            ValueError: Its head is none.
        """
        request = captured_request(frame.head, frame.body)
        entry_key = f"{front}:{frame.number}"
        return Asked(
            front=front,
            entry_key=entry_key,
            request_id=request_id_of(self.run_id, entry_key),
            request=request,
            received_at_ns=frame.received_at_ns,
            offered_s=frame.offered_s,
            cluster_id=None if self.cluster is None else self.cluster.of(request),
            segments={name: attribute.of(request) for name, attribute in self.segments.items()},
            sampled=frame.sample_ppm / _PPM,
            n_owed=n_owed,
        )


@dataclass(frozen=True, slots=True)
class ChampionSide:
    """How the champion's exchanges are read.

    Attributes:
        failures: Statuses that count as failed.
        usage_of: Reads what an answer says it used, where a price needs it.
    """

    name: DeploymentName
    failures: Collection[int]
    price: Price | None = None
    usage_of: Callable[[Response], Usage] | None = None

    def exchange(self, asked: Asked, frame: ChampionFrame) -> Exchange:
        """What became of a request at the champion.

        Raises:
            FrameError: It ended in a way that nobody knows.
        """
        response = None
        if frame.status:
            response = captured_response(
                frame.head, frame.status, frame.body, frame.n_body_bytes, truncated=frame.truncated
            )
        usage = self._usage(response)
        cost = None
        if self.price is not None:
            cost = self.price.cost_usd(attempts=1, latency_s=frame.latency_s, usage=usage)
        return Exchange(
            request_id=asked.request_id,
            deployment=self.name,
            outcome=self._outcome(frame, response),
            timing=Timing(
                due_at_ns=asked.received_at_ns,
                wait_s=frame.wait_s,
                sender_lag_s=frame.lag_s,
                first_byte_s=frame.first_byte_s if frame.first_byte_s >= 0 else None,
                latency_s=frame.latency_s,
                timeout_s=frame.timeout_s,
                chunk_at_s=frame.chunk_at_s,
            ),
            input_tokens=usage.input_tokens,
            output_tokens=usage.output_tokens,
            cost_usd=None if cost is None else float(cost),
            model_version=usage.model,
        )

    def _outcome(self, frame: ChampionFrame, response: Response | None) -> Outcome:
        if frame.kind == "ok" and response is not None:
            if response.status in self.failures:
                return Failure(FailureKind.HTTP_ERROR, f"status {response.status}", response)
            return response
        try:
            kind = FailureKind(frame.kind)
        except ValueError:
            raise FrameError(f"is a champion's end of unknown kind {frame.kind!r}") from None
        return Failure(kind, frame.detail or kind.value, response)

    def _usage(self, response: Response | None) -> Usage:
        if response is None or self.usage_of is None or self.price is None:
            return Usage()
        return self.usage_of(response) if self.price.needs_usage else Usage()


def shed_exchange(
    asked: Asked, deployment: DeploymentName, why: str, *, timeout_s: float, call_order: int
) -> Exchange:
    """A challenger that was not asked, for what it did to earlier requests."""
    timing = Timing(asked.received_at_ns, 0.0, 0.0, None, 0.0, timeout_s)
    shed = Failure(FailureKind.SHED, why)
    return Exchange(asked.request_id, deployment, shed, timing, 0, call_order)


def pair_of(asked: Asked, champion: Exchange, other: Exchange, sampled: float) -> Pair:
    """Both sides of a request.

    Args:
        sampled: The challenger's own share of what is mirrored.
    """
    return Pair(
        request_id=asked.request_id,
        external_id=_external_id(asked.request),
        entry_key=asked.entry_key,
        received_at_ns=asked.received_at_ns,
        cluster_id=asked.cluster_id or asked.request_id,
        cluster_known=asked.cluster_id is not None,
        request=asked.request,
        content_hash=content_hash(asked.request),
        champion=champion,
        challenger=other,
        segments=asked.segments,
        sampled_prob=asked.sampled * sampled,
    )


def observed_of(asked: Asked, champion: Exchange) -> Observed:
    """A request with the champion's exchange alone."""
    return Observed(
        request_id=asked.request_id,
        external_id=_external_id(asked.request),
        entry_key=asked.entry_key,
        received_at_ns=asked.received_at_ns,
        cluster_id=asked.cluster_id or asked.request_id,
        cluster_known=asked.cluster_id is not None,
        request=asked.request,
        content_hash=content_hash(asked.request),
        champion=champion,
        segments=asked.segments,
        sampled_prob=asked.sampled,
    )


def n_body_bytes(exchange: Exchange | None) -> int:
    """Bytes of an exchange's answer that are held in memory."""
    if exchange is None:
        return 0
    outcome = exchange.outcome
    response = outcome.response if isinstance(outcome, Failure) else outcome
    return 0 if response is None else len(response.body)


def n_kept_bytes(kept: Kept) -> int:
    other = kept.challenger if isinstance(kept, Pair) else None
    return len(kept.request.body) + n_body_bytes(kept.champion) + n_body_bytes(other)


def _external_id(request: Request) -> str | None:
    wanted = REQUEST_ID_HEADER.lower()
    return next((value for name, value in request.headers if name.lower() == wanted), None)
