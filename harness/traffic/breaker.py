"""When to stop asking a deployment that fails, and when to try it again.

    closed      everything goes; opens when too large a share of the last calls failed
    open        nothing goes, until the rest is over
    half open   one call at a time; enough good ones close it, one bad one opens it again

A window has ten slices. Counts of a slice are forgotten when it is a window old, so that the share
is of the last nine to ten tenths of the window.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum

_SLICES = 10


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
        window_s: Calls that ended in the last that many seconds count.
        min_calls: With fewer of them there is no share.
        rest_s: How long it stays open.
        n_probes: Good calls in a row, half open, that close it.
    """

    failure_rate: float = 0.5
    window_s: float = 10.0
    min_calls: int = 20
    rest_s: float = 5.0
    n_probes: int = 3


@dataclass(slots=True)
class Breaker:
    """One deployment's. Ask `may_ask` before a call, tell `ended` after it."""

    breaking: Breaking = field(default_factory=Breaking)
    _state: BreakerState = field(default=BreakerState.CLOSED, init=False)
    _opened_s: float = field(default=0.0, init=False)
    _slices: list[tuple[int, int, int]] = field(default_factory=list, init=False)
    _n_good: int = field(default=0, init=False)
    _is_probing: bool = field(default=False, init=False)

    @property
    def state(self) -> BreakerState:
        return self._state

    def may_ask(self, now_s: float) -> bool:
        """Whether a call may be made; if so it is made, and `ended` follows."""
        if self._state is BreakerState.CLOSED:
            return True
        if self._state is BreakerState.OPEN:
            if now_s - self._opened_s < self.breaking.rest_s:
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
                if failed is not None and self._share_with(now_s, failed=failed):
                    self._open(now_s)
            case BreakerState.HALF_OPEN if self._is_probing:
                # It may be one from before it opened that ends here: it tells as much.
                self._is_probing = False
                if failed:
                    self._open(now_s)
                elif failed is not None:
                    self._n_good += 1
                    if self._n_good >= self.breaking.n_probes:
                        self._state, self._slices = BreakerState.CLOSED, []

    def _open(self, now_s: float) -> None:
        self._state, self._opened_s, self._slices = BreakerState.OPEN, now_s, []

    def _share_with(self, now_s: float, *, failed: bool) -> bool:
        """Count one more call; whether too large a share has failed now."""
        now = int(now_s * _SLICES / self.breaking.window_s)
        self._slices = [one for one in self._slices if one[0] > now - _SLICES]
        if self._slices and self._slices[-1][0] == now:
            _, n_ended, n_failed = self._slices.pop()
        else:
            n_ended = n_failed = 0
        self._slices.append((now, n_ended + 1, n_failed + failed))
        n_calls = sum(n for _, n, _ in self._slices)
        if n_calls < self.breaking.min_calls:
            return False
        return sum(n for _, _, n in self._slices) >= self.breaking.failure_rate * n_calls
