"""A log made ready to replay: joined, sorted, counted, and in bounded memory."""

from __future__ import annotations

import gzip
import hashlib
import random
import subprocess
import sys
import tracemalloc
from collections.abc import Iterator
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.errors import LogError, PluginError
from harness.exchange import (
    Failure,
    FailureKind,
    LateAnswer,
    Recorded,
    RecordedAnswer,
    Rejected,
    Request,
    Response,
)
from harness.ports import Source
from harness.readers.harness_log import encode
from harness.replay.corpus import Corpus
from tests.readers.sources import FIXTURES, LOGS, READERS, read

NOON_NS = 1_748_779_200 * 10**9
GET = Request("GET", "/p", (("Host", "x"),))
OK = RecordedAnswer(Response(200, body=b"ok", n_body_bytes=2))


class Given:
    """A format whose entries are what the test says, whatever the file holds."""

    resolution_ns = 1000

    def __init__(self, *entries):
        self.entries = entries

    def sniff(self, head: bytes) -> bool:
        return True

    def read(self, source: Source) -> Iterator[Recorded | LateAnswer | Rejected]:
        yield from self.entries


def asked(entry_id: str = "", at_ns: int | None = NOON_NS, **members) -> Recorded:
    return Recorded(entry_id, "line 1", at_ns, GET, **members)


def answer(entry_id: str, answer: RecordedAnswer = OK, **members) -> LateAnswer:
    return LateAnswer(entry_id, "line 2", answer, **members)


@pytest.fixture
def corpus_of(tmp_path):
    """Build a corpus of given entries; closed at the end."""
    corpora = []

    def build(*entries, max_rejected_rate=0.05):
        path = tmp_path / "log"
        path.write_bytes(b"content")
        corpora.append(
            Corpus.build(
                [path],
                {"given": Given(*entries)},
                spool_dir=tmp_path,
                max_rejected_rate=max_rejected_rate,
            )
        )
        return corpora[-1]

    yield build
    for corpus in corpora:
        corpus.close()


@pytest.fixture
def fixture_corpus(tmp_path):
    """Build a corpus of one of the logs in `fixtures`, damage and all."""
    corpora = []

    def build(*names):
        paths = [LOGS / name for name in names]
        corpora.append(Corpus.build(paths, READERS, spool_dir=tmp_path, max_rejected_rate=0.9))
        return corpora[-1]

    yield build
    for corpus in corpora:
        corpus.close()


def test_entries_come_in_the_order_of_time(corpus_of):
    """Equal times keep the file's order; an entry without a time stays where it stands."""
    corpus = corpus_of(
        asked("first without", None), asked("c", 30), asked("after c", None), asked("a", 10),
        asked("b", 20), asked("b too", 20), asked("after b", None),
    )  # fmt: skip

    entries = list(corpus.entries())

    assert [entry.recorded.entry_id for entry in entries] == [
        "first without", "a", "b", "b too", "after b", "c", "after c",
    ]  # fmt: skip
    assert [entry.index for entry in entries] == list(range(7))
    assert (corpus.first_at_ns, corpus.last_at_ns, corpus.has_times) == (10, 30, True)
    assert entries[0].recorded.at_ns is None


def test_a_log_without_times_keeps_its_order(corpus_of):
    """It can be paced by rate or in a closed loop."""
    corpus = corpus_of(*(asked(f"{i}", None) for i in (3, 1, 2)))

    assert [entry.key for entry in corpus.entries()] == ["3", "1", "2"]
    assert not corpus.has_times
    assert corpus.last_at_ns is None


@pytest.mark.parametrize("late_first", [False, True])
def test_a_late_answer_is_joined_whichever_comes_first(corpus_of, late_first):
    """And its times follow from both: to the first byte and to the last."""
    both = [asked("a"), answer("a", at_ns=NOON_NS + 20_000_000, first_byte_at_ns=NOON_NS + 5)]
    corpus = corpus_of(*(reversed(both) if late_first else both))

    (entry,) = corpus.entries()

    assert entry.recorded.answer == RecordedAnswer(OK.outcome, latency_s=0.02, first_byte_s=5e-9)
    assert corpus.n_with_answer == 1


