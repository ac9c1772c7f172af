"""Pairs without a value for a rule: whose doing that is, and what they could hide.

A failed answer is an outcome and no missing value (`harness.measure.sides`). Where both sides
answered and a value is missing all the same, it matters who lacks it:

    one side alone     that side's doing. Seldom, evenly, and as if drawn at random it is harmless,
                       which checks of validity ask; else the run is no evidence
    both sides         the request's own: nobody knows its truth, say. The rule then speaks of the
                       requests that have one, and a warning says how they differ from the rest

Truth that is missing wherever the two answered in one certain way is neither: whether there is one
then hangs on the answers, and the pairs that have it say nothing of those that have not.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import polars as pl

from harness.collected import Collected
from harness.gate.policy import Rule
from harness.gate.validity import (
    INTEGRITY_ERROR,
    LARGEST_IMBALANCE,
    Missingness,
    OneSided,
    Unlabelled,
)
from harness.measure.labelling import answer_pairs
from harness.measure.segments import segments
from harness.metric import Metric, Sides
from harness.pair import LossReason
from harness.part import clusters_of
from harness.stats.clusters import Booleans, Clusters, Floats
from harness.stats.missingness import (
    MIN_CLUSTERS,
    MissingDifference,
    exact_balance,
    missing_difference,
    one_sided_p_value,
)

_TRUTH = frozenset({"correct", "negative_flip"})
"""Quantities that need the truth: it belongs to the request, so that both sides lack it or none."""

_KNOWN = {
    "champion's latency": "champion_latency_s",
    "champion's input tokens": "champion_input_tokens",
    "champion's accuracy": "champion_correct",
    "time": "received_at",
}


@dataclass(frozen=True, slots=True, eq=False)
class Gap:
    """Rows of a value table that lack a rule's value, champion's and challenger's side."""

    rule: Rule
    metric: Metric
    champion: Booleans
    challenger: Booleans

    @classmethod
    def of(cls, rule: Rule, metric: Metric, arrays: Sequence[Floats]) -> Gap | None:
        """None where no value is missing, or where a share is missing by design."""
        if metric.quantity.endswith(".excess"):
            return None  # only the share that was asked twice has one
        lacking = [np.isnan(array) for array in arrays]
        if not any(rows.any() for rows in lacking):
            return None
        return cls(rule, metric, lacking[0], lacking[-1])


@dataclass(frozen=True, slots=True)
class Missing:
    """What is to be said of values that are missing.

    Attributes:
        warnings: By rule: how the pairs it speaks of differ from those it does not.
    """

    missingness: Missingness | None
    one_sided: OneSided | None
    unlabelled: Unlabelled | None
    warnings: dict[Rule, str]


def missing(one: Collected, gaps: Sequence[Gap]) -> Missing:
    """Look at the values that the rules of a policy miss."""
    if not gaps:
        return Missing(None, _lost_by_side(one), _unlabelled(one), {})
    clusters = clusters_of(one.values)
    answered = ~_of(one, pl.col("champion_failed") | pl.col("challenger_failed"))
    known = list(_known(one))
    at_any_look = one.policy.sequential is not None
    compared = partial(
        _compared, answered=answered, clusters=clusters, known=known, at_any_look=at_any_look
    )
    by_one, by_both = [], []
    for gap in gaps:
        by_one += compared(gap, gap.champion != gap.challenger)
        by_both += compared(gap, gap.champion & gap.challenger)
    losses = [
        found for found in (_lost_by_side(one), _by_side(one, gaps, answered, clusters)) if found
    ]
    return Missing(
        missingness=_worst(by_one),
        one_sided=min(losses, key=lambda found: found.p_value, default=None),
        unlabelled=_unlabelled(one),
        warnings=_warnings(by_both),
    )


@dataclass(frozen=True, slots=True)
class _Compared:
    rule: Rule
    known: str
    found: MissingDifference
    at_any_look: bool

    @property
    def p_value(self) -> float:
        return self.found.p_at_any_look if self.at_any_look else self.found.p_value


def _of(one: Collected, expr: pl.Expr) -> Booleans:
    column = one.values.select(expr.fill_null(value=False)).collect().to_series()
    return np.asarray(column.to_numpy(), dtype=np.bool_)


def _known(one: Collected) -> Iterator[tuple[str, Floats]]:
    """What is known of requests whether or not a rule has a value for them; NaN where it is not.

    As ranks, so that one slow request does not hide what the others say.
    """
    columns = one.values.collect_schema().names()
    for name, column in _KNOWN.items():
        if column in columns:
            rank = pl.col(column).rank("average").cast(pl.Float64).fill_null(np.nan)
            yield name, one.values.select(rank).collect().to_series().to_numpy()
    for segment in segments(one.values):
        yield segment.name, segment.rows.astype(np.float64)


