"""The exchanges of champion and challenger for one request, and what became of the rest."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from harness.exchange import Exchange, Request, RequestId
from harness.value import value


class LossReason(StrEnum):
    """Why a received request gave no pair. None of these is known to be the challenger's doing."""

    SAMPLED_OUT = "sampled_out"
    INELIGIBLE = "ineligible"
    TOO_LARGE = "too_large"
    SHED_LINK = "shed_link"
    SHED_RATE = "shed_rate"
    SHED_BUDGET = "shed_budget"
    MIRROR_DOWN = "mirror_down"
    UNREDACTED = "unredacted"  # what must not be kept could not be taken out: nothing was kept
    CLIENT_GONE = "client_gone"  # live: its client left before the request was complete
    FRONT_DOWN = "front_down"  # live: its front died before the champion was seen to end it
    NO_CHAMPION_ANSWER = "no_champion_answer"  # an import: the log has none
    NO_CHALLENGER_ANSWER = "no_challenger_answer"  # likewise; nobody can tell whose doing it was
    REPEATED_ID = "repeated_id"  # an import: more than one request has this id
    DUPLICATE = "duplicate"  # id and content stood before: the first counts, its pair stays stored


@value
class Pair:
    """Both sides of one request.

    Attributes:
        external_id: The client's or the log's id, what feedback may join on.
        entry_key: Identity of the log entry, by which a resumed replay knows what is done.
        received_at_ns: When the request arrived (UTC, nanoseconds since 1970).
        cluster_id: User, session or conversation; the request's own id when it has none.
        cluster_known: False when `cluster_id` had to be made up.
        truth: JSON text of the right label, or None.
        content_hash: Hash of method, target and body, to find repeated content.
    """

    request_id: RequestId
    external_id: str | None
    entry_key: str
    received_at_ns: int
    cluster_id: str
    cluster_known: bool
    request: Request
    content_hash: str
    champion: Exchange
    challenger: Exchange
    segments: Mapping[str, str | None] = field(default_factory=dict)
    truth: str | None = None
    sampled_prob: float = 1.0


@value
class Observed:
    """One request with the champion's exchange alone: what is kept where there is no challenger.

    Attributes:
        external_id: The client's id.
        entry_key: Identity of the request among those that were received.
        received_at_ns: When the request arrived (UTC, nanoseconds since 1970).
        cluster_id: User, session or conversation; the request's own id when it has none.
        cluster_known: False when `cluster_id` had to be made up.
        content_hash: Hash of method, target and body, to find repeated content.
    """

    request_id: RequestId
    external_id: str | None
    entry_key: str
    received_at_ns: int
    cluster_id: str
    cluster_known: bool
    request: Request
    content_hash: str
    champion: Exchange
    segments: Mapping[str, str | None] = field(default_factory=dict)
    truth: str | None = None
    sampled_prob: float = 1.0


Kept = Pair | Observed
"""What a run keeps of a request: a row of its tables."""


@dataclass(frozen=True, slots=True)
class Conservation:
    """Where one challenger's requests went: `received = paired + sum(losses) + pending`."""

    received: int
    paired: int
    losses: Mapping[LossReason, int] = field(default_factory=dict)
    pending: int = 0

    @property
    def holds(self) -> bool:
        return self.received == self.paired + sum(self.losses.values()) + self.pending

    @property
    def due(self) -> int:
        """Requests that should have become pairs: all but those left out on purpose."""
        excused = (
            LossReason.SAMPLED_OUT,
            LossReason.INELIGIBLE,
            LossReason.SHED_RATE,
            LossReason.SHED_BUDGET,
            LossReason.DUPLICATE,
        )
        return self.received - sum(self.losses.get(reason, 0) for reason in excused)

    @property
    def pairing_rate(self) -> float | None:
        """Paired over all that should have been; None when nothing should."""
        return self.paired / self.due if self.due > 0 else None
