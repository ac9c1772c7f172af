"""Tool calls agree when the same tools are called with the same arguments."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

import orjson

from harness.compare.comparison import SAME, Comparison
from harness.compare.structure import MOST_PATHS, SameStructure
from harness.compare.wording import shown
from harness.output import JsonValue


@dataclass(frozen=True, slots=True)
class Call:
    """One call. Arguments that are text and no JSON stay text."""

    name: str
    arguments: JsonValue


@dataclass(frozen=True, slots=True)
class SameCalls:
    """Lists of tool calls, in the forms of the chat APIs.

    Read are entries with `function: {name, arguments}` (OpenAI chat), and those of the types
    `function_call` (OpenAI responses) and `tool_use` (Anthropic); other entries of the list, such
    as text, are passed over, so that `$.output` and `$.content` can be given as they are. No list
    at all is no calls. Ids do not matter.

    The distance, 0 to 1, is the mean over calls: 1 for another tool or a call that one side does
    not make, otherwise the share of arguments that differ.

    Args:
        order: `any` pairs calls of the same tool wherever they stand; what is left over differs.
        ignore: Arguments that are not compared, as in `structure`: `$.request_id`.

    Examples:
        >>> call = {"type": "tool_use", "name": "weather", "input": {"city": "Ulm", "days": 3}}
        >>> other = {"type": "tool_use", "name": "weather", "input": {"city": "Ulm", "days": 5}}
        >>> SameCalls()([call], [other]).note
        'weather: $.days: 3 -> 5'
    """

    order: Literal["strict", "any"] = "strict"
    ignore: tuple[str, ...] = ()
    _same: SameStructure = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if self.order not in ("strict", "any"):
            raise ValueError(f"order is {self.order!r}, must be strict or any")
        object.__setattr__(self, "ignore", tuple(self.ignore))
        object.__setattr__(self, "_same", SameStructure(ignore=self.ignore))

    def __call__(self, champion: JsonValue, challenger: JsonValue) -> Comparison:
        one, other = [*calls_in(champion)], [*calls_in(challenger)]
        if not one and not other:
            return SAME
        compared = [self._compared(*pair) for pair in self._paired(one, other)]
        differing = [each for each in compared if not each.agree]
        if not differing:
            return SAME
        paths = dict.fromkeys(path for each in differing for path in each.paths)
        return Comparison(
            distance=sum(each.distance for each in compared) / len(compared),
            agree=False,
            note=differing[0].note,
            paths=tuple(paths)[:MOST_PATHS],
        )

    def _paired(
        self, one: list[Call], other: list[Call]
    ) -> Iterator[tuple[Call | None, Call | None]]:
        """Who is compared with whom."""
        if self.order == "strict":
            for at in range(max(len(one), len(other))):
                yield (
                    one[at] if at < len(one) else None,
                    other[at] if at < len(other) else None,
                )
            return
        left = list(other)
        for call in one:
            there = [match for match in left if match.name == call.name]
            nearest = min(
                there, key=lambda match: self._compared(call, match).distance, default=None
            )
            if nearest is not None:
                left.remove(nearest)
            yield call, nearest
        for call in left:
            yield None, call

    def _compared(self, one: Call | None, other: Call | None) -> Comparison:
        if one is None or other is None or one.name != other.name:
            here, there = (shown(call.name) if call else "no call" for call in (one, other))
            return Comparison(1.0, agree=False, note=f"{here} -> {there}", paths=("$",))
        compared = self._same(one.arguments, other.arguments)
        if compared.agree:
            return SAME
        return Comparison(
            compared.distance,
            agree=False,
            note=f"{one.name}: {compared.note}",
            paths=tuple(f"$.{one.name}{path[1:]}" for path in compared.paths),
        )


def calls_in(value: JsonValue) -> Iterator[Call]:
    """The calls of a list, in its order."""
    for entry in value if isinstance(value, list) else ():
        match entry:
            case {"function": dict(function)} if isinstance(name := function.get("name"), str):
                yield Call(name, _arguments(function.get("arguments")))
            case dict() if isinstance(name := entry.get("name"), str):
                if entry.get("type") == "function_call":
                    yield Call(name, _arguments(entry.get("arguments")))
                elif entry.get("type") == "tool_use":
                    yield Call(name, entry.get("input"))


def _arguments(text: JsonValue) -> JsonValue:
    """Arguments as a value; a model may well have written what is no JSON."""
    if not isinstance(text, str):
        return text
    try:
        value: JsonValue = orjson.loads(text or "{}")
    except orjson.JSONDecodeError:
        return text
    return value
