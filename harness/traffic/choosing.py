"""Whether one challenger is asked for one request.

Two kinds of no. A request that is left out for our own reasons (not drawn, over the rate, no money
left) is a *loss*, counted by reason. A request that the challenger is too slow or too broken for is
*shed*: a pair in which it failed, because a challenger that cannot take the traffic must not look
as if it had not been asked.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from harness.pair import LossReason
from harness.traffic.breaker import Breaker, BreakerState
from harness.traffic.budget import Budget
from harness.traffic.sampling import is_drawn

_BURST_S = 1.0


@dataclass(frozen=True, slots=True)
class Ask:
    """Ask it; `ended` follows."""


@dataclass(frozen=True, slots=True)
class Shed:
    """The challenger's own doing; `why` is one line for a person."""

    why: str


@dataclass(frozen=True, slots=True)
class Leave:
    """Not the challenger's doing."""

    reason: LossReason


Choice = Ask | Shed | Leave

ASK = Ask()
_BREAKER_OPEN = Shed("its breaker is open: too many calls failed")
_NOT_DRAWN = Leave(LossReason.SAMPLED_OUT)
_OVER_RATE = Leave(LossReason.SHED_RATE)
_OUR_BURST = Leave(LossReason.SHED_LINK)
_NO_MONEY = Leave(LossReason.SHED_BUDGET)


@dataclass(slots=True)
class Rate:
    """At most so many in a second, up to a second's worth of them at once.

    Args:
        per_s: None for any number.
    """

    per_s: float | None = None
    _credit: float = field(default=0.0, init=False)
    _at_s: float | None = field(default=None, init=False)

    def take(self, now_s: float) -> bool:
        """Whether one more may go now; if so it counts."""
        if self.per_s is None:
            return True
        most = max(1.0, self.per_s * _BURST_S)
        passed_s = 0.0 if self._at_s is None else now_s - self._at_s
        self._credit = most if self._at_s is None else self._credit + passed_s * self.per_s
        self._credit = min(self._credit, most)
        self._at_s = now_s
        if self._credit < 1.0:
            return False
        self._credit -= 1.0
        return True


@dataclass(slots=True)
class Chooser:
    """One challenger's limits, and where it stands.

    Args:
        name: Makes its draw another one than that of the front and of the other challengers.
        sample: Share of the mirrored requests that it gets, 0 to 1.
        max_in_flight: More than that at once are shed.
    """

    name: str
    seed: int
    sample: float = 1.0
    max_in_flight: int = 64
    rate: Rate = field(default_factory=Rate)
    budget: Budget = field(default_factory=Budget)
    breaker: Breaker = field(default_factory=Breaker)
    n_in_flight: int = field(default=0, init=False)

    def choose(self, key: str, now_s: float, *, is_late: bool = False) -> Choice:
        """Whether to ask it.

        Args:
            key: What the draw is by: the cluster where the request has one, so that a user is
                drawn with all requests or with none.
            is_late: Whether we are behind ourselves. Calls then come in bursts that no user made,
                and that they do not all fit at once is not the challenger's doing.
        """
        if self.sample < 1 and not is_drawn(self.sample, seed=self.seed, key=f"{self.name}\0{key}"):
            return _NOT_DRAWN
        if not self.rate.take(now_s):
            return _OVER_RATE
        if self.n_in_flight >= self.max_in_flight:
            if is_late:
                return _OUR_BURST
            return Shed(f"{self.max_in_flight} of its calls were in flight (`max_in_flight`)")
        if not self.budget.take():
            return _NO_MONEY
        if not self.breaker.may_ask(now_s):
            self.budget.settle(0.0)
            return _BREAKER_OPEN
        self.n_in_flight += 1
        return ASK

    def ended(self, now_s: float, *, failed: bool | None, cost_usd: float | None) -> None:
        """A call that `choose` allowed is over.

        Args:
            failed: None when that was not the challenger's doing.
        """
        self.n_in_flight -= 1
        self.breaker.ended(now_s, failed=failed)
        self.budget.settle(cost_usd)

    @property
    def state(self) -> BreakerState:
        return self.breaker.state
