"""A foreign log written as a harness log says the same."""

from __future__ import annotations

import gzip
import resource
from contextlib import contextmanager
from dataclasses import replace

import pytest
import zstandard

from harness.errors import LogError, StoreFullError
from harness.replay.corpus import Corpus
from harness.replay.importing import write_log
from tests.readers.sources import LOGS, READERS

NAMES = (
    "harness.jsonl", "goreplay.gor", "goreplay-0.16.gor", "browser.har", "datacapture",
    "openai-batch", "nginx.jsonl", "digits.jsonl",
)  # fmt: skip


@contextmanager
def no_file_above(n_bytes):
    """The kernel refuses to let files grow beyond that: as good as a full disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (n_bytes, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.fixture
def corpus(tmp_path):
    """Build corpora; closed at the end."""
    built = []

    def build(path):
        built.append(Corpus.build([path], READERS, spool_dir=tmp_path, max_rejected_rate=0.9))
        return built[-1]

    yield build
    for each in built:
        each.close()


def recorded(corpus):
    return (entry.recorded for entry in corpus.entries())


def entries(corpus):
    return [replace(entry.recorded, position="") for entry in corpus.entries()]


@pytest.mark.parametrize("suffix", [".jsonl", ".jsonl.gz", ".jsonl.zst"])
@pytest.mark.parametrize("name", NAMES)
def test_an_import_says_what_the_log_said(corpus, tmp_path, name, suffix):
    """Every format, in the order of time, answers joined, nothing lost or added."""
    foreign = corpus(LOGS / name)
    out = tmp_path / f"out{suffix}"

    n_written = write_log(recorded(foreign), out)

    imported = corpus(out)
    assert n_written == imported.n_entries
    assert entries(imported) == entries(foreign)
    assert imported.format_name == "harness"
    assert imported.n_rejected == 0
    assert imported.n_with_answer == foreign.n_with_answer


def test_importing_an_import_changes_nothing(corpus, tmp_path):
    """Not a byte."""
    first, second = tmp_path / "a.jsonl", tmp_path / "b.jsonl"
    write_log(recorded(corpus(LOGS / "browser.har")), first)

    write_log(recorded(corpus(first)), second)

    assert first.read_bytes() == second.read_bytes()


def test_the_suffix_says_how_it_is_compressed(corpus, tmp_path):
    """The same lines in each; the same log gives the same file."""
    log = corpus(LOGS / "harness.jsonl")
    plain, gz, again, zst = (
        tmp_path / name for name in ("a.jsonl", "a.jsonl.gz", "b.jsonl.gz", "a.jsonl.zst")
    )
    for path in (plain, gz, again, zst):
        write_log(recorded(log), path)

    assert gzip.decompress(gz.read_bytes()) == plain.read_bytes()
    assert gz.read_bytes() == again.read_bytes()
    unpacked = zstandard.ZstdDecompressor().decompressobj().decompress(zst.read_bytes())
    assert unpacked == plain.read_bytes()


@pytest.mark.parametrize(
    ("name", "message"),
    [
        (
            "out.har",
            "{0}/out.har: a harness log is named .jsonl, .jsonl.gz, .jsonl.zst. Name it so",
        ),
        (
            "no/out.jsonl",
            "{0}/no/out.jsonl: cannot be written: No such file or directory. "
            "Name a folder that can",
        ),
        (
            "file/out.jsonl",
            "{0}/file/out.jsonl: cannot be written: Not a directory. Name a folder that can",
        ),
    ],
)
def test_what_is_wrong_is_said(corpus, tmp_path, name, message):
    """Where, what it is, and what to do."""
    (tmp_path / "file").touch()

    with pytest.raises(LogError) as caught:
        write_log(recorded(corpus(LOGS / "harness.jsonl")), tmp_path / name)

    assert str(caught.value) == message.format(tmp_path)


def test_a_log_that_was_there_stays_until_the_new_one_is_whole(corpus, tmp_path):
    """A disk that is full half-way leaves what was there, and nothing beside it."""
    out = tmp_path / "out.jsonl"
    out.write_bytes(b"before")
    log = corpus(LOGS / "digits.jsonl")

    with no_file_above(100_000), pytest.raises(StoreFullError) as caught:
        write_log(recorded(log), out)

    assert str(caught.value) == f"{out}: cannot be written: File too large"
    assert out.read_bytes() == b"before"
    assert [path.name for path in tmp_path.iterdir()] == ["out.jsonl"]


def test_no_room_for_the_spool_is_said(tmp_path):
    """And nothing is left of it."""
    with no_file_above(100_000), pytest.raises(StoreFullError) as caught:
        Corpus.build([LOGS / "digits.jsonl"], READERS, spool_dir=tmp_path)

    assert str(caught.value).startswith(
        f"{tmp_path}: cannot hold the spool of {LOGS}/digits.jsonl: "
    )
    assert list(tmp_path.iterdir()) == []
