"""Does the sampling alarm cry wolf, and how soon does it see a mirror that loses requests?"""

from __future__ import annotations

import math

import numpy as np

from harness.stats.sampling_ratio import sampling_log_e, sampling_p_value
from harness.testing.calibration.claim import AtMost, Unclaimed
from harness.testing.calibration.study import Effort, Findings, Row, Study, dice, seed_of
from harness.testing.calibration.tally import row

RUNS = 2000
_ALPHA = 0.001
_GOAL = math.log(1 / _ALPHA)
_BATCH, _LOOKS = 100, 200
_SHARES = (0.5, 0.5)


def _run(effort: Effort) -> Findings:
    rows = _false_alarms(effort.runs(RUNS))
    for share in effort.some((0.45, 0.47, 0.48, 0.49)):
        rows += _delay(share, effort.runs(300))
    return Findings(rows)


def _false_alarms(n_runs: int) -> list[Row]:
    scenario = "two arms at 50 %, a look every 100 of 20,000 clusters"
    rng, n_alarms, n_naive = dice(scenario), 0, 0
    for _ in range(n_runs):
        counts = _counts(rng, 0.5)
        n_alarms += _first_alarm(counts) is not None
        # The same alarm level asked of a chi-square test at every look.
        n_naive += any(sampling_p_value(seen, _SHARES) < _ALPHA for seen in counts[::10])
    naive = Unclaimed("what looking often costs; a tenth of the looks")
    return [
        row(scenario, "e-process, alarm at 1,000", n_alarms, n_runs, AtMost(_ALPHA)),
        row(scenario, "chi-square at 0.001, looked at often", n_naive, n_runs, naive),
    ]


def _delay(share: float, n_runs: int) -> list[Row]:
    scenario = f"{share:.0%} instead of 50 % arrive, a look every 100 of 20,000 clusters"
    rng = dice(scenario)
    alarms = [_first_alarm(_counts(rng, share)) for _ in range(n_runs)]
    found = [math.inf if alarm is None else alarm for alarm in alarms]
    median = float(np.median(found))
    return [
        row(
            scenario,
            "e-process, found",
            sum(alarm is not None for alarm in alarms),
            n_runs,
            Unclaimed("power, not promised"),
        ),
        Row(
            scenario,
            "e-process, median clusters until the alarm",
            median,
            n_runs,
            Unclaimed("delay, not promised"),
            seed_of(scenario),
            is_share=False,
        ),
    ]


def _counts(rng: np.random.Generator, share: float) -> np.ndarray:
    first = np.cumsum(rng.binomial(_BATCH, share, _LOOKS))
    return np.column_stack((first, _BATCH * np.arange(1, _LOOKS + 1) - first))


def _first_alarm(counts: np.ndarray) -> int | None:
    for seen in counts:
        if sampling_log_e(seen, _SHARES) >= _GOAL:
            return int(seen.sum())
    return None


STUDY = Study(
    name="sampling",
    title="Sampling ratio",
    asks=(
        "The alarm that the mirror loses requests of one arm, looked at all the time: at most one "
        "false alarm in a thousand runs, and how many clusters it takes to see a real loss."
    ),
    run=_run,
)
