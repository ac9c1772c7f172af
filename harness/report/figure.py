"""A verdict's numbers as drawings, each for a wide screen and for a phone."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from harness.quantity import difference_scale, say, say_e_value
from harness.report import numbers
from harness.report.charts.closing import closing
from harness.report.charts.fields import disagreement
from harness.report.charts.flow import Stage, flow
from harness.report.charts.forest import ForestRow, forest
from harness.report.charts.overlaid import overlaid
from harness.report.charts.quantiles import quantile_difference
from harness.report.material import Distribution, Field, History, Material, QuantileCurve
from harness.report.rule_row import row_of
from harness.verdict import ChallengerVerdict, Finding

WIDE, NARROW = 860, 340

MOST_RULES = 40
MOST_FIELDS = 16
MOST_LOSSES = 12

_BEFORE_MIRRORING = frozenset(
    {"sampled_out", "ineligible", "too_large", "unredacted", "shed_rate", "shed_budget"}
)
"""Losses of requests that were never to be put to a challenger."""

NAMES = {
    "latency_s": "Latency",
    "first_byte_s": "Time to the first byte",
    "cost_usd": "Cost of a call",
}


@dataclass(frozen=True, slots=True)
class Figure:
    """One drawing.

    Attributes:
        note: What a reader should know of it, a sentence or two.
        method: Anchor of the explanation.
        wide: SVG; `narrow` is the same for a phone.
    """

    title: str
    note: str
    method: str
    wide: str
    narrow: str


def rules(findings: Sequence[Finding]) -> Figure | None:
    """The forest of rules; None without any."""
    rows = [_forest_row(finding) for finding in findings[:MOST_RULES]]
    if not rows:
        return None
    note = "Each row has a scale of its own, laid so that all margins stand on one line."
    return _figure("", note, "harm", lambda width: forest(rows, width=width))


def times_and_costs(material: Material) -> Iterator[Figure]:
    """For each quantity how it lies on both sides, and how its quantiles differ."""
    curves = {curve.quantity: curve for curve in material.curves}
    for seen in material.distributions:
        yield _distribution(seen)
        curve = curves.get(seen.quantity)
        if curve is not None and (drawn := _curve(curve)).wide:
            yield drawn


def requests(judged: ChallengerVerdict, material: Material) -> Figure:
    """From what came in to what both sides answered."""
    stages = list(_stages(judged, material))
    note = "Bars are to one scale; what is lost at each step stands below it."
    return _figure("", note, "requests", lambda width: flow(stages, width=width))


def differing(fields: Sequence[Field]) -> Figure | None:
    """How often each field differs; None where nothing was compared."""
    shown = [one for one in fields if one.share > 0 or one.floor is not None][:MOST_FIELDS]
    if not shown:
        return None
    has_floor = any(one.floor is not None for one in shown)
    note = (
        "The upright mark is the noise floor: how often the champion differs from itself."
        if has_floor
        else "There is no noise floor: nobody asked the champion twice (`repeat` in the config)."
    )
    return _figure("", note, "labels-and-noise", lambda width: disagreement(shown, width=width))


def looks(histories: Sequence[History], findings: Sequence[Finding]) -> Iterator[Figure]:
    """Each rule's interval over the pairs seen."""
    by_rule = {finding.rule: finding for finding in findings if finding.segment is None}
    for history in histories:
        status = by_rule[history.rule].status.value if history.rule in by_rule else "no_data"
        drawn = _closing(history, status)
        if drawn.wide:
            yield drawn


def _closing(history: History, status: str) -> Figure:
    last = history.looks[-1] if history.looks else None
    verb = history.rule.partition(" ")[0]
    drawn = _turned(history) if verb == "at_least" else history
    note = "The interval holds at every look at once."
    if last is not None:
        seen = f"{numbers.count(last.n_pairs)} pairs"
        note += f" After {seen} the e-value is {say_e_value(last.e_value)}."
    return _figure(
        history.rule,
        note,
        "looking-at-any-time",
        lambda width: closing(
            drawn, width=width, status=status, is_level=verb in {"at_most", "at_least"}
        ),
    )


