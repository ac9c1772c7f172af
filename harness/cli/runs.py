"""`harness runs`: what is stored, retention, and erasure of one user's rows."""

from __future__ import annotations

import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, TypeVar

import orjson
import typer
from rich.table import Table
from typer.core import TyperGroup

from harness.cli.outputs import colour, width
from harness.cli.places import RUNS, stored_run
from harness.config.amounts import duration_s, size_bytes
from harness.config.problems import BadValueError
from harness.errors import UsageError
from harness.report.screen import draw
from harness.store.catalogue import RunSummary, runs_in
from harness.store.erasure import erase_cluster
from harness.store.layout import MANIFEST
from harness.store.remote import is_uri, shown
from harness.store.retention import overdue, prune

_BYTES_STEP = 1024


class _ListByDefault(TyperGroup):
    """`harness runs [DIR]` lists; `prune` and `erase` are commands."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        if not args or (args[0] not in self.commands and args[0] != "--help"):
            args = ["list", *args]
        return super().parse_args(ctx, args)


app = typer.Typer(
    cls=_ListByDefault,
    help="List stored runs; prune old ones; erase one user's rows.\n\n"
    "Example: harness runs, harness runs prune --max-age 14d --yes",
    rich_markup_mode=None,
)

Folder = Annotated[Path, typer.Argument(metavar="DIR", help="Where the runs are.")]


@app.command("list")
def list_runs(
    folder: Folder = RUNS,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """List the runs of a folder, oldest first.

    Example: harness runs
    """
    found = _found(folder)
    if as_json:
        sys.stdout.write(orjson.dumps([_record(run) for run in found]).decode() + "\n")
    elif not found:
        print(f"harness: no runs in {folder}", file=sys.stderr)
    else:
        sys.stdout.write(draw([_table(found)], width=width(), colour=colour()))


@app.command("prune")
def prune_runs(
    folder: Folder = RUNS,
    max_age: Annotated[
        str | None,
        typer.Option("--max-age", metavar="DURATION", help="Delete runs older than this: 14d."),
    ] = None,
    max_bytes: Annotated[
        str | None,
        typer.Option("--max-bytes", metavar="SIZE", help="Delete the oldest beyond this: 20GiB."),
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Delete, and not only say what.")] = False,
) -> None:
    """Delete old runs (with --yes), or say which.

    Example: harness runs prune --max-age 14d --max-bytes 20GiB --yes
    """
    if max_age is None and max_bytes is None:
        raise UsageError("nothing to prune by. Give --max-age, --max-bytes or both")
    age_s = _read("--max-age", max_age, duration_s)
    size = _read("--max-bytes", max_bytes, size_bytes)
    found, now = _found(folder), datetime.now(UTC)
    if yes:
        going = prune(folder, max_bytes=size, max_age_s=age_s, now=now)
    else:
        going = overdue(found, max_bytes=size, max_age_s=age_s, now=now)
    for run in going:
        print(run.path)
    freed = _size(sum(run.n_bytes for run in going))
    done = "deleted" if yes else "would be deleted (add --yes to do it)"
    print(f"harness: {_runs(len(going))}, {freed}, {done}", file=sys.stderr)


@app.command("erase")
def erase(
    cluster: Annotated[
        str, typer.Option("--cluster", metavar="ID", help="The user, session, conversation.")
    ],
    runs: Annotated[
        list[str] | None, typer.Argument(metavar="RUN", help="Runs; all below runs/ if none.")
    ] = None,
) -> None:
    """Erase one user's rows from runs.

    Pairs, values and examples in verdicts go; the numbers of stored verdicts stay.

    Example: harness runs erase --cluster user-17
    """
    for run in filter(is_uri, runs or ()):
        raise UsageError(f"{shown(run)}: rows are erased where they are kept. Name a run here")
    folders = [stored_run(run, RUNS).path for run in runs] if runs else _all_runs()
    total = 0
    for folder in folders:
        n_erased = erase_cluster(folder, cluster)
        total += n_erased
        if n_erased:
            print(f"{folder}: {n_erased:,} rows erased")
    done = f"{total:,} rows erased" if total else f"no rows of cluster {cluster!r}"
    print(f"harness: {done} in {_runs(len(folders))}", file=sys.stderr)


T = TypeVar("T")


def _read(flag: str, text: str | None, read: Callable[[str], T]) -> T | None:
    if text is None:
        return None
    try:
        return read(text)
    except BadValueError as exc:
        raise UsageError(f"{flag}: {exc.problem.format(value=repr(text))}") from exc


def _found(folder: Path) -> tuple[RunSummary, ...]:
    """The runs in a folder. The usual one may be missing yet; one that was named may not."""
    if folder != RUNS and not folder.is_dir():
        raise UsageError(f"{folder}: no such folder. Name the one that runs are in")
    if (folder / MANIFEST).exists():
        raise UsageError(f"{folder}: is a run itself. Name the folder it is in")
    return runs_in(folder)


def _runs(n: int) -> str:
    return "1 run" if n == 1 else f"{n:,} runs"


def _all_runs() -> list[Path]:
    return [run.path for run in runs_in(RUNS)]


def _table(found: tuple[RunSummary, ...]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim")
    for heading in ("run", "started (UTC)", "config"):
        table.add_column(heading, overflow="fold")
    for heading in ("pairs", "size"):
        table.add_column(heading, justify="right")
    table.add_column("decision")
    for run in found:
        table.add_row(
            str(run.path),
            f"{run.started_at:%Y-%m-%d %H:%M:%S}" if run.started_at else "–",
            run.manifest.name if run.manifest else "–",
            "–" if run.n_pairs is None else f"{run.n_pairs:,}",
            _size(run.n_bytes),
            run.problem or run.decision or ("running" if run.is_locked else "–"),
        )
    return table


def _record(run: RunSummary) -> dict[str, object]:
    return {
        "path": str(run.path),
        "run_id": run.manifest.run_id if run.manifest else None,
        "started_at": run.started_at.isoformat() if run.started_at else None,
        "config": run.manifest.name if run.manifest else None,
        "status": run.manifest.status if run.manifest else None,
        "n_pairs": run.n_pairs,
        "n_bytes": run.n_bytes,
        "decision": run.decision,
        "problem": run.problem or None,
    }


def _size(n_bytes: float) -> str:
    for unit in ("B", "KiB", "MiB", "GiB"):
        if n_bytes < _BYTES_STEP:
            return f"{n_bytes:.0f} {unit}"
        n_bytes /= _BYTES_STEP
    return f"{n_bytes:.1f} TiB"