@pytest.mark.parametrize(
    ("at_ns", "late", "latency_s"),
    [
        (NOON_NS, answer("a", replace(OK, latency_s=0.5), at_ns=NOON_NS + 10**9), 0.5),
        (NOON_NS, answer("a", at_ns=NOON_NS), None),  # not later: no measurement
        (NOON_NS, answer("a", at_ns=NOON_NS - 1), None),
        (NOON_NS, answer("a"), None),
        (None, answer("a", at_ns=NOON_NS), None),
    ],
)
def test_a_latency_that_is_not_known_stays_unknown(corpus_of, at_ns, late, latency_s):
    """What the log says wins over what could be computed; nothing becomes zero."""
    (entry,) = corpus_of(asked("a", at_ns), late).entries()

    assert entry.recorded.answer.latency_s == latency_s


def test_answers_that_cannot_be_joined_are_counted(corpus_of):
    """To nobody, to one who has an answer, a second one, or to an id that stands twice."""
    corpus = corpus_of(
        asked("a"), answer("a"), answer("a"),
        asked("b", answer=OK), answer("b"),
        asked("c"), asked("c"), answer("c"),
        answer("nobody"),
    )  # fmt: skip

    contents = corpus.contents

    assert (contents.n_late_answers, contents.n_answers_left_out, contents.n_orphans) == (5, 4, 1)
    assert (contents.n_entries, contents.n_with_answer, corpus.duplicates) == (4, 2, 2)
    assert [entry.recorded.answer for entry in corpus.entries()] == [OK, OK, None, None]


def test_keys_are_the_logs_ids_where_these_are_unique(corpus_of):
    """Else the log's digest and the place in it, so that the same log gives the same keys."""
    digest = hashlib.sha256(b"content").hexdigest()
    corpus = corpus_of(asked("a", 3), asked("b", 2), asked("a", 1), asked("", 0))

    keys = [entry.key for entry in corpus.entries()]

    assert corpus.digest == digest
    assert keys == [f"{digest[:32]}:3", f"{digest[:32]}:2", "b", f"{digest[:32]}:0"]


def test_walks_can_be_repeated_started_anywhere_and_skip(corpus_of):
    """A resumed replay passes over what is done; indices stay those of the log."""
    corpus = corpus_of(*(asked(f"{i}", i) for i in range(300)))
    first = corpus.entries()
    next(first)

    skipped = [(e.key, e.index) for e in corpus.entries({"0", "1", "298"})]

    assert skipped[:2] + skipped[-1:] == [("2", 2), ("3", 3), ("299", 299)]
    assert [e.index for e in corpus.entries(start=298)] == [298, 299]
    assert next(first).key == "1"
    assert corpus.n_entries == 300


def test_everything_an_entry_has_survives_the_spool(corpus_of):
    """Failures with and without an answer, labels, segments, bytes."""
    whole = Recorded(
        "a",
        "line 9",
        NOON_NS,
        Request("POST", "/é", (("X", "é"), ("x", "1")), b"\x00\xff"),
        RecordedAnswer(
            Failure(
                FailureKind.HTTP_ERROR, "503", Response(503, (("A", "b"),), b"x", 9, truncated=True)
            ),
            0.25,
            0.125,
        ),
        "user",
        {"source": "web"},
        "18446744073709551616",
    )
    bare = asked("b", NOON_NS + 1, answer=RecordedAnswer(Failure(FailureKind.TIMEOUT, "")))
    corpus = corpus_of(whole, bare)

    assert [entry.recorded for entry in corpus.entries()] == [whole, bare]
    assert (corpus.n_with_answer, corpus.n_with_truth) == (2, 1)


moments = st.none() | st.integers(0, 5)
entry_ids = st.sampled_from(["", "a", "b", "c", "d"])


