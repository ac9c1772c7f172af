"""Whether the parts of a config agree: names, and rules with what is measured.

Works on the document's values and looks only at what is sound in itself, so that a mistake in one
section does not hide those in another.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pydantic import TypeAdapter, ValidationError

from harness import plugins
from harness.config.problems import BadValueError, KeyPath, nearest
from harness.config.rules import (
    VERBS,
    AtLeastRule,
    ImprovesRule,
    NotWorseRule,
    RuleSection,
    WrittenRule,
    metric_of,
    resolved,
    verbs_of,
)
from harness.config.vocabulary import Score, Vocabulary
from harness.dialects import Refusing, Streaming
from harness.errors import PluginError
from harness.measure import catalog
from harness.metric import Better

_RULE: TypeAdapter[WrittenRule] = TypeAdapter(RuleSection)


def disagreements(values: dict[str, Any]) -> Iterator[BadValueError]:
    """Everything that is wrong between parts of the document; keys are from its top."""
    yield from _plugins(values)
    yield from _names_of_deployments(values)
    yield from _names_of_comparisons(values)
    yield from _names_of_outputs(values)
    yield from _names_of_annotators(values)
    yield from _policies(values)


def _plugins(values: dict[str, Any]) -> Iterator[BadValueError]:
    """Names of plug-ins; a package without its metadata has none, and is told so when used."""
    for key, group in (("dialect", plugins.DIALECTS), ("format", plugins.READERS)):
        name, known = values.get(key), plugins.names(group)
        if name == "auto" and key == "format":
            continue
        if isinstance(name, str) and known and name not in known:
            yield BadValueError(
                f"is {{value}}, must be one of {', '.join(known)}", nearest(name, known), key=(key,)
            )


def _names_of_deployments(values: dict[str, Any]) -> Iterator[BadValueError]:
    champion = _mapping(values.get("champion")).get("name")
    seen: dict[str, int] = {}
    for i, challenger in enumerate(_list(values.get("challengers"))):
        name = _mapping(challenger).get("name")
        if not isinstance(name, str):
            continue
        at: KeyPath = ("challengers", i, "name")
        if name == champion:
            yield BadValueError(
                "is {value}, the champion's name too", "Give each its own name", key=at
            )
        elif name in seen:
            yield BadValueError(
                f"is {{value}}, the name of challengers[{seen[name]}] too",
                "Give each its own name",
                key=at,
            )
        seen.setdefault(name, i)


def _names_of_comparisons(values: dict[str, Any]) -> Iterator[BadValueError]:
    seen: dict[str, int] = {}
    for i, comparison in enumerate(_list(values.get("compare"))):
        name = _mapping(comparison).get("name")
        if not isinstance(name, str):
            continue
        at: KeyPath = ("compare", i, "name")
        if catalog.clashes([], [name]) and "." not in name:
            yield BadValueError("is {value}, the name of a metric", "Choose another", key=at)
        elif "." in name:
            yield BadValueError("is {value}, " + _DOT, _DOT_REMEDY, key=at)
        elif name in seen:
            yield BadValueError(
                f"is {{value}}, the name of compare[{seen[name]}] too", "Choose another", key=at
            )
        seen.setdefault(name, i)


def _names_of_outputs(values: dict[str, Any]) -> Iterator[BadValueError]:
    for name in _mapping(values.get("output")):
        if "." in name:
            yield BadValueError(_DOT, _DOT_REMEDY, key=("output", name))


_DOT = "must not hold a dot"
_DOT_REMEDY = "It separates a metric from its statistic"


def _policies(values: dict[str, Any]) -> Iterator[BadValueError]:
    challengers = _list(values.get("challengers"))
    policy = values.get("policy")
    if policy is None:
        if challengers:
            yield BadValueError("is missing", _NEEDS_FAILURES, key=("policy",))
    elif isinstance(policy, dict) and isinstance(policy.get("rules"), list):
        yield from _rules(values, policy["rules"], ("policy", "rules"))
    for i, challenger in enumerate(challengers):
        rules = _mapping(_mapping(challenger).get("policy")).get("rules")
        if isinstance(rules, list):
            yield from _rules(values, rules, ("challengers", i, "policy", "rules"))


_NEEDS_FAILURES = (
    "Add one, for instance {not_worse: failure_rate, margin: 0.02}: without it a challenger "
    "that fails on the hard requests looks good on the rest"
)


def _rules(values: dict[str, Any], rules: list[Any], at: KeyPath) -> Iterator[BadValueError]:
    if not any(_is_about_failures(rule) for rule in rules):
        yield BadValueError("no rule is about failures", _NEEDS_FAILURES, key=at)
    seen: dict[str, int] = {}
    for i, written in enumerate(rules):
        try:
            rule = _RULE.validate_python(written)
        except ValidationError:
            continue  # said where the section is validated
        try:
            title = resolved(rule, _vocabulary(values)).rule.title
            _needs_label(values, rule)
            _needs_dialect(values, rule)
        except BadValueError as exc:
            yield BadValueError(
                exc.problem, exc.remedy, key=(*at, i, *(exc.key or (_verb_of(rule),)))
            )
            continue
        if title in seen:
            yield BadValueError(
                f"says `{title}` again, as rules[{seen[title]}] does", "Remove one", key=(*at, i)
            )
        seen.setdefault(title, i)


def _is_about_failures(rule: Any) -> bool:
    verbs = verbs_of(rule)
    return bool(set(verbs) & {"not_worse", "at_most"}) and rule[verbs[0]] == "failure_rate"


def _verb_of(rule: WrittenRule) -> str:
    match rule:
        case NotWorseRule():
            return VERBS[0]
        case ImprovesRule():
            return VERBS[1]
        case AtLeastRule():
            return VERBS[3]
        case _:
            return VERBS[2]


def _needs_label(values: dict[str, Any], rule: WrittenRule) -> None:
    metric = metric_of(rule)
    if metric in ("accuracy", "negative_flip_rate") and "label" not in _mapping(
        values.get("output")
    ):
        raise BadValueError(
            "is {value}, which needs to know the answer's label",
            "Add it to `output`, for instance {label: $.label}",
        )


def _needs_dialect(values: dict[str, Any], rule: WrittenRule) -> None:
    """What only some dialects know; a dialect that is not there is said where it is named."""
    stem = metric_of(rule).partition(".")[0]
    if stem == "format_violation_rate" and values.get("answer_format") is None:
        raise BadValueError(
            "is {value}, which needs to know what answers have to look like",
            "Say it under `answer_format`, for instance {path: $.reply, json_schema: {}}",
        )
    if stem in catalog.STREAM_QUANTITIES:
        kind: type = Streaming
        what = "reads streams"
    elif stem == "refusal_rate":
        kind, what = Refusing, "knows refusals"
    else:
        return
    dialect = values.get("dialect", "json")
    able = [name for name in plugins.names(plugins.DIALECTS) if _is_able(name, kind)]
    if able and isinstance(dialect, str) and dialect not in able:
        raise BadValueError(
            f"is {{value}}, which needs a dialect that {what}, and {dialect} does not",
            f"Such are {', '.join(able)}",
        )


def _is_able(dialect: str, kind: type) -> bool:
    try:
        return issubclass(plugins.load(plugins.DIALECTS, dialect), kind)
    except (PluginError, TypeError):  # broken, or made by a function: nobody knows until it is made
        return False


def _vocabulary(values: dict[str, Any]) -> Vocabulary:
    outputs = {key: one for key, one in _mapping(values.get("output")).items() if key != "label"}
    comparisons = [_mapping(one).get("name") for one in _list(values.get("compare"))]
    return Vocabulary(
        scores={name: _score(output) for name, output in outputs.items()},
        comparisons=tuple(name for name in comparisons if isinstance(name, str)),
        repeated=values.get("repeat") is not None,
        asked=catalog.AskedAbout(
            judges=tuple(_names_of_judges(values)),
            classifiers={
                name: Score(Better.HIGHER if one.get("better") == "higher" else Better.LOWER)
                for one in map(_mapping, _list(values.get("classifiers")))
                if isinstance(name := one.get("name"), str)
            },
        ),
    )


def _names_of_judges(values: dict[str, Any]) -> Iterator[str]:
    judges = values.get("judge")
    for one in [judges] if isinstance(judges, dict) else _list(judges):
        name = _mapping(one).get("name", "judge")
        if isinstance(name, str):
            yield name


def _names_of_annotators(values: dict[str, Any]) -> Iterator[BadValueError]:
    """Judges, classifiers and comparisons share the names that metrics begin with."""
    taken = [_mapping(one).get("name") for one in _list(values.get("compare"))]
    judges = values.get("judge")
    places: list[tuple[KeyPath, Any]] = (
        [(("judge", "name"), judges.get("name", "judge"))]
        if isinstance(judges, dict)
        else [
            (("judge", i, "name"), _mapping(one).get("name", "judge"))
            for i, one in enumerate(_list(judges))
        ]
    )
    places += [
        (("classifiers", i, "name"), _mapping(one).get("name"))
        for i, one in enumerate(_list(values.get("classifiers")))
    ]
    for at, name in places:
        if not isinstance(name, str):
            continue
        if "." in name:
            yield BadValueError(_DOT, _DOT_REMEDY, key=at)
        elif name in taken or catalog.clashes([], [name]):
            yield BadValueError("is {value}, the name of another metric", "Choose another", key=at)
        taken.append(name)


def _score(output: Any) -> Score:
    lower = _mapping(output).get("better") == "lower"
    return Score(Better.LOWER if lower else Better.HIGHER)


def _mapping(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
