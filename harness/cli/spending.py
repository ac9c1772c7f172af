"""Budgets while a run lasts: what others spend today, and who is told when money runs out."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path

from harness.store.spending import spent_today
from harness.traffic.budget import Budget

EVERY_S = 1.0
"""How often a run tells others what it spent, and asks what they did."""


class Spending:
    """The budgets of a run.

    Args:
        runs: The folder that the run lies in, with those that share a day's money.
        tell: Told, with the deployment's name, that a limit is nearly or wholly spent.
    """

    def __init__(
        self, runs: Path, budgets: Mapping[str, Budget], tell: Callable[[str, str], None]
    ) -> None:
        self._runs = runs
        self._budgets = budgets
        self._by_day = {name: one for name, one in budgets.items() if one.usd_per_day is not None}
        self._tell = tell

    async def balance(self) -> None:
        """Tell and learn what was spent today, and say what is nearly spent.

        Raises:
            StoreError: The file of the day's money cannot be used.
        """
        if self._by_day:
            told = {name: budget.report() for name, budget in self._by_day.items()}
            today = datetime.now(UTC).date()
            # Shielded: who is cancelled here has spent that money all the same.
            sums = await asyncio.shield(asyncio.to_thread(spent_today, self._runs, today, told))
            for name, usd in sums.items():
                self._by_day[name].learn(usd)
        for name, budget in self._budgets.items():
            for sentence in budget.alerts():
                self._tell(name, sentence)