@settings(max_examples=60)
@given(
    st.lists(
        st.builds(asked, entry_ids, moments) | st.builds(answer, entry_ids.filter(bool)),
        min_size=1,
        max_size=12,
    )
)
def test_nothing_is_lost_or_made_up(tmp_path_factory, entries):
    """Whatever the order: each request once, each answer joined or left out."""
    requests = [e for e in entries if isinstance(e, Recorded)]
    folder = tmp_path_factory.getbasetemp()
    (folder / "log").write_bytes(b"content")
    if not requests:
        return

    with Corpus.build([folder / "log"], {"x": Given(*entries)}, spool_dir=folder) as corpus:
        found = list(corpus.entries())

    assert len({entry.key for entry in found}) == len(found) == len(requests)
    assert sorted(e.recorded.entry_id for e in found) == sorted(e.entry_id for e in requests)
    ids = [e.entry_id for e in requests]
    answered = {
        e.entry_id for e in entries if isinstance(e, LateAnswer) if ids.count(e.entry_id) == 1
    }
    assert {e.recorded.entry_id for e in found if e.recorded.answer} == answered
    assert corpus.contents.n_answers_left_out == len(entries) - len(requests) - len(answered)


def test_too_much_damage_is_refused(corpus_of):
    """What is left may not be typical; the whole message is what people read."""
    entries = [asked(), *(Rejected(f"line {i}", "no body") for i in range(3))]

    with pytest.raises(LogError) as caught:
        corpus_of(*entries)

    where, said = str(caught.value).split(": ", 1)
    assert where.endswith("/log")
    assert said == (
        "3 of 4 entries could not be read (first: line 0, no body). "
        "Export it again, or raise `max_rejected_rate` if that is expected."
    )


def test_a_little_damage_is_counted(corpus_of):
    """The first ten are kept to be shown."""
    rejections = [Rejected(f"line {i}", "no body") for i in range(12)]
    corpus = corpus_of(*(asked() for _ in range(300)), *rejections)

    assert (corpus.n_entries, corpus.n_rejected) == (300, 12)
    assert list(corpus.first_rejections) == rejections[:10]


def test_a_reader_that_raises_is_named(tmp_path):
    """Whose it is to put right, and on which file; nothing is left of the spool."""

    class Raising(Given):
        def read(self, source):
            yield asked()
            raise KeyError("time")

    path = tmp_path / "log"
    path.write_bytes(b"content")

    with pytest.raises(PluginError) as caught:
        Corpus.build([path], {"mine": Raising()}, spool_dir=tmp_path)

    assert str(caught.value) == (
        f"harness.readers: mine: raised KeyError while reading {path}: 'time'"
    )


def test_a_log_of_answers_alone_is_refused(corpus_of):
    """There is nothing to ask."""
    with pytest.raises(LogError, match=r"holds no request that could be replayed, only 1 answers"):
        corpus_of(answer("a"))


def test_nothing_is_left_of_a_spool(tmp_path, corpus_of):
    """Not even while it is open: whoever kills the process leaves no file."""
    corpus = corpus_of(asked("a"))

    assert [path.name for path in tmp_path.iterdir()] == ["log"]
    assert [entry.key for entry in corpus.entries()] == ["a"]


def test_a_folder_that_cannot_hold_the_spool_is_said(tmp_path):
    """Before the log is read."""
    with pytest.raises(LogError) as caught:
        Corpus.build([LOGS / "harness.jsonl"], READERS, spool_dir=tmp_path / "no")

    assert str(caught.value).startswith(f"{tmp_path}/no: cannot hold the spool of a log: ")


def test_a_capture_gets_its_latencies(fixture_corpus):
    """From both ends of the answer, joined to the request's beginning."""
    corpus = fixture_corpus("goreplay.gor")

    entries = {entry.key[-1]: entry.recorded for entry in corpus.entries()}

    assert [entry.key[-1] for entry in corpus.entries()] == list("012347")
    assert entries["0"].answer.latency_s == 0.0125
    assert entries["0"].answer.first_byte_s == 0.012
    assert entries["3"].answer.outcome.truncated
    assert entries["4"].answer is None
    assert corpus.contents.n_orphans == 1


