import numpy as np
import pytest

from harness.metric import Better
from harness.stats.bootstrap import bootstrap_quantile
from harness.stats.clusters import Clusters
from harness.stats.order_statistics import OrderStatistics
from harness.verdict import Estimate, Unavailable
from tests.stats.builders import ask_quantile, latencies


@pytest.fixture
def rng():
    return np.random.default_rng(31)


@pytest.mark.parametrize("p", [0.01, 0.5, 0.95, 0.999])
@pytest.mark.parametrize("size", [1, 7, 1000, 5000])
def test_order_statistics_are_the_inverted_distribution(rng, p, size):
    """A quantile is the smallest value with at least that share up to it, near or far."""
    values = np.round(rng.exponential(1, size), 2)
    column = OrderStatistics(values, p)

    for asked in (p, 0.0, 0.3, 1.0, min(1.0, p + 0.01)):
        expected = np.quantile(values, asked, method="inverted_cdf")
        assert column.quantile(asked) == expected


def test_quantiles_of_the_sides_not_of_the_differences(rng):
    """Harm is the difference of the two p95, however the pairs are matched."""
    champion, challenger, codes = latencies(rng, 3000, n_clusters=400, slower=1.1)

    found = ask_quantile(champion, challenger, codes, p=0.95, null=0.1)

    expected = np.quantile([champion, challenger], 0.95, method="inverted_cdf", axis=1)
    assert [found.champion, found.challenger] == pytest.approx(expected)
    assert found.harm == pytest.approx(expected[1] - expected[0])
    assert found.method == "difference of quantiles, Woodruff density, clustered t, CR2"


@pytest.mark.parametrize("p", [0.5, 0.95])
@pytest.mark.parametrize("relative", [True, False])
def test_interval_agrees_with_the_bootstrap(rng, p, relative):
    """The linearised interval and the cluster bootstrap's are nearly the same."""
    champion, challenger, codes = latencies(rng, 3000, n_clusters=300, slower=1.05)

    found = ask_quantile(champion, challenger, codes, p=p, relative=relative)
    drawn = bootstrap_quantile(
        champion,
        challenger,
        Clusters.of(codes),
        p=p,
        confidence=0.9,
        relative=relative,
        n_draws=500,
    )

    ours = (found.harm_low, found.harm_high)
    if relative:
        ours = tuple(np.log1p(ours))
    width = drawn.interval.high - drawn.interval.low
    assert ours[0] == pytest.approx(drawn.interval.low, abs=0.25 * width)
    assert ours[1] == pytest.approx(drawn.interval.high, abs=0.25 * width)


def test_higher_is_better_turns_the_sign(rng):
    """A median score that falls by a tenth is a relative harm of a tenth."""
    champion = rng.lognormal(0, 0.5, 2000)
    challenger = rng.permutation(champion) * 0.9

    found = ask_quantile(champion, challenger, better=Better.HIGHER, relative=True)

    assert found.harm == pytest.approx(0.1)


@pytest.mark.parametrize(("share_failed", "is_known"), [(0.0, True), (0.02, True), (0.06, False)])
def test_failures_below_the_quantile_do_not_move_it(rng, share_failed, is_known):
    """Failed requests rank last: p95 does not see 2 % of them, and is one of them at 6 %."""
    champion, challenger, _ = latencies(rng, 4000)
    worst = np.argsort(challenger)[len(challenger) - int(4000 * share_failed) :]
    failed = challenger.copy()
    failed[worst] = np.inf

    found = ask_quantile(champion, failed, p=0.95)

    assert isinstance(found, Estimate) is is_known
    if is_known:
        assert found.harm == ask_quantile(champion, challenger, p=0.95).harm


@pytest.mark.parametrize(
    ("champion_failed", "challenger_failed", "whose", "certain"),
    [
        (0.00, 0.10, "the challenger's", True),
        (0.00, 0.052, "the challenger's", False),  # 5.2 % of 2000 could well be 4.8 %
        (0.045, 0.10, "the challenger's", False),  # the champion's may be there too
        (0.10, 0.00, "the champion's", False),
        (0.10, 0.10, "both sides'", False),
    ],
)
def test_a_quantile_among_the_failures_is_harm_only_if_surely_the_challengers(
    rng, champion_failed, challenger_failed, whose, certain
):
    """No number, and yet certain harm, when failures surely reach the challenger's p95 alone."""
    champion, challenger, _ = latencies(rng, 2000)
    champion[: int(2000 * champion_failed)] = np.inf
    challenger[: int(2000 * challenger_failed)] = np.inf

    found = ask_quantile(champion, challenger, p=0.95)

    assert isinstance(found, Unavailable)
    assert found.reason == f"{whose} p95 lies beyond its timeout: too many requests failed"
    assert found.certain_harm is certain


