"""How two answers are compared, one entry a comparison."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, Tag

from harness.config.section import JsonPath, Name, Number, Section

KINDS = ("label", "numeric", "structure")


class _Comparison(Section):
    name: Name = Field(description="What metrics call it: `NAME.disagreement_rate`.")


class LabelComparison(_Comparison):
    """Equal or not, as JSON scalars."""

    kind: Literal["label"] = Field(alias="as", description="Equal or not, as JSON scalars.")
    path: JsonPath = Field(description="JSONPath into the decoded answer.")


class NumericComparison(_Comparison):
    """Numbers within `absolute + relative * |champion|` of each other."""

    kind: Literal["numeric"] = Field(alias="as", description="Numbers near each other.")
    path: JsonPath = Field(description="JSONPath into the decoded answer.")
    absolute: Number = Field(
        default=0.0, ge=0, description="Allowed difference, in the output's unit."
    )
    relative: Number = Field(default=0.0, ge=0, description="Allowed difference, as a fraction.")


class StructureComparison(_Comparison):
    """The same JSON, whatever the order of keys."""

    kind: Literal["structure"] = Field(alias="as", description="The same JSON, key order aside.")
    path: JsonPath = Field(default="$", description="JSONPath to the part that is compared.")
    ignore: tuple[JsonPath, ...] = Field(default=(), description="JSONPaths that may differ.")


def _kind(value: Any) -> str | None:
    kind = value.get("as") if isinstance(value, dict) else None
    return f"<{kind}>" if kind in KINDS else None


Comparison = Annotated[
    Annotated[LabelComparison, Tag("<label>")]
    | Annotated[NumericComparison, Tag("<numeric>")]
    | Annotated[StructureComparison, Tag("<structure>")],
    Discriminator(_kind),
]
