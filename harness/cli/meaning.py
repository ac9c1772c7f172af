"""What a config says about answers, as the value table is built from it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from harness import plugins
from harness.compare.format import Format
from harness.compare.patterns import seen_from
from harness.config import Config
from harness.config.comparison import Comparison, Formatting, StructureComparison
from harness.config.model import NumericOutput as Output
from harness.config.model import digest_of
from harness.dialects import Dialect, Refusing, Streaming, volatile_of
from harness.dialects.event_stream import token_times
from harness.dialects.paths import JsonPath
from harness.exchange import Headers, Response
from harness.measure import spec
from harness.measure.grading import Brier, Grade, LogLoss, Ndcg
from harness.measure.spec import (
    Comparing,
    Formatted,
    NumericOutput,
    TruthInRequest,
    ValueSpec,
)
from harness.output import JsonValue, Undecodable
from harness.usage import Usage

_VALUES_VERSION = 1
"""Raised when the same config gives other columns or numbers; stored values are then rebuilt."""

_LOOK_INSIDE = ("structure", "tool_calls")
"""Comparisons of which it is kept where two answers differ."""


def dialect_of(config: Config) -> Dialect:
    """The dialect of the config, made.

    Raises:
        PluginError: There is none of that name.
    """
    dialect: Dialect = plugins.make(plugins.DIALECTS, config.dialect)
    return dialect


def usage_reader(config: Config) -> Callable[[Response], Usage]:
    """Reads what an answer says it used."""
    dialect = dialect_of(config)

    def usage_of(response: Response) -> Usage:
        decoded = dialect.decode(response.body, response.headers)
        return Usage() if isinstance(decoded, Undecodable) else dialect.usage(decoded)

    return usage_of


def value_spec(config: Config, *, open_loop: bool) -> ValueSpec:
    """How pairs become values."""
    dialect = dialect_of(config)
    # That a stream was cut off is only to be seen in it.
    asks_something = bool(config.output or config.compare or config.answer_format)
    asks_something = asks_something or isinstance(dialect, Streaming)
    path = config.truth_path
    return ValueSpec(
        open_loop=open_loop,
        decode=dialect.decode if asks_something else None,
        label=JsonPath(config.label_path) if config.label_path else None,
        outputs={
            name: NumericOutput(
                JsonPath(output.path),
                better=output.score.better,
                worst=output.score.worst,
                grade=_grade(output),
            )
            for name, output in config.numeric_outputs.items()
        },
        comparisons=tuple(_comparing(one, dialect) for one in config.compare),
        truth=None if path is None else TruthInRequest(dialect.decode, JsonPath(path)),
        streaming=_streaming(dialect),
        refused=dialect.refused if isinstance(dialect, Refusing) else None,
        answer_format=_formatted(config.answer_format) if config.answer_format else None,
    )


def _grade(output: Output) -> Grade | None:
    match output.kind:
        case "number":
            return None
        case "brier":
            return Brier()
        case "log_loss":
            return LogLoss()
        case "ndcg":
            return Ndcg(output.k)


def _formatted(demanded: Formatting) -> Formatted:
    format = Format(demanded.json_schema, demanded.pattern)
    return Formatted(JsonPath(demanded.path), format.problem)


def _streaming(dialect: Dialect) -> spec.Streaming | None:
    if not isinstance(dialect, Streaming):
        return None
    content_ends = dialect.content_ends

    def token_at_s(body: bytes, headers: Headers, at_s: Sequence[float]) -> Sequence[float]:
        return token_times(body, content_ends(body, headers), at_s)

    def output_tokens(decoded: JsonValue) -> int | None:
        return dialect.usage(decoded).output_tokens

    return spec.Streaming(token_at_s, output_tokens)


def values_digest(config: Config, *, open_loop: bool) -> str:
    """Digest of everything the value table depends on."""
    written = config.masked()
    asked = {key: written.get(key) for key in ("dialect", "output", "compare", "truth")}
    if demanded := written.get("answer_format"):
        asked["answer_format"] = demanded
    if volatile := volatile_of(dialect_of(config)):
        asked["volatile"] = volatile
    return digest_of({**asked, "open_loop": open_loop, "version": _VALUES_VERSION})[:16]


def policy_digest(config: Config, *, open_loop: bool) -> str:
    """Digest of everything a verdict depends on besides the pairs."""
    written = config.masked()
    # Where a ledger lies changes nothing; whether the error follows it does.
    policy = {key: v for key, v in (written.get("policy") or {}).items() if key != "ledger"}
    overrides = {
        one.get("name"): one.get("policy") for one in written.get("challengers") or () if one
    }
    return digest_of(
        {
            "policy": policy,
            "overrides": overrides,
            "values": values_digest(config, open_loop=open_loop),
            "baseline": written.get("baseline"),
        }
        # Where challengers are asked twice `.excess` is another quantity.
        | ({"excess": "quad"} if written.get("repeat_challenger") else {})
    )[:16]


def _comparing(one: Comparison, dialect: Dialect) -> Comparing:
    options = one.options
    if isinstance(one, StructureComparison) and one.volatile == "ignored":
        options["ignore"] = (*one.ignore, *seen_from(one.path, volatile_of(dialect)))
    comparator: Any = plugins.make(plugins.COMPARATORS, one.kind, **options)
    return Comparing(one.name, JsonPath(one.path), comparator, keeps_paths=one.kind in _LOOK_INSIDE)
