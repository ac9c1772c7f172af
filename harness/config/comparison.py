"""How two answers are compared, one entry a comparison."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, ConfigDict, Discriminator, Field, Tag, model_validator

from harness import plugins
from harness.compare.format import Format
from harness.compare.patterns import Patterns
from harness.config.problems import BadValueError
from harness.config.section import JsonPath, Name, Number, Section, Whole

KINDS = (
    "label", "numeric", "structure", "probabilities", "ranking", "text", "format", "vector",
    "tool_calls",
)  # fmt: skip


def _pattern(value: str) -> str:
    try:
        Patterns.of([value])
    except ValueError as exc:
        raise BadValueError(
            "is {value}, must be a path such as $.items[*].id, or $..id for any depth"
        ) from exc
    return value


Pattern = Annotated[str, AfterValidator(_pattern)]


_AS = (
    "`label`: equal or not, as JSON values; `numeric`: within `absolute + relative * |champion|`; "
    "`structure`: the same JSON, whatever the order of keys; `probabilities`, `ranking`, `text`, "
    "`format`, `vector` and `tool_calls`; or an installed comparator."
)


class _Comparison(Section):
    name: Name = Field(description="What metrics call it: `NAME.disagreement_rate`.")

    @property
    def options(self) -> dict[str, Any]:
        """What the comparator is made with: all keys that are not common to comparisons."""
        common = {"name", "kind", "path", "volatile"}
        return {key: value for key, value in self if key not in common}


class LabelComparison(_Comparison):
    """Equal or not, as JSON scalars."""

    kind: Literal["label"] = Field(alias="as", description=_AS)
    path: JsonPath = Field(
        description="JSONPath into the decoded answer. `structure` may go without."
    )


class NumericComparison(_Comparison):
    """Numbers within `absolute + relative * |champion|` of each other."""

    kind: Literal["numeric"] = Field(alias="as", description=_AS)
    path: JsonPath = Field(
        description="JSONPath into the decoded answer. `structure` may go without."
    )
    absolute: Number = Field(
        default=0.0, ge=0, description="Allowed difference, in the output's unit."
    )
    relative: Number = Field(default=0.0, ge=0, description="Allowed difference, as a fraction.")


class StructureComparison(_Comparison):
    """The same JSON, whatever the order of keys."""

    kind: Literal["structure"] = Field(alias="as", description=_AS)
    path: JsonPath = Field(default="$", description="JSONPath to the part that is compared.")
    ignore: tuple[Pattern, ...] = Field(
        default=(), description="Parts that may differ: `$.items[*].id`, or `$..id` at any depth."
    )
    unordered: tuple[Pattern, ...] = Field(
        default=(), description="Lists whose order does not matter, as in `ignore`."
    )
    volatile: Literal["ignored", "compared"] = Field(
        default="ignored",
        description="Whether what differs from call to call (ids, times; the dialect knows them) "
        "may differ here.",
    )


_PATH = "JSONPath to the part that is compared."
_WITHIN = "Largest distance that agrees; distances are in docs/comparators.md."


class _DistanceComparison(_Comparison):
    path: JsonPath = Field(description=_PATH)
    within: Number = Field(default=0.0, ge=0, description=_WITHIN)


class ProbabilitiesComparison(_DistanceComparison):
    """Probability vectors, by their Jensen-Shannon distance."""

    kind: Literal["probabilities"] = Field(alias="as", description=_AS)


class VectorComparison(_DistanceComparison):
    """Vectors, by 1 minus their cosine."""

    kind: Literal["vector"] = Field(alias="as", description=_AS)


class RankingComparison(_DistanceComparison):
    """Lists of items, or objects from item to score."""

    kind: Literal["ranking"] = Field(alias="as", description=_AS)
    by: Literal["overlap", "rbo", "kendall"] = Field(
        default="overlap",
        description="Of `ranking`: top `k` in common, rank-biased overlap, or Kendall's tau-b. Of "
        "`text`: `exact`, `normalized`, `words`, `word_set`, `edit` or `length`.",
    )
    k: Whole | None = Field(
        default=None, ge=1, description="How many places count; without it all do."
    )
    p: Number = Field(
        default=0.9,
        gt=0,
        lt=1,
        description="For `rbo`: how likely a reader goes on to the next place.",
    )


class TextComparison(_DistanceComparison):
    """Texts, from equal to much the same words."""

    kind: Literal["text"] = Field(alias="as", description=_AS)
    by: Literal["exact", "normalized", "words", "word_set", "edit", "length"] = Field(
        default="exact", description="Which distance of texts."
    )


class ToolCallsComparison(_Comparison):
    """Tool calls of the chat APIs, with their arguments."""

    kind: Literal["tool_calls"] = Field(alias="as", description=_AS)
    path: JsonPath = Field(description=_PATH)
    order: Literal["strict", "any"] = Field(
        default="strict", description="Whether the order of calls counts."
    )
    ignore: tuple[Pattern, ...] = Field(default=(), description="Arguments that may differ.")


class Formatting(Section):
    """What a part of an answer has to look like."""

    path: JsonPath = Field(description="JSONPath to the part.")
    json_schema: dict[str, Any] | None = Field(
        default=None,
        description="JSON Schema for it; a text has to be JSON and nothing else. `{}` is any JSON.",
    )
    pattern: str | None = Field(
        default=None, description="Regular expression that all of a text has to match."
    )

    @model_validator(mode="after")
    def _is_a_format(self) -> Formatting:
        try:
            Format(self.json_schema, self.pattern)
        except ValueError as exc:
            raise BadValueError(str(exc)) from exc
        return self


class FormatComparison(Formatting, _Comparison):
    """Both have the format that is asked for, or neither."""

    kind: Literal["format"] = Field(alias="as", description=_AS)


class PluginComparison(_Comparison):
    """A comparator of an installed plug-in; further keys are its options."""

    model_config = ConfigDict(extra="allow")

    kind: Name = Field(
        alias="as", description=_AS, json_schema_extra={"not": {"enum": list(KINDS)}}
    )
    path: JsonPath = Field(default="$", description="JSONPath to the part that is compared.")


def known_kinds() -> tuple[str, ...]:
    """What `as` may say: our own comparators, and those of plug-ins."""
    return tuple(dict.fromkeys((*KINDS, *plugins.names(plugins.COMPARATORS))))


def _kind(value: Any) -> str | None:
    kind = value.get("as") if isinstance(value, dict) else None
    if kind in KINDS:
        return f"<{kind}>"
    return "<plugin>" if kind in known_kinds() else None


Comparison = Annotated[
    Annotated[LabelComparison, Tag("<label>")]
    | Annotated[NumericComparison, Tag("<numeric>")]
    | Annotated[StructureComparison, Tag("<structure>")]
    | Annotated[ProbabilitiesComparison, Tag("<probabilities>")]
    | Annotated[RankingComparison, Tag("<ranking>")]
    | Annotated[TextComparison, Tag("<text>")]
    | Annotated[FormatComparison, Tag("<format>")]
    | Annotated[VectorComparison, Tag("<vector>")]
    | Annotated[ToolCallsComparison, Tag("<tool_calls>")]
    | Annotated[PluginComparison, Tag("<plugin>")],
    Discriminator(_kind),
]
