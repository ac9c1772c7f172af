"""A run is written, sealed, resumed."""

import os
from contextlib import contextmanager

import polars as pl
import pytest

from harness.errors import StoreError, UsageError
from harness.pair import Conservation, LossReason
from harness.store.layout import Kind, Series, journals_of, parts_of
from harness.store.manifest import Status, read_manifest
from harness.store.writer import RunWriter
from tests.store.builders import NOON, exchange, manifest, pair, pairs, written

KNN = Series("knn")


def ids(run, series=KNN):
    parts = parts_of(run, series).values()
    return [one for part in parts for one in pl.read_parquet(part)["request_id"]]


def test_what_is_appended_is_in_a_part_when_the_writer_is_closed(tmp_path):
    """Closing seals: the journal is gone and the part has the rows in order."""
    run = written(tmp_path / "run", pairs(range(5)))

    assert ids(run) == ["r0", "r1", "r2", "r3", "r4"]
    assert journals_of(run) == {}


def test_a_long_journal_is_sealed_at_the_next_acknowledgement(tmp_path):
    """Parts have the size that was asked for, or a batch more."""
    with RunWriter.create(tmp_path / "run", manifest(), pairs_per_part=10) as writer:
        for start in range(0, 30, 10):
            writer.append(pairs(range(start, start + 10)))
            writer.acknowledge()

    assert sorted(parts_of(tmp_path / "run", KNN)) == [1, 2, 3]


def test_each_challenger_and_each_repeated_deployment_has_a_folder(tmp_path):
    """A pair whose two sides are one deployment is a repeat of it."""
    repeat = pair(3, challenger_side=exchange("champion", request_id="r3"))
    run = written(tmp_path / "run", [pair(1, challenger="knn"), pair(2, challenger="tree"), repeat])

    assert ids(run, Series("knn")) == ["r1"]
    assert ids(run, Series("tree")) == ["r2"]
    assert ids(run, Series("champion", Kind.REPEATS)) == ["r3"]


@pytest.mark.parametrize("name", ["a/b", "..", ".", "a=b", "modèle 2", "x" * 60, "*?[]", "\ud800"])
def test_a_name_stays_inside_the_run(tmp_path, name):
    """Whatever a challenger is called, its parts are in the run's folder and are found again."""
    run = written(tmp_path / "run", [pair(1, challenger=name)])

    (part,) = parts_of(run, Series(name)).values()
    assert part.resolve().is_relative_to((run / "pairs").resolve())
    assert len(part.relative_to(run).parts) == 3


def test_a_name_that_no_file_system_takes_is_refused(tmp_path):
    """A challenger's name of 300 characters is an error that says so, before anything is lost."""
    with pytest.raises(StoreError, match="has 300 bytes on disk, 1 to 180 are possible"):
        written(tmp_path / "run", [pair(1, challenger="x" * 300)])


def test_a_folder_with_something_in_it_is_not_written_over(tmp_path):
    """An existing run is resumed on demand only."""
    run = written(tmp_path / "run", pairs([1]))

    with pytest.raises(UsageError, match="is there already and not empty"):
        RunWriter.create(run, manifest())


def test_where_no_folder_can_be_made_one_sentence_says_so(tmp_path):
    """A file stands in the way; a run that was refused can be tried again elsewhere."""
    (tmp_path / "file").write_text("x")

    with pytest.raises(StoreError, match=r"file/run: cannot make the folder: Not a directory"):
        RunWriter.create(tmp_path / "file" / "run", manifest())


@contextmanager
def nobody_in_particular():
    """Without root's rights, which would make every folder one that can be written."""
    user = os.geteuid()
    if user == 0:
        os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(user)


def test_a_folder_that_may_not_be_written_is_named(tmp_path):
    """What is wrong and what is needed."""
    tmp_path.chmod(0o500)

    with (
        nobody_in_particular(),
        pytest.raises(StoreError, match=r"Permission denied\. The harness needs a folder"),
    ):
        RunWriter.create(tmp_path / "run", manifest())


def test_two_writers_cannot_have_one_run(tmp_path):
    """The second is told, and the first goes on."""
    with RunWriter.create(tmp_path / "run", manifest()) as writer:
        with pytest.raises(StoreError, match="another process is writing"):
            RunWriter.resume(tmp_path / "run")
        writer.append(pairs([1]))

    assert ids(tmp_path / "run") == ["r1"]


def test_a_resumed_run_goes_on_with_the_next_part(tmp_path):
    """Parts are never changed; what was found is counted."""
    run = written(tmp_path / "run", pairs(range(3)))

    with RunWriter.resume(run) as writer:
        assert writer.n_found == {"knn": 3}
        writer.append(pairs([3]))

    assert sorted(parts_of(run, KNN)) == [1, 2]
    assert ids(run) == ["r0", "r1", "r2", "r3"]


def test_finishing_writes_the_end_and_the_losses(tmp_path):
    """`run.json` says when and how a run ended, `losses.json` where its requests went."""
    counts = Conservation(3, 1, {LossReason.SHED_BUDGET: 2})
    writer = RunWriter.create(tmp_path / "run", manifest())
    writer.append(pairs([1]))

    writer.finish({"knn": counts}, at=NOON, status=Status.INTERRUPTED)

    found = read_manifest(tmp_path / "run")
    assert (found.status, found.finished_at) == (Status.INTERRUPTED, NOON)
    assert (tmp_path / "run" / "losses.json").exists()


def test_only_the_owner_can_read_a_run(tmp_path):
    """Folders are 0700 and files 0600, whatever the umask."""
    run = written(tmp_path / "runs" / "run", pairs([1]))

    modes = {path.stat().st_mode & 0o777 for path in run.rglob("*") if path.is_file()}
    folders = {path.stat().st_mode & 0o777 for path in [run, *run.rglob("*")] if path.is_dir()}
    assert modes == {0o600}
    assert folders == {0o700}


def test_a_writer_that_is_left_by_an_error_keeps_what_was_acknowledged(tmp_path):
    """Leaving by an exception is as a crash: the journal stays and is sealed on resuming."""
    run = tmp_path / "run"

    def crash():
        with RunWriter.create(run, manifest()) as writer:
            writer.append(pairs([1, 2]))
            writer.acknowledge()
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        crash()
    RunWriter.resume(run).close()

    assert ids(run) == ["r1", "r2"]
