"""`harness import`: a foreign log, or a run, as a harness log; with both answers, as a run."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Annotated

import typer

from harness.cli.corpora import corpus_of
from harness.cli.importing_run import Logs, import_run
from harness.cli.places import RUNS, stored_run
from harness.cli.run_as_log import entries_of_run
from harness.config import Config, load
from harness.errors import LogError, UsageError
from harness.readers.nginx import Names
from harness.replay.corpus import MAX_REJECTED_RATE, Contents, Corpus
from harness.replay.importing import SUFFIXES, write_log
from harness.store.disk import is_taken
from harness.store.reader import StoredRun
from harness.store.remote import fetch, is_uri, shown


def import_log(
    source: Annotated[
        list[str], typer.Argument(metavar="SRC", help="The log: files, or a folder. Or a run.")
    ],
    out: Annotated[
        Path,
        typer.Option(
            "--out",
            metavar="OUT",
            help="Harness log: .jsonl, .jsonl.gz, .jsonl.zst. Any other name: the folder of a run.",
        ),
    ],
    challenger: Annotated[
        list[str] | None,
        typer.Option(
            "--challenger",
            metavar="[NAME=]LOG",
            help="What a challenger answered to the same requests, joined by id; repeatable.",
            show_default=False,
        ),
    ] = None,
    config: Annotated[
        Path | None,
        typer.Option(
            "--config",
            metavar="FILE",
            help="Names the deployments of the run and says whose a request is; how to read a log.",
            show_default=False,
        ),
    ] = None,
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
    """Turn a log of another format, or a run, into a harness log; or two answers into a run.

    Entries of a log come in the order of time, with their answers where the log has them. A run
    gives its requests with the champion's answers. Where a log has the answers of both sides, or
    each has a log of its own, --out may name a folder: it becomes a run that `harness gate` judges.

    Example: harness import traffic.gor --out traffic.jsonl.zst
    """
    if len(source) == 1 and (is_uri(source[0]) or (Path(source[0]) / "run.json").is_file()):
        if challenger or config is not None:
            raise UsageError(f"{source[0]}: is a run, and has its challengers and config already")
        _import_stored(source[0], out)
        return
    read = load(config) if config is not None else None
    if read is not None and format == "auto":
        format = read.log_format or format
    names = read.nginx_names if read is not None else None
    with _logs(source, challenger or (), format, names, max_rejected_rate) as logs:
        if out.name.endswith(SUFFIXES):
            _import_as_log(logs, out)
        else:
            _import_as_run(logs, read, out)
    print(out)


def _import_stored(source: str, out: Path) -> None:
    """A run as a log; as a run it is copied."""
    if out.name.endswith(SUFFIXES):
        run = stored_run(source, RUNS)
        written = write_log(entries_of_run(run), out)
        print(f"harness: {_shown(source)}: a run, {written:,} requests", file=sys.stderr)
    else:
        if is_taken(out):
            raise UsageError(f"{out}: is there already. Name a folder that is not")
        _copy(source if is_uri(source) else Path(source).absolute().as_uri(), out)
        n_pairs = sum(map((run := StoredRun.open(out)).n_pairs, run.challengers))
        print(f"harness: {_shown(source)}: a run, {n_pairs:,} pairs", file=sys.stderr)
    print(out)


def _shown(source: str) -> str:
    return shown(source) if is_uri(source) else source


def _copy(uri: str, out: Path) -> None:
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{out.name}.", dir=out.parent) as beside:
        fetch(uri, Path(beside)).replace(out)


@contextmanager
def _logs(
    source: Sequence[str],
    challengers: Sequence[str],
    format: str,
    names: Names | None,
    max_rejected_rate: float,
) -> Iterator[Logs]:
    """The log and those of challengers, all of them read."""
    with ExitStack() as stack:
        spool = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="harness-")))

        def read(paths: Sequence[str], format: str, *, needs_requests: bool) -> Corpus:
            corpus = corpus_of(
                [Path(path) for path in paths],
                format,
                spool,
                names=names,
                max_rejected_rate=max_rejected_rate,
                needs_requests=needs_requests,
            )
            return stack.enter_context(corpus)

        corpus = read(source, format, needs_requests=True)
        others: dict[str, Corpus] = {}
        for given in challengers:
            name, path = _named(given)
            if name in others or name in {one.by for one in corpus.other_answers}:
                raise UsageError(f"--challenger {given}: {name} is there already. Name it NAME=LOG")
            others[name] = read([path], "auto", needs_requests=False)
            corpus.add_answers(name, others[name])
        yield Logs(corpus, others)


def _named(given: str) -> tuple[str, str]:
    """A challenger's name and its log; the log's own name where none is given."""
    name, equals, path = given.partition("=")
    if equals and "/" not in name:
        return name, path
    return Path(given).name.split(".")[0], given


def _tell(contents: Contents) -> None:
    print(
        f"harness: {contents.where}: {contents.format_name}, {contents.n_entries:,} entries, "
        f"{contents.n_with_answer:,} with an answer, {contents.n_rejected:,} unreadable",
        file=sys.stderr,
    )
    for rejected in contents.first_rejections:
        print(f"harness: left out {rejected.position}: {rejected.why}", file=sys.stderr)


def _import_as_log(logs: Logs, out: Path) -> None:
    if logs.others:
        raise UsageError(f"{out}: a log has one answer to a request. Name a folder for a run")
    write_log((entry.recorded for entry in logs.corpus.entries()), out)
    _tell(logs.corpus.contents)
    for one in logs.corpus.other_answers:
        print(
            f"harness: {one.n:,} answers of {one.by!r} are not in it: name a folder as --out, and "
            f"they make a run",
            file=sys.stderr,
        )


def _import_as_run(logs: Logs, config: Config | None, out: Path) -> None:
    if not logs.answered_by:
        raise LogError(
            f"{out}: a harness log is named {', '.join(SUFFIXES)}. Name it so; or, for a run, add "
            f"the log of a challenger: --challenger NAME=LOG"
        )
    conservation = import_run(logs, config, out)
    for corpus in (logs.corpus, *logs.others.values()):
        _tell(corpus.contents)
    for one in logs.corpus.other_answers:
        if one.n > one.n_to_a_request:
            print(
                f"harness: {one.n - one.n_to_a_request:,} answers of {one.by!r} are to no request "
                f"of the log",
                file=sys.stderr,
            )
    for name, counts in conservation.items():
        lost = ", ".join(f"{reason}: {n:,}" for reason, n in counts.losses.items())
        print(
            f"harness: {name}: {counts.paired:,} pairs of {counts.received:,} requests"
            f"{f' (lost: {lost})' if lost else ''}",
            file=sys.stderr,
        )
