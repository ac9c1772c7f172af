"""Does a test of planned size find what it was planned for?"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import special

from harness.metric import Better
from harness.stats.clusters import Clusters, Floats
from harness.stats.mean import mean_bound, mean_harm
from harness.stats.power import (
    design_effect_of,
    mcnemar_pairs,
    pairs_needed,
    silent_pairs,
    t_pairs,
)
from harness.stats.proportion import proportion_harm
from harness.stats.quantile import SideQuantile, quantile_harm
from harness.stats.rate import rate_bound
from harness.testing.calibration.asking import ALPHA, about
from harness.testing.calibration.claim import AtLeast, Claim, Near, Unclaimed
from harness.testing.calibration.population import Sizes, Users, answers, latents
from harness.testing.calibration.study import Effort, Findings, Row, Study
from harness.testing.calibration.tally import Answer, Ask, asked, row, tally
from harness.verdict import Estimate

RUNS = 2000
POWER = 0.8
_PLANNED = Near(POWER)


@dataclass(frozen=True, slots=True)
class Planned:
    """A test of the size that a formula asked for."""

    scenario: str
    formula: str
    ask: Ask
    claim: Claim


def _run(effort: Effort) -> Findings:
    rows: list[Row] = []
    for planned in effort.some(_planned()):
        n_runs = effort.runs(RUNS)
        found = tally(asked(planned.scenario, planned.ask, n_runs))
        rows.append(
            row(
                planned.scenario, planned.formula, found.n_passed, n_runs, planned.claim, found.note
            )
        )
    return Findings(rows)


def _planned() -> Sequence[Planned]:
    return (
        _mean(distance=0.2),
        _small_mean(distance=0.8),
        *(
            _clustered_mean(sizes, icc)
            for sizes in (Sizes.EQUAL, Sizes.GEOMETRIC)
            for icc in (0.05, 0.3)
        ),
        _improvement(),
        _shares(wins=0.01, losses=0.01, margin=0.01),
        _shares(wins=0.03, losses=0.03, margin=0.02),
        _silence(),
        _quantile(0.5),
        _quantile(0.95),
        _rate("pairs_needed, variance at the limit", 0.04, AtLeast(POWER)),
        _rate(
            "pairs_needed, variance at the truth", 0.02, Unclaimed("too few: the bounds are exact")
        ),
        _detectable("mean"),
        _detectable("share"),
        _detectable("p90"),
    )


def _mean(distance: float) -> Planned:
    n_pairs = math.ceil(pairs_needed(variance=1, distance=distance, alpha=ALPHA, power=POWER))
    clusters = Clusters.independent(n_pairs)

    def ask(rng: np.random.Generator) -> Answer:
        harms = rng.standard_normal(n_pairs)
        return mean_bound(harms, clusters, **about(distance), bounded=True)

    return Planned(f"mean, margin {distance:g} sd, {n_pairs} pairs", "pairs_needed", ask, _PLANNED)


def _small_mean(distance: float) -> Planned:
    n_pairs = math.ceil(t_pairs(distance=distance, alpha=ALPHA, power=POWER))
    clusters = Clusters.independent(n_pairs)

    def ask(rng: np.random.Generator) -> Answer:
        harms = rng.standard_normal(n_pairs)
        return mean_bound(harms, clusters, **about(distance), bounded=True)

    # Below twenty clusters sign flips must agree; on so few they cost a little more.
    return Planned(f"mean, margin {distance:g} sd, {n_pairs} pairs", "t_pairs", ask, _PLANNED)


def _clustered_mean(sizes: Sizes, icc: float) -> Planned:
    variation = math.sqrt(0.9) if sizes is Sizes.GEOMETRIC else 0.0
    deff = design_effect_of(mean_size=10, size_variation=variation, icc=icc)
    alone = pairs_needed(variance=1, distance=0.1, alpha=ALPHA, power=POWER)
    users = Users(math.ceil(alone * deff / 10), sizes, icc)

    def ask(rng: np.random.Generator) -> Answer:
        seen = latents(users, rng)  # the difference of the sides has variance 1
        return mean_harm(seen.champion, seen.challenger, seen.clusters, **about(0.1), bounded=True)

    return Planned(
        f"mean, margin 0.1 sd, {users}", "pairs_needed × design_effect_of", ask, _PLANNED
    )


def _events(n_pairs: int, *, wins: float, losses: float, margin: float) -> Ask:
    clusters = Clusters.independent(n_pairs)

    def ask(rng: np.random.Generator) -> Answer:
        draw = rng.random(n_pairs)
        seen = answers((draw < wins) * 1.0 - (draw > 1 - losses) * 1.0)
        asks = about(margin, better=Better.HIGHER)
        return proportion_harm(seen.champion, seen.challenger, clusters, **asks)

    return ask


def _improvement() -> Planned:
    n_pairs = math.ceil(mcnemar_pairs(wins=0.06, losses=0.03, alpha=ALPHA, power=POWER))
    return Planned(
        f"improves accuracy by 3 points, 9 % differ, {n_pairs} pairs",
        "mcnemar_pairs",
        _events(n_pairs, wins=0.06, losses=0.03, margin=0.0),
        _PLANNED,
    )


def _shares(wins: float, losses: float, margin: float) -> Planned:
    variance = wins + losses - (wins - losses) ** 2
    n_pairs = math.ceil(pairs_needed(variance=variance, distance=margin, alpha=ALPHA, power=POWER))
    return Planned(
        f"accuracy not worse by {margin:.0%}, {wins + losses:.0%} differ, {n_pairs} pairs",
        "pairs_needed",
        _events(n_pairs, wins=wins, losses=losses, margin=margin),
        _PLANNED,
    )


def _silence() -> Planned:
    n_pairs = math.ceil(silent_pairs(margin=0.01, alpha=ALPHA)) + 1
    clusters = Clusters.independent(n_pairs)

    def ask(rng: np.random.Generator) -> Answer:
        del rng
        return rate_bound(np.zeros(n_pairs), clusters, **about(0.01))

    return Planned(f"no failure at all, limit 1 %, {n_pairs} pairs", "silent_pairs", ask, Near(1.0))


def _quantile(p: float) -> Planned:
    spread = _log_ratio_spread(p)
    distance = math.log(1.1)
    n_pairs = math.ceil(pairs_needed(variance=spread, distance=distance, alpha=ALPHA, power=POWER))
    users = Users(math.ceil(n_pairs / 10), icc=0)

    def ask(rng: np.random.Generator) -> Answer:
        seen = latents(users, rng)
        before, after = np.exp(0.4 * seen.champion), np.exp(0.4 * seen.challenger)
        alone = Clusters.independent(before.size)
        return quantile_harm(before, after, alone, **about(0.1), p=p, relative=True)

    return Planned(
        f"p{100 * p:g} not worse by 10 %, {10 * users.n_clusters} pairs",
        "pairs_needed, spread from a pilot of 200,000",
        ask,
        _PLANNED,
    )


def _log_ratio_spread(p: float) -> float:
    """Variance of one pair's influence on the log ratio of quantiles."""
    seen = latents(Users(20_000, icc=0), np.random.default_rng(1))
    alone = Clusters.independent(200_000)

    def influence(latent: Floats) -> Floats:
        values = np.exp(0.4 * latent)
        side = SideQuantile.of(values, alone, p)
        return np.asarray(side.influence(values) / side.value)

    return float(np.var(influence(seen.challenger) - influence(seen.champion)))


