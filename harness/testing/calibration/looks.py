"""Looking after every batch: how often does what is not there get found?"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
from scipy import special, stats

from harness.stats.always_valid import NormalMixture, t_log_e
from harness.stats.betting import grid_log_e_counts, log_capital
from harness.stats.clustered import Clustered, clustered_mean, cr2
from harness.stats.clusters import Clusters, Codes, Floats
from harness.stats.planned_looks import planned_bounds
from harness.stats.proportion import MIN_DISCORDANT_CLUSTERS, RaoScott
from harness.stats.quantile import SideQuantile
from harness.stats.sequential_mcnemar import SequentialMcNemar
from harness.testing.calibration.asking import ALPHA
from harness.testing.calibration.claim import AtMost, Claim, Unclaimed
from harness.testing.calibration.figure import Chart, Line
from harness.testing.calibration.population import RareEvents, Sizes, Users, latents
from harness.testing.calibration.study import Effort, Findings, Row, Study, dice
from harness.testing.calibration.tally import row

RUNS = 2000
_GOAL = math.log(1 / ALPHA)
_BURN_IN = 50  # clusters
_NAIVE = Unclaimed("what looking often costs")
_LIMIT = Unclaimed("known limit, replaced")


@dataclass(slots=True)
class Alarms:
    """At which look each procedure first saw something, run by run."""

    n_runs: int = 0
    first: dict[str, list[int]] = field(default_factory=dict)

    def add(self, seen: dict[str, int]) -> None:
        """One run's first alarms: procedure to number of the look, from 1."""
        self.n_runs += 1
        for procedure, look in seen.items():
            self.first.setdefault(procedure, []).append(look)

    def n(self, procedure: str, by_look: float = math.inf) -> int:
        return sum(look <= by_look for look in self.first.get(procedure, ()))

    def rows(self, scenario: str, claims: dict[str, Claim]) -> list[Row]:
        return [
            row(scenario, procedure, self.n(procedure), self.n_runs, claim)
            for procedure, claim in claims.items()
        ]


def _run(effort: Effort) -> Findings:
    peeking, chart = _independent(effort.runs(RUNS))
    rows = [
        *peeking,
        *(
            found
            for case in effort.some(_CLUSTERED)
            for found in _clustered(case, effort.runs(1000))
        ),
        *(found for case in effort.some(_RARE) for found in _rare(case, effort.runs(1000))),
        *_quantile(effort.runs(1000)),
        *_coins(effort.runs(RUNS)),
        *_bounded(effort.runs(RUNS)),
        *_small(effort.runs(RUNS)),
        *_planned(effort.runs(RUNS)),
    ]
    return Findings(rows, (chart,))


# Means ------------------------------------------------------------------------------------------

_PLAIN_T = "t-test at every look"
_MIXTURE = "normal mixture"
_NAIVE_V = "normal mixture, pairs taken as independent"


def _independent(n_runs: int) -> tuple[list[Row], Chart]:
    scenario = "independent normal differences, a look every 50 pairs up to 5,000"
    looks = range(50, 5001, 50)
    rng, alarms = dice(scenario), Alarms()
    for _ in range(n_runs):
        values = rng.standard_normal(5000)
        path = (
            (values[:n].sum(), cr2(0.0, values[:n] - values[:n].mean(), np.ones(n)), n)
            for n in looks
        )
        alarms.add(_first_alarms(path, n_opt=1000))
    rows = alarms.rows(scenario, {_MIXTURE: AtMost(ALPHA), _PLAIN_T: _NAIVE})
    places = [1, 2, 3, 5, 10, 20, 30, 50, 70, 100]
    lines = [
        Line(name, [(place, alarms.n(name, place) / n_runs) for place in places])
        for name in (_PLAIN_T, _MIXTURE)
    ]
    promised = Line("promised", [(1, ALPHA), (100, ALPHA)], is_dashed=True)
    chart = Chart(
        name="looks",
        title="False alarms by number of looks (independent pairs, null true)",
        x_label="looks, one every 50 pairs",
        y_label="runs with a false alarm so far",
        lines=[*lines, promised],
        x_ticks=[(place, str(place)) for place in (1, 2, 5, 10, 20, 50, 100)],
        is_log=True,
        y_high=0.5,
    )
    return rows, chart


def _first_alarms(path: Iterator[tuple[float, Clustered, int]], *, n_opt: float) -> dict[str, int]:
    """First look at which the sum is surely above 0: by the mixture, and by a t-test."""
    mixture: NormalMixture | None = None
    found: dict[str, int] = {}
    for look, (score, moment, n_pairs) in enumerate(path, start=1):
        variance = moment.variance * n_pairs**2
        if mixture is None:
            mixture = NormalMixture.one_sided(variance * n_opt / n_pairs, alpha=ALPHA)
        if mixture.log_e_greater(score, variance) >= _GOAL:
            found.setdefault(_MIXTURE, look)
        if score > special.stdtrit(moment.df, 1 - ALPHA) * math.sqrt(variance):
            found.setdefault(_PLAIN_T, look)
        if len(found) == 2:
            break
    return found


