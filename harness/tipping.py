"""How bad the pairs without a value would have to be to turn a finding.

However they are, they cannot move a mean by more than their share of its range (Manski 2003); and
where a value has no range, it can still be said which mean among them would make the difference.
"""

from __future__ import annotations

from dataclasses import replace

from harness.gate.bound import bound_of
from harness.gate.policy import AtLeast, AtMost, Improves, Rule
from harness.metric import Exceedance, Mean, Metric, Quantile, Rate, Sides
from harness.stats.interval import Interval
from harness.stats.missingness import manski_bounds, tipping_point
from harness.verdict import Finding, Status


def with_missing(finding: Finding, rule: Rule, metric: Metric) -> Finding:
    """A finding with what the pairs left out of it could do."""
    if not (finding.n_left_out and finding.n_pairs):
        return finding
    share = finding.n_left_out / (finding.n_left_out + finding.n_pairs)
    finding = replace(finding, missing_share=share)
    low, high = finding.harm_low, finding.harm_high
    by_design = metric.quantity.endswith(".excess")
    if by_design or finding.relative or isinstance(metric.statistic, Quantile):
        return finding
    if finding.harm is None or low is None or high is None:
        return finding
    reach = _reach(rule, metric)
    if reach is not None:
        finding = replace(
            finding,
            missing_harm_low=manski_bounds(finding.harm, missing_share=share, worst=reach).low,
            missing_harm_high=manski_bounds(finding.harm, missing_share=share, worst=reach).high,
        )
    return replace(finding, tipping_point=_tip(finding, rule, share, reach))


def _tip(finding: Finding, rule: Rule, share: float, reach: Interval | None) -> float | None:
    """Where the bound that decided would meet what it was held against; None where it cannot."""
    if finding.harm_low is None or finding.harm_high is None:
        return None
    match finding.status:
        case Status.PASS:
            limit = bound_of(rule).value
            tip = tipping_point(finding.harm_high, missing_share=share, null=limit)
            return tip if reach is None or tip <= reach.high else None
        case Status.FAIL:
            limit = -rule.worth if isinstance(rule, Improves) else bound_of(rule).value
            if not finding.harm_low > limit:
                return None  # an alarm of an earlier look: no value of today undoes it
            tip = tipping_point(finding.harm_low, missing_share=share, null=limit)
            return tip if reach is None or tip >= reach.low else None
        case _:
            return None


def _reach(rule: Rule, metric: Metric) -> Interval | None:
    """The least and the greatest harm of one pair."""
    match metric.statistic:
        case Rate() | Exceedance():
            if isinstance(rule, AtLeast):
                return Interval(-1.0, 0.0)
            is_level = isinstance(rule, AtMost) or metric.sides is Sides.PAIR
            return Interval(0.0, 1.0) if is_level else Interval(-1.0, 1.0)
        case Mean() | Quantile():
            return None
