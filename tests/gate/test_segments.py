"""What is concluded from the parts of the traffic."""

from dataclasses import replace

import pytest

from harness.gate.decide import decide
from harness.gate.policy import AtLeast, AtMost, Improves, Margin, NotWorse, Policy, Segments
from harness.gate.segments import MOST_HYPOTHESES, PartEvidence, rule_in_part, scan
from harness.gate.validity import validate
from harness.stats.multiplicity import benjamini_hochberg, e_bh
from harness.verdict import Decision, FindingRole, Memory, Status, Unavailable
from tests.gate.evidence import ACCURACY, FAILURES, LATENCY, estimate, judged, observed

MOBILE = Segments(protected=("source=mobile",))
NOTHING_PROTECTED = Segments()


def seen(part, rule=FAILURES, harm=0.0, error=0.005, *, segments=MOBILE, **counts):
    return PartEvidence(part, rule, estimate(rule_in_part(rule, segments), harm, error, **counts))


def scanned(*evidence, segments=MOBILE):
    return scan(evidence, segments, adjust=benjamini_hochberg, select=None)


def decided(found, harm=0.0):
    findings = judged([FAILURES], [estimate(FAILURES, harm, 0.002)]) + found.findings
    checks = validate(observed(), Policy((FAILURES,)))
    return decide("new", findings, checks, observed())


def test_sure_harm_in_a_protected_part_rejects_and_is_named():
    """The whole passes; the reason says which part does not."""
    found = scanned(seen("source=mobile", harm=0.08), seen("source=web"))

    verdict = decided(found)

    assert verdict.decision is Decision.REJECT
    assert verdict.reason == (
        "not_worse failure_rate in source=mobile fails: harm +8.0 pp [+7.2, +8.8], surely above "
        "4 pp, 2 times the margin."
    )


def test_sure_harm_elsewhere_warns():
    """A diagnostic finding, which is said and decides nothing."""
    found = scanned(seen("source=mobile"), seen("source=web", harm=0.08))

    verdict = decided(found)

    assert verdict.decision is Decision.PROMOTE
    assert found.findings[-1].role is FindingRole.DIAGNOSTIC
    assert found.scan.flagged == ("not_worse failure_rate in source=web",)
    assert found.warnings[0].startswith("not_worse failure_rate in source=web: harm +8.0 pp")


@pytest.mark.parametrize(
    ("harm", "status"), [(0.05, Status.FAIL), (0.041, Status.PASS), (0.0, Status.PASS)]
)
def test_a_part_fails_only_where_it_is_surely_beyond_the_multiple(harm, status):
    """Twice the margin of 2 pp is 4; a little above it is not surely above it."""
    (finding,) = scanned(seen("source=mobile", harm=harm)).findings

    assert (finding.status, finding.margin, finding.segment) == (status, 0.04, "source=mobile")


def test_a_protected_part_with_too_few_clusters_holds():
    """29 clusters are not tested, whatever they show; one more is needed."""
    found = scanned(seen("source=mobile", harm=0.5, n_pairs=60, n_clusters=29))

    verdict = decided(found)

    assert verdict.decision is Decision.HOLD
    assert found.findings[0].clusters_missing == 1
    assert verdict.next_steps == (
        "source=mobile: 1 more cluster (3 pairs) needed to protect it; use a longer log "
        "(`--log FILE`).",
    )
    assert (found.scan.n_tested, found.scan.n_too_small) == (0, 1)


def test_thirty_clusters_are_tested():
    """The boundary belongs to the tested."""
    found = scanned(seen("source=mobile", harm=0.5, n_pairs=60, n_clusters=30))

    assert [finding.status for finding in found.findings] == [Status.FAIL]


def test_a_part_without_a_request_holds_where_it_is_protected():
    """Nobody knows how mobile users fare when none was seen."""
    nobody = Unavailable("failure_rate", "fraction", "no pair has a value on both sides")

    found = scanned(PartEvidence("source=mobile", FAILURES, nobody))

    assert decided(found).decision is Decision.HOLD
    assert found.findings[0].clusters_missing == 30


def test_a_small_part_that_nobody_protects_is_no_matter():
    """It is counted as too small and holds nothing."""
    small = seen("source=tv", harm=0.5, n_clusters=12)

    found = scanned(small, segments=NOTHING_PROTECTED)

    assert decided(found).decision is Decision.PROMOTE
    assert (found.scan.n_too_small, found.findings) == (1, ())


