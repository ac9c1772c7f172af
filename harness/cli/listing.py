"""The pairs of a run that are worth a look, chosen and put in order, as a list."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

import polars as pl

from harness.cli.judging import Tables
from harness.cli.outputs import colour, width
from harness.cli.pair_views import answer_of
from harness.config import Config
from harness.errors import UsageError
from harness.measure.browsing import Choice, Order, Outcome, Tally, browse, tally
from harness.measure.catalog import FAILURES
from harness.report.comparison_view import as_text
from harness.report.listing import ListedPair, Listing, render_listing
from harness.report.sanitize import LONGEST_LINE
from harness.store.manifest import Pacing
from harness.store.reader import StoredRun

_ORDERS = {
    Order.SIZE: "worst first",
    Order.FIELD: "by field",
    Order.SEGMENT: "by segment",
    Order.TIME: "oldest first",
    Order.LATENCY: "by how much slower the challenger was",
    Order.COST: "by how much more the challenger cost",
}


def outcome_of(given: str | None) -> str | None:
    """How a pair ended, or how a side failed, as somebody typed it.

    Raises:
        UsageError: Naming those there are.
    """
    known = [*Outcome, *FAILURES]
    if given is None or given in known:
        return given
    raise UsageError(f"--outcome {given}: is none there is. Use one of {', '.join(known)}")


def segments_of(given: Sequence[str], run: StoredRun) -> Mapping[str, str]:
    """`source=mobile` and the like as they were typed.

    Raises:
        UsageError: The run has no segment of that name, or no value is given.
    """
    parts = {}
    for text in given:
        name, equals, value = text.partition("=")
        if not equals:
            raise UsageError(f"--segment {text}: has no value. Write it as NAME=VALUE")
        if name not in run.segments:
            known = ", ".join(run.segments) or "none"
            raise UsageError(f"--segment {text}: the run has the segments {known}. Use one of them")
        parts[name] = value
    return parts


def lists(run: StoredRun, config: Config, names: Sequence[str], choice: Choice) -> Iterator[str]:
    """A list for each challenger, as text for where stdout leads."""
    tables = Tables(config, open_loop=run.manifest.pacing is Pacing.OPEN)
    comparisons = [one.name for one in config.compare]
    for position, name in enumerate(names):
        values = tables.of(run, name)
        counted = tally(values, comparisons, choice)
        rows = browse(values, comparisons, choice)
        if not counted.n_pairs:
            counted = tally(values, comparisons, _unlimited(choice))
        pairs = tuple(_pairs(rows, run, name, config))
        heading = _heading(name, len(pairs), counted, choice)
        yield "\n" if position else ""
        listing = _listing(heading, pairs, counted, choice, run)
        yield render_listing(listing, width=width(), colour=colour())


def _unlimited(choice: Choice) -> Choice:
    """What there would be: for somebody who chose what there is none of."""
    return replace(choice, field=None, segments={}, outcome=None)


def _listing(
    heading: str, pairs: tuple[ListedPair, ...], counted: Tally, choice: Choice, run: StoredRun
) -> Listing:
    shows = {"segment"} if run.segments else set()
    if choice.order in {Order.LATENCY, Order.COST}:
        shows.add(choice.order.value)
    counts = {
        "field": counted.fields,
        "segment": counted.segments,
        "outcome": counted.outcomes,
    }
    return Listing(heading, pairs, counts, frozenset(shows))


def _heading(name: str, n_shown: int, counted: Tally, choice: Choice) -> str:
    what = "pairs" if choice.order in {Order.LATENCY, Order.COST} else "disagreements"
    if n_shown:
        shown = f", {n_shown:,} shown" if n_shown < counted.n_pairs else ""
        return f"{name}: {counted.n_pairs:,} {what}{shown}, {_ORDERS[choice.order]}"
    if choice.field or choice.segments or choice.outcome:
        return f"{name}: no {what} of that kind; in all there are {counted.n_pairs:,}"
    return f"{name}: no {what}"


def _pairs(rows: pl.DataFrame, run: StoredRun, name: str, config: Config) -> Iterator[ListedPair]:
    silent = rows.filter((pl.col("champion") == "") | (pl.col("challenger") == ""))
    answers = _answers(silent["request_id"], run, name, config)
    for row in rows.iter_rows(named=True):
        champion, challenger = answers.get(row["request_id"], ("", ""))
        yield ListedPair(
            request_id=row["request_id"],
            size=row["size"],
            outcome=row["outcome"],
            fields=tuple(row["fields"]),
            segments=tuple(row["segments"]),
            champion=row["champion"] or champion,
            challenger=row["challenger"] or challenger,
            latency_s=row["latency_s"],
            cost_usd=row["cost_usd"],
        )


def _answers(
    request_ids: pl.Series, run: StoredRun, name: str, config: Config
) -> dict[str, tuple[str, str]]:
    """Both answers to some requests in a line each; for configs whose answers have no label."""
    if request_ids.is_empty():
        return {}
    sides = ("champion", "challenger")
    columns = [f"{side}_{what}" for side in sides for what in ("body", "headers")]
    rows = (
        run.scan(name, ["request_id", *columns])
        .filter(pl.col("request_id").is_in(request_ids.implode()))
        .collect()
    )
    return {
        row["request_id"]: (_line(row, "champion", config), _line(row, "challenger", config))
        for row in rows.iter_rows(named=True)
    }


def _line(row: dict[str, object], side: str, config: Config) -> str:
    answer = answer_of(row, side, config)
    if answer is None:
        return ""
    text = answer if isinstance(answer, str) else as_text(answer)
    return " ".join(text[: 4 * LONGEST_LINE].split())
