"""How often does the 95 % interval hold the truth?"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

import numpy as np
from scipy import special, stats

from harness.metric import Better
from harness.stats.bootstrap import bootstrap_quantile
from harness.stats.clustered import Clustered, clustered_mean, cr1, cr2
from harness.stats.clusters import Clusters, Floats
from harness.stats.mcnemar import bonett_price_interval, newcombe_interval
from harness.stats.mean import mean_bound, mean_harm
from harness.stats.median import median_difference
from harness.stats.proportion import proportion_harm
from harness.stats.quantile import SideQuantile, quantile_harm
from harness.stats.quantile_bound import quantile_bound
from harness.stats.rank import hodges_lehmann
from harness.stats.rate import rate_bound
from harness.stats.sign_test import order_statistic_interval
from harness.testing.calibration.asking import about
from harness.testing.calibration.claim import Claim, Covers, Unclaimed
from harness.testing.calibration.figure import Chart, Line
from harness.testing.calibration.population import Latents, Sizes, Users, latents
from harness.testing.calibration.study import Effort, Findings, Row, Study, dice, seed_of
from harness.testing.calibration.tally import Answer
from harness.verdict import Estimate

RUNS = 2000
LEVEL = 0.95
MIN_ANSWERED = 0.05
"""With fewer runs that give an interval there is nothing to say about it."""

_about = partial(about, confidence=0.5 + LEVEL / 2)  # one-sided on each side
_P95 = float(special.ndtri(0.95))


@dataclass(frozen=True, slots=True)
class Interval:
    """An interval whose truth is known whoever the users are."""

    name: str
    truth: float
    ask: Callable[[Latents], Answer]


@dataclass(slots=True)
class Hits:
    """Of the runs that gave an interval, those whose interval held the truth."""

    n_runs: int = 0
    n_answered: int = 0
    n_held: int = 0

    def add(self, low: float, high: float, truth: float) -> None:
        self.n_runs += 1
        self.n_answered += 1
        self.n_held += low <= truth <= high

    def refuse(self) -> None:
        self.n_runs += 1

    def row(self, scenario: str, procedure: str, claim: Claim) -> Row:
        answered = self.n_answered / self.n_runs
        note = "" if answered == 1 else f"refused {1 - answered:.0%}"
        if answered < MIN_ANSWERED:
            claim = Unclaimed("refused nearly always")
        share = self.n_held / self.n_answered if self.n_answered else math.nan
        seed = seed_of(scenario)
        return Row(scenario, procedure, share, max(1, self.n_answered), claim, seed, note)


def _run(effort: Effort) -> Findings:
    rows: list[Row] = []
    every = [
        Users(n_clusters, sizes, icc)
        for sizes in Sizes
        for icc in (0, 0.05, 0.3)
        for n_clusters in (20, 50, 200)
    ]
    for users in effort.some(every):
        rows += _of(users, effort.runs(RUNS))
    beside, chart = _beside(effort.runs(RUNS))
    return Findings([*rows, *beside, *_few_exceedances(effort), *_companions(effort)], (chart,))


def _of(users: Users, n_runs: int) -> list[Row]:
    scenario = f"intervals, {users}"
    rng, intervals = dice(scenario), _intervals()
    hits = {interval.name: Hits() for interval in intervals}
    for _ in range(n_runs):
        seen = latents(users, rng)
        for interval in intervals:
            found = interval.ask(seen)
            if isinstance(found, Estimate):
                hits[interval.name].add(found.harm_low, found.harm_high, interval.truth)
            else:
                hits[interval.name].refuse()
    return [hits[one.name].row(scenario, one.name, Covers(LEVEL)) for one in intervals]


def _intervals() -> list[Interval]:
    return [
        Interval("mean difference", 0.2, _mean),
        Interval("log ratio of means", 0.05, _relative_mean),
        Interval("difference of shares", 0.02, _proportion),
        Interval("log ratio of p50", 0.1, partial(_quantile, p=0.5)),
        Interval("log ratio of p95", 0.1, partial(_quantile, p=0.95)),
        Interval("one side's rate", 0.1, _rate),
        Interval("one side's mean", 0.0, _own_mean),
        Interval("one side's p95", _P95, _own_quantile),
    ]


def _mean(seen: Latents) -> Answer:
    after = seen.challenger + 0.2
    return mean_harm(seen.champion, after, seen.clusters, **_about(0.0), bounded=True)


def _relative_mean(seen: Latents) -> Answer:
    before, after = np.exp(0.4 * seen.champion), 1.05 * np.exp(0.4 * seen.challenger)
    return mean_harm(before, after, seen.clusters, **_about(0.0), relative=True)


def _right(latent: Floats, rate: float) -> Floats:
    return np.asarray((latent < special.ndtri(rate)) * 1.0)


def _proportion(seen: Latents) -> Answer:
    before, after = _right(seen.champion, 0.9), _right(seen.challenger, 0.88)
    return proportion_harm(before, after, seen.clusters, **_about(0.0, better=Better.HIGHER))


def _quantile(seen: Latents, *, p: float) -> Answer:
    before, after = np.exp(0.4 * seen.champion), 1.1 * np.exp(0.4 * seen.challenger)
    return quantile_harm(before, after, seen.clusters, **_about(0.0), p=p, relative=True)


def _rate(seen: Latents) -> Answer:
    return rate_bound(_right(seen.challenger, 0.1), seen.clusters, **_about(0.1))


def _own_mean(seen: Latents) -> Answer:
    return mean_bound(seen.challenger, seen.clusters, **_about(0.0), bounded=True)


def _own_quantile(seen: Latents) -> Answer:
    return quantile_bound(seen.challenger, seen.clusters, **_about(2.0), p=0.95)


# Variances side by side -------------------------------------------------------------------------

_CR2, _CR1, _ALONE = "CR2, ours", "CR1, t with K - 1", "pairs taken as independent"


def _beside(n_runs: int) -> tuple[list[Row], Chart]:
    """CR2 beside what it replaces, over sizes ever more uneven."""
    rows, lines = [], []
    for n_clusters in (20, 200):
        shares: dict[str, list[float]] = {_CR2: [], _CR1: [], _ALONE: []}
        for sizes in Sizes:
            scenario = f"variances of a mean, {Users(n_clusters, sizes)}"
            hits = _variances(Users(n_clusters, sizes), scenario, n_runs)
            for name, found in hits.items():
                claim = Covers(LEVEL) if name == _CR2 else Unclaimed("replaced by CR2")
                rows.append(found.row(scenario, name, claim))
                shares[name].append(rows[-1].seen)
        lines += [
            Line(
                f"{name}, K = {n_clusters}",
                list(enumerate(values)),
                is_dashed=n_clusters == 20,
                colour=place,
            )
            for place, (name, values) in enumerate(shares.items())
        ]
    chart = Chart(
        name="coverage",
        title="Coverage of the 95 % interval of a mean, by how uneven users are (ICC 0.3)",
        x_label="cluster sizes",
        y_label="runs whose interval holds the truth",
        lines=lines,
        x_ticks=[(place, str(sizes)) for place, sizes in enumerate(Sizes)],
        y_low=0.4,
    )
    return rows, chart


def _variances(users: Users, scenario: str, n_runs: int) -> dict[str, Hits]:
    rng, hits = dice(scenario), {_CR2: Hits(), _CR1: Hits(), _ALONE: Hits()}
    for _ in range(n_runs):
        seen = latents(users, rng)
        values, clusters = seen.challenger - seen.champion, seen.clusters
        mean = float(values.mean())
        totals = clusters.totals(values - mean)
        moments = {
            _CR2: cr2(mean, totals, clusters.sizes),
            _CR1: cr1(mean, totals, clusters.sizes),
            _ALONE: clustered_mean(values, Clusters.independent(values.size)),
        }
        for name, moment in moments.items():
            hits[name].add(*_t_interval(moment), 0.0)
    return hits


def _t_interval(moment: Clustered) -> tuple[float, float]:
    reach = float(stats.t.ppf(0.5 + LEVEL / 2, moment.df)) * moment.se
    return moment.estimate - reach, moment.estimate + reach


# Where the gate refuses, and companions for independent pairs ------------------------------------


def _few_exceedances(effort: Effort) -> list[Row]:
    """A p95 with two values beyond it: the formula that the gate refuses, and the bootstrap."""
    scenario = "p95 with two values beyond it, 40 independent pairs"
    clusters, rng = Clusters.independent(40), dice(scenario)
    refused, formula, bootstrap = Hits(), Hits(), Hits()
    for _ in range(effort.runs(500)):
        before, after = np.exp(0.4 * rng.standard_normal((2, 40)))
        gate = quantile_harm(before, after, clusters, **_about(0.0), p=0.95, relative=True)
        if isinstance(gate, Estimate):
            refused.add(gate.harm_low, gate.harm_high, 0.0)
        else:
            refused.refuse()
        formula.add(*_t_interval(_log_ratio(before, after, clusters)), 0.0)
        drawn = bootstrap_quantile(
            before, after, clusters, p=0.95, confidence=LEVEL, relative=True, n_draws=500
        )
        bootstrap.add(drawn.interval.low, drawn.interval.high, 0.0)
    return [
        refused.row(scenario, "log ratio of p95, the gate", Covers(LEVEL)),
        formula.row(scenario, "the same formula unguarded", Unclaimed("known limit, replaced")),
        bootstrap.row(scenario, "cluster bootstrap, for display", Covers(LEVEL)),
    ]


def _log_ratio(before: Floats, after: Floats, clusters: Clusters) -> Clustered:
    left, right = (SideQuantile.of(side, clusters, 0.95) for side in (before, after))
    influence = right.influence(after) / right.value - left.influence(before) / left.value
    estimate = math.log(right.value / left.value)
    return cr2(estimate, clusters.totals(influence), clusters.sizes)


@dataclass(slots=True)
class _Companions:
    hodges_lehmann: Hits = field(default_factory=Hits)
    median: Hits = field(default_factory=Hits)
    order_statistics: Hits = field(default_factory=Hits)
    bonett_price: Hits = field(default_factory=Hits)
    newcombe: Hits = field(default_factory=Hits)


def _companions(effort: Effort) -> list[Row]:
    """Intervals that are reported and never decide; they take pairs as independent."""
    rows = []
    for n_pairs in effort.some((50, 200)):
        scenario = f"companions, {n_pairs} independent pairs"
        hits, rng = _Companions(), dice(scenario)
        for _ in range(effort.runs(RUNS)):
            seen = latents(Users(n_pairs // 10, icc=0), rng)
            left, right = seen.champion, seen.challenger
            ranks = hodges_lehmann(right - left, confidence=LEVEL).interval
            hits.hodges_lehmann.add(ranks.low, ranks.high, 0.0)
            medians = median_difference(right, left, confidence=LEVEL).interval
            hits.median.add(medians.low, medians.high, 0.0)
            middle = order_statistic_interval(right, p=0.5, confidence=LEVEL)
            hits.order_statistics.add(middle.low, middle.high, 0.0)
            _add_shares(hits, _right(left, 0.9), _right(right, 0.8))
        rows += [
            hits.hodges_lehmann.row(scenario, "Hodges-Lehmann", Covers(LEVEL)),
            hits.median.row(scenario, "difference of paired medians", Covers(LEVEL)),
            hits.order_statistics.row(scenario, "median by order statistics", Covers(LEVEL)),
            hits.bonett_price.row(scenario, "shares, Bonett-Price", Covers(LEVEL)),
            hits.newcombe.row(scenario, "shares, Newcombe", Covers(LEVEL)),
        ]
    return rows


def _add_shares(hits: _Companions, before: Floats, after: Floats) -> None:
    n = before.size
    wins, losses = int(np.sum(after > before)), int(np.sum(after < before))
    both = int(np.sum((before > 0) & (after > 0)))
    plain = bonett_price_interval(wins, losses, n, confidence=LEVEL)
    hits.bonett_price.add(plain.low, plain.high, -0.1)
    square = newcombe_interval(both, wins, losses, n - both - wins - losses, confidence=LEVEL)
    hits.newcombe.add(square.low, square.high, -0.1)


STUDY = Study(
    name="coverage",
    title="Coverage",
    asks=(
        "The share of runs whose 95 % interval holds the truth, among those that gave one. Ten "
        "pairs per cluster on average (geometric, equal) or more (Pareto: a tail index of 1.3, "
        "capped at 401 pairs, so that in small samples one user often makes most of the traffic)."
    ),
    run=_run,
)