@dataclass(frozen=True, slots=True)
class Arriving:
    """Pairs of users with something of their own, in the order of arrival."""

    users: Users
    is_interleaved: bool = False

    def __str__(self) -> str:
        how = "all users return until the end" if self.is_interleaved else "user after user"
        return f"{self.users}, {how}"

    def draw(self, rng: np.random.Generator) -> tuple[Floats, Codes]:
        seen = latents(self.users, rng)
        values, codes = seen.challenger - seen.champion, seen.clusters.codes
        if not self.is_interleaved:
            return values, codes
        order = rng.permutation(values.size)
        return values[order], codes[order]

    def looks(self, codes: Codes) -> list[int]:
        """After how many pairs: some 25 times, from the burn-in on."""
        if self.is_interleaved:
            return list(range(250, codes.size + 1, 50))
        starts = np.flatnonzero(np.diff(codes, prepend=-1))[_BURN_IN:]
        return [*starts[::10].tolist(), codes.size]


_CLUSTERED = tuple(
    Arriving(Users(n_users, sizes, icc), is_interleaved)
    for n_users, is_interleaved in ((300, False), (150, True))
    for sizes in (Sizes.EQUAL, Sizes.PARETO)
    for icc in (0.05, 0.3)
)


def _clustered(case: Arriving, n_runs: int) -> list[Row]:
    scenario = f"no difference, {case}, about 25 looks"
    rng, robust, naive = dice(scenario), Alarms(), Alarms()
    for _ in range(n_runs):
        values, codes = case.draw(rng)
        looks = case.looks(codes)
        in_clusters = (_summed(values[:n], Clusters.of(codes[:n])) for n in looks)
        robust.add(_first_alarms(in_clusters, n_opt=values.size / 2))
        alone = (_summed(values[:n], Clusters.independent(n)) for n in looks)
        naive.add(_first_alarms(alone, n_opt=values.size / 2))
    return [
        *robust.rows(scenario, {_MIXTURE: AtMost(ALPHA), _PLAIN_T: _NAIVE}),
        row(scenario, _NAIVE_V, naive.n(_MIXTURE), n_runs, _NAIVE),
    ]


def _summed(values: Floats, clusters: Clusters) -> tuple[float, Clustered, int]:
    return float(values.sum()), clustered_mean(values, clusters), values.size


# Rare wins and losses --------------------------------------------------------------------------

_RARE = (
    RareEvents(4000, 1, loss=0.005, win=0, evenness=5),
    RareEvents(800, 10, loss=0.015, win=0.005, evenness=5),
    RareEvents(800, 10, loss=0.015, win=0.005, evenness=0.2),
    RareEvents(800, 10, loss=0.015, win=0.005, evenness=0.05),
)
_N_OPT = 3000


def _rare(events: RareEvents, n_runs: int) -> list[Row]:
    margin = events.loss - events.win
    scenario = f"losses at the margin, {events}, 38 looks"
    rng, alarms = dice(scenario), Alarms()
    for _ in range(n_runs):
        alarms.add(_first_passes(events.gains(rng), events, margin))
    claims: dict[str, Claim] = {
        "grid betting, deflated": AtMost(ALPHA),
        "normal mixture, 20 differing clusters first": AtMost(ALPHA),
        "normal mixture, 50 clusters first": _LIMIT,
    }
    if events.size > 1:
        claims["grid betting, pairs taken as independent"] = _LIMIT
    return alarms.rows(scenario, claims)


def _first_passes(gains: Floats, events: RareEvents, margin: float) -> dict[str, int]:
    found: dict[str, int] = {}
    codes, mixtures = events.clusters.codes, dict[str, NormalMixture]()
    step = (events.n_clusters - _BURN_IN) / 37
    for look in range(38):
        n = round(_BURN_IN + look * step) * events.size
        counts = RaoScott.of(gains[:n], Clusters.of(codes[:n]))
        seen, worth = counts.seen, counts.scaled
        log_e = {
            "grid betting, deflated": grid_log_e_counts(
                worth.wins, worth.losses, worth.n, margin=margin
            ),
            "grid betting, pairs taken as independent": grid_log_e_counts(
                seen.wins, seen.losses, seen.n, margin=margin
            ),
        }
        score, variance = n * (seen.theta + margin), counts.moment.variance * n**2
        for name, least in (
            ("normal mixture, 20 differing clusters first", MIN_DISCORDANT_CLUSTERS),
            ("normal mixture, 50 clusters first", 0),
        ):
            if counts.n_discordant_clusters < least:
                continue
            if variance == 0:  # no pair differs yet: the bound has no width at all
                log_e[name] = math.inf
                continue
            if name not in mixtures:
                mixtures[name] = NormalMixture.one_sided(variance * _N_OPT / n, alpha=ALPHA)
            log_e[name] = mixtures[name].log_e_greater(score, variance)
        for name, value in log_e.items():
            if value >= _GOAL:
                found.setdefault(name, look + 1)
    return found


