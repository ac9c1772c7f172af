"""A request that waits for answers, and the pairs that it becomes."""

from __future__ import annotations

from dataclasses import dataclass, field

from harness.exchange import Exchange, Failure, FailureKind, RequestId
from harness.pair import Pair
from harness.replay.party import Entry
from harness.traffic.identity import content_hash

CHAMPION = -1
"""The champion's place among the parties; a challenger has its position there."""


@dataclass(slots=True, eq=False)
class OpenRequest:
    """One request, from when it was due until everybody has answered.

    Attributes:
        ready_s: Since when it could go, where something that is not ours held it back.
        n_missing: Answers still to come.
        given_up: Whether our own end, and nothing of a deployment's, is why an answer is missing.
        answers: By the challenger's position.
        repeats: Answers to second calls, by position; `CHAMPION` for the champion's.
    """

    entry: Entry
    request_id: RequestId
    due_s: float
    ready_s: float
    n_missing: int = 0
    given_up: bool = False
    champion: Exchange | None = None
    answers: dict[int, Exchange] = field(default_factory=dict)
    repeats: dict[int, Exchange] = field(default_factory=dict)

    @property
    def cluster_id(self) -> str:
        """User, session or conversation; the request's own id when it has none."""
        return self.entry.cluster_id or self.request_id

    def take(self, party: int, exchange: Exchange, *, is_repeat: bool) -> bool:
        """Keep an answer; whether it was the last one missing."""
        if is_repeat:
            self.repeats[party] = exchange
        elif party == CHAMPION:
            self.champion = exchange
        else:
            self.answers[party] = exchange
        outcome = exchange.outcome
        if isinstance(outcome, Failure) and outcome.kind is FailureKind.CANCELLED:
            self.given_up = True
        self.n_missing -= 1
        return self.n_missing == 0

    def pairs(self, received_at_ns: int) -> list[Pair]:
        """The champion with each challenger, and each who was asked twice with itself."""
        champion, answers = self.champion, self.answers
        assert champion is not None
        sides = [(champion, answers[i]) for i in sorted(answers)]
        if self.repeats:
            first = {CHAMPION: champion, **answers}
            sides += [(first[i], self.repeats[i]) for i in sorted(self.repeats)]
        entry, recorded = self.entry, self.entry.recorded
        hashed = content_hash(recorded.request)
        return [
            Pair(
                self.request_id,
                recorded.entry_id or None,
                entry.key,
                received_at_ns,
                self.cluster_id,
                entry.cluster_id is not None,
                recorded.request,
                hashed,
                one,
                other,
                entry.segments,
                recorded.truth,
            )
            for one, other in sides
        ]
