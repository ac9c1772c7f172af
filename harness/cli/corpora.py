"""A log made ready, read by whatever installed reader knows its format."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from harness.cli.log_summary import readers
from harness.cli.run_as_log import as_logs
from harness.readers.nginx import Names
from harness.replay.corpus import Corpus


def corpus_of(
    paths: Sequence[Path],
    format: str | None,
    spool: Path,
    *,
    names: Names | None = None,
    max_rejected_rate: float,
    needs_requests: bool = True,
) -> Corpus:
    """Read a log, or a run as a log.

    Args:
        format: Name of a reader; None or `auto` to tell by content.
        names: Under which names an nginx log has things; None for the usual ones.
        needs_requests: False for a log that is read for its answers.

    Raises:
        LogError: It cannot be read, or too much of it cannot.
        PluginError: A reader cannot be loaded.
    """
    return Corpus.build(
        as_logs(paths, spool),
        readers(names),
        format=None if format == "auto" else format,
        spool_dir=spool,
        max_rejected_rate=max_rejected_rate,
        needs_requests=needs_requests,
    )


def warn_of_damage(corpus: Corpus) -> None:
    """Say what of a log is left out, so that nobody takes what is replayed for all of it."""
    contents = corpus.contents
    if contents.n_rejected:
        first = contents.first_rejections[0]
        print(
            f"harness: {contents.where}: left out {contents.n_rejected:,} of "
            f"{contents.n_entries + contents.n_rejected:,} entries that cannot be read "
            f"(first: {first.position}, {first.why})",
            file=sys.stderr,
        )