# Others ----------------------------------------------------------------------------------------


def _quantile(n_runs: int) -> list[Row]:
    """The p95 exactly 10 % higher, tested against 10 %, every 25 clusters."""
    scenario = "p95 10 % higher at a margin of 10 %, a look every 25 of 400 clusters"
    users, rng, alarms = Users(400), dice(scenario), Alarms()
    for _ in range(n_runs):
        seen = latents(users, rng)
        before, after = np.exp(0.4 * seen.champion), 1.1 * np.exp(0.4 * seen.challenger)
        path = (
            _log_ratio(before[:n], after[:n], seen.clusters.codes[:n])
            for n in range(1000, 4001, 250)
        )
        alarms.add(_first_alarms(path, n_opt=2000))
    return alarms.rows(scenario, {_MIXTURE: AtMost(ALPHA), _PLAIN_T: _NAIVE})


def _log_ratio(before: Floats, after: Floats, codes: Codes) -> tuple[float, Clustered, int]:
    clusters = Clusters.of(codes)
    left, right = (SideQuantile.of(side, clusters, 0.95) for side in (before, after))
    influence = left.influence(before) / left.value - right.influence(after) / right.value
    estimate = math.log(1.1 * left.value / right.value)
    moment = cr2(estimate, clusters.totals(influence), clusters.sizes)
    return estimate * before.size, moment, before.size


def _coins(n_runs: int) -> list[Row]:
    scenario = "wins as likely as losses, a look at every fifth of 1,000 differing pairs"
    mixture = SequentialMcNemar.tuned(100, alpha=2 * ALPHA)
    rng, alarms = dice(scenario), Alarms()
    for _ in range(n_runs):
        wins = np.cumsum(rng.random(1000) < 0.5)
        found: dict[str, int] = {}
        for look in range(1, 1001, 5):
            n_wins, n_losses = int(wins[look - 1]), look - int(wins[look - 1])
            if mixture.log_e_greater(n_wins, n_losses) >= _GOAL:
                found.setdefault("sequential McNemar", look)
            if special.bdtrc(n_wins - 1, look, 0.5) < ALPHA:
                found.setdefault("exact McNemar at every look", look)
        alarms.add(found)
    claims: dict[str, Claim] = {
        "sequential McNemar": AtMost(ALPHA),
        "exact McNemar at every look": _NAIVE,
    }
    return alarms.rows(scenario, claims)


def _bounded(n_runs: int) -> list[Row]:
    scenario = "values in [0, 1] with the mean at the null, a look at each of 2,000"
    rng, n_alarms = dice(scenario), 0
    for _ in range(n_runs):
        capital = log_capital(rng.beta(0.2, 0.8, 2000), 0.2, alpha=ALPHA)
        n_alarms += bool(capital.max() >= _GOAL)
    return [row(scenario, "betting, predictable stakes", n_alarms, n_runs, AtMost(ALPHA))]


def _small(n_runs: int) -> list[Row]:
    scenario = "normal values around the null, a look at each from the 3rd to the 200th"
    rng, n_alarms = dice(scenario), 0
    for _ in range(n_runs):
        values = rng.standard_normal(200)
        n = np.arange(1, 201)
        mean = np.cumsum(values) / n
        squares = np.cumsum(values**2) - n * mean**2
        n_alarms += any(
            t_log_e(mean[k] * math.sqrt((k + 1) * k / squares[k]), n=k + 1, df=k, weight=10)
            >= _GOAL
            for k in range(2, 200)
        )
    return [row(scenario, "t mixture, two-sided", n_alarms, n_runs, AtMost(ALPHA))]


def _planned(n_runs: int) -> list[Row]:
    scenario = "independent normal differences, three planned looks at 200, 400 and 600 pairs"
    n = np.array([200, 400, 600])
    bounds = planned_bounds(n / 600, alpha=ALPHA)
    sums = np.cumsum(dice(scenario).standard_normal((n_runs, 600)), axis=1)[:, n - 1]
    z = sums / np.sqrt(n)
    n_planned = int((z > bounds).any(axis=1).sum())
    n_naive = int((z > stats.norm.isf(ALPHA)).any(axis=1).sum())
    return [
        row(scenario, "bounds for planned looks", n_planned, n_runs, AtMost(ALPHA)),
        row(scenario, "the one-look bound at each", n_naive, n_runs, _NAIVE),
    ]


STUDY = Study(
    name="looks",
    title="A harm exactly at its margin, a look at every batch",
    asks=(
        "The same, but somebody looks after every batch and stops when it suits. A run counts "
        "when any look saw something. The procedures are those of `always_valid`, `betting`, "
        "`sequential_mcnemar` and `planned_looks`."
    ),
    run=_run,
)
