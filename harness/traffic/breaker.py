"""When to stop asking a deployment that fails, and when to try it again.

closed      everything goes; opens when too large a share of the latest calls failed
open        nothing goes, until the pause is over
half open   one call at a time; enough good ones close it, one bad one opens it again
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from enum import IntEnum


class BreakerState(IntEnum):
    """Where a breaker stands. The numbers are those on the mirror's page."""

    CLOSED = 0
    OPEN = 1
    HALF_OPEN = 2


@dataclass(frozen=True, slots=True)
class Breaking:
    """When a breaker opens and closes.

    Attributes:
        failure_rate: Share of failed calls at which it opens, over 0 to 1.
        n_calls: How many of the latest calls are looked at; with fewer there is no share.
        pause_s: How long it stays open.
        n_probes: Good calls in a row, half open, that close it.
    """

    failure_rate: float = 0.5
    n_calls: int = 20
    pause_s: float = 10.0
    n_probes: int = 3


@dataclass(slots=True)
class Breaker:
    """One deployment's. Ask `may_ask` before a call, tell `ended` after it."""

    breaking: Breaking = field(default_factory=Breaking)
    _state: BreakerState = field(default=BreakerState.CLOSED, init=False)
    _opened_s: float = field(default=0.0, init=False)
    _latest: deque[bool] = field(init=False)
    _n_good: int = field(default=0, init=False)
    _is_probing: bool = field(default=False, init=False)

    def __post_init__(self) -> None:
        self._latest = deque(maxlen=self.breaking.n_calls)

    @property
    def state(self) -> BreakerState:
        return self._state

    def may_ask(self, now_s: float) -> bool:
        """Whether a call may be made; if so it is made, and `ended` follows."""
        if self._state is BreakerState.CLOSED:
            return True
        if self._state is BreakerState.OPEN:
            if now_s - self._opened_s < self.breaking.pause_s:
                return False
            self._state, self._n_good, self._is_probing = BreakerState.HALF_OPEN, 0, False
        if self._is_probing:
            return False
        self._is_probing = True
        return True

    def ended(self, now_s: float, *, failed: bool | None) -> None:
        """A call is over; None when nothing can be said of the deployment by it."""
        match self._state:
            case BreakerState.CLOSED:
                if failed is not None and self._is_too_much(failed=failed):
                    self._open(now_s)
            case BreakerState.HALF_OPEN if self._is_probing:
                # It may be one from before it opened that ends here: it tells as much.
                self._is_probing = False
                if failed:
                    self._open(now_s)
                elif failed is not None:
                    self._n_good += 1
                    if self._n_good >= self.breaking.n_probes:
                        self._state = BreakerState.CLOSED

    def _open(self, now_s: float) -> None:
        self._state, self._opened_s = BreakerState.OPEN, now_s
        self._latest.clear()

    def _is_too_much(self, *, failed: bool) -> bool:
        """Count one more call; whether too large a share has failed now."""
        latest = self._latest
        latest.append(failed)
        n = self.breaking.n_calls
        return len(latest) == n and sum(latest) >= self.breaking.failure_rate * n
