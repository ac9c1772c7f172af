"""What a search through the parts of the traffic found, in a few lines and as a table's rows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from harness.quantity import difference_scale, say_interval
from harness.report import numbers
from harness.verdict import (
    ChallengerVerdict,
    Finding,
    SegmentContrast,
    SegmentScan,
    Status,
)

MOST_LINES = 4

SURE = 0.05
"""A contrast between parts is brought up on a screen below that p-value."""


def shown(findings: Sequence[Finding]) -> list[Finding]:
    """The policy's rules, and of those asked again within a part the ones that found harm."""
    return [one for one in findings if one.segment is None or one.status is Status.FAIL]


def segment_lines(judged: ChallengerVerdict) -> list[str]:
    """What a reader should know; nothing where nothing is flagged or protected or turned round."""
    scan = judged.segment_scan
    if scan is None:
        return []
    lines = [*_tests(scan), *_unprotected(judged.findings), *_contrasts(scan)]
    if len(lines) <= MOST_LINES:
        return lines
    more = len(lines) - MOST_LINES + 1
    return [*lines[: MOST_LINES - 1], f"{numbers.count(more)} more lines are in the JSON form"]


def _tests(scan: SegmentScan) -> Iterator[str]:
    if not (scan.flagged or scan.protected):
        return
    found = f"{numbers.count(len(scan.flagged))} flagged" if scan.flagged else "none flagged"
    left = f", {numbers.count(scan.n_left_out)} left out" if scan.n_left_out else ""
    small = f", {numbers.count(scan.n_too_small)} too small to test" if scan.n_too_small else ""
    protected = f"; protected: {', '.join(scan.protected)}" if scan.protected else ""
    tests = f"{numbers.count(scan.n_tested)} {'test' if scan.n_tested == 1 else 'tests'}"
    yield (
        f"{tests} within parts, {found} ({scan.method} at {100 * scan.false_share:.0f} %)"
        f"{left}{small}{protected}"
    )


def _unprotected(findings: Sequence[Finding]) -> Iterator[str]:
    """Protected parts that could not be tested, each reason once."""
    reasons = (
        one.sentence
        for one in findings
        if one.segment is not None and one.status is Status.INCONCLUSIVE
    )
    yield from dict.fromkeys(reasons)


def _contrasts(scan: SegmentScan) -> Iterator[str]:
    for one in scan.contrasts:
        if one.reversal is not None and _is_sure(one):
            yield f"{one.rule} by {one.segment}: {one.reversal}"
        elif one.p_interaction is not None and one.p_interaction < SURE:
            yield (
                f"{one.rule} by {one.segment}: some parts gain while others are harmed "
                f"(p = {numbers.p_value(one.p_interaction)})"
            )
        if one.reweighted is not None and one.reweighted.status is not None:
            for warning in one.reweighted.warnings:
                yield f"{one.rule} by {one.segment}: {warning}"


def _is_sure(one: SegmentContrast) -> bool:
    return one.p_heterogeneity is not None and one.p_heterogeneity < SURE


def reweighted(one: SegmentContrast, unit: str, *, relative: bool) -> str:
    """The harm in the mix of production with its interval."""
    found = one.reweighted
    if found is None or found.harm is None or found.harm_low is None or found.harm_high is None:
        return numbers.NOTHING
    parts = (found.harm, found.harm_low, found.harm_high)
    scale = difference_scale(unit, *parts, relative=relative)
    return say_interval(*parts, scale, signed=True)