def _compared(
    gap: Gap,
    lacking: Booleans,
    answered: Booleans,
    clusters: Clusters,
    known: Sequence[tuple[str, Floats]],
    *,
    at_any_look: bool,
) -> list[_Compared]:
    """The lacking rows against those with every value, in all that is known of both."""
    among = answered & (lacking | ~(gap.champion | gap.challenger))
    if not (lacking & answered).any():
        return []
    found = []
    for name, values in known:
        if gap.metric.quantity in _TRUTH and name == "champion's accuracy":
            continue
        rows = among & ~np.isnan(values)
        difference = missing_difference(values[rows], ~lacking[rows], clusters.where(rows))
        if difference is not None:
            found.append(_Compared(gap.rule, name, difference, at_any_look))
    return found


def _worst(compared: Sequence[_Compared]) -> Missingness | None:
    """The surest of the differences that are large enough, else the surest; for asking so often."""
    if not compared:
        return None
    large = [one for one in compared if abs(one.found.standardised) > LARGEST_IMBALANCE]
    worst = min(large or compared, key=lambda one: one.p_value)
    return Missingness(
        p_value=min(1.0, worst.p_value * len(compared)),
        standardized_difference=worst.found.standardised,
        rule=worst.rule.title,
        known=worst.known,
    )


def _warnings(compared: Sequence[_Compared]) -> dict[Rule, str]:
    said = {}
    for rule in dict.fromkeys(one.rule for one in compared):
        worst = _worst([one for one in compared if one.rule == rule])
        if worst is None or worst.p_value >= INTEGRITY_ERROR:
            continue
        if abs(worst.standardized_difference) > LARGEST_IMBALANCE:
            said[rule] = (
                f"the pairs that have a value are not like those without one "
                f"({worst.known}: {abs(worst.standardized_difference):.2f} standard deviations "
                f"apart), and the rule speaks of the former alone"
            )
    return said


def _by_side(
    one: Collected, gaps: Sequence[Gap], answered: Booleans, clusters: Clusters
) -> OneSided | None:
    """Of the rules that compare values we measured on both sides, the most one-sided."""
    if one.baseline == "recorded":
        return None
    n_requests = int(np.count_nonzero(answered))
    found = []
    for gap in gaps:
        if gap.metric.sides is not Sides.BOTH or (gap.champion | gap.challenger).all():
            continue
        champion = gap.champion & ~gap.challenger & answered
        challenger = gap.challenger & ~gap.champion & answered
        p_value = one_sided_p_value(
            champion, challenger, clusters, at_any_look=one.policy.sequential is not None
        )
        if p_value is not None:
            counts = (int(np.count_nonzero(champion)), int(np.count_nonzero(challenger)))
            what = f"a value of {gap.rule.title}"
            found.append(OneSided(*counts, n_requests, p_value, what))
    if not found:
        return None
    worst = min(found, key=lambda side: (side.p_value, -side.n_challenger - side.n_champion))
    return replace(worst, p_value=min(1.0, worst.p_value * len(found)))


def _lost_by_side(one: Collected) -> OneSided | None:
    """Of logs that were imported: requests that one of them alone has an answer for."""
    losses = one.conservation.losses
    champion = losses.get(LossReason.NO_CHAMPION_ANSWER, 0)
    challenger = losses.get(LossReason.NO_CHALLENGER_ANSWER, 0)
    if not champion + challenger:
        return None
    n_requests = one.conservation.paired + champion + challenger
    p_value = exact_balance(champion, challenger)
    return OneSided(champion, challenger, n_requests, p_value, "an answer in the log")


def _unlabelled(one: Collected) -> Unlabelled | None:
    """The two answers that most surely have no truth for being what they are.

    Whether a pair has one is taken to be drawn for pairs and for whole clusters, and the likelier
    of the two counts: labels often come by user.
    """
    if not any(metric.quantity in _TRUTH for metric in one.metrics):
        return None
    seen = answer_pairs(one.values)
    n_pairs, n_labelled = sum(s.n_pairs for s in seen), sum(s.n_labelled for s in seen)
    if not 0 < n_labelled < n_pairs:
        return None
    asked = [one for one in seen if one.n_clusters >= MIN_CLUSTERS]
    found = []
    for cell in asked:
        if cell.n_labelled:
            continue
        share = n_labelled / (n_pairs - cell.n_pairs)
        n_units = sum(other.n_clusters for other in seen) - cell.n_clusters
        by_cluster = sum(other.n_labelled_clusters for other in seen) / n_units
        p_value = max((1 - share) ** cell.n_pairs, (1 - by_cluster) ** cell.n_clusters)
        found.append(
            Unlabelled(
                cell.champion,
                cell.challenger,
                cell.n_pairs,
                share,
                min(1.0, p_value * len(asked)),
                len(asked),
            )
        )
    return min(found, key=lambda cell: cell.p_value, default=None)
