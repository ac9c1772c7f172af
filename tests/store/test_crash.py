"""kill -9 at any moment: what was acknowledged is there, once."""

import contextlib
import random
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest

from harness.store.layout import Series, journal_path, journals_of, parts_of
from harness.store.reader import StoredRun
from harness.store.recovery import recover
from harness.store.writer import RunWriter
from tests.store.builders import manifest, pairs

ROOT = Path(__file__).parents[2]
KNN = Series("knn")
STEPS = ["written", "synced", "renamed", "folder synced", "journal removed"]


@contextlib.contextmanager
def appending(run, *step):
    """The process of `tests.store.appending`; killed when left."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.store.appending", str(run), *step],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def acknowledged(process, *, at_least=0):
    """The last number that was acknowledged, after `at_least` of them were."""
    last = 0
    for line in process.stdout:
        last = int(line)
        if last >= at_least:
            break
    return last


def numbers(run):
    ids = StoredRun.open(run).scan("knn", ["request_id"]).collect()["request_id"]
    return [int(one.removeprefix("r")) for one in ids]


@pytest.mark.process
@pytest.mark.slow
def test_kill_nine_loses_nothing_that_was_acknowledged(tmp_path):
    """Twenty times killed at a random moment and resumed: every pair is there exactly once."""
    run = tmp_path / "run"
    rng = random.Random(20)
    n_acknowledged = 0
    for _ in range(20):
        with appending(run) as process:
            wanted = n_acknowledged + rng.randrange(1, 250)
            acknowledged(process, at_least=wanted)
            process.kill()
            n_acknowledged = max([wanted, *map(int, process.stdout.read().split())])

        found = numbers(run)
        assert len(found) >= n_acknowledged
        assert found == list(range(len(found)))


@pytest.mark.process
@pytest.mark.parametrize("step", STEPS)
def test_a_crash_at_any_step_of_sealing_neither_loses_nor_doubles(tmp_path, step):
    """Killed right after each step, and again while it is put in order."""
    run = tmp_path / "run"
    with appending(run, step) as process:
        last = acknowledged(process, at_least=10**9)
        process.wait()
    with appending(run, step) as process:
        again = acknowledged(process, at_least=10**9)
        process.wait()

    found = numbers(run)
    assert last >= 35
    assert len(found) >= max(last, again)
    assert found == list(range(len(found)))

    RunWriter.resume(run).close()
    assert numbers(run) == found
    assert journals_of(run) == {}
    assert list(run.rglob(".writing-*")) == []


def journalled(run, *batches):
    """A run left by a crash, with these pairs in its journal; each batch by itself."""
    writer = RunWriter.create(run, manifest())
    for batch in batches:
        writer.append(batch)
        writer.acknowledge()
    writer._abandon()
    return journal_path(run, KNN, 1)


def test_a_journal_is_read_up_to_its_last_whole_batch(tmp_path):
    """Cut at every byte: whole batches survive, and nothing else appears."""
    journal = journalled(tmp_path / "run", pairs([0]), pairs([1]), pairs([2]))
    content = journal.read_bytes()
    n_found = set()

    for length in range(0, len(content), 97):
        journal.write_bytes(content[:length])
        found = numbers(tmp_path / "run")
        assert found == list(range(len(found)))
        n_found.add(len(found))

    assert n_found == {0, 1, 2}


def test_recovering_seals_what_a_crash_left(tmp_path):
    """Rows of whole batches become a part; the torn end and the journal are gone."""
    run = tmp_path / "run"
    journal = journalled(run, pairs([0, 1]), pairs([2]))
    with journal.open("ab") as file:
        file.write(b"\xff\xff\xff\xff\x40\x01\x00\x00 torn")

    n_rows = recover(run)

    assert n_rows == 3
    assert numbers(run) == [0, 1, 2]
    assert journals_of(run) == {}


def test_a_part_that_was_sealed_is_not_written_again(tmp_path):
    """A journal that outlived its sealing is only removed: parts never change."""
    run = tmp_path / "run"
    journal = journalled(run, pairs([0, 1]))
    content = journal.read_bytes()
    recover(run)
    before = parts_of(run, KNN)[1].stat()
    journal.write_bytes(content)

    assert recover(run) == 0

    assert parts_of(run, KNN)[1].stat().st_ino == before.st_ino
    assert numbers(run) == [0, 1]
    assert journals_of(run) == {}


def test_a_crash_before_the_first_row_leaves_an_empty_run(tmp_path):
    """A journal of which not even the head was written is removed without a part."""
    run = tmp_path / "run"
    journal = journalled(run, pairs([0]))
    journal.write_bytes(journal.read_bytes()[:100])

    recover(run)

    assert parts_of(run, KNN) == {}
    assert journals_of(run) == {}


FULL_DISK = """
import resource, sys
from pathlib import Path
import polars as pl
from harness.errors import StoreFullError
from harness.store.portion import Measure
from harness.store.privacy import KeepBodies, Privacy
from harness.store.writer import RunWriter
from tests.store.builders import manifest, pair

