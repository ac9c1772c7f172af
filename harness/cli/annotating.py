"""Ask judges and classifiers about the stored pairs of a run, and keep what they say."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import aiohttp
import polars as pl

from harness.annotate.asking import Asker, Endpoint, Said
from harness.annotate.classifier import Question, classify_all
from harness.annotate.framing import Texts
from harness.annotate.judge import Judgement, Judging, judge_all
from harness.annotate.memory import Memory
from harness.cli.meaning import dialect_of
from harness.cli.pricing import annotator_price
from harness.config import Config
from harness.config.annotation import Annotator, Classifier, Judge
from harness.dialects import Dialect
from harness.dialects.json_predict import JsonPredict
from harness.dialects.paths import JsonPath
from harness.errors import ConfigError
from harness.output import MISSING, Undecodable
from harness.store.annotations import MEMORY, write_annotation
from harness.store.reader import StoredRun
from harness.traffic.budget import Budget
from harness.traffic.sampling import is_drawn

_COLUMNS = (
    "request_id",
    "request_headers",
    "request_body",
    *(
        f"{side}_{name}"
        for side in ("champion", "challenger")
        for name in ("outcome", "headers", "body", "truncated")
    ),
)
_SIDES = ("champion", "challenger")

_JUDGED = {
    "champion_first": pl.String,
    "challenger_first": pl.String,
    "preference": pl.Float64,
    "first_slot": pl.Float64,
    "same": pl.Boolean,
    "problem": pl.String,
    "cost_usd": pl.Float64,
}
_CLASSIFIED = {
    "champion_value": pl.Float64,
    "challenger_value": pl.Float64,
    "problem": pl.String,
    "cost_usd": pl.Float64,
}


@dataclass(slots=True)
class Annotated:
    """What became of asking one annotator about one challenger's pairs.

    Attributes:
        problems: Pairs without an answer, by the reason.
    """

    name: str
    challenger: str
    n_pairs: int = 0
    n_answered: int = 0
    n_remembered: int = 0
    cost_usd: float = 0.0
    problems: Counter[str] = field(default_factory=Counter)

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def annotate(run: StoredRun, config: Config) -> tuple[Annotated, ...]:
    """Ask everybody the config names about all pairs of a run, and keep the answers with it.

    Raises:
        ConfigError: A rubric cannot be read, or a model has no price.
        StoreFullError: There is no room for the answers.
    """
    rubrics = {one.name: _rubric(one, config) for one in config.judge}
    return asyncio.run(_annotated(run, config, rubrics))


async def _annotated(
    run: StoredRun, config: Config, rubrics: Mapping[str, str]
) -> tuple[Annotated, ...]:
    told = []
    async with aiohttp.ClientSession(trust_env=False) as session:
        for one in config.annotators:
            endpoint = Endpoint(
                url=_address(one),
                headers=one.headers,
                timeout_s=one.timeout_s,
                retries=one.retries,
                max_in_flight=one.max_in_flight,
                price=annotator_price(config, one),
            )
            asker = Asker(
                session,
                endpoint,
                budget=Budget(one.budget_usd),
                memory=Memory(run.path.parent / MEMORY),
            )
            rows: list[pl.DataFrame] = []
            for challenger in run.challengers:
                about = Annotated(one.name, challenger)
                for pairs in run.frames(challenger, _COLUMNS):
                    found = await _of_pairs(one, asker, pairs, config, rubrics, about)
                    rows.append(found.with_columns(challenger=pl.lit(challenger)))
                told.append(about)
            if rows:
                write_annotation(run.path, one.name, pl.concat(rows))
    return tuple(told)


async def _of_pairs(
    one: Judge | Classifier,
    asker: Asker,
    pairs: pl.DataFrame,
    config: Config,
    rubrics: Mapping[str, str],
    about: Annotated,
) -> pl.DataFrame:
    texts = list(_texts(one, pairs, dialect_of(config), config.seed))
    ids = pairs.select("request_id")
    about.n_pairs += len(texts)
    match one:
        case Judge():
            judging = Judging(one.model, rubrics[one.name], one.options)
            known = [(i, pair) for i, pair in enumerate(texts) if isinstance(pair, Texts)]
            judged = await judge_all(asker, judging, [pair for _, pair in known])
            by_row = dict(zip((i for i, _ in known), judged, strict=True))
            table = [
                _judged_row(by_row.get(i), "" if isinstance(pair, Texts) else pair, about)
                for i, pair in enumerate(texts)
            ]
            return ids.hstack(pl.DataFrame(table, schema=_JUDGED, orient="row"))
        case Classifier():
            questions = [question for pair in texts for question in _questions(pair)]
            said = await classify_all(asker, JsonPath(one.path), questions)
            table = [
                _classified_row(said[2 * i : 2 * i + 2], pair, about)
                for i, pair in enumerate(texts)
            ]
            return ids.hstack(pl.DataFrame(table, schema=_CLASSIFIED, orient="row"))


def _judged_row(judgement: Judgement | None, problem: str, about: Annotated) -> tuple[Any, ...]:
    if judgement is None:
        about.problems[problem] += 1
        return (None, None, None, None, False, problem, 0.0)
    about.cost_usd += judgement.cost_usd
    about.n_remembered += judgement.n_remembered == 2
    if judgement.preference is None:
        about.problems[judgement.problem] += 1
    else:
        about.n_answered += 1
    return (
        judgement.champion_first,
        judgement.challenger_first,
        judgement.preference,
        judgement.first_slot,
        judgement.is_same,
        judgement.problem or None,
        judgement.cost_usd,
    )


def _classified_row(
    said: Iterable[Said | None], pair: Texts | str, about: Annotated
) -> tuple[Any, ...]:
    if isinstance(pair, str):
        about.problems[pair] += 1
        return (None, None, pair, 0.0)
    both = [one for one in said if one is not None]
    cost = sum(one.cost_usd for one in both)
    problem = next((one.problem for one in both if one.problem), "")
    about.cost_usd += cost
    about.n_remembered += all(one.is_remembered for one in both)
    if problem:
        about.problems[problem] += 1
    else:
        about.n_answered += 1
    return (*(one.value for one in both), problem or None, cost)


def _questions(pair: Texts | str) -> tuple[Question | None, Question | None]:
    if isinstance(pair, str):
        return None, None
    return Question(pair.request, pair.first), Question(pair.request, pair.second)


def _texts(
    one: Annotator, pairs: pl.DataFrame, dialect: Dialect, seed: int
) -> Iterator[Texts | str]:
    """Of each pair its texts, the champion's answer first; or why there are none."""
    question, answer = JsonPath(one.question), JsonPath(one.answer)
    for row in pairs.iter_rows(named=True):
        if not is_drawn(one.sample, seed=seed, key=f"{one.answer}\0{row['request_id']}"):
            yield "not drawn"
            continue
        found = [_answer(row, side, dialect, answer) for side in _SIDES]
        missing = [text for text in found if text.problem]
        if missing:
            yield missing[0].problem
            continue
        yield Texts(_question(row, question), found[0].text, found[1].text)


