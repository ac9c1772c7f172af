"""A log made ready, read by whatever installed reader knows its format."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from harness.cli.log_summary import readers
from harness.replay.corpus import Corpus


def corpus_of(paths: Sequence[Path], format: str, spool: Path) -> Corpus:
    """Read a log.

    Args:
        format: Name of a reader, or `auto` to tell by content.

    Raises:
        LogError: It cannot be read, or too much of it cannot.
        PluginError: A reader cannot be loaded.
    """
    return Corpus.build(
        list(paths), readers(), format=None if format == "auto" else format, spool_dir=spool
    )
