"""What `harness plan` says to a person."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from harness.cli.demand import demand
from harness.gate.policy import AtLeast, AtMost, Improves, NotWorse
from harness.plan import AtHand, PartPlan, RulePlan, bottleneck
from harness.quantity import difference_scale, level_scale, say
from harness.report.numbers import count
from harness.report.screen import draw
from harness.stats.assumptions import Assumptions

_NOTHING = "–"


@dataclass(frozen=True, slots=True)
class Source:
    """What a plan was made from.

    Attributes:
        pilot: The run it learnt from; None where it assumed.
        where: Of the data at hand.
        power: Chance to promote that was wanted.
    """

    config: str
    pilot: str | None
    assumptions: Assumptions
    at_hand: AtHand | None
    where: str
    power: float


@dataclass(frozen=True, slots=True)
class Planned:
    """The plan of challengers that have one in common.

    Attributes:
        stands_in: The pilot's challenger whose values were taken, where the pilot lacks this one.
        parts: That are protected; empty without a pilot.
        gate_run: As in `Aim`.
    """

    names: tuple[str, ...]
    rules: tuple[RulePlan, ...]
    stands_in: str | None = None
    parts: tuple[PartPlan, ...] = ()
    gate_run: int | None = None


def as_text(source: Source, planned: Sequence[Planned], *, width: int, colour: bool) -> str:
    """Draw a plan."""
    return draw(_parts(source, _grouped(planned)), width=width, colour=colour)


def _grouped(planned: Sequence[Planned]) -> list[Planned]:
    groups: dict[tuple[tuple[RulePlan, ...], tuple[PartPlan, ...]], list[Planned]] = {}
    for one in planned:
        groups.setdefault((one.rules, one.parts), []).append(one)
    return [
        replace(group[0], names=tuple(name for one in group for name in one.names))
        for group in groups.values()
    ]


def _parts(source: Source, planned: Sequence[Planned]) -> Iterator[RenderableType]:
    n_challengers = sum(len(one.names) for one in planned)
    among = f" among {n_challengers} challengers" if n_challengers > 1 else ""
    yield Text(f"For a promotion with power {source.power:g}{among}, {_learnt(source)}.")
    yield Text(_at_hand(source))
    for one in planned:
        yield Text()
        yield _heading(one)
        yield _table(one.rules, _sequential(one.rules))
        yield Text()
        yield _notes(one.rules)
        yield Text()
        yield from (Text(line) for line in _conclusion(source, one.rules))
        yield from (Text(_protected(part)) for part in one.parts)
        if one.gate_run is not None:
            yield Text(
                f"Planned as gate run {one.gate_run} of the ledger, whose runs share one error."
            )


def _learnt(source: Source) -> str:
    if source.pilot is not None:
        return f"as the pilot {source.pilot} lets expect"
    taken = source.assumptions
    return (
        f"on assumptions (--disagreement {taken.disagreement:g} --spread {taken.spread:g} "
        f"--icc {taken.icc:g}); a pilot with --run is better"
    )


def _at_hand(source: Source) -> str:
    if source.at_hand is None:
        return "At hand: not known; name a log in the config, or give --pairs and --clusters."
    here = source.at_hand
    counted = f"{count(here.n_pairs)} pairs in {count(here.n_clusters)} clusters"
    return f"At hand: {counted} ({source.where})."


def _heading(one: Planned) -> Text:
    names = ", ".join(one.names)
    stand_in = f"  (as {one.stands_in} in the pilot)" if one.stands_in else ""
    return Text.assemble((names, "bold"), stand_in)


def _sequential(rules: Sequence[RulePlan]) -> bool:
    return any(one.clusters_to_budget is not None for one in rules)


def _table(rules: Sequence[RulePlan], sequential: bool) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    table.add_column("")
    table.add_column("rule", overflow="fold")
    table.add_column("wanted", justify="right")
    table.add_column("if in truth", justify="right")
    table.add_column("pairs", justify="right")
    table.add_column("clusters", justify="right")
    if sequential:
        table.add_column("stops at about", justify="right")
        table.add_column("be ready for", justify="right")
    table.add_column("those at hand show", overflow="fold")
    for one in rules:
        stops = [_maybe(one.expected_clusters), _maybe(one.clusters_to_budget)]
        table.add_row(
            _sign(one),
            one.rule.title,
            demand(one.rule, one.metric),
            _truth(one),
            _maybe(one.pairs_needed),
            _maybe(one.clusters_needed),
            *(stops if sequential else ()),
            _shown(one),
        )
    return table


def _sign(one: RulePlan) -> str:
    return {True: "✓", False: "✗", None: "?"}[one.is_enough]


def _truth(one: RulePlan) -> str:
    if one.assumed is None:
        return _NOTHING
    match one.rule:
        case AtMost():
            return say(one.assumed, one.metric.unit)
        case AtLeast():
            return say(-one.assumed, one.metric.unit)
        case _:
            return "no harm" if one.assumed == 0 else _difference(one, one.assumed)


def _shown(one: RulePlan) -> str:
    """What the data at hand could show, in the words of the rule."""
    match one.rule:
        case NotWorse() if one.smallest_margin is not None:
            return f"margins from {_difference(one, one.smallest_margin)}"
        case Improves() if one.provable is not None:
            return f"gains from {_difference(one, -one.provable)}"
        case AtMost() if one.provable is not None:
            return f"values up to {_level(one, one.provable)}"
        case AtLeast() if one.provable is not None:
            return f"values from {_level(one, -one.provable)}"
        case _:
            return _NOTHING


def _difference(one: RulePlan, value: float) -> str:
    scale = difference_scale(one.metric.unit, value, relative=one.relative)
    return _two_digits(value * scale.factor) + scale.suffix


def _level(one: RulePlan, value: float) -> str:
    scale = level_scale(one.metric.unit, value)
    return f"{value * scale.factor:.3g}{scale.suffix}"


def _two_digits(value: float) -> str:
    return f"{value:.2g}".replace("-", "−") if abs(value) < 100 else f"{value:,.0f}"


def _maybe(number: int | None) -> str:
    return _NOTHING if number is None else count(number)


def _notes(rules: Sequence[RulePlan]) -> Table:
    """What each line stands on, and why something is missing from it."""
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    for one in rules:
        table.add_row(one.rule.title, "; ".join(part for part in (one.basis, one.why) if part))
    return table


def _protected(part: PartPlan) -> str:
    if part.clusters_needed is None:
        return f"Protected {part.part}: no cluster of the pilot is there, so the gate would hold."
    short = ", and the data at hand are too few" if part.is_enough is False else ""
    there, needed = say(part.clusters_share, "fraction"), count(part.clusters_needed)
    return f"Protected {part.part}, {there} of the clusters: needs {needed} clusters in all{short}."


def _conclusion(source: Source, rules: Sequence[RulePlan]) -> Iterator[str]:
    widest = bottleneck(rules)
    if widest is None:
        yield "No rule could be planned."
        return
    needed = f"{_maybe(widest.pairs_needed)} pairs in {_maybe(widest.clusters_needed)} clusters"
    yield f"Bottleneck: {widest.rule.title} needs {needed}."
    if source.at_hand is not None:
        short = [one.rule.title for one in rules if one.is_enough is False]
        if short:
            yield f"The data at hand are too few for {', '.join(short)}."
        else:
            yield "The data at hand are enough for every rule that could be planned."