def test_a_batch_is_joined_over_its_files(fixture_corpus):
    """Output in any order, an expired request from the error file, a second answer, an orphan."""
    corpus = fixture_corpus("openai-batch")

    entries = {entry.key: entry.recorded.answer for entry in corpus.entries()}

    assert not corpus.has_times
    assert corpus.resolution_ns == 0
    assert [key for key, found in entries.items() if found is None] == ["q-6"]
    assert entries["q-5"].outcome.kind == FailureKind.TIMEOUT
    assert entries["q-2"].outcome.status == 429
    assert b'"no"' in entries["q-1"].outcome.body
    assert (corpus.contents.n_orphans, corpus.contents.n_answers_left_out) == (1, 2)
    (rejection,) = corpus.first_rejections
    assert rejection.position == f"{LOGS}/openai-batch/input.jsonl: line 4"


def test_a_capture_tree_is_one_log(fixture_corpus):
    """Over the hours, to the second; the caller's id goes before the event's."""
    corpus = fixture_corpus("datacapture")

    assert [entry.key[-3:] for entry in corpus.entries()] == ["001", "u-1", "005"]
    assert corpus.resolution_ns == 10**9


@pytest.mark.parametrize("fixture", FIXTURES)
def test_a_corpus_holds_what_the_reader_gave(fixture, fixture_corpus):
    """For every format, compressed or not."""
    found = read(READERS[FIXTURES[fixture]], (LOGS / fixture).read_bytes())
    requests = [e for e in found if isinstance(e, Recorded)]
    if not requests:
        return

    corpus = fixture_corpus(fixture)

    kept = [entry.recorded for entry in corpus.entries()]
    assert {e.position: e.request for e in kept} == {e.position: e.request for e in requests}
    assert corpus.format_name == FIXTURES[fixture]


def test_a_log_that_ends_early_is_counted(tmp_path):
    """A compressed log that is cut off has lost an unknown number of entries: that is told."""
    rng = random.Random(1)
    lines = [encode(asked(f"{rng.random()}", i)) for i in range(1000)]
    compressed = gzip.compress(b"".join(lines))
    path = tmp_path / "log.jsonl.gz"
    path.write_bytes(compressed[:-2000])

    with Corpus.build([path], READERS, spool_dir=tmp_path) as corpus:
        assert 500 < corpus.n_entries < 1000
        assert corpus.first_rejections[-1] == Rejected(str(path), "the gzip stream is cut off")


def many(n_entries: int, body: bytes) -> Iterator[bytes]:
    for i in range(n_entries):
        yield encode(
            Recorded(f"id-{i}", "", NOON_NS - i * 1000, Request("POST", "/p", (("A", "b"),), body))
        )


def test_memory_does_not_grow_with_the_log(tmp_path):
    """Python holds a few batches of a log of 100 MB, while it is read and while it is walked."""
    path = tmp_path / "log.jsonl"
    with path.open("wb") as file:
        file.writelines(many(500, b"x" * 200_000))

    tracemalloc.start()
    try:
        with Corpus.build([path], READERS, spool_dir=tmp_path) as corpus:
            n_walked = sum(1 for _ in corpus.entries())
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert n_walked == 500
    assert peak < 60_000_000


_BUILD = """
import re, sys
from pathlib import Path
from harness.replay.corpus import Corpus
from harness.readers.harness_log import READER
log = Path(sys.argv[1])
with Corpus.build([log], {"harness": READER}, spool_dir=log.parent) as corpus:
    assert sum(1 for _ in corpus.entries()) == corpus.n_entries == 300_000
# Not ru_maxrss, which remembers the process we were forked from.
print(int(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1]) // 1024)
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc, which Linux has")
def test_a_log_of_300_mb_in_reverse_order_takes_less_than_512_mib(tmp_path):
    """SQLite's memory is counted too."""
    path = tmp_path / "log.jsonl"
    with path.open("wb") as file:
        file.writelines(many(300_000, b"x" * 900))

    done = subprocess.run(
        [sys.executable, "-c", _BUILD, str(path)], capture_output=True, text=True, check=True
    )

    assert path.stat().st_size > 300_000_000
    assert int(done.stdout) < 256
