"""A stored pair as a person is to see it: its facts, its answers decoded, where they differ."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from harness.cli.meaning import dialect_of
from harness.compare.explain import explain
from harness.config import Config
from harness.config.comparison import StructureComparison
from harness.dialects import volatile_of
from harness.output import Undecodable
from harness.quantity import say
from harness.report.comparison_view import BothSides, PairView, as_text

Row = dict[str, Any]


def view_of(row: Row, config: Config) -> PairView:
    """One row of the pair table."""
    champion, challenger = (answer_of(row, side, config) for side in ("champion", "challenger"))
    return PairView(
        request_id=row["request_id"],
        request=f"{row['method']} {row['path']}",
        about=f"{row['challenger']}, received {row['received_at']:%Y-%m-%d %H:%M:%S} UTC, "
        f"cluster {row['cluster_id']}",
        facts=tuple(_facts(row)),
        differences=tuple(_differences(champion, challenger, config)),
        champion=as_text(champion) if champion is not None else None,
        challenger=as_text(challenger) if challenger is not None else None,
    )


def answer_of(row: Row, side: str, config: Config) -> Any:
    """One side's answer as a JSON value; as text where it is none, None where nothing was kept."""
    body = row[f"{side}_body"]
    if body is None:
        return None
    headers = tuple((one["name"], one["value"]) for one in row[f"{side}_headers"] or ())
    value = dialect_of(config).decode(body, headers)
    return body.decode("utf-8", "replace") if isinstance(value, Undecodable) else value


def _facts(row: Row) -> Iterator[BothSides]:
    def both(name: str, said: Any) -> BothSides:
        return BothSides(name, said("champion"), said("challenger"))

    yield both("outcome", lambda side: row[f"{side}_outcome"])
    yield both("status", lambda side: str(row[f"{side}_status"] or "–"))
    yield both("latency", lambda side: say(row[f"{side}_latency_s"], "s"))
    yield both("waited", lambda side: say(row[f"{side}_wait_s"], "s"))
    yield both("attempts", lambda side: str(row[f"{side}_attempts"]))
    if any(row[f"{side}_cost_usd"] is not None for side in ("champion", "challenger")):
        yield both("cost", lambda side: say(row[f"{side}_cost_usd"], "usd"))
    if any(row[f"{side}_error"] for side in ("champion", "challenger")):
        yield both("error", lambda side: row[f"{side}_error"] or "–")
    if row["truth"] is not None:
        yield BothSides("truth", row["truth"], row["truth"])


def _differences(champion: Any, challenger: Any, config: Config) -> Iterator[tuple[str, str]]:
    if champion is None or challenger is None:
        return
    structures = [one for one in config.compare if isinstance(one, StructureComparison)]
    ignored = [path for one in structures for path in one.ignore]
    if all(one.volatile == "ignored" for one in structures):
        ignored += volatile_of(dialect_of(config))
    for line in explain(champion, challenger, ignore=ignored).lines:
        path, _, what = line.partition(": ")
        yield path, what
