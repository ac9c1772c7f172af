"""What is stored, what is deleted, and one user's rows."""

import json
from pathlib import Path

import polars as pl
import pytest

pytestmark = pytest.mark.process


@pytest.fixture
def runs(harness, serve, log, config):
    """Two runs of eighty pairs, of which one is judged."""
    log(), (path := config(serve(), serve()))
    harness("replay", path, "--run", "runs/one")
    harness("replay", path, "--run", "runs/two", "--no-gate")


def test_runs_are_listed_oldest_first(harness, runs):
    """With their pairs and the last decision."""
    said = harness("runs")

    assert (said.code, said.err) == (0, "")
    _, one, two = said.out.splitlines()
    assert one.split()[0] == "runs/one"
    assert one.endswith("promote")
    assert two.split()[0] == "runs/two"
    assert " 80 " in two


def test_the_list_is_also_json(harness, runs):
    """One object for each run."""
    said = harness("runs", "runs", "--json")

    assert [(one["run_id"], one["n_pairs"], one["decision"]) for one in json.loads(said.out)] == [
        ("one", 80, "promote"),
        ("two", 80, None),
    ]


def test_no_runs_yet_is_no_error(harness):
    """The usual folder may not be there; a folder that was named must."""
    usual, as_json, named = harness("runs"), harness("runs", "--json"), harness("runs", "nowhere")

    assert (usual.code, usual.out, usual.err) == (0, "", "harness: no runs in runs\n")
    assert (as_json.code, as_json.out) == (0, "[]\n")
    assert (named.code, named.err) == (
        2,
        "harness: nowhere: no such folder. Name the one that runs are in\n",
    )


def test_a_run_is_not_a_folder_of_runs(harness, runs):
    """Nor is anything in it deleted."""
    listed = harness("runs", "runs/one")
    pruned = harness("runs", "prune", "runs/one", "--max-age", "1s", "--yes")

    assert (listed.code, pruned.code) == (2, 2)
    assert listed.err == "harness: runs/one: is a run itself. Name the folder it is in\n"
    assert harness("gate", "runs/one").code == 0


def test_pruning_says_first_and_deletes_with_yes(harness, runs):
    """The dry form is the default; a stranger's folder in between stays."""
    Path("runs/notes").mkdir()
    Path("runs/notes/mine.txt").write_text("keep me")

    dry = harness("runs", "prune", "--max-bytes", "1B")
    before = sorted(path.name for path in Path("runs").iterdir())
    wet = harness("runs", "prune", "--max-bytes", "1B", "--yes")

    assert (dry.code, wet.code) == (0, 0)
    assert dry.out == wet.out == "runs/one\nruns/two\n"
    assert dry.err.startswith("harness: 2 runs, ")
    assert dry.err.endswith("would be deleted (add --yes to do it)\n")
    assert before == ["notes", "one", "two"]
    assert [path.name for path in Path("runs").iterdir()] == ["notes"]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], "nothing to prune by. Give --max-age, --max-bytes or both"),
        (
            ["--max-age", "soon"],
            "--max-age: is 'soon', must be a duration such as 250ms, 2s, 5m or 24h",
        ),
        (["nowhere", "--max-age", "1d"], "nowhere: no such folder. Name the one that runs are in"),
    ],
)
def test_pruning_by_nothing_is_refused(harness, runs, words, message):
    """Exit 2, and everything stays."""
    said = harness("runs", "prune", "--yes", *words)

    assert (said.code, said.out, said.err) == (2, "", f"harness: {message}\n")
    assert len(list(Path("runs").iterdir())) == 2


def test_one_users_rows_are_erased_everywhere(harness, runs):
    """Pairs, values and examples go; what is left can still be judged."""
    said = harness("runs", "erase", "--cluster", "u7")

    assert (said.code, said.err) == (0, "harness: 4 rows erased in 2 runs\n")
    assert said.out == "runs/one: 2 rows erased\nruns/two: 2 rows erased\n"
    assert "u7" not in pl.read_parquet("runs/*/pairs/**/*.parquet")["cluster_id"].to_list()
    again = harness("gate", "runs/one", "--json")
    assert (again.code, again.verdict["challengers"][0]["n_pairs"]) == (0, 78)


def test_a_user_without_rows_is_said(harness, runs):
    """A mistyped id must not look like an erasure; it is no error either."""
    said = harness("runs", "erase", "--cluster", "nobody")

    assert (said.code, said.out) == (0, "")
    assert said.err == "harness: no rows of cluster 'nobody' in 2 runs\n"


def test_erasing_from_what_is_no_run_is_refused(harness, runs):
    """Before anything is touched, also in the runs named before it."""
    said = harness("runs", "erase", "--cluster", "u7", "runs/one", "nowhere")

    assert (said.code, said.out) == (2, "")
    assert said.err == "harness: runs/nowhere: no such run. `harness runs` lists those in runs/\n"
    assert pl.read_parquet("runs/one/pairs/**/*.parquet").height == 80
