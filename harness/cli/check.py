"""`harness check`: validate a config, say what would run and which rules can get evidence."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from harness.cli import exits
from harness.cli.demand import demand
from harness.cli.log_summary import summarise
from harness.cli.pricing import refuse_unpriced
from harness.cli.prompts import refuse_unreadable_prompts
from harness.cli.run_as_log import as_logs
from harness.config import Config, load
from harness.config.deployment import Deployment
from harness.config.foresight import (
    Evidence,
    Foreseen,
    LogSummary,
    cautions,
    foresee,
    n_clusters,
    n_pairs,
    obstacles,
)
from harness.config.live import live_cautions, refuse_unfit_for_live
from harness.config.recorded_log import RecordedLog
from harness.errors import ConfigError, LogError, StoreError

_SIGNS = {
    Evidence.POSSIBLE: "✓",
    Evidence.NONE: "✗",
    Evidence.TOO_LITTLE: "✗",
    Evidence.UNKNOWN: "?",
}
_WORDS = {
    Evidence.POSSIBLE: "",
    Evidence.NONE: "no data: ",
    Evidence.TOO_LITTLE: "too little: ",
    Evidence.UNKNOWN: "not known without a log",
}


def check(
    config: Annotated[Path, typer.Argument(metavar="CONFIG", help="The config to validate.")],
    log: Annotated[
        list[Path] | None,
        typer.Option(
            "--log", metavar="FILE", help="The log to look at instead of the config's; repeatable."
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> int:
    """Validate a config and say what it would do. Touches nothing.

    Example: harness check harness.yaml --log today.jsonl.gz
    """
    read = load(config)
    refuse_unpriced(read)
    refuse_unreadable_prompts(read)
    summary, problems = _look_at(read, log or [])
    if as_json:
        typer.echo(json.dumps(_as_json(read, summary, problems), indent=2))
    else:
        for line in _as_text(read, summary, problems):
            typer.echo(line)
    return exits.WRONG_USE if problems else exits.OK


def _look_at(config: Config, logs: Sequence[Path]) -> tuple[LogSummary | None, tuple[str, ...]]:
    """The log's summary, None where there is none, and why a replay would be refused."""
    if not logs:
        if config.log_path is None:
            return None, ()
        if "://" in config.log_path:
            return None, (
                f"{config.log_path}: only files and folders are read. Copy it here first",
            )
        logs = [Path(config.log_path)]
    try:
        with tempfile.TemporaryDirectory(prefix="harness-") as spool:
            summary = summarise(config, as_logs(logs, Path(spool)))
    except (LogError, StoreError) as exc:
        return None, (str(exc),)
    return summary, obstacles(config, summary)


def _as_text(config: Config, log: LogSummary | None, problems: Sequence[str]) -> Iterator[str]:
    yield f"{config.path} is a valid config."
    live = live_cautions(config) if config.is_live else ()
    notes = [*problems, *cautions(config, log), *live]
    if notes:
        yield ""
        yield from (f"! {note}" for note in notes)
    yield ""
    yield from _aligned(
        [
            ("champion", _deployment(config, config.champion)),
            *(("challenger", _deployment(config, one)) for one in config.challengers),
            *_replay(config, log, problems),
            *(_live(config) if config.is_live else ()),
        ]
    )
    for names, rules in _grouped(config, log):
        yield ""
        yield f"Rules for {', '.join(names)}"
        yield from _rule_lines(rules)
    if config.challengers:
        yield ""
        yield f"How much data each rule needs: harness plan {config.path}"


def _rule_lines(rules: Sequence[Foreseen]) -> Iterator[str]:
    width = max(len(one.rule.title) for one in rules)
    demands = [demand(one.rule, one.metric) for one in rules]
    demand_width = max(len(wanted) for wanted in demands)
    for one, wanted in zip(rules, demands, strict=True):
        said = f"{_WORDS[one.evidence]}{one.why}"
        titled = f"{_SIGNS[one.evidence]} {one.rule.title:<{width}}"
        yield f"  {titled}  {wanted:<{demand_width}}  {said}".rstrip()


def _grouped(
    config: Config, log: LogSummary | None
) -> list[tuple[list[str], tuple[Foreseen, ...]]]:
    """Challengers with the same prospects, together."""
    groups: dict[tuple[Foreseen, ...], list[str]] = {}
    for challenger in config.challengers:
        groups.setdefault(foresee(config, challenger.name, log), []).append(challenger.name)
    return [(names, rules) for rules, names in groups.items()]


def _aligned(rows: Sequence[tuple[str, str]]) -> Iterator[str]:
    width = max(len(name) for name, _ in rows)
    yield from (f"{name:<{width}}  {text}" for name, text in rows)


def _deployment(config: Config, one: Deployment) -> str:
    if one is config.champion and config.champion_answers == "recorded":
        return f"{one.name}, answers from the log"
    limits = [f"timeout {one.timeout_s:g} s", f"{one.max_in_flight} in flight"]
    if one.rate_per_s is not None:
        limits.append(f"at most {one.rate_per_s:g}/s")
    return f"{one.name}, {config.where(one)} ({', '.join(limits)})"


