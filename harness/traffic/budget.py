"""When to stop asking a deployment because its money is spent.

A call's price is known only when it has been answered, and many are in flight. So what is in
flight is reckoned at the dearest call seen so far: the budget may be left a little unspent, but is
overrun by no more than the first calls, sent before any price was known.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal


@dataclass(slots=True)
class Budget:
    """One deployment's money.

    Args:
        usd: The limit; None for none.
        spent_usd: Already spent, by an earlier part of the same run.
    """

    usd: Decimal | None = None
    spent_usd: Decimal = Decimal(0)
    _dearest_usd: Decimal = field(default=Decimal(0), init=False)
    _n_in_flight: int = field(default=0, init=False)

    def take(self) -> bool:
        """Whether one more call may be made; if so it counts as in flight until `settle`."""
        if self.usd is not None:
            reserved_usd = self._dearest_usd * (self._n_in_flight + 1)
            if self.spent_usd >= self.usd or self.spent_usd + reserved_usd > self.usd:
                return False
        self._n_in_flight += 1
        return True

    def settle(self, cost_usd: float | None) -> None:
        """A call ended. One whose cost nobody knows is charged like the dearest one."""
        self._n_in_flight -= 1
        if cost_usd is None:
            cost = self._dearest_usd
        else:
            cost = Decimal(repr(cost_usd))
            self._dearest_usd = max(self._dearest_usd, cost)
        self.spent_usd += cost
