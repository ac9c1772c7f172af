import numpy as np

from harness.stats.clusters import Clusters
from harness.stats.mean import mean_bound
from harness.stats.noise_floor import (
    Crossed,
    quad_excess,
    signal_share,
    swap_p_value,
    triple_excess,
)
from harness.verdict import Estimate

N = 2000


def answers(rng, n_labels=3):
    """Champion answers from a per-request distribution; a repeat draws again from the same."""
    return rng.dirichlet(np.ones(n_labels), N).cumsum(axis=1)


def draw(rng, cumulative):
    return (rng.random((N, 1)) > cumulative).sum(axis=1)


def excess(values, null=0.0):
    found = mean_bound(
        values, Clusters.independent(N), null=null, confidence=0.95, metric="label.excess",
        unit="fraction", bounded=True,
    )  # fmt: skip
    assert isinstance(found, Estimate)
    return found


def quad(a, a2, b, b2):
    crossed = Crossed((a != b) * 1.0, (a != b2) * 1.0, (a2 != b) * 1.0, (a2 != b2) * 1.0)
    return quad_excess(crossed, (a != a2) * 1.0, (b != b2) * 1.0)


def test_another_draw_of_the_champion_has_no_excess():
    """A challenger that answers as the champion does disagrees a lot, and not in excess."""
    rng = np.random.default_rng(1)
    cumulative = answers(rng)
    a, a2, b, b2 = (draw(rng, cumulative) for _ in range(4))

    triple = excess(triple_excess((a != b) * 1.0, (a != a2) * 1.0))

    assert (a != b).mean() > 0.3
    assert triple.harm_low < 0 < triple.harm_high
    assert swap_p_value(a != b, a != a2) > 0.01
    assert abs(excess(quad(a, a2, b, b2)).harm) < 0.05
    assert abs(signal_share((a != b).mean(), (a != a2).mean())) < 0.1


def test_only_the_quad_sees_a_challenger_stuck_on_the_commonest_answer():
    """Mode collapse agrees more than the champion with itself: the triple is blind to it."""
    rng = np.random.default_rng(2)
    cumulative = answers(rng)
    a, a2 = draw(rng, cumulative), draw(rng, cumulative)
    mode = np.diff(cumulative, axis=1, prepend=0).argmax(axis=1)

    assert excess(triple_excess((a != mode) * 1.0, (a != a2) * 1.0)).harm_high < 0
    assert swap_p_value(a != mode, a != a2) > 0.5
    assert excess(quad(a, a2, mode, mode)).harm_low > 0.05


def test_nothing_to_swap_is_no_evidence():
    """When challenger and repeat always do the same, the p-value is 1."""
    assert swap_p_value(np.full(5, True), np.full(5, True)) == 1.0
    assert signal_share(1.0, 1.0) == 0.0
