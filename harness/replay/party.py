"""Who is asked what: an entry of the log, and the deployments that it is put to."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from harness.exchange import DeploymentName, Exchange, Recorded, Request, RequestId
from harness.ports import Sender
from harness.traffic.budget import Budget
from harness.value import value


@value
class Entry:
    """One log entry to be asked, with what the run knows about it.

    Attributes:
        key: Identity within the log, by which a resumed replay knows what is done.
        challengers: Positions of the challengers that have no pair for it yet.
    """

    key: str
    recorded: Recorded
    cluster_id: str | None
    segments: dict[str, str | None]
    challengers: tuple[int, ...]


@dataclass(slots=True)
class Party:
    """One deployment as the driver sees it.

    Args:
        sender: None for a champion whose recorded answers are taken.
        prepare: The request as this deployment is to receive it.
    """

    name: DeploymentName
    sender: Sender | None
    prepare: Callable[[Recorded, RequestId], Request]
    budget: Budget = field(default_factory=Budget)
    outcomes: Counter[str] = field(default_factory=Counter, init=False)


@dataclass(frozen=True, slots=True)
class Repeats:
    """Which share of the requests is put to a deployment a second time, 0 to 1."""

    champion: float = 0.0
    challengers: float = 0.0


RecordedExchange = Callable[[Recorded, RequestId], Exchange | None]
"""The champion's exchange as the log has it; None when the entry has no answer."""
