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
from dataclasses import dataclass, field, replace

import numpy as np

from harness.asking import Asking
from harness.cells import PartCells
from harness.inquiry import Inquiry, Topic
from harness.metric import Quantile
from harness.quantity import difference_scale, say_interval
from harness.stats.clusters import Codes
from harness.stats.linearised import Summed
from harness.stats.mean import Moments
from harness.stats.paired_sums import PairedSums
from harness.stats.proportion import ShareSums
from harness.stats.question import Question
from harness.stats.strata import Mix, Strata, Stratum
from harness.verdict import Estimate, Reweighted, SegmentContrast, Status, Unavailable

LARGEST_RESIDUAL = 1e-9
"""Of the identity between a mean and its parts, relative to the larger of 1 and the mean harm."""

FEWEST_CLUSTERS = 10
"""With fewer in a part that production has traffic in, another mix is a guess."""


@dataclass(slots=True, eq=False)
class Contrast:
    """One rule on both sides of every pair, over the values of one segment.

    Make it before the influence is added up, and ask for `said` after.

    Attributes:
        segment: `source`.
        parts: Its values; rows may be in none of them, and in no two.
        shares: Of production traffic by value; None where the config gives none.
    """

    segment: str
    ask: Asking
    topic: Topic
    inquiry: Inquiry
    parts: Sequence[PartCells]
    shares: Mapping[str, float] | None
    _columns: list[Callable[[], Summed | None]] = field(init=False)
    _mix: _Mixing | None = field(init=False)

    def __post_init__(self) -> None:
        self._columns = [
            self.inquiry.contribution(self.topic, self.question, part) for part in self.parts
        ]
        self._mix = None if self.shares is None else _Mixing.of(self, self.shares)

    def said(self, overall: Estimate | Unavailable) -> SegmentContrast:
        """Compare the values.

        Args:
            overall: The rule's estimate over all pairs.
        """
        said = SegmentContrast(self.segment, self.ask.rule.title, self.ask.metric.name, n_parts=0)
        said = self._added_up(overall, said)
        parts = [
            _Known(column, self.clusters_of(part))
            for column, part in zip((one() for one in self._columns), self.parts, strict=True)
            # Where no pair differs there is no spread.
            if column is not None and column.varies
        ]
        said = replace(said, n_parts=len(parts), reversal=_reversal(self, overall, parts))
        if len(parts) > 1:
            strata = Strata.of(
                [one.column for one in parts],
                [one.codes for one in parts],
                self.inquiry.sums.cells.n_clusters,
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
        if self._mix is not None:
            said = replace(said, reweighted=self._mix.said(self.ask, overall))
        return said

    @property
    def question(self) -> Question:
        return self.ask.question

    @property
    def is_quantile(self) -> bool:
        return isinstance(self.ask.metric.statistic, Quantile)

    def paired(self, part: PartCells) -> PairedSums:
        """The sums of a part, where a mean or a share is asked about."""
        found = self.inquiry.sums.of_both(self.inquiry.topics.index(self.topic), part)
        assert not self.is_quantile
        if isinstance(found, ShareSums):
            return found.paired
        assert isinstance(found, PairedSums)
        return found

    def clusters_of(self, part: PartCells) -> Codes:
        """The clusters of a part that have pairs, in the numbering of all."""
        return self.inquiry.sums.clusters_of(self.inquiry.topics.index(self.topic), part)

    def _added_up(self, overall: Estimate | Unavailable, said: SegmentContrast) -> SegmentContrast:
        """The identity between the whole and its parts, where it has to hold."""
        if self.is_quantile or self.question.relative:
            # A part's share in a quantile or a ratio is not its share of the pairs.
            measure = "quantile" if self.is_quantile else "ratio of means"
            return replace(said, adds_up=f"a {measure} is no average of those of its parts")
        whole = self.paired(self.inquiry.sums.cells.whole())
        n_complete = whole.clusters.n_pairs
        if n_complete == 0 or not whole.is_finite:
            return said
        rest = self.inquiry.sums.cells.rest(self.parts[0])
        sums = [float(self.paired(part).difference.sum()) for part in (*self.parts, rest)]
        if isinstance(overall, Estimate) and overall.e_value is None:
            harm = overall.harm
        else:  # an always-valid estimate may leave out what has not matured
            harm = self.question.sign * whole.mean_difference
        residual = harm - self.question.sign * math.fsum(sums) / n_complete
        if abs(residual) < LARGEST_RESIDUAL * max(1.0, abs(harm)):
            return replace(said, residual=residual)
        return replace(
            said, residual=residual, adds_up="the whole counts other pairs than its parts do"
        )


@dataclass(frozen=True, slots=True, eq=False)
class _Known:
    """A value whose harm is known with a spread."""

    column: Summed
    codes: Codes


def _reversal(
    asked: Contrast,
    overall: Estimate | Unavailable,
    parts: Sequence[_Known],
) -> str | None:
    """How the whole points another way than what it consists of; None where it does not."""
    if not isinstance(overall, Estimate) or len(parts) < 2:
        return None
    harms = [asked.question.as_harm(one.column.position) for one in parts]
    n_pairs = np.array([one.column.clusters.n_pairs for one in parts], dtype=np.float64)
    against = np.sign(harms) == -np.sign(overall.harm)
    share = float(n_pairs[against].sum() / n_pairs.sum())
    if overall.harm and share > 0.5:
        whole, mostly = ("worse", "better") if overall.harm > 0 else ("better", "worse")
        return f"the whole is {whole}, and parts with {100 * share:.0f} % of its pairs are {mostly}"
    is_average = not asked.question.relative and not asked.is_quantile
    if is_average or min(harms) <= overall.harm <= max(harms):
        return None
    unit, relative = asked.ask.metric.unit, asked.question.relative
    scale = difference_scale(unit, *harms, overall.harm, relative=relative)
    within = say_interval(overall.harm, min(harms), max(harms), scale, signed=True)
    return f"the whole lies outside all of its parts: {within}"


@dataclass(frozen=True, slots=True, eq=False)
class _Mixing:
    """The same rule in production's mix of one segment's values.

    Attributes:
        thin: Values of which too little was seen, a sentence each.
        found: None where a value that production has was not seen at all.
        moments: Of the influence within each part, once it is added up.
    """

    thin: tuple[str, ...]
    found: Mix | Unavailable | None
    question: Question
    moments: Callable[[], list[Moments]]

    @classmethod
    def of(cls, asked: Contrast, shares: Mapping[str, float]) -> _Mixing:
        question, inquiry = asked.question, asked.inquiry
        if asked.is_quantile:
            refused = "a quantile is not estimated for another mix: use `exceedance`"
            return cls((refused,), None, question, list)
        parts = {
            part.name.partition("=")[2]: part
            for part in asked.parts
            if shares.get(part.name.partition("=")[2], 0) > 0
        }
        strata = [
            Stratum(asked.paired(part), asked.clusters_of(part), shares[name])
            for name, part in parts.items()
        ]
        seen = {name: one.sums.clusters.n_clusters for name, one in zip(parts, strata, strict=True)}
        thin = tuple(
            f"{asked.segment}={name} is {100 * share:.3g} % of production and has "
            f"{seen.get(name, 0)} clusters here, {FEWEST_CLUSTERS} are needed"
            for name, share in shares.items()
            if share > 0 and seen.get(name, 0) < FEWEST_CLUSTERS
        )
        total = math.fsum(one.share for one in strata)
        if 0 in seen.values() or not math.isclose(total, 1, abs_tol=1e-6):
            return cls(thin, None, question, list)
        found = Mix.of(question, strata)
        if isinstance(found, Unavailable):
            return cls(thin, found, question, list)
        keys = [inquiry.key(asked.topic, question, part, "mix") for part in parts.values()]
        for key, weighing in zip(keys, found.within, strict=True):
            inquiry.weigh(key, weighing)
        return cls(thin, found, question, lambda: [inquiry.moments(key) for key in keys])

    def said(self, ask: Asking, overall: Estimate | Unavailable) -> Reweighted:
        if self.found is None:
            return Reweighted(warnings=self.thin)
        mix = self.found
        found = mix.judged(self.question, self.moments()) if isinstance(mix, Mix) else mix
        if isinstance(found, Unavailable):
            return Reweighted(warnings=(*self.thin, found.reason))
        status: Status | None = None
        changed: tuple[str, ...] = ()
        if isinstance(overall, Estimate) and overall.e_value is None:
            # Where a run may be looked at any time, this interval for one look concludes nothing.
            status = ask.status_of(found)
            changed = _change(status, ask.status_of(overall))
        return Reweighted(
            harm=found.harm,
            harm_low=found.harm_low,
            harm_high=found.harm_high,
            status=status,
            method=found.method,
            warnings=self.thin + changed,
        )


def _change(here: Status, before: Status) -> tuple[str, ...]:
    if here is before:
        return ()
    return (f"{here} in the mix of production, {before} in that of the run",)
