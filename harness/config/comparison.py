"""How two answers are compared, one entry a comparison."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, ConfigDict, Discriminator, Field, Tag

from harness import plugins
from harness.compare.patterns import Patterns
from harness.config.problems import BadValueError
from harness.config.section import JsonPath, Name, Number, Section

KINDS = ("label", "numeric", "structure")


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
    "`structure`: the same JSON, whatever the order of keys; or an installed comparator."
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
    | Annotated[PluginComparison, Tag("<plugin>")],
    Discriminator(_kind),
]
