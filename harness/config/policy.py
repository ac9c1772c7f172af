"""What the challenger has to show: rules, and how sure we have to be."""

from __future__ import annotations

import math
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema, model_validator

from harness.config.amounts import factor
from harness.config.problems import BadValueError
from harness.config.rules import RuleSection
from harness.config.section import Duration, Flag, Name, PositiveDuration, Section, Share
from harness.gate.policy import Segments, Sequential


def _confidence(value: Any) -> Any:
    if isinstance(value, int | float) and not isinstance(value, bool) and 0.5 < value < 1:
        return value
    raise BadValueError("is {value}, must be between 0.5 and 1", "0.95 is usual")


Confidence = Annotated[
    float,
    BeforeValidator(_confidence),
    WithJsonSchema({"type": "number", "exclusiveMinimum": 0.5, "exclusiveMaximum": 1}),
]


def _planned(value: Any) -> Any:
    if value == "all" or (isinstance(value, int) and not isinstance(value, bool) and value >= 1):
        return value
    raise BadValueError("is {value}, must be `all` or a whole number, 1 or more")


def _sequential(value: Any) -> Any:
    if isinstance(value, bool) or value == "strict":
        return value
    raise BadValueError("is {value}, must be `true`, `false` or `strict`")


def _ledger(value: str) -> str:
    if "://" in value:
        raise BadValueError(
            "is {value}, must be a file here", "A ledger is locked while it is used"
        )
    return value


DAY_S = 86_400.0

LedgerFile = Annotated[str, Field(min_length=1), AfterValidator(_ledger)]
MaybeSequential = Annotated[Literal["strict"] | bool, BeforeValidator(_sequential)]
PlannedPairs = Annotated[Literal["all"] | int, BeforeValidator(_planned)]
Rules = tuple[RuleSection, ...]


def _part(value: str) -> str:
    name, equals, _ = value.partition("=")
    if not (name and equals):
        raise BadValueError("is {value}, must be a segment with its value, such as source=mobile")
    return value


def _shares(values: dict[str, float]) -> dict[str, float]:
    total = math.fsum(values.values())
    if not math.isclose(total, 1, abs_tol=1e-6):
        raise BadValueError(
            f"is {{value}}, and its shares sum to {total:g}, must sum to 1",
            "They are shares of all production traffic",
        )
    return values


Part = Annotated[str, AfterValidator(_part)]
MarginFactor = Annotated[
    float,
    BeforeValidator(factor),
    WithJsonSchema({"type": "string", "pattern": r"^\d+(\.\d+)?\s*x$", "examples": ["2x"]}),
]
ShareByValue = Annotated[dict[str, Share], AfterValidator(_shares)]


class SegmentsSection(Section):
    """How parts of the traffic are searched for harm that the whole hides."""

    scan: Flag = Field(
        default=True,
        description="Test every part by every guardrail; `false` tests the protected ones alone.",
    )
    margin_factor: MarginFactor = Field(
        default=2.0,
        alias="margin",
        description="In a part, harm is held against each `not_worse` margin times this.",
    )
    protect: tuple[Part, ...] = Field(
        default=(),
        description="Parts such as `source=mobile` in which sure harm rejects, and too little "
        "data holds. Elsewhere harm is a warning.",
    )
    weights: dict[Name, ShareByValue] = Field(
        default_factory=dict,
        description="Of a segment, each value's share of production traffic: harm is also "
        "estimated for that mix.",
    )

    @property
    def names(self) -> dict[tuple[str | int, ...], str]:
        """The segments it speaks of, by the key that names each."""
        protected: dict[tuple[str | int, ...], str] = {
            ("protect", i): part.partition("=")[0] for i, part in enumerate(self.protect)
        }
        return {**protected, **{("weights", name): name for name in self.weights}}

    @property
    def for_gate(self) -> Segments:
        """The same as the gate takes it."""
        return Segments(self.scan, self.margin_factor, self.protect, self.weights)


class PolicySection(Section):
    """Rules, and how sure we have to be. Every rule has to hold."""

    confidence: Confidence = Field(
        default=0.95, description="0.95 is an error of 0.05, one-sided, for each rule."
    )
    planned_pairs: PlannedPairs = Field(
        default="all", description="The gate holds before that many pairs; `all` is the whole log."
    )
    sequential: MaybeSequential = Field(
        default=False,
        description="`true`: the run may be judged at any time and as often as you like; `strict` "
        "counts every user once in rules on rates.",
    )
    window_s: PositiveDuration = Field(
        default=DAY_S,
        alias="window",
        description="For `sequential: strict`: a user counts this long after the first request, "
        "with what came until then.",
    )
    min_duration_s: Duration = Field(
        default=DAY_S,
        alias="min_duration",
        description="Live only: nothing is promoted before the traffic covers that much time; "
        "gaps in it do not count.",
    )
    min_pairing_rate: Share = Field(
        default=0.99, description="With a smaller share of requests paired the run is no evidence."
    )
    max_lag_s: Duration = Field(
        default=0.05,
        alias="max_lag",
        description="With a 99th percentile of harness's own lateness above it the run is no "
        "evidence.",
    )
    ledger: LedgerFile | None = Field(
        default=None,
        description="A file, relative to the config, that remembers every gate run against a log; "
        "the verdict says which one it is.",
    )
    alpha_ledger: Flag = Field(
        default=False,
        description="With a `ledger`: run number j is held to an error of α·6/(π²j²), so that all "
        "runs against one log together keep α.",
    )
    segments: SegmentsSection | None = Field(
        default=None,
        description="How parts of the traffic are tested; without it they are described alone.",
    )
    rules: Rules = Field(
        description="`not_worse`, `improves`, `at_most`, `at_least`; one is about failures."
    )

    @model_validator(mode="after")
    def _counts_in_a_ledger(self) -> PolicySection:
        if self.alpha_ledger and self.ledger is None:
            raise BadValueError(
                "is true, and there is no `ledger` to count in",
                "Name a file: `ledger: ledger.jsonl`",
                key=("alpha_ledger",),
            )
        return self


class PolicyOverride(Section):
    """Keys of `policy` for one challenger; what is not given is as for all."""

    confidence: Confidence | None = Field(default=None, description="See `policy`.")
    planned_pairs: PlannedPairs | None = Field(default=None, description="See `policy`.")
    sequential: MaybeSequential | None = Field(default=None, description="See `policy`.")
    window_s: PositiveDuration | None = Field(
        default=None, alias="window", description="See `policy`."
    )
    min_duration_s: Duration | None = Field(
        default=None, alias="min_duration", description="See `policy`."
    )
    min_pairing_rate: Share | None = Field(default=None, description="See `policy`.")
    max_lag_s: Duration | None = Field(default=None, alias="max_lag", description="See `policy`.")
    segments: SegmentsSection | None = Field(
        default=None, description="Takes the place of the policy's whole `segments`."
    )
    rules: Rules | None = Field(
        default=None, description="Takes the place of the policy's whole list."
    )


def sequential_of(written: Literal["strict"] | bool) -> Sequential | None:
    """How a run may be looked at any time; None where one look is planned."""
    match written:
        case "strict":
            return Sequential.STRICT
        case _:
            return Sequential.DEFLATED if written else None