def _replay(
    config: Config, log: LogSummary | None, problems: Sequence[str]
) -> Iterator[tuple[str, str]]:
    """What `harness replay` would do, unless the config is for live traffic alone."""
    if log is not None or problems or not config.is_live:
        yield "log", _log(log, problems) + _own_names(config)
        yield "pacing", _pacing(config, log)


def _live(config: Config) -> Iterator[tuple[str, str]]:
    """What `harness shadow` would do."""
    capture = config.capture
    scheme = "https" if capture.tls else "http"
    how = "serves the champion's users" if capture.mode == "proxy" else "takes copies of requests"
    yield "live", f"{how} on {scheme}://{capture.listen}, admin on http://{capture.admin}"
    share = "" if capture.sample == 1 else f"{capture.sample:.4g} of "
    paths = " ".join(capture.paths) or "any path"
    does = "mirrored" if config.challengers else "recorded"
    size = f"bodies up to {capture.max_body_bytes:,} bytes"
    yield does, f"{share}{', '.join(capture.methods)} to {paths}, {size}"


def _log(log: LogSummary | None, problems: Sequence[str]) -> str:
    if log is None:
        return "cannot be read, see above" if problems else "none named; use --log"
    said = [f"{log.n_entries:,} entries"]
    if log.duration_s is not None:
        said.append(f"over {log.duration_s:,.0f} s")
    said.append(f"{log.n_with_answer:,} with an answer, {log.n_with_truth:,} with the truth")
    if log.n_with_cluster:
        said.append(f"{log.n_clusters:,} users")
    return f"{log.where} ({log.format_name}): {', '.join(said)}"


def _own_names(config: Config) -> str:
    """How an nginx log is read that has names of its own."""
    log = config.log
    if not isinstance(log, RecordedLog) or not (log.names or log.headers):
        return ""
    told = [f"{what} as {name}" for what, name in log.names.items()]
    told += [f"header {header} as {name}" for name, header in log.headers.items()]
    return f"; {', '.join(told)}"


def _pacing(config: Config, log: LogSummary | None) -> str:
    match config.pacing.mode:
        case "recorded":
            faster = config.pacing.speed != 1
            said = (
                f"as recorded, {config.pacing.speed:g} times as fast" if faster else "as recorded"
            )
        case "rate":
            said = f"{config.pacing.per_s:g} requests a second"
        case "closed":
            said = f"{config.pacing.in_flight} requests in flight"
    if log is None:
        return said
    seconds = _lasts_s(config, log)
    lasting = "" if seconds is None else f", about {seconds:,.0f} s"
    warm_up = f" after {config.warm_up} to warm up" if config.warm_up else ""
    return f"{said}{lasting}: {n_pairs(config, log):,} pairs per challenger{warm_up}"


def _lasts_s(config: Config, log: LogSummary) -> float | None:
    match config.pacing.mode:
        case "recorded":
            return None if log.duration_s is None else log.duration_s / config.pacing.speed
        case "rate":
            return log.n_entries / config.pacing.per_s
        case "closed":
            return None


def _live_as_json(config: Config) -> dict[str, Any]:
    capture = config.capture
    return {
        "problem": _live_problem(config),
        "cautions": list(live_cautions(config)),
        "mode": capture.mode,
        "listen": capture.listen,
        "admin": capture.admin,
        "methods": list(capture.methods),
        "paths": list(capture.paths),
        "sample": capture.sample,
    }


def _live_problem(config: Config) -> str | None:
    """Why `harness shadow` would refuse the config."""
    try:
        refuse_unfit_for_live(config)
    except ConfigError as exc:
        return str(exc)
    return None


def _as_json(config: Config, log: LogSummary | None, problems: Sequence[str]) -> dict[str, Any]:
    def deployment(one: Deployment) -> dict[str, Any]:
        return {"name": one.name, "where": config.where(one), "timeout_s": one.timeout_s}

    return {
        "config": str(config.path),
        "digest": config.digest,
        "champion": deployment(config.champion),
        "champion_answers": config.champion_answers,
        "challengers": [deployment(one) for one in config.challengers],
        "pacing": config.pacing.model_dump(by_alias=True),
        "log": None if log is None else asdict(log),
        "problems": list(problems),
        "n_pairs": None if log is None else n_pairs(config, log),
        "n_clusters": None if log is None else n_clusters(config, log),
        "cautions": list(cautions(config, log)),
        "live": _live_as_json(config) if config.is_live else None,
        "rules": [
            {
                "challenger": one.name,
                "rule": foreseen.rule.title,
                "wanted": demand(foreseen.rule, foreseen.metric),
                "metric": foreseen.metric.name,
                "evidence": foreseen.evidence,
                "why": foreseen.why or None,
            }
            for one in config.challengers
            for foreseen in foresee(config, one.name, log)
        ],
    }