def test_a_certain_harm_without_an_interval_fails():
    """A p95 beyond the timeout has no interval and is worse all the same."""
    beyond = Unavailable(
        "latency_s.p95", "s", "its p95 lies beyond the timeout", n_clusters=80, certain_harm=True
    )

    (finding,) = scanned(PartEvidence("source=mobile", FAILURES, beyond)).findings

    assert (finding.status, finding.sentence) == (Status.FAIL, beyond.reason)


def test_what_cannot_be_estimated_with_enough_clusters_holds_with_its_reason():
    """A protected part is not passed because its quantile is unknown."""
    unknown = Unavailable("latency_s.p95", "s", "too few in the tail", n_clusters=80, n_pairs=90)

    (finding,) = scanned(PartEvidence("source=mobile", FAILURES, unknown)).findings

    assert (finding.status, finding.sentence) == (Status.INCONCLUSIVE, "too few in the tail")


def test_many_parts_make_a_find_harder():
    """p = 0.03 is a find alone and none among forty."""
    weak = replace(seen("source=mobile").seen, p_harm=0.03)
    alone = PartEvidence("source=mobile", FAILURES, weak)
    others = [seen(f"source=s{i}") for i in range(39)]

    assert scanned(alone).scan.flagged
    assert not scanned(alone, *others).scan.flagged


def test_goals_are_not_asked_of_parts():
    """A part that does not improve is no harm."""
    found = scanned(seen("source=mobile", ACCURACY, harm=0.5))

    assert (found.findings, found.scan.n_tested) == ((), 0)


def test_without_a_scan_protected_parts_alone_are_tested():
    """`scan: false` spends no hypothesis on the others."""
    narrow = replace(MOBILE, scan=False)

    found = scanned(seen("source=mobile"), seen("source=web", harm=0.5), segments=narrow)

    assert (found.scan.n_tested, found.scan.flagged) == (1, ())


def test_the_smallest_parts_beyond_the_cap_are_left_out_and_counted():
    """A protected part is tested however small."""
    others = [seen(f"source=s{i}", n_clusters=100 + i) for i in range(60)]

    found = scanned(*others, seen("source=mobile", harm=0.5, n_clusters=31))

    assert (found.scan.n_tested, found.scan.n_left_out) == (MOST_HYPOTHESES, 11)
    assert found.scan.flagged == ("not_worse failure_rate in source=mobile",)


def test_where_looks_are_free_e_values_decide():
    """Ten times the number of tests is a find, less is none."""

    def with_e(part, e_harm):
        one = seen(part)
        return replace(one, seen=replace(one.seen, e_value=1.0, memory=Memory(e_harm)))

    evidence = [with_e("source=mobile", 21.0), with_e("source=web", 3.0)]
    found = scan(evidence, MOBILE, adjust=benjamini_hochberg, select=_select)
    doubtful = scan([with_e("source=mobile", 19.0), evidence[1]], MOBILE, adjust=benjamini_hochberg,
                    select=_select)  # fmt: skip

    assert found.scan.method == "e-BH"
    assert [finding.status for finding in found.findings] == [Status.FAIL]
    assert [finding.status for finding in doubtful.findings] == [Status.PASS]
    assert found.findings[0].p_adjusted is None


def _select(e_values):
    return e_bh(e_values, rate=0.1)


@pytest.mark.parametrize(
    ("rule", "in_part"),
    [
        (LATENCY, NotWorse("latency_s.mean", Margin(0.009))),
        (
            NotWorse("latency_s.p95", Margin(0.1, relative=True)),
            NotWorse("latency_s.p95", Margin(0.1 * 3, relative=True)),
        ),
        (AtMost("failure_rate", 0.05), AtMost("failure_rate", 0.05)),
        (AtLeast("accuracy", 0.9), AtLeast("accuracy", 0.9)),
        (Improves("accuracy"), Improves("accuracy")),
    ],
)
def test_margins_are_multiplied_and_levels_are_not(rule, in_part):
    """A level has no margin that could be multiplied."""
    found = rule_in_part(rule, Segments(margin_factor=3))

    assert type(found) is type(in_part)
    assert found.title == in_part.title
    if isinstance(rule, NotWorse):
        assert found.margin.value == pytest.approx(in_part.margin.value)
        assert found.margin.relative == rule.margin.relative
    else:
        assert found == in_part


def test_parts_change_nothing_about_the_p_value_of_a_promotion():
    """Promotion hangs on the policy's rules alone."""
    alone = decided(scanned())

    with_parts = decided(scanned(seen("source=mobile"), seen("source=web")))

    assert with_parts.decision is Decision.PROMOTE
    assert with_parts.p_value == alone.p_value
    assert with_parts.reason == (
        "The guardrail passes, and no protected part of the traffic is surely harmed."
    )
