"""When to stop asking a deployment because its money is spent.

A call's price is known only when it has been answered, and many are in flight. So what is in
flight is reckoned at the dearest call seen so far: the budget may be left a little unspent, but is
overrun by no more than the first calls, sent before any price was known.

A day's money is shared with other runs. What they spend is learned now and then, and what this one
spends is told as often (`report`, `learn`): in between each knows of the others what it was told
last.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal

ALERT_SHARE = Decimal("0.8")
"""Of a budget: somebody is told when that much is spent."""


@dataclass(slots=True)
class Budget:
    """One deployment's money.

    Args:
        usd: The limit of the run; None for none.
        spent_usd: Already spent, by an earlier part of the same run.
        usd_per_day: The limit of the day, this run and others together; None for none.
        today_usd: Already spent today, by all of them.
    """

    usd: Decimal | None = None
    spent_usd: Decimal = Decimal(0)
    usd_per_day: Decimal | None = None
    today_usd: Decimal = Decimal(0)
    _untold_usd: Decimal = field(default=Decimal(0), init=False)
    _dearest_usd: Decimal = field(default=Decimal(0), init=False)
    _n_in_flight: int = field(default=0, init=False)
    _alerted: set[str] = field(default_factory=set, init=False)

    def take(self) -> bool:
        """Whether one more call may be made; if so it counts as in flight until `settle`."""
        if self.usd is not None or self.usd_per_day is not None:
            reserved_usd = self._dearest_usd * (self._n_in_flight + 1)
            for limit, spent in self._limits():
                if spent >= limit or spent + reserved_usd > limit:
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
        self.today_usd += cost
        self._untold_usd += cost

    def report(self) -> Decimal:
        """What was spent since the last report."""
        told, self._untold_usd = self._untold_usd, Decimal(0)
        return told

    def learn(self, today_usd: Decimal) -> None:
        """Take in what everybody has spent today, as of the last report."""
        if today_usd < self.today_usd - self._untold_usd:
            self._alerted.discard(_DAY)  # a new day
        self.today_usd = today_usd + self._untold_usd

    @property
    def used_share(self) -> float:
        """How much of the tighter limit is spent, 0 to 1 and a little above; 0 without limits."""
        return max((float(spent / limit) for limit, spent in self._limits()), default=0.0)

    def alerts(self) -> Iterator[str]:
        """What to tell somebody now, each once: 80 % of a limit is spent, or all of it."""
        for what, limit, spent in (
            (_RUN, self.usd, self.spent_usd),
            (_DAY, self.usd_per_day, self.today_usd),
        ):
            if limit is None or what in self._alerted or spent < limit * ALERT_SHARE:
                continue
            self._alerted.add(what)
            amounts = f"{float(spent):.4g} of the {float(limit):g} USD"
            yield f"{amounts} for {what} are spent ({spent / limit:.0%})"

    def _limits(self) -> Iterator[tuple[Decimal, Decimal]]:
        if self.usd is not None:
            yield self.usd, self.spent_usd
        if self.usd_per_day is not None:
            yield self.usd_per_day, self.today_usd


_RUN, _DAY = "the run", "the day"