def test_failures_close_to_the_quantile_leave_it_unbounded(rng):
    """When the interval of p95 reaches into the failures there is no upper bound to judge by."""
    champion, challenger, _ = latencies(rng, 2000)
    challenger[:95] = np.inf

    found = ask_quantile(champion, challenger, p=0.95)

    assert found.reason.startswith("the challenger's quantile is too close to its failures")
    assert not found.certain_harm


def test_few_values_beyond_the_quantile_hold(rng):
    """Ten independent values have to lie beyond the quantile; we say how many clusters would do."""
    champion, challenger, _ = latencies(rng, 500)

    found = ask_quantile(champion, challenger, p=0.99)

    assert found.reason == "5.0 independent values beyond the quantile are too few, 10 are needed"
    assert found.clusters_missing == pytest.approx(500, abs=5)
    assert isinstance(ask_quantile(*latencies(rng, 1200)[:2], p=0.99), Estimate)


def test_pairs_that_slow_down_together_count_for_less(rng):
    """Values beyond the quantile are counted after the design effect."""
    codes = np.repeat(np.arange(30), 20)
    slow = rng.exponential(1, 30)[codes]
    champion, challenger = slow + rng.exponential(0.01, (2, 600))

    found = ask_quantile(champion, challenger, codes, p=0.9)

    assert isinstance(found, Unavailable)
    assert "independent values beyond the quantile are too few" in found.reason


def test_constant_latency_has_no_density(rng):
    """With every value equal there is no steepness to read: no verdict, and advice."""
    found = ask_quantile(np.full(500, 0.1), rng.exponential(0.1, 500))

    assert found.reason == (
        "too many of the champion's values equal its quantile, 0.1: gate the exceedance of a limit"
    )


@pytest.mark.parametrize(("step", "is_known"), [(1e-3, True), (1e-2, True), (0.1, False)])
def test_a_coarse_clock_has_no_density(rng, step, is_known):
    """Rounding far below the interval's width does no harm; steps of its size are refused."""
    champion, challenger = np.ceil(rng.lognormal(0, 0.5, (2, 1500)) / step) * step

    found = ask_quantile(champion, challenger)

    assert isinstance(found, Estimate) is is_known
    if not is_known:
        assert found.reason.endswith("gate the exceedance of a limit")


def test_a_constant_shift_is_not_certainty(rng):
    """The same delay on every pair has no spread; the sign flips answer, never with 0."""
    champion = rng.exponential(0.1, 2000)

    found = ask_quantile(champion, champion + 0.01, null=0.05)

    assert found.harm_high == pytest.approx(0.01)
    assert found.p_value == 1 / 10_000


def test_identical_sides_hold(rng):
    """Champion against itself: nothing is known of how far apart they could be."""
    champion = rng.exponential(0.1, 2000)

    found = ask_quantile(champion, champion, relative=True)

    assert found.reason.startswith("the harm is 0 on every pair")


def test_too_few_clusters_hold(rng):
    """Fewer than eight clusters give no quantile."""
    found = ask_quantile(
        rng.exponential(1, 700), rng.exponential(1, 700), np.repeat(np.arange(7), 100)
    )

    assert found.reason == "7 clusters are too few, 8 are needed"


def test_zero_has_no_ratio(rng):
    """A relative margin wants a positive quantile."""
    champion, challenger = rng.normal(0, 1, (2, 500))

    found = ask_quantile(champion, challenger, p=0.4, relative=True)

    assert "has no ratio: use an absolute margin" in found.reason


def test_a_bootstrap_is_repeatable(rng):
    """Same seed, same interval."""
    champion, challenger, codes = latencies(rng, 200, n_clusters=40)
    ask = {"p": 0.5, "confidence": 0.95, "n_draws": 50}
    clusters = Clusters.of(codes)

    first = bootstrap_quantile(champion, challenger, clusters, seed=1, **ask)

    assert first == bootstrap_quantile(champion, challenger, clusters, seed=1, **ask)
    assert first != bootstrap_quantile(champion, challenger, clusters, seed=2, **ask)
