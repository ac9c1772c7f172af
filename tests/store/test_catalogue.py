"""The runs in a folder: what is listed, resumed and deleted."""

import dataclasses
from datetime import timedelta

import pytest

from harness.store.catalogue import latest_matching, of_config, runs_in
from harness.store.retention import overdue, prune
from harness.store.verdicts import write_verdict
from harness.store.writer import RunWriter
from tests.store.builders import NOON, manifest, pair, pairs, written

DAY_S = 86_400.0


def run(folder, name, *, days_ago=0, n_pairs=1, **others):
    started_at = NOON - timedelta(days=days_ago)
    return written(folder / name, pairs(range(n_pairs)), started_at=started_at, **others)


def names(summaries):
    return [summary.path.name for summary in summaries]


def test_a_list_of_runs_is_oldest_first(tmp_path):
    """With pairs over all challengers, size and the last decision."""
    run(tmp_path, "young")
    old = written(
        tmp_path / "old",
        [pair(1), pair(1, challenger="tree")],
        started_at=NOON - timedelta(days=3),
    )
    write_verdict(old, "p1", b'{"decision": "hold"}')

    first, second = runs_in(tmp_path)

    assert names([first, second]) == ["old", "young"]
    assert (first.n_pairs, first.decision, first.problem) == (2, "hold", "")
    assert (second.n_pairs, second.decision) == (1, None)
    assert first.n_bytes > 1000


def test_what_is_no_run_is_not_listed(tmp_path):
    """Files, folders without run.json, links."""
    real = run(tmp_path, "real")
    (tmp_path / "notes").mkdir()
    (tmp_path / "file").write_text("x")
    (tmp_path / "link").symlink_to(real)

    assert names(runs_in(tmp_path)) == ["real"]
    assert runs_in(tmp_path / "nowhere") == ()


def test_a_run_that_cannot_be_read_is_listed_with_its_problem(tmp_path):
    """A damaged run is seen, last, and says what is wrong."""
    run(tmp_path, "good")
    (run(tmp_path, "bad") / "run.json").write_text("{")

    good, bad = runs_in(tmp_path)

    assert names([good, bad]) == ["good", "bad"]
    assert "run.json: is damaged" in bad.problem


def test_a_run_that_is_being_written_is_marked(tmp_path):
    """The mark is the writer's lock: it goes with the writer."""
    with RunWriter.create(tmp_path / "run", manifest()):
        assert [summary.is_locked for summary in runs_in(tmp_path)] == [True]

    assert [summary.is_locked for summary in runs_in(tmp_path)] == [False]


def test_resuming_finds_the_latest_run_of_config_and_log(tmp_path):
    """Both digests have to be the same; a damaged run is no candidate."""
    run(tmp_path, "older", days_ago=2)
    run(tmp_path, "latest", days_ago=1)
    run(tmp_path, "other-log", log_digest="x")
    run(tmp_path, "other-config", config_digest="x")
    (run(tmp_path, "broken") / "run.json").write_text("{")

    def found(**digests):
        path = latest_matching(tmp_path, **digests)
        return path and path.name

    assert found(config_digest="c0ffee", log_digest="106") == "latest"
    assert found(config_digest="c0ffee", log_digest="x") == "other-log"
    assert found(config_digest="none", log_digest="106") is None


@pytest.mark.parametrize(
    ("limits", "going"),
    [
        ({}, []),
        ({"max_age_s": 1.5 * DAY_S}, ["d3", "d2"]),
        ({"max_age_s": 9 * DAY_S}, []),
        ({"max_bytes": 0}, ["d3", "d2", "d1", "d0"]),
        ({"max_bytes": 10**9}, []),
        # both: whatever either says
        ({"max_bytes": 10**9, "max_age_s": 2.5 * DAY_S}, ["d3"]),
    ],
)
def test_the_oldest_runs_go_first(tmp_path, limits, going):
    """Planning deletes nothing; pruning deletes what was planned."""
    for days in (0, 2, 1, 3):
        run(tmp_path, f"d{days}", days_ago=days)

    planned = overdue(runs_in(tmp_path), now=NOON, **limits)
    assert names(planned) == going
    assert len(runs_in(tmp_path)) == 4

    assert names(prune(tmp_path, now=NOON, **limits)) == going
    assert sorted(names(runs_in(tmp_path))) == sorted({"d0", "d1", "d2", "d3"} - set(going))


def test_only_as_many_go_as_have_to(tmp_path):
    """Runs go until the rest fits."""
    for days in range(4):
        run(tmp_path, f"d{days}", days_ago=days, n_pairs=10)
    runs = [dataclasses.replace(one, n_bytes=100) for one in runs_in(tmp_path)]

    assert names(overdue(runs, max_bytes=250, now=NOON)) == ["d3", "d2"]


def test_what_is_written_unreadable_or_no_run_stays(tmp_path):
    """Pruning to nothing leaves what may not be deleted."""
    (run(tmp_path, "broken") / "run.json").write_text("{")
    (tmp_path / "notes").mkdir()
    run(tmp_path, "done", days_ago=5)
    with RunWriter.create(tmp_path / "busy", manifest()):
        gone = prune(tmp_path, max_bytes=0, max_age_s=0, now=NOON + timedelta(days=1))

    assert names(gone) == ["done"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["broken", "busy", "notes"]


def test_a_run_that_was_being_deleted_is_deleted_to_the_end(tmp_path):
    """What a crash left half deleted is no run and goes with the next pruning."""
    run(tmp_path, "half").rename(tmp_path / ".pruning-half")

    assert runs_in(tmp_path) == ()
    prune(tmp_path, now=NOON)

    assert list(tmp_path.iterdir()) == []


def test_the_run_just_made_stays(tmp_path):
    """However small the limit, what was just measured is not what goes."""
    for days in (0, 2):
        run(tmp_path, f"d{days}", days_ago=days)

    gone = prune(tmp_path, max_bytes=0, now=NOON, keep=tmp_path / "d0")

    assert names(gone) == ["d2"]
    assert names(runs_in(tmp_path)) == ["d0"]


def test_the_runs_of_one_config_are_oldest_first(tmp_path):
    """Those of another, and what cannot be read, are left aside."""
    young = run(tmp_path, "young", config_digest="c1")
    old = run(tmp_path, "zold", days_ago=3, config_digest="c1")
    run(tmp_path, "other", config_digest="c2")
    (run(tmp_path, "bad", config_digest="c1") / "run.json").write_text("{")

    assert of_config(tmp_path, "c1") == (old, young)
