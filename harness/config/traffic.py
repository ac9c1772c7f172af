"""What is asked, when, and with which changes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Discriminator,
    Field,
    Tag,
    ValidationInfo,
    WithJsonSchema,
    model_validator,
)

from harness.config.problems import BadValueError
from harness.config.references import check_templates
from harness.config.section import (
    Flag,
    HeaderName,
    HeaderValue,
    JsonPath,
    Number,
    Section,
    Share,
    Text,
    Whole,
    json_path,
    no_literal_secrets,
)
from harness.traffic import attributes, pacing
from harness.traffic.rewriting import Rewrite


class Repeat(Section):
    """How often a deployment is asked twice, to see how much it differs from itself."""

    rate: Share = Field(
        gt=0, description="Share of the requests, drawn from the seed before anything is asked."
    )


_MODES = (
    "`recorded`: the log's own times; `rate`: a constant rate; `closed`: a fixed number of "
    "requests in flight."
)


class _Pacing(Section):
    keep_order: Flag = Field(
        default=False,
        description="Whether a request waits for the answer to its cluster's previous one.",
    )


class RecordedPacing(_Pacing):
    """The log's own times: an open loop, as users are."""

    mode: Literal["recorded"] = Field(description=_MODES)
    speed: Number = Field(default=1.0, gt=0, description="10 is ten times as fast as recorded.")

    def pacer(self) -> pacing.Pacer:
        return pacing.AsRecorded(self.speed)


class RatePacing(_Pacing):
    """A constant rate: an open loop for logs without times, or for another load."""

    mode: Literal["rate"] = Field(description=_MODES)
    per_s: Number = Field(gt=0, description="Requests per second, with `rate`.")

    def pacer(self) -> pacing.Pacer:
        return pacing.ConstantRate(self.per_s)


class ClosedPacing(_Pacing):
    """A fixed number of requests in flight, as a batch job has."""

    mode: Literal["closed"] = Field(description=_MODES)
    in_flight: Whole = Field(ge=1, le=100_000, description="Requests in flight, with `closed`.")

    def pacer(self) -> pacing.Pacer:
        return pacing.ClosedLoop(self.in_flight)


PACING_MODES = ("recorded", "rate", "closed")


def _mode(value: Any) -> str | None:
    mode = value.get("mode") if isinstance(value, Mapping) else getattr(value, "mode", None)
    return f"<{mode}>" if mode in PACING_MODES else None


Pacing = Annotated[
    Annotated[RecordedPacing, Tag("<recorded>")]
    | Annotated[RatePacing, Tag("<rate>")]
    | Annotated[ClosedPacing, Tag("<closed>")],
    Discriminator(_mode),
]


def _template(value: Any, info: ValidationInfo) -> Any:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return str(value)
    if isinstance(value, str) and info.context is not None:
        # Before the reference is resolved: braces in a secret are no templates.
        check_templates(value)
        return info.context.references.resolve(value)
    return value


Template = Annotated[
    str, BeforeValidator(_template), WithJsonSchema({"type": ["string", "number"]})
]


def _rewrite_headers(value: Any) -> Any:
    if isinstance(value, dict):
        no_literal_secrets(value)
        for name, text in value.items():
            if isinstance(text, str):
                _check_template_of(name, text)
    return value


def _check_template_of(name: str, text: str) -> None:
    try:
        check_templates(text)
    except BadValueError as exc:
        raise BadValueError(exc.problem, exc.remedy, key=(name,)) from exc


class Rewriting(Section):
    """Changes to each request, the champion's too, so that it is accepted today.

    Templates: `{now}` (RFC 3339, UTC), `{now_s}`, `{now_ms}` (since 1970), `{uuid}` (one for each
    request, the same for all deployments), and references to secrets.
    """

    headers: Annotated[dict[HeaderName, HeaderValue], BeforeValidator(_rewrite_headers)] = Field(
        default_factory=dict,
        repr=False,
        description="Header to template: replaces the recorded header, or is added.",
    )
    body: dict[JsonPath, Template] = Field(
        default_factory=dict,
        repr=False,
        description="JSONPath into a JSON body to template; a number stays a number.",
    )
    shift_times: tuple[JsonPath, ...] = Field(
        default=(),
        description="JSONPaths of recorded times (epoch numbers or ISO 8601) that move by as much "
        "as the replay is later than the recording.",
    )

    def rewrite(self) -> Rewrite:
        return Rewrite(tuple(self.headers.items()), tuple(self.body.items()), self.shift_times)


class Prompting(Rewriting):
    """Changes to each request of one challenger, its prompt among them."""

    system: Text | None = Field(
        default=None,
        description="File with the system prompt, relative to the config; put where the dialect's "
        "API takes it.",
    )
    model: Text | None = Field(default=None, description="Sets `model` in the JSON body.")
    temperature: Number | None = Field(
        default=None, ge=0, description="Sets `temperature` in the JSON body."
    )
    tools: Text | None = Field(
        default=None, description="JSON file, relative to the config; sets `tools` in the body."
    )
    template: Text | None = Field(
        default=None,
        description="JSON file that takes the body's place; `{{$.path}}` in its strings is what "
        "the recorded body has there.",
    )

    @property
    def changes_anything(self) -> bool:
        """Whether anything is rewritten at all."""
        return bool(self.model_fields_set)


def _attribute(value: str) -> str:
    def path_of(text: str) -> attributes.FindFirst:
        json_path(text)
        return lambda document: document

    try:
        attributes.attribute(value, path_of)
    except ValueError as exc:
        raise BadValueError(
            "is {value}, must be header:NAME, cookie:NAME, query:NAME or a JSONPath into the "
            "request body such as $.user"
        ) from exc
    return value


Attribute = Annotated[str, AfterValidator(_attribute)]
"""A fact about a request, see `harness.traffic.attributes`."""


class Sized(Section):
    """A fact about a request by its size, in a few buckets."""

    path: Attribute = Field(description="The fact, as in `cluster`: the text of a prompt, say.")
    buckets: Annotated[tuple[Number, ...], Field(min_length=1, max_length=19)] = Field(
        description="Where sizes are parted, rising: `[200, 1000]` makes `below 200`, "
        "`200 to 1000` and `from 1000`. A number is its own size, text counts its characters.",
    )

    @model_validator(mode="after")
    def _rises(self) -> Sized:
        if list(self.buckets) != sorted(set(self.buckets)):
            raise BadValueError("is {value}, must rise", key=("buckets",))
        return self


def _segment(value: Any) -> str:
    return "<attribute>" if isinstance(value, str) else "<sized>"


SegmentOf = Annotated[
    Annotated[Attribute, Tag("<attribute>")] | Annotated[Sized, Tag("<sized>")],
    Discriminator(_segment),
]
"""What a segment is: a fact about a request, or its size in buckets."""
