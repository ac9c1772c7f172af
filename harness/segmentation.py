"""How the harm of one rule differs between the values of a segment, and adds up to the whole.

In pairs that are complete on both sides every part has the same share of both, so that a mean harm
is exactly the weighted sum of those within the parts: an overall gain cannot hide losses in all of
them. It can where the measure is no mean (a ratio of means, a quantile), where the sides miss
different requests, or where production has another mix than the log. What of this applies is said
here; what to conclude is `harness.gate.segments`' matter.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from harness.gate.bound import bound_of
from harness.gate.policy import Rule
from harness.metric import Metric, Quantile
from harness.quantity import difference_scale, say_interval
from harness.stats.clusters import Clusters, Codes, Floats
from harness.stats.linearised import ROUNDING, Linearised, largest
from harness.stats.mean import harm_column
from harness.stats.paired import Paired
from harness.stats.quantile import quantile_column
from harness.stats.question import Question
from harness.stats.strata import Strata, clusters_in, reweighted_harm
from harness.stats.sufficiency import Shortage, shortage
from harness.verdict import Estimate, Reweighted, SegmentContrast, Status, Unavailable

LARGEST_RESIDUAL = 1e-9
"""Of the identity between a mean and its parts, relative to the larger of 1 and the mean harm."""

FEWEST_CLUSTERS = 10
"""With fewer in a part that production has traffic in, another mix is a guess."""

StatusOf = Callable[[Estimate], Status]


@dataclass(frozen=True, slots=True, eq=False)
class Value:
    """One value of a segment: its name, `mobile`, and its rows as indices into the whole table."""

    name: str
    rows: NDArray[np.intp]


@dataclass(frozen=True, slots=True, eq=False)
class Contrasted:
    """One rule on both sides of every pair, over the values of one segment.

    Attributes:
        segment: `source`.
        sides: Champion's and challenger's value of each row of the whole table; NaN for none.
        clusters: Of the same rows.
        values: Of the segment; rows may be in none of them, and in no two.
        status_of: What the rule would find by an estimate alone.
    """

    segment: str
    rule: Rule
    metric: Metric
    confidence: float
    sides: tuple[Floats, Floats]
    clusters: Clusters
    values: Sequence[Value]
    status_of: StatusOf

    @property
    def question(self) -> Question:
        bound = bound_of(self.rule)
        return Question(
            self.metric.name,
            self.metric.unit,
            self.metric.better,
            bound.value,
            self.confidence,
            bound.relative,
        )

    @property
    def is_average(self) -> bool:
        """Whether the whole is the weighted sum of its parts."""
        return not self.question.relative and not isinstance(self.metric.statistic, Quantile)

    def complete(self, rows: NDArray[np.intp]) -> tuple[Paired, Codes]:
        """The complete pairs among some rows, with their clusters in the table's numbering."""
        champion, challenger = (side[rows] for side in self.sides)
        keep = ~(np.isnan(champion) | np.isnan(challenger))
        codes = self.clusters.codes[rows][keep]
        n_left_out = int(keep.size - np.count_nonzero(keep))
        paired = Paired(champion[keep], challenger[keep], Clusters.of(codes), n_left_out)
        return paired, codes

    def column(self, pairs: Paired) -> Linearised | None:
        """The harm of some pairs and what each contributes; None where too little is known."""
        if shortage(pairs.clusters) is not None or self.question.impossible_margin is not None:
            return None
        found: Linearised | Shortage | Unavailable | None = None
        if isinstance(self.metric.statistic, Quantile):
            found = quantile_column(self.question, pairs, self.metric.statistic.p)
        elif np.isfinite(pairs.champion).all() and np.isfinite(pairs.challenger).all():
            found = harm_column(self.question, pairs)
        return found if isinstance(found, Linearised) else None


def contrast(
    asked: Contrasted, overall: Estimate | Unavailable, shares: Mapping[str, float] | None
) -> SegmentContrast:
    """Compare the values of a segment.

    Args:
        overall: The rule's estimate over all pairs.
        shares: Of production traffic by value; None where the config gives none.
    """
    said = SegmentContrast(asked.segment, asked.rule.title, asked.metric.name, n_parts=0)
    said = _added_up(asked, overall, said)
    parts = _columns(asked)
    said = replace(said, n_parts=len(parts), reversal=_reversal(asked, overall, parts))
    if len(parts) > 1:
        strata = Strata.of(
            [column for column, _ in parts],
            [codes for _, codes in parts],
            asked.clusters.n_clusters,
        )
        found = strata.heterogeneity()
        said = replace(
            said,
            method=strata.method,
            statistic=found.statistic,
            df=len(parts) - 1,
            p_heterogeneity=found.p_value,
            p_interaction=strata.p_interaction(),
        )
    if shares is not None:
        said = replace(said, reweighted=_reweighted(asked, overall, shares))
    return said


