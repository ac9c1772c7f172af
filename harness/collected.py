"""What was collected about one challenger: what the method starts from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import polars as pl

from harness.gate.decide import Plan
from harness.gate.policy import Policy, Rule
from harness.metric import Metric
from harness.pair import Conservation
from harness.stats.sequential import NOTHING_SEEN
from harness.verdict import Memory

NOTHING_TO_COME = Plan()


@dataclass(frozen=True, slots=True)
class Collected:
    """What was collected about one challenger.

    Attributes:
        values: Its value table (see `harness.measure.values`), of one run or of several pooled.
        metrics: The metric of each rule of `policy`, in the same order.
        comparisons: Names of the comparisons in the table.
        barred: Rules that must have no evidence, and why: the champion's recorded latency was
            measured elsewhere, say.
        plan: What is still to come of what was planned; pairs are no matter to a sequential policy.
        memories: Of a sequential policy: what the findings of earlier looks at the same rules held.
        part_memories: The same within parts of the traffic, by part and title of the rule.
        baseline: `champion`; `recorded` where its answers came from the log; `repeat` where time
            is held against the champion's second answer.
        is_live: Whether users' own requests were mirrored: then the champion came first each time.
        from_one_place: Live, where the champion was asked again through the mirror: the rows that
            rules on time are judged by, see `harness.vantage`.
        open_loop: Whether requests were sent by a clock, so that being late is a fault.
        clustered: Whether the config names what belongs together.
        sampled_share: Which share of the requests was to be drawn, 1 for all; None where that was
            changed on the way.
        n_retried: By side, exchanges that took more than one attempt.
        given_up: Outcome and latency of both sides of the pairs that are not in `values`, since a
            client or the harness gave up on a side; None where there are none.
        judges: Names of the judges of the config.
    """

    challenger: str
    champion: str
    values: pl.LazyFrame
    conservation: Conservation
    policy: Policy
    metrics: tuple[Metric, ...]
    comparisons: tuple[str, ...] = ()
    barred: Mapping[Rule, str] = field(default_factory=dict)
    plan: Plan = NOTHING_TO_COME
    memories: Mapping[Rule, Memory] = field(default_factory=dict)
    part_memories: Mapping[tuple[str, str], Memory] = field(default_factory=dict)
    baseline: str = "champion"
    is_live: bool = False
    from_one_place: pl.LazyFrame | None = None
    open_loop: bool = True
    clustered: bool = True
    sampled_share: float | None = 1.0
    n_retried: Mapping[str, int] = field(default_factory=dict)
    given_up: pl.DataFrame | None = None
    judges: tuple[str, ...] = ()

    @property
    def order_is_ours(self) -> bool:
        """Whether it was drawn who is called first."""
        return self.baseline == "champion" and not self.is_live

    def memory_in(self, part: str, rule: Rule) -> Memory:
        """What earlier looks at one rule have left within one part."""
        return self.part_memories.get((part, rule.title), NOTHING_SEEN)