def _turned(history: History) -> History:
    """A rule that wants much of something: its harm is the level below zero."""
    return replace(
        history,
        margin=-history.margin,
        looks=tuple(
            replace(one, harm=-one.harm, harm_low=-one.harm_high, harm_high=-one.harm_low)
            for one in history.looks
        ),
    )


def _forest_row(finding: Finding) -> ForestRow:
    row = row_of(finding)
    is_level = numbers.kind(finding) in {"at_most", "at_least"}
    return ForestRow(
        rule=row.rule,
        status=finding.status.value,
        word=row.word,
        said=row.harm if finding.harm is not None else finding.sentence,
        wanted=row.wanted,
        middle=finding.harm,
        low=finding.harm_low,
        high=finding.harm_high,
        margin=finding.margin,
        zero=None if is_level else 0.0,
    )


def _distribution(seen: Distribution) -> Figure:
    name = NAMES.get(seen.quantity, seen.quantity)
    failed = {
        side: ", ".join(f"{kind} {numbers.count(n)}" for kind, n in kinds.items()) or "none"
        for side, kinds in (
            ("champion", seen.champion_failed),
            ("challenger", seen.challenger_failed),
        )
    }
    note = f"Share of requests in each of {len(seen.champion)} bins"
    note += ", bins of equal ratios." if seen.is_logarithmic else "."
    if seen.unit == "s":
        note += f" Failed: champion {failed['champion']}; challenger {failed['challenger']}."
    title = f"{name} of both sides"
    return _figure(
        title,
        note,
        "missing-and-censored",
        lambda width: overlaid(seen, width=width, title=f"{title}. {note}"),
    )


def _curve(curve: QuantileCurve) -> Figure:
    title = f"{NAMES.get(curve.quantity, curve.quantity)}: difference of quantiles"
    note = (
        f"Challenger minus champion at each quantile, from {numbers.count(curve.n_pairs)} pairs, "
        f"with a band of {100 * (2 * curve.confidence - 1):.3g} % at each by itself. "
        "Dotted: too few values for a band."
    )
    lost = [point for point in curve.points if point.difference is None]
    if lost:
        note += f" From p{100 * lost[0].p:g} on a side failed, and has no quantile."
    marked = [one for one in curve.points if one.p in {0.5, 0.95} and one.difference is not None]
    scale = difference_scale(curve.unit, *(one.difference for one in marked))
    said = "; ".join(
        f"p{100 * one.p:g} {say(one.champion, curve.unit)} and {say(one.challenger, curve.unit)}"
        for one in marked
    )
    return _figure(
        title,
        note,
        "quantile-harm",
        lambda width: quantile_difference(
            curve,
            width=width,
            title=f"{title} in{scale.suffix}: {said}",
            upwards="dearer" if curve.unit == "usd" else "slower",
        ),
    )


def _stages(judged: ChallengerVerdict, material: Material) -> Iterator[Stage]:
    losses = sorted(
        ((reason, n) for reason, n in judged.losses.items() if n), key=lambda one: -one[1]
    )
    before = [(reason, n) for reason, n in losses if reason in _BEFORE_MIRRORING]
    after = [(reason, n) for reason, n in losses if reason not in _BEFORE_MIRRORING]
    received = judged.received
    if received is not None:
        paired = received - sum(judged.losses.values()) - judged.pending
        yield Stage("received", received, _few(before))
        more = [*after, *([("pending", judged.pending)] if judged.pending else [])]
        left_out = paired - judged.n_pairs
        if left_out > 0:
            more.append(("left out", left_out))
        yield Stage("mirrored", received - sum(n for _, n in before), _few(more))
    failed = [(name, n) for name, n in material.outcomes.items() if name != "both answered"]
    yield Stage("paired", judged.n_pairs, failed)
    if material.outcomes:
        yield Stage("both answered", material.outcomes.get("both answered", 0))


def _few(losses: list[tuple[str, int]]) -> list[tuple[str, int]]:
    if len(losses) <= MOST_LOSSES:
        return losses
    rest = losses[MOST_LOSSES - 1 :]
    return [*losses[: MOST_LOSSES - 1], (f"{len(rest)} more reasons", sum(n for _, n in rest))]


def _figure(title: str, note: str, method: str, draw: Callable[[int], str]) -> Figure:
    return Figure(title, note, method, wide=draw(WIDE), narrow=draw(NARROW))
