"""What to read from answers: handed in by whoever knows the config.

Dialects, paths and comparators come as callables, so that this room knows none of their kinds.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol, TypeAlias

from harness.exchange import Headers
from harness.metric import Better
from harness.output import Decoded, Found, JsonValue

Decode: TypeAlias = Callable[[bytes, Headers], Decoded]
Find: TypeAlias = Callable[[JsonValue], Found]


class Compared(Protocol):
    """What a comparator returns, as far as the value table needs it."""

    @property
    def agree(self) -> bool: ...

    @property
    def distance(self) -> float: ...

    @property
    def paths(self) -> tuple[str, ...]: ...


@dataclass(frozen=True, slots=True)
class NumericOutput:
    """A number in the answer.

    Attributes:
        worst: What a failed exchange counts as; None leaves it out.
        grade: What is found and the truth to the number; None where the number itself is found.
    """

    find: Find
    better: Better = Better.HIGHER
    worst: float | None = None
    grade: Callable[[JsonValue, JsonValue], float | None] | None = None


@dataclass(frozen=True, slots=True)
class Comparing:
    """One entry of `compare`.

    Attributes:
        find: The part that is compared.
        compare: Champion's part and challenger's part to a comparison.
        keeps_paths: Whether differing paths are kept in the table.
    """

    name: str
    find: Find
    compare: Callable[[JsonValue, JsonValue], Compared]
    keeps_paths: bool = False


@dataclass(frozen=True, slots=True)
class TruthInRequest:
    """The right label stands in the request's body."""

    decode: Decode
    find: Find


@dataclass(frozen=True, slots=True)
class Streaming:
    """What is to be known of answers that come token by token.

    Attributes:
        token_at_s: When each token was there, from an answer's body, its content headers and the
            times that are stored with it; empty where that cannot be told.
        output_tokens: How many tokens an answer says it has.
    """

    token_at_s: Callable[[bytes, Headers, Sequence[float]], Sequence[float]]
    output_tokens: Callable[[JsonValue], int | None]


@dataclass(frozen=True, slots=True)
class Formatted:
    """What format answers have to have.

    Attributes:
        problem: What is wrong with the part that was found, in one line; None when nothing is.
    """

    find: Find
    problem: Callable[[JsonValue], str | None]


@dataclass(frozen=True, slots=True)
class ValueSpec:
    """How pairs become values.

    Attributes:
        open_loop: Whether latency counts from when a request was due: a replay by the clock.
        decode: Reads an answer; None when the config asks nothing of answers, which are then not
            read, and none is undecodable.
        truth: None takes the pair's own.
        streaming: None where the dialect does not read streams.
        refused: Whether a model declined to answer; None where the dialect cannot tell.
        answer_format: Which part of an answer has what format; None where none is demanded.
    """

    open_loop: bool
    decode: Decode | None = None
    label: Find | None = None
    outputs: Mapping[str, NumericOutput] = field(default_factory=dict)
    comparisons: tuple[Comparing, ...] = ()
    truth: TruthInRequest | None = None
    streaming: Streaming | None = None
    refused: Callable[[JsonValue], bool | None] | None = None
    answer_format: Formatted | None = None

    @property
    def paths(self) -> dict[str, Find]:
        """Every place that is looked up in an answer, under the name of its config entry."""
        label = {"output.label": self.label} if self.label is not None else {}
        outputs = {f"output.{name}": output.find for name, output in self.outputs.items()}
        comparisons = {f"compare.{entry.name}": entry.find for entry in self.comparisons}
        demanded = {"answer_format": self.answer_format.find} if self.answer_format else {}
        return {**label, **outputs, **comparisons, **demanded}