@dataclass(frozen=True, slots=True)
class _Text:
    text: str = ""
    problem: str = ""


def _answer(row: Mapping[str, Any], side: str, dialect: Dialect, path: JsonPath) -> _Text:
    if row[f"{side}_outcome"] != "ok":
        return _Text(problem=f"{side} failed")
    body = row[f"{side}_body"]
    if body is None or row[f"{side}_truncated"]:
        return _Text(problem=f"{side}'s body was not kept")
    decoded = dialect.decode(body, _headers(row[f"{side}_headers"]))
    if isinstance(decoded, Undecodable):
        return _Text(problem=f"{side} undecodable")
    found = path(decoded)
    if found is MISSING or found is None:
        return _Text(problem=f"{side} has no answer")
    return _Text(text=_said(found))


def _question(row: Mapping[str, Any], path: JsonPath) -> str:
    """The part of the request that was asked; the whole of it where there is no such part."""
    body = row["request_body"] or b""
    decoded = JsonPredict().decode(body, _headers(row["request_headers"]))
    found = MISSING if isinstance(decoded, Undecodable) else path(decoded)
    return body.decode(errors="replace") if found is MISSING else _said(found)


def _said(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _headers(headers: list[dict[str, str]] | None) -> tuple[tuple[str, str], ...]:
    return tuple((one["name"], one["value"]) for one in headers or ())


def _address(one: Judge | Classifier) -> str:
    return f"{one.url.rstrip('/')}/chat/completions" if isinstance(one, Judge) else one.url


def _rubric(one: Judge, config: Config) -> str:
    path = one.rubric_path(config.directory)
    try:
        return path.read_text()
    except (OSError, UnicodeDecodeError) as exc:
        reason = exc.strerror if isinstance(exc, OSError) else "no UTF-8 text"
        raise ConfigError(
            str(config.path),
            f"{one.name}.rubric",
            f"{path} cannot be read ({reason})",
            "It is relative to the config: name that with --config",
        ) from exc


def say(annotated: Iterable[Annotated], tell: Callable[[str], None]) -> None:
    """One line for each annotator and challenger."""
    for one in annotated:
        cost = f", {one.cost_usd:.4g} USD" if one.cost_usd else ""
        remembered = f" ({one.n_remembered:,} remembered)" if one.n_remembered else ""
        missing = "".join(f"; {n:,} {why}" for why, n in one.problems.most_common())
        tell(
            f"{one.name} on {one.challenger}: {one.n_answered:,} of {one.n_pairs:,} pairs"
            f"{remembered}{cost}{missing}"
        )
