"""Whom a part of the traffic may be sent to."""

from dataclasses import replace

import pytest

from harness.gate.policy import Improves, Margin, NotWorse
from harness.gate.routing import routes
from harness.gate.segments import PartEvidence
from harness.verdict import RouteTo, Unavailable
from tests.gate.evidence import estimate

QUALITY = NotWorse("accuracy", Margin(0.02))
CHEAPER = Improves("cost_usd.mean", Margin(0.0, relative=True))


def quality(low, high, part="length=below 200", **counts):
    seen = estimate(QUALITY, (low + high) / 2, 0.01, **counts)
    return PartEvidence(part, QUALITY, replace(seen, harm_low=low, harm_high=high))


def cost(low, high, part="length=below 200", **counts):
    seen = estimate(CHEAPER, (low + high) / 2, 0.01, **counts)
    seen = replace(seen, harm_low=low, harm_high=high, champion=0.02, challenger=0.005)
    return PartEvidence(part, CHEAPER, seen)


@pytest.mark.parametrize(
    ("quality_of", "cost_of", "to", "reason"),
    [
        (
            (-0.01, 0.01),
            (-0.8, -0.7),
            RouteTo.CHALLENGER,
            "within the margins of the guardrail, and cheaper",
        ),
        # as good, but nobody can say whether cheaper
        ((-0.01, 0.01), (-0.1, 0.1), RouteTo.OPEN, "not shown: cheaper"),
        # cheaper, but perhaps worse than its margin allows
        ((-0.01, 0.03), (-0.8, -0.7), RouteTo.OPEN, f"not shown: {QUALITY.title}"),
        (
            (0.03, 0.05),
            (-0.8, -0.7),
            RouteTo.CHAMPION,
            f"surely beyond its margin: {QUALITY.title}",
        ),
        ((-0.01, 0.01), (0.1, 0.2), RouteTo.CHAMPION, "the challenger is surely dearer"),
    ],
)
def test_a_part_is_sent_where_it_is_surely_as_good_and_cheaper(quality_of, cost_of, to, reason):
    """Anything less stays open, and says what is not shown."""
    (route,) = routes([quality(*quality_of), cost(*cost_of)])

    assert (route.to, route.reason) == (to, reason)
    assert route.cost_change == pytest.approx(-0.75)


def test_a_rule_without_evidence_leaves_a_part_open():
    """Silence is not as good."""
    unseen = PartEvidence("length=below 200", QUALITY, Unavailable("accuracy", "fraction", "none"))

    (route,) = routes([unseen, cost(-0.8, -0.7)])

    assert route.to is RouteTo.OPEN


def test_few_clusters_are_too_few():
    """A part of a handful of users is sent nowhere by its numbers."""
    few = {"n_clusters": 29}

    (route,) = routes([quality(-0.01, 0.01, **few), cost(-0.8, -0.7, **few)])

    assert (route.to, route.reason) == (RouteTo.OPEN, "29 clusters are too few, 30 are needed")


def test_cost_alone_sends_nothing():
    """Cheaper is no reason where nobody looked at quality."""
    (route,) = routes([cost(-0.8, -0.7)])

    assert route.reason == "not shown: any guardrail besides cost"


def test_without_a_rule_on_cost_there_are_no_routes():
    """Nobody asked what it costs."""
    assert routes([quality(-0.01, 0.01)]) == ()


def test_the_largest_part_comes_first():
    """A reader starts where most of the traffic is."""
    small = [one("a", n_pairs=50) for one in (_quality_in, _cost_in)]
    large = [one("b", n_pairs=500) for one in (_quality_in, _cost_in)]

    assert [route.segment for route in routes([*small, *large])] == ["b", "a"]


def _quality_in(part, **counts):
    return quality(-0.01, 0.01, part, **counts)


def _cost_in(part, **counts):
    return cost(-0.8, -0.7, part, **counts)