def _columns(asked: Contrasted) -> list[tuple[Linearised, Codes]]:
    """The values whose harm is known with a spread: where no pair differs there is none."""
    found = []
    for value in asked.values:
        pairs, codes = asked.complete(value.rows)
        column = asked.column(pairs)
        if column is not None and largest(column.influence) > ROUNDING * column.scale:
            found.append((column, codes))
    return found


def _added_up(
    asked: Contrasted, overall: Estimate | Unavailable, said: SegmentContrast
) -> SegmentContrast:
    """The identity between the whole and its parts, where it has to hold."""
    if not asked.is_average:
        measure = "quantile" if isinstance(asked.metric.statistic, Quantile) else "ratio of means"
        return replace(said, adds_up=f"a {measure} is no average of those of its parts")
    champion, challenger = asked.sides
    differences = asked.question.sign * (challenger - champion)
    complete = ~np.isnan(differences)
    n_complete = int(np.count_nonzero(complete))
    if n_complete == 0 or np.isinf(differences).any():
        return said
    rest = complete.copy()
    sums = []
    for value in asked.values:
        rest[value.rows] = False
        sums.append(float(np.nansum(differences[value.rows])))
    sums.append(float(differences[rest].sum()))
    if isinstance(overall, Estimate) and overall.e_value is None:
        harm = overall.harm
    else:  # an always-valid estimate may leave out what has not matured
        harm = float(differences[complete].mean())
    residual = harm - math.fsum(sums) / n_complete
    if abs(residual) < LARGEST_RESIDUAL * max(1.0, abs(harm)):
        return replace(said, residual=residual)
    return replace(
        said, residual=residual, adds_up="the whole counts other pairs than its parts do"
    )


def _reversal(
    asked: Contrasted,
    overall: Estimate | Unavailable,
    parts: Sequence[tuple[Linearised, Codes]],
) -> str | None:
    """How the whole points another way than what it consists of; None where it does not."""
    if not isinstance(overall, Estimate) or len(parts) < 2:
        return None
    harms = [asked.question.as_harm(column.position) for column, _ in parts]
    n_pairs = np.array([codes.size for _, codes in parts], dtype=np.float64)
    against = np.sign(harms) == -np.sign(overall.harm)
    share = float(n_pairs[against].sum() / n_pairs.sum())
    if overall.harm and share > 0.5:
        whole, mostly = ("worse", "better") if overall.harm > 0 else ("better", "worse")
        return f"the whole is {whole}, and parts with {100 * share:.0f} % of its pairs are {mostly}"
    if asked.is_average or min(harms) <= overall.harm <= max(harms):
        return None
    unit, relative = asked.metric.unit, asked.question.relative
    scale = difference_scale(unit, *harms, overall.harm, relative=relative)
    within = say_interval(overall.harm, min(harms), max(harms), scale, signed=True)
    return f"the whole lies outside all of its parts: {within}"


def _reweighted(
    asked: Contrasted, overall: Estimate | Unavailable, shares: Mapping[str, float]
) -> Reweighted:
    if isinstance(asked.metric.statistic, Quantile):
        return Reweighted(
            warnings=("a quantile is not estimated for another mix: use `exceedance`",)
        )
    rows = {value.name: value.rows for value in asked.values if shares.get(value.name, 0) > 0}
    weights = np.array([shares[name] for name in rows])
    pairs, _ = asked.complete(np.concatenate([*rows.values(), np.empty(0, dtype=np.intp)]))
    parts = np.repeat(
        np.arange(len(rows)), [asked.complete(own)[0].champion.size for own in rows.values()]
    )
    n_clusters = dict(zip(rows, clusters_in(pairs.clusters, parts, len(rows)), strict=True))
    thin = tuple(
        f"{asked.segment}={name} is {100 * share:.3g} % of production and has "
        f"{n_clusters.get(name, 0)} clusters here, {FEWEST_CLUSTERS} are needed"
        for name, share in shares.items()
        if share > 0 and n_clusters.get(name, 0) < FEWEST_CLUSTERS
    )
    if 0 in n_clusters.values() or not math.isclose(weights.sum(), 1, abs_tol=1e-6):
        return Reweighted(warnings=thin)
    found = reweighted_harm(asked.question, pairs, parts, weights)
    if isinstance(found, Unavailable):
        return Reweighted(warnings=(*thin, found.reason))
    status: Status | None = None
    changed: tuple[str, ...] = ()
    if isinstance(overall, Estimate) and overall.e_value is None:
        # Where a run may be looked at any time, this interval for one look concludes nothing.
        status = asked.status_of(found)
        changed = _change(status, asked.status_of(overall))
    return Reweighted(
        harm=found.harm,
        harm_low=found.harm_low,
        harm_high=found.harm_high,
        status=status,
        method=found.method,
        warnings=thin + changed,
    )


def _change(here: Status, before: Status) -> tuple[str, ...]:
    if here is before:
        return ()
    return (f"{here} in the mix of production, {before} in that of the run",)
