"""Runs that are kept elsewhere are judged, shown, planned from and imported like those here."""

import shutil
from pathlib import Path

import pytest

from tests.cli.test_import_run import CONFIG, gor, pairs

MISSING = "is not a run: there is no run.json in it. Name a run's folder"


@pytest.fixture
def kept(harness, tmp_path):
    """The URI of a run that is kept outside the folder one works in."""
    (tmp_path / "harness.yaml").write_text(CONFIG)
    (tmp_path / "traffic.gor").write_text(gor(30, wrong=(4,)))
    harness("import", "traffic.gor", "--config", "harness.yaml", "--out", "there/one")
    return (tmp_path / "there/one").as_uri()


def test_a_run_elsewhere_is_judged_from_a_copy(harness, kept):
    """The verdict is as here and stays with the copy; where the run is kept nothing changes."""
    before = {path: path.stat().st_mtime_ns for path in Path("there").rglob("*")}

    said = harness("gate", kept, "--json")

    assert {path: path.stat().st_mtime_ns for path in Path("there").rglob("*")} == before
    assert "the verdict is kept with the copy alone" in said.err
    here = harness("gate", "there/one", "--json")
    assert said.verdict["challengers"][0]["findings"] == here.verdict["challengers"][0]["findings"]
    (copy,) = Path("runs/.elsewhere").glob("*/one")
    assert f"harness: {kept}: read from a copy, {copy}\n" in said.err
    assert list((copy / "verdicts").iterdir())
    assert harness("runs").err == "harness: no runs in runs\n"


def test_a_run_elsewhere_is_shown_planned_from_and_imported(harness, kept):
    """Every command that reads a run takes a URI."""
    shown = harness("show", kept)
    planned = harness("plan", "harness.yaml", "--run", kept)
    as_log = harness("import", kept, "--out", "again.jsonl")
    as_run = harness("import", kept, "--out", "runs/two")

    assert shown.out.startswith("new: 1 disagreements, worst first")
    assert (planned.code, as_log.code, as_run.code) == (0, 0, 0)
    assert len(Path("again.jsonl").read_text().splitlines()) == 30
    assert pairs("runs/two").equals(pairs("there/one"))


def test_rows_are_not_erased_from_a_copy(harness, kept):
    """Who was erased here alone would still be there."""
    said = harness("runs", "erase", "--cluster", "u1", kept)

    assert said.code == 2
    assert said.err == f"harness: {kept}: rows are erased where they are kept. Name a run here\n"


@pytest.mark.parametrize("command", ["gate", "show"])
def test_what_is_no_run_elsewhere_is_refused(harness, tmp_path, command):
    """One sentence and exit 2, without what a URI may hold in secrets."""
    for uri, problem in (
        (tmp_path.as_uri(), MISSING),
        (f"file://{tmp_path}/nowhere", MISSING),
        ("nosuch://user:hunter2@place/x", "is not a place that runs can be read from"),
        ("file:///", "names no folder"),
    ):
        said = harness(command, uri)

        assert (said.code, said.out) == (2, ""), uri
        assert problem in said.err
        assert said.err.count("\n") == 1
        assert "hunter2" not in said.err


@pytest.mark.process
def test_a_replay_is_sent_where_it_is_to_be_kept(harness, serve, log, config, tmp_path):
    """Whole, with its verdict; again it is refused, and with `--resume` nothing is left to ask."""
    log(30)
    path = config(serve(), challenger := serve())
    uri = (tmp_path / "bucket/one").as_uri()

    first = harness("replay", path, "--run", uri)
    n_asked = len(challenger.seen)
    again = harness("replay", path, "--run", uri)
    shutil.rmtree("runs")
    resumed = harness("replay", path, "--run", uri, "--resume", "--no-gate")

    assert f"harness: stored in {uri}\n" in first.err
    assert list(Path("bucket/one/verdicts").iterdir())
    assert (again.code, again.err) == (
        2,
        f"harness: {uri}: is there already. Resume the run in it with --resume, or name another\n",
    )
    assert resumed.code == 0, resumed.err
    assert len(challenger.seen) == n_asked
    assert pairs("bucket/one").height == 30


@pytest.mark.process
def test_a_run_that_cannot_be_sent_is_whole_here(harness, serve, log, config, tmp_path):
    """Exit 1, where it is, and how to send it: the same command with `--resume`."""
    log(30)
    path = config(serve(), serve())
    (tmp_path / "bucket").write_text("a file where a folder should be")
    uri = (tmp_path / "bucket/one").as_uri()

    failed = harness("replay", path, "--run", uri, "--no-gate")
    (tmp_path / "bucket").unlink()
    sent = harness("replay", path, "--run", uri, "--no-gate", "--resume")

    assert failed.code == 1
    assert "The run is whole in runs/.elsewhere/" in failed.err
    assert sent.code == 0, sent.err
    assert pairs("bucket/one").height == 30
