"""`harness feedback`: add what was said later about the requests of a run."""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

import polars as pl
import typer

from harness.cli.exits import OK
from harness.cli.gate import config_of
from harness.cli.labels import requests_of
from harness.cli.places import RUNS, stored_run
from harness.errors import UsageError
from harness.exchange import Rejected
from harness.feedback import Feedback, FeedbackKind
from harness.readers.feedback_lines import read_feedback
from harness.store.feedback import add_feedback
from harness.store.feedback import feedback as stored_feedback
from harness.store.reader import StoredRun

_MOST_REASONS = 10


@dataclass(slots=True)
class Joined:
    """What became of the lines of some feedback.

    Attributes:
        n_unknown: About requests that this run does not have.
        n_ambiguous: By a client's id that several requests of the run share.
        n_repeated: What was known already, word for word.
        n_late: Labels that came after the maturity window, which are kept and do not count.
        reasons: Of negative feedback, how often each reason was given.
    """

    added: list[tuple[str, Feedback]] = field(default_factory=list)
    n_unknown: int = 0
    n_ambiguous: int = 0
    n_repeated: int = 0
    n_late: int = 0
    n_negative: int = 0
    rejected: list[Rejected] = field(default_factory=list)
    reasons: Counter[str] = field(default_factory=Counter)

    def as_json(self) -> dict[str, Any]:
        return {
            "added": len(self.added),
            "by_kind": dict(Counter(one.kind.value for _, one in self.added)),
            "unknown": self.n_unknown,
            "ambiguous": self.n_ambiguous,
            "repeated": self.n_repeated,
            "late": self.n_late,
            "unreadable": len(self.rejected),
            "negative": self.n_negative,
            "reasons": dict(self.reasons.most_common()),
        }


def feedback(
    run: Annotated[str, typer.Argument(metavar="RUN", help="The run that it is about.")],
    file: Annotated[str, typer.Argument(metavar="FILE", help="JSON Lines, or - for stdin.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> int:
    """Add labels, ratings and thumbs that came later to a stored run.

    A line is {"id": ..., "at": "2025-06-30T12:00:00Z", "label": ...}; instead of `label` there may
    be `rating`, `thumb`, `regenerated` or `completed`, and `reason` says what was wrong. The id is
    the request's, ours or the client's. With `truth: feedback` in the config, labels are what
    accuracy is held against.

    Example: harness feedback runs/20250101T120000Z-digits-ab12cd labels.jsonl
    """
    stored = stored_run(run, RUNS)
    if not stored.challengers:
        raise UsageError(f"{stored.path}: has no challengers. Name a run that can be judged")
    with _lines(file) as lines:
        joined = join(stored, read_feedback(lines), maturity_s=_maturity_s(stored))
    add_feedback(stored.path, joined.added)
    if as_json:
        typer.echo(json.dumps(joined.as_json(), indent=2))
    else:
        for line in _said(joined):
            typer.echo(line)
    return OK


def _maturity_s(run: StoredRun) -> float | None:
    return config_of(run).maturity_s if run.manifest.config else None


def join(
    run: StoredRun, said: Iterable[Feedback | Rejected], *, maturity_s: float | None = None
) -> Joined:
    """Find the requests that feedback is about; what is known already is not added again."""
    joined = Joined()
    requests = requests_of(run)
    at_ns = pl.col("received_at").dt.epoch("ns")
    ours = dict(requests.select("request_id", at_ns).iter_rows())
    theirs: dict[str, str | None] = {}
    for request_id, external_id in requests.select("request_id", "external_id").iter_rows():
        if external_id is not None:
            theirs[external_id] = None if external_id in theirs else request_id
    known = set(stored_feedback(run.path).select(*_WORDS).iter_rows())
    for one in said:
        if isinstance(one, Rejected):
            joined.rejected.append(one)
        elif one.about in ours:
            _take(joined, known, one.about, one)
        elif one.about not in theirs:
            joined.n_unknown += 1
        elif (request_id := theirs[one.about]) is None:
            joined.n_ambiguous += 1
        else:
            _take(joined, known, request_id, one)
    if maturity_s is not None:
        joined.n_late = sum(
            said.kind is FeedbackKind.LABEL and said.at_ns > ours[about] + maturity_s * 1e9
            for about, said in joined.added
        )
    return joined


_WORDS = ("request_id", "kind", "value", "reason", pl.col("at").dt.epoch("ns"))


def _take(joined: Joined, known: set[tuple[Any, ...]], ours: str, one: Feedback) -> None:
    words = (ours, one.kind.value, one.value, one.reason, one.at_ns)
    if words in known:
        joined.n_repeated += 1
        return
    known.add(words)
    joined.added.append((ours, one))
    if one.is_negative:
        joined.n_negative += 1
        joined.reasons[one.reason or "no reason given"] += 1


def _said(joined: Joined) -> Iterator[str]:
    told = joined.as_json()
    kinds = ", ".join(f"{n:,} {kind}" for kind, n in sorted(told["by_kind"].items()))
    yield f"{told['added']:,} added{f' ({kinds})' if kinds else ''}"
    for name, why in (
        ("repeated", "said before"),
        ("late", "labels later than `maturity`, which do not count"),
        ("unknown", "about requests that are not in this run"),
        ("ambiguous", "by an id that several requests share"),
    ):
        if told[name]:
            yield f"{told[name]:,} {why}"
    if joined.rejected:
        first = joined.rejected[0]
        yield f"{len(joined.rejected):,} unreadable (first: {first.position}, {first.why})"
    if joined.n_negative:
        yield f"{joined.n_negative:,} negative:"
        for reason, n in joined.reasons.most_common(_MOST_REASONS):
            yield f"  {n:,} {reason}"


@contextmanager
def _lines(file: str) -> Iterator[Iterable[bytes]]:
    if file == "-":
        yield sys.stdin.buffer
        return
    try:
        with Path(file).open("rb") as opened:
            yield opened
    except OSError as exc:
        raise UsageError(f"{file}: cannot be read ({exc.strerror})") from exc