def _rate(formula: str, rate: float, claim: Claim) -> Planned:
    """Planned with the variance at `rate`: that of the truth, or that of the limit."""
    truth, limit = 0.02, 0.04
    n_pairs = math.ceil(
        pairs_needed(variance=rate * (1 - rate), distance=limit - truth, alpha=ALPHA, power=POWER)
    )
    clusters = Clusters.independent(n_pairs)

    def ask(rng: np.random.Generator) -> Answer:
        return rate_bound((rng.random(n_pairs) < truth) * 1.0, clusters, **about(limit))

    return Planned(f"at most 4 % fail, 2 % do, {n_pairs} pairs", formula, ask, claim)


def _detectable(kind: str) -> Planned:
    """What an estimate calls `detectable` below its margin is found with 80 % power."""
    users, margin = Users(200, icc=0.1), 0.1

    def estimate(harm: float, rng: np.random.Generator) -> Answer:
        seen = latents(users, rng)
        asks: Callable[[float], Answer] = {
            "mean": lambda h: mean_harm(
                seen.champion, seen.challenger + h, seen.clusters, **about(margin), bounded=True
            ),
            "share": lambda h: proportion_harm(
                (seen.champion < special.ndtri(0.2)) * 1.0,
                (seen.challenger < special.ndtri(0.2 + h)) * 1.0,
                seen.clusters,
                **about(margin),
            ),
            "p90": lambda h: quantile_harm(
                np.exp(0.4 * seen.champion),
                (1 + h) * np.exp(0.4 * seen.challenger),
                seen.clusters,
                **about(margin),
                p=0.9,
                relative=True,
            ),
        }[kind]
        return asks(harm)

    distance = _typical_detectable(lambda rng: estimate(margin, rng))
    return Planned(
        f"{kind}, harm {margin - distance:.3f} below its margin of {margin:g} by what is "
        f"`detectable`, {users}",
        "detectable",
        lambda rng: estimate(margin - distance, rng),
        _PLANNED,
    )


def _typical_detectable(ask: Ask) -> float:
    rng = np.random.default_rng(2)
    found = [one.detectable for one in (ask(rng) for _ in range(60)) if isinstance(one, Estimate)]
    return float(np.median([value for value in found if value is not None]))


STUDY = Study(
    name="power",
    title="Power at the planned size",
    asks=(
        "Tests of exactly the size that the planning formulas ask for 80 % power. And the "
        "`detectable` that every estimate reports: a harm so far below its margin should pass in "
        "80 % of runs."
    ),
    run=_run,
)