keep = Privacy(keep_bodies=KeepBodies.NONE)
measure = Measure("d1", lambda frame: frame.select("request_id"))
writer = RunWriter.create(Path(sys.argv[1]), manifest(), privacy=keep, measure=measure)
resource.setrlimit(resource.RLIMIT_FSIZE, (60_000, resource.RLIM_INFINITY))
number = 0
try:
    while True:
        for _ in range(5):
            writer.append([pair(number)])
            number += 1
        writer.acknowledge()
        print(number, flush=True)
except StoreFullError as exc:
    print(exc, flush=True)
if sys.argv[2] == "make room":
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    writer.append([pair(number)])
    writer.close()
"""


def on_a_full_disk(run, then):
    """How far a writer came, and what it said."""
    done = subprocess.run(
        [sys.executable, "-c", FULL_DISK, str(run), then],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    *counts, message = done.stdout.splitlines()
    return int(counts[-1]), message


@pytest.mark.process
def test_on_a_full_disk_what_was_acknowledged_stays(tmp_path):
    """No room for a batch: one sentence, and the journal ends with the last whole batch."""
    run = tmp_path / "run"

    n_acknowledged, message = on_a_full_disk(run, "end")

    assert message.endswith(
        "knn.000001.arrow: cannot write the journal: File too large. "
        "What was acknowledged is kept; make room and resume"
    )
    assert numbers(run) == list(range(n_acknowledged))


@pytest.mark.process
def test_when_there_is_room_again_the_writer_goes_on(tmp_path):
    """The pairs that found no room are written after all, once, and so are their values."""
    run = tmp_path / "run"

    n_acknowledged, _ = on_a_full_disk(run, "make room")

    assert numbers(run) == list(range(n_acknowledged + 6))
    (part,) = run.glob("values/d1/challenger=knn/*.parquet")
    assert pl.read_parquet(part)["request_id"].to_list() == [f"r{n}" for n in numbers(run)]


NO_ROOM_TO_SEAL = """
import resource, sys
from pathlib import Path
from harness.errors import StoreFullError
from harness.store.writer import RunWriter
from tests.store.builders import manifest, pairs

writer = RunWriter.create(Path(sys.argv[1]), manifest())
writer.append(pairs(range(100)))
print(writer.acknowledge())
resource.setrlimit(resource.RLIMIT_FSIZE, (2_000, resource.RLIM_INFINITY))
try:
    writer.seal()
except StoreFullError as exc:
    print(str(exc).rpartition("/")[2].partition(". What")[0])
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
writer.append(pairs(range(100, 150)))
writer.close()
"""


@pytest.mark.process
def test_a_seal_without_room_can_be_done_later(tmp_path):
    """The journal goes on where there was no room for its part, and is sealed when there is."""
    done = subprocess.run(
        [sys.executable, "-c", NO_ROOM_TO_SEAL, str(tmp_path / "run")],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )

    assert done.stdout.splitlines() == ["100", "part-000001.parquet: cannot write: File too large"]
    assert numbers(tmp_path / "run") == list(range(150))
    assert list(parts_of(tmp_path / "run", KNN)) == [1]
