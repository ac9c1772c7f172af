"""Exchanges and pairs that a log tells of, without anybody being asked.

A pair needs a request and the answers of both sides. What a log lacks of it is a loss with a
reason, and counts against `pairing_rate`: why a challenger's answer is not in a log nobody can
tell, and leaving such requests out quietly would flatter one that fails.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace

from harness.exchange import (
    DeploymentName,
    Exchange,
    Failure,
    FailureKind,
    Outcome,
    Recorded,
    RecordedAnswer,
    RequestId,
    Response,
    Timing,
)
from harness.pair import Conservation, LossReason, Pair
from harness.replay.corpus import Answered
from harness.traffic.identity import content_hash, request_id_of
from harness.usage import Price, Usage


def recorded_exchange(
    answer: RecordedAnswer,
    *,
    request_id: RequestId,
    deployment: DeploymentName,
    at_ns: int | None,
    timeout_s: float,
    failures: Collection[int],
    wait_s: float | None,
) -> Exchange:
    """One side of a pair as a log has it.

    Args:
        failures: Statuses that count as failed.
        wait_s: What it waited, all of it not our doing; None when nothing was due.
    """
    timing = None
    if answer.latency_s is not None:
        timing = Timing(
            due_at_ns=at_ns or 0,
            wait_s=wait_s,
            sender_lag_s=None if wait_s is None else 0.0,
            first_byte_s=answer.first_byte_s,
            latency_s=answer.latency_s,
            timeout_s=timeout_s,
        )
    return Exchange(
        request_id=request_id,
        deployment=deployment,
        outcome=_judged_by_status(answer.outcome, failures),
        timing=timing,
        attempts=0,
    )


def _judged_by_status(outcome: Outcome, failures: Collection[int]) -> Outcome:
    if isinstance(outcome, Response) and outcome.status in failures:
        return Failure(FailureKind.HTTP_ERROR, f"status {outcome.status}", outcome)
    return outcome


@dataclass(frozen=True, slots=True)
class RecordedParty:
    """One deployment whose answers a log has.

    Attributes:
        timeout_s: The deadline that it is held to in rules.
        price: None where nothing is known of it: its calls then have no cost.
    """

    name: DeploymentName
    timeout_s: float
    price: Price | None = None


Cluster = Callable[[Recorded], str | None]
SegmentValues = Callable[[Recorded], dict[str, str | None]]
UsageOf = Callable[[Response], Usage]


@dataclass(slots=True)
class RecordedPairs:
    """Makes the pairs of a log, and counts what gives none.

    Args:
        challengers: By whose answers they are in the log.
        cluster_of: User, session or conversation of an entry; None where it has none.
        imported_at_ns: Stands in for the time of a request where the log has none.
    """

    run_id: str
    champion: RecordedParty
    challengers: Mapping[str, RecordedParty]
    failures: Collection[int]
    cluster_of: Cluster
    segments_of: SegmentValues
    usage_of: UsageOf
    imported_at_ns: int
    n_received: int = 0
    _paired: Counter[str] = field(default_factory=Counter)
    _losses: dict[str, Counter[LossReason]] = field(default_factory=dict)

    def take(self, answered: Answered) -> Sequence[Pair]:
        """The pairs of one entry, one for each challenger that answered it."""
        self.n_received += 1
        pairs = []
        for by, party in self.challengers.items():
            loss = _loss(answered, by)
            if loss is not None:
                self._losses.setdefault(party.name, Counter())[loss] += 1
                continue
            pairs.append(self._pair(answered, by, party))
            self._paired[party.name] += 1
        return pairs

    def conservation(self) -> dict[str, Conservation]:
        """Per challenger, where the requests went. None is pending: a log is all there is."""
        return {
            party.name: Conservation(
                received=self.n_received,
                paired=self._paired[party.name],
                losses=dict(self._losses.get(party.name, {})),
            )
            for party in self.challengers.values()
        }

    def _pair(self, answered: Answered, by: str, party: RecordedParty) -> Pair:
        recorded = answered.entry.recorded
        request_id = request_id_of(self.run_id, answered.entry.key)
        cluster = self.cluster_of(recorded)
        assert recorded.answer is not None
        at_ns = recorded.at_ns if recorded.at_ns is not None else self.imported_at_ns
        return Pair(
            request_id=request_id,
            external_id=recorded.entry_id or None,
            entry_key=answered.entry.key,
            received_at_ns=at_ns,
            cluster_id=cluster or request_id,
            cluster_known=cluster is not None,
            request=recorded.request,
            content_hash=content_hash(recorded.request),
            champion=self._exchange(self.champion, recorded.answer, request_id, at_ns),
            challenger=self._exchange(party, answered.by[by], request_id, at_ns),
            segments=self.segments_of(recorded),
            truth=recorded.truth,
        )

    def _exchange(
        self, party: RecordedParty, answer: RecordedAnswer, request_id: RequestId, at_ns: int
    ) -> Exchange:
        plain = recorded_exchange(
            answer,
            request_id=request_id,
            deployment=party.name,
            at_ns=at_ns,
            timeout_s=party.timeout_s,
            failures=self.failures,
            wait_s=None,
        )
        return plain if party.price is None else _priced(plain, party.price, self.usage_of)


def _loss(answered: Answered, by: str) -> LossReason | None:
    """Why an entry gives no pair with this deployment; None where it does."""
    if answered.id_is_repeated:
        return LossReason.REPEATED_ID
    if answered.entry.recorded.answer is None:
        return LossReason.NO_CHAMPION_ANSWER
    return None if by in answered.by else LossReason.NO_CHALLENGER_ANSWER


def _priced(exchange: Exchange, price: Price, usage_of: UsageOf) -> Exchange:
    """The exchange with its cost, where that can be known from what was recorded."""
    response = exchange.outcome
    usage = Usage()
    if price.needs_usage and isinstance(response, Response):
        usage = usage_of(response)
    latency_s = None if exchange.timing is None else exchange.timing.latency_s
    cost = price.cost_usd(attempts=1, latency_s=latency_s, usage=usage)
    return replace(
        exchange,
        input_tokens=usage.input_tokens,
        output_tokens=usage.output_tokens,
        cost_usd=None if cost is None else float(cost),
        model_version=usage.model,
    )
