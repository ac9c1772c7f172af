"""How bad the pairs left out would have to be."""

import pytest

from harness.gate.policy import AtLeast, AtMost, Improves, Margin, NotWorse
from harness.measure import catalog
from harness.tipping import with_missing
from harness.verdict import Finding, FindingRole, Status


def finding(rule, status=Status.PASS, *, low=-0.02, high=0.01, n_left_out=20, **more):
    return Finding(
        rule=rule.title,
        role=FindingRole.GUARDRAIL,
        metric=rule.metric,
        unit="fraction",
        status=status,
        sentence="",
        harm=(low + high) / 2,
        harm_low=low,
        harm_high=high,
        n_pairs=980,
        n_left_out=n_left_out,
        **more,
    )


def tipped(rule, *args, **about):
    metric = catalog.resolve(rule.metric, outputs={}, comparisons=("label",), repeated=True)
    return with_missing(finding(rule, *args, **about), rule, metric)


ACCURACY = NotWorse("accuracy", Margin(0.02))


def test_a_pass_tips_where_the_bound_over_all_pairs_meets_the_margin():
    """With 2 % missing and a bound 1 pp below the margin: 51 pp worse among these."""
    found = tipped(ACCURACY)

    assert found.missing_share == pytest.approx(0.02)
    assert 0.98 * 0.01 + 0.02 * found.tipping_point == pytest.approx(0.02)
    assert (found.missing_harm_low, found.missing_harm_high) == (
        pytest.approx(-0.0249),
        pytest.approx(0.0151),
    )


def test_a_fail_tips_where_its_lower_bound_does():
    """And a futile goal where a gain worth shipping is possible again."""
    failed = tipped(ACCURACY, Status.FAIL, low=0.03, high=0.05)
    futile = tipped(Improves("accuracy", worth=0.02), Status.FAIL, low=-0.015, high=0.01)

    assert 0.98 * 0.03 + 0.02 * failed.tipping_point == pytest.approx(0.02)
    assert 0.98 * -0.015 + 0.02 * futile.tipping_point == pytest.approx(-0.02)


def test_what_no_pair_can_do_tips_nothing():
    """A pair is worse by 1 at most: two of a thousand cannot move a share by 1 pp."""
    assert tipped(ACCURACY, n_left_out=2).tipping_point is None
    assert tipped(ACCURACY, n_left_out=2).missing_harm_high is not None


@pytest.mark.parametrize(
    ("rule", "span"),
    [
        (NotWorse("accuracy", Margin(0.02)), 0.04),
        (AtMost("label.disagreement_rate", 0.05), 0.02),
        (AtLeast("accuracy", 0.9), 0.02),
    ],
)
def test_the_missing_move_a_share_by_their_share_of_its_range(rule, span):
    """From best to worst: two for a difference, one for a level."""
    found = tipped(rule, Status.INCONCLUSIVE)

    assert found.missing_harm_high - found.missing_harm_low == pytest.approx(span)
    assert found.tipping_point is None


def test_where_there_is_no_average_nothing_is_said():
    """Quantiles, relative harms, and what is missing by design; nor where nothing is missing."""
    assert tipped(NotWorse("latency_s.p95", Margin(0.1))).tipping_point is None
    relative = NotWorse("cost_usd.mean", Margin(0.1, relative=True))
    assert tipped(relative, relative=True).tipping_point is None
    assert tipped(NotWorse("label.excess", Margin(0.02))).tipping_point is None
    assert tipped(ACCURACY, n_left_out=0).missing_share == 0
