"""A run that is kept elsewhere is brought here to be read."""

import pytest

from harness.errors import StoreError, UsageError
from harness.store.layout import Series, journals_of, part_path
from harness.store.reader import StoredRun
from harness.store.remote import fetch, is_run, is_uri, send, shown
from harness.store.writer import RunWriter
from tests.store.builders import manifest, pairs, written


def rows(run):
    return StoredRun.open(run).scan("knn", ["request_id"]).collect()["request_id"].to_list()


@pytest.mark.parametrize(
    ("given", "is_one"),
    [("s3://b/runs/x", True), ("file:///tmp/x", True), ("runs/x", False), ("a:b", False)],
)
def test_a_uri_has_a_scheme_and_two_slashes(given, is_one):
    """Everything else is a path or an id."""
    assert is_uri(given) is is_one


def test_a_fetched_run_reads_like_the_one_it_was_fetched_from(tmp_path):
    """Files are private here, whatever they were there."""
    there = written(tmp_path / "there" / "run", pairs(range(5)))

    here = fetch(there.as_uri(), tmp_path / "here")

    assert here == tmp_path / "here" / "run"
    assert rows(here) == rows(there)
    assert {path.stat().st_mode & 0o777 for path in here.rglob("*") if path.is_file()} == {0o600}


def test_fetching_again_brings_what_is_new(tmp_path):
    """Parts that are here stay as they are; a journal that was sealed meanwhile goes."""
    there = tmp_path / "there" / "run"
    with RunWriter.create(there, manifest()) as writer:
        writer.append(pairs([0]))
        writer.seal()
        writer.append(pairs([1]))
        writer.acknowledge()
        here = fetch(there.as_uri(), tmp_path / "here")
        assert rows(here) == ["r0", "r1"]
        part = part_path(here, Series("knn"), 1)
        before = part.stat().st_mtime_ns
        writer.seal()

        fetch(there.as_uri(), tmp_path / "here")

    assert rows(here) == ["r0", "r1"]
    assert journals_of(here) == {}
    assert part.stat().st_mtime_ns == before


def test_what_is_no_run_is_not_fetched(tmp_path):
    """Nothing appears here for a folder without a run.json, or none at all."""
    (tmp_path / "there").mkdir()
    (tmp_path / "there" / "file").write_text("x")

    for name in ("there", "nowhere"):
        with pytest.raises(StoreError, match=r"is not a run: there is no run\.json in it"):
            fetch((tmp_path / name).as_uri(), tmp_path / "here")
    assert not (tmp_path / "here").exists()


def test_a_place_nobody_knows_is_refused(tmp_path):
    """With what can be named instead."""
    with pytest.raises(UsageError, match=r"nosuch://place/x: is not a place .* s3://bucket"):
        fetch("nosuch://place/x", tmp_path)


def test_credentials_in_a_uri_are_not_shown():
    """Neither user nor query reach a message."""
    assert shown("s3://key:hunter2@bucket/runs/x?secret=hunter2") == "s3://bucket/runs/x"


def test_a_run_is_sent_and_comes_back_the_same(tmp_path):
    """Also what is new of it; what is gone here goes there, and the lock stays."""
    here = written(tmp_path / "here" / "run", pairs(range(5)))
    there = (tmp_path / "there" / "run").as_uri()
    assert not is_run(there)

    send(here, there)
    (here / "values").mkdir()
    (here / "values" / "new").write_text("x")
    (tmp_path / "there" / "run" / "journal").mkdir()
    (tmp_path / "there" / "run" / "journal" / "challenger=knn.000009.arrow").write_text("sealed")
    send(here, there)

    assert is_run(there)
    back = fetch(there, tmp_path / "back")
    assert rows(back) == rows(here)
    assert (back / "values" / "new").read_text() == "x"
    assert journals_of(back) == {}


def test_rows_that_were_taken_out_there_go_here_too(tmp_path):
    """A part that is gone from where the run is kept does not stay in the copy."""
    there = written(tmp_path / "there" / "run", pairs(range(5)))
    here = fetch(there.as_uri(), tmp_path / "here")
    part_path(there, Series("knn"), 1).unlink()

    fetch(there.as_uri(), tmp_path / "here")

    assert not part_path(here, Series("knn"), 1).exists()
