"""When does someone who looks all the time get an answer?"""

from __future__ import annotations

import math

import numpy as np

from harness.stats.always_valid import NormalMixture
from harness.stats.power import pairs_needed
from harness.stats.stopping import mixture_stop
from harness.testing.calibration.asking import ALPHA
from harness.testing.calibration.claim import Near, Unclaimed
from harness.testing.calibration.figure import Chart, Line
from harness.testing.calibration.study import Effort, Findings, Row, Study, dice, seed_of
from harness.testing.calibration.tally import row

RUNS = 3000
_SIZE = 1000  # pairs of the one-look design with 80 % power
_LOOKS = np.arange(10, 6 * _SIZE + 1, 10)

# Share of runs stopped by so many times the one-look size, as the planning advice says.
_SHARES = {1.0: 0.52, 1.5: 0.73, 2.0: 0.86, 3.0: 0.96}


def _run(effort: Effort) -> Findings:
    n_runs = effort.runs(RUNS)
    stops = {factor: _stops(factor, n_runs) for factor in effort.some((1.0, 1.5, 2.0, 0.5))}
    rows = [one for factor, found in stops.items() for one in _rows(factor, found)]
    places = [0.1, 0.25, 0.5, 0.75, 1.0, 1.25, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 6.0]
    chart = Chart(
        name="stopping",
        title="Runs with an answer by then, looking all the time",
        x_label="pairs, in multiples of the one-look size with 80 % power",
        y_label="runs that have stopped",
        lines=[
            Line(f"effect {factor:g} × planned", [(x, float((found <= x).mean())) for x in places])
            for factor, found in stops.items()
        ],
        x_ticks=[(x, f"{x:g}") for x in (0.1, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0)],
    )
    return Findings(rows, (chart,))


def _scenario(factor: float) -> str:
    return f"true distance {factor:g} × the planned one"


def _expected(factor: float) -> float:
    """What the planning formula says, in multiples of the one-look size."""
    distance = factor * _planned_drift()
    return mixture_stop(variance=1, distance=distance, alpha=ALPHA, planned=_SIZE) / _SIZE


def _planned_drift() -> float:
    effort = math.sqrt(pairs_needed(variance=1, distance=1, alpha=ALPHA, power=0.8))
    return effort / math.sqrt(_SIZE)


def _stops(factor: float, n_runs: int) -> np.ndarray:
    """Pairs at which each run stops, in multiples of the one-look size; infinite where not."""
    drift = factor * _planned_drift()
    mixture = NormalMixture.one_sided(_SIZE, alpha=ALPHA)
    reach = np.array([mixture.reach_one_sided(float(n), alpha=ALPHA) for n in _LOOKS])
    rng = dice(_scenario(factor))
    stops = np.full(n_runs, math.inf)
    for run in range(n_runs):
        steps = rng.standard_normal(_LOOKS.size) * math.sqrt(10) + 10 * drift
        crossed = np.flatnonzero(np.cumsum(steps) >= reach)
        if crossed.size:
            stops[run] = _LOOKS[crossed[0]] / _SIZE
    return stops


def _rows(factor: float, stops: np.ndarray) -> list[Row]:
    scenario, n_runs = _scenario(factor), stops.size
    rows = [
        row(
            scenario,
            f"stopped by {at:g} × the one-look size",
            int((stops <= at).sum()),
            n_runs,
            Near(share),
        )
        for at, share in (_SHARES.items() if factor == 1 else ())
    ]
    expected = {1.0: 0.95, 1.5: 0.49, 2.0: 0.30, 0.5: 3.6}[factor]
    return [
        *rows,
        Row(
            scenario,
            "median stop, × the one-look size",
            float(np.median(stops)),
            n_runs,
            Unclaimed(
                f"{expected:g} by an earlier simulation, {_expected(factor):.2f} by `mixture_stop`"
            ),
            seed_of(scenario),
            is_share=False,
        ),
    ]


STUDY = Study(
    name="stopping",
    title="Stopping times",
    asks=(
        "The one-sided normal mixture, tuned to the size at which a single look would have 80 % "
        "power, looked at after every hundredth of that size until six times it. Some answers come "
        "early; the price is that a few come late."
    ),
    run=_run,
)
