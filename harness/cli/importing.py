"""`harness import`: turn a foreign log into a harness log."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import Annotated

import typer

from harness.cli.corpora import corpus_of
from harness.cli.run_as_log import entries_of_run
from harness.replay.corpus import MAX_REJECTED_RATE
from harness.replay.importing import write_log
from harness.store.reader import StoredRun


def import_log(
    source: Annotated[
        list[Path], typer.Argument(metavar="SRC", help="The log: files, or a folder.")
    ],
    out: Annotated[
        Path,
        typer.Option("--out", metavar="FILE", help="Harness log: .jsonl, .jsonl.gz, .jsonl.zst."),
    ],
    format: Annotated[
        str,
        typer.Option(
            "--format", metavar="NAME", help="The log's format; told by content otherwise."
        ),
    ] = "auto",
    max_rejected_rate: Annotated[
        float,
        typer.Option(
            "--max-rejected-rate",
            metavar="SHARE",
            min=0,
            max=1,
            help="Share of unreadable entries to put up with.",
        ),
    ] = MAX_REJECTED_RATE,
) -> None:
    """Turn a log of another format, or a run, into a harness log.

    Entries of a log come in the order of time, with their answers where the log has them. A run
    gives its requests with the champion's answers.

    Example: harness import traffic.gor --out traffic.jsonl.zst
    """
    if len(source) == 1 and (source[0] / "run.json").is_file():
        run = StoredRun.open(source[0])
        written = write_log(entries_of_run(run), out)
        print(f"harness: {source[0]}: a run, {written:,} requests", file=sys.stderr)
        print(out)
        return
    with (
        tempfile.TemporaryDirectory(prefix="harness-") as spool,
        corpus_of(source, format, Path(spool), max_rejected_rate=max_rejected_rate) as corpus,
    ):
        written = write_log((entry.recorded for entry in corpus.entries()), out)
        contents = corpus.contents
    print(
        f"harness: {contents.where}: {contents.format_name}, {written:,} entries, "
        f"{contents.n_with_answer:,} with an answer, {contents.n_rejected:,} unreadable",
        file=sys.stderr,
    )
    for rejected in contents.first_rejections:
        print(f"harness: left out {rejected.position}: {rejected.why}", file=sys.stderr)
    print(out)
