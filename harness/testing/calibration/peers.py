"""Two well-known judges asked the same question, beside ours.

*Mann-Whitney, as Kayenta's judge does it* (`MannWhitneyClassifier` with the judge's defaults): the
two sides' values as unpaired samples, a 98 % interval of the Hodges-Lehmann shift; the metric is
high when the interval's lower end is above 0.25 times the size of the shift, and passes otherwise.
Here the interval comes from the order statistics of all differences, by the normal approximation.

*Diffy's rule*: with `raw` differences between primary and candidate and `noise` differences
between primary and secondary, a field is reported when raw is above noise, `|raw - noise| /
(raw + noise)` above 20 % and `|raw - noise| / total` above 0.03 %.
"""

from __future__ import annotations

import math

import numpy as np
from scipy import stats

from harness.stats.clusters import Clusters, Floats
from harness.stats.mean import mean_bound, mean_harm
from harness.stats.noise_floor import triple_excess
from harness.testing.calibration.asking import ALPHA, about
from harness.testing.calibration.claim import AtMost, Claim, Unclaimed
from harness.testing.calibration.figure import Chart, Line
from harness.testing.calibration.population import Users, latents
from harness.testing.calibration.study import Effort, Findings, Row, Study, dice
from harness.testing.calibration.tally import Answer, row, tally

RUNS = 1000
_PEER = Unclaimed("peer")
_POWER = Unclaimed("power, not promised")
_MARGIN = 0.1
_SIZES = (30, 60, 120, 240, 480)


def _run(effort: Effort) -> Findings:
    rows: list[Row] = []
    shares: dict[str, list[tuple[float, float]]] = {}
    for slower in effort.some((0.1, 0.2, 0.0)):
        for n_pairs in _SIZES:
            both = _latency(slower, n_pairs, effort.runs(RUNS))
            rows += both
            for one in both:
                name = f"{one.procedure.split(':')[0]}, {slower:+.0%}"
                shares.setdefault(name, []).append((n_pairs, one.seen))
    for noise, excess in effort.some(((0.05, 0.01), (0.05, 0.03), (0.05, 0.0), (0.0, 0.001))):
        rows += _answers(noise, excess, effort.runs(RUNS))
    chart = Chart(
        name="peers",
        title="Challengers that pass, by how much slower they are (margin 10 %)",
        x_label="pairs",
        y_label="runs that pass",
        lines=[
            Line(name, seen, "Mann" in name) for name, seen in shares.items() if "+0" not in name
        ],
        x_ticks=[(n, str(n)) for n in _SIZES],
        is_log=True,
    )
    return Findings(rows, (chart,))


def _latency(slower: float, n_pairs: int, n_runs: int) -> list[Row]:
    scenario = f"latency {slower:.0%} higher, margin 10 %, {n_pairs} pairs"
    users, clusters, rng = (
        Users(n_pairs // 10, icc=0),
        Clusters.independent(n_pairs),
        dice(scenario),
    )
    ours: list[Answer] = []
    n_peer = 0
    for _ in range(n_runs):
        seen = latents(users, rng)
        before, after = np.exp(0.4 * seen.champion), (1 + slower) * np.exp(0.4 * seen.challenger)
        ours.append(
            mean_harm(before, after, clusters, **about(_MARGIN), relative=True, bounded=True)
        )
        n_peer += mann_whitney_passes(before, after)
    claim: Claim = AtMost(ALPHA) if slower >= _MARGIN else _POWER
    return [
        row(scenario, "ours: passes", tally(ours).n_passed, n_runs, claim),
        row(scenario, "Mann-Whitney: passes", n_peer, n_runs, _PEER),
    ]


def mann_whitney_passes(control: Floats, experiment: Floats) -> bool:
    """Whether a metric that should not grow is classified as passing.

    Examples:
        >>> few = np.array([1.0, 2.0, 3.0])
        >>> mann_whitney_passes(few, few + 1.5)
        True
    """
    differences = np.sort(np.subtract.outer(experiment, control), axis=None)
    n, m = experiment.size, control.size
    reach = float(stats.norm.ppf(0.99)) * math.sqrt(n * m * (n + m + 1) / 12)
    rank = max(1, math.floor(n * m / 2 - reach))
    lower, shift = float(differences[rank - 1]), float(np.median(differences))
    return lower <= 0.25 * abs(shift)


def _answers(noise: float, excess: float, n_runs: int) -> list[Row]:
    n_pairs = 2000
    scenario = (
        f"champion differs from itself on {noise:.0%}, challenger on {excess:.1%} more, margin "
        f"1 %, {n_pairs:,} requests"
    )
    clusters, rng = Clusters.independent(n_pairs), dice(scenario)
    ours: list[Answer] = []
    n_peer = 0
    for _ in range(n_runs):
        differs = rng.random(n_pairs) < noise + excess
        repeat_differs = rng.random(n_pairs) < noise
        harms = triple_excess(differs.astype(np.float64), repeat_differs.astype(np.float64))
        ours.append(mean_bound(harms, clusters, **about(0.01), bounded=True))
        n_peer += diffy_passes(int(differs.sum()), int(repeat_differs.sum()), n_pairs)
    claim: Claim = AtMost(ALPHA) if excess >= 0.01 else _POWER
    return [
        row(scenario, "ours: passes", tally(ours).n_passed, n_runs, claim),
        row(scenario, "Diffy's rule: passes", n_peer, n_runs, _PEER),
    ]


def diffy_passes(raw: int, noise: int, total: int) -> bool:
    """Whether a field is not reported.

    Examples:
        >>> diffy_passes(120, 100, 2000), diffy_passes(160, 100, 2000), diffy_passes(1, 0, 2000)
        (True, False, False)
    """
    if raw <= noise:
        return True
    gap = raw - noise
    return gap / (raw + noise) <= 0.2 or gap / total <= 0.0003


STUDY = Study(
    name="peers",
    title="Beside two peers",
    asks=(
        "The same runs judged by an unpaired Mann-Whitney judge in the manner of Kayenta and by "
        "Diffy's two thresholds, each with its defaults. Neither of them has a margin: they ask "
        "whether a difference can be seen, and take silence for a pass. Harmful rows (at or above "
        "the margin) should pass rarely, harmless ones often."
    ),
    run=_run,
)
