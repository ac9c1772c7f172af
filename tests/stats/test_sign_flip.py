import numpy as np
import pytest
from scipy import stats

from harness.stats.sign_flip import N_DRAWS, SignFlip


def test_agrees_with_flipping_every_sign():
    """The list of subset means gives the p-value of all 2^K sign flips."""
    totals = np.random.default_rng(3).normal(0.4, 1, 10)

    ours = SignFlip.of(totals, np.ones(10)).p_at_most(0.0)

    theirs = stats.permutation_test(
        (totals,), np.mean, permutation_type="samples", alternative="greater", n_resamples=np.inf
    )
    assert ours == theirs.pvalue


@pytest.mark.parametrize("n_clusters", [8, 14, 18])
@pytest.mark.parametrize("alpha", [0.01, 0.05])
def test_bounds_are_where_the_p_value_crosses_alpha(n_clusters, alpha):
    """Just beyond a bound the p-value is below alpha, and on it, it is not."""
    rng = np.random.default_rng(n_clusters)
    flips = SignFlip.of(rng.normal(1, 3, n_clusters), rng.integers(1, 9, n_clusters).astype(float))

    high, low = flips.upper(alpha), flips.lower(alpha)

    assert flips.p_at_least(np.nextafter(high, np.inf)) < alpha <= flips.p_at_least(high)
    assert flips.p_at_most(np.nextafter(low, -np.inf)) < alpha <= flips.p_at_most(low)


def test_too_few_clusters_bound_nothing():
    """Eight clusters give p-values of 1/256 at best, so at 0.001 there is no bound."""
    flips = SignFlip.of(np.arange(1.0, 9.0), np.ones(8))

    assert flips.upper(0.001) == np.inf
    assert flips.lower(0.001) == -np.inf
    assert flips.p_at_most(-1e9) == 1 / 256


def test_a_seed_makes_draws_repeatable():
    """Beyond fourteen clusters subsets are drawn: same seed, same answer; the order of clusters
    and the choice of sides are no part of the seed."""
    rng = np.random.default_rng(5)
    totals, sizes = rng.normal(0.2, 1, 19), rng.integers(1, 5, 19).astype(float)
    shuffled = rng.permutation(19)

    first = SignFlip.of(totals, sizes, seed=1)

    assert first.n_subsets == N_DRAWS + 1
    assert not first.exact
    again = SignFlip.of(totals[shuffled], sizes[shuffled], seed=1)
    assert first.upper(0.05) == pytest.approx(again.upper(0.05), rel=1e-12)
    mirrored = SignFlip.of(-totals, sizes, seed=1)
    assert mirrored.lower(0.05) == pytest.approx(-first.upper(0.05), rel=1e-12)


def test_ties_count_on_both_sides():
    """All totals zero: nothing speaks against zero."""
    flips = SignFlip.of(np.zeros(10), np.ones(10))

    assert flips.p_at_least(0.0) == flips.p_at_most(0.0) == flips.p_two_sided(0.0) == 1.0


def test_very_many_clusters_are_flipped_in_groups():
    """The larger ones alone, the small ones together: as quick, and about as sure."""
    rng = np.random.default_rng(6)
    totals, sizes = rng.normal(0.1, 1, 20_000), np.ones(20_000)
    sizes[:5] = 4_000.0
    totals[:5] *= 4_000

    flips = SignFlip.of(totals, sizes)

    assert flips.n_subsets == N_DRAWS + 1
    assert flips.lower(0.05) < totals.sum() / sizes.sum() < flips.upper(0.05)


def test_equal_amounts_of_either_sign_are_drawn_alike_in_any_order():
    """Whole numbers tie, and a tie is not broken by the order of the table."""
    totals, sizes = np.tile([1.0, -1.0, 1.0], 10), np.ones(30)

    one, other = SignFlip.of(totals, sizes), SignFlip.of(np.sort(totals), sizes)

    assert one.upper(0.05) == other.upper(0.05)
    assert SignFlip.of(-totals, sizes).lower(0.05) == -one.upper(0.05)
