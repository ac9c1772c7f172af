"""A run of every format that was ever released stays readable."""

import shutil
from pathlib import Path

import pytest

from harness.pair import Conservation, LossReason
from harness.run import FORMAT
from harness.store.layout import Kind, Series
from harness.store.reader import StoredRun
from harness.store.verdicts import latest_verdict
from harness.store.writer import RunWriter

STORES = Path(__file__).parents[2] / "fixtures" / "stores"


@pytest.fixture
def run(tmp_path):
    return Path(shutil.copytree(STORES / "format-1", tmp_path / "run"))


def test_there_is_a_run_of_every_format():
    """Who raises the format adds a run, and keeps the others."""
    assert {path.name for path in STORES.iterdir() if path.is_dir()} == {
        f"format-{number}" for number in range(1, FORMAT + 1)
    }


def test_format_1_reads_as_it_was_written(run):
    """Rows of parts and journal, of every challenger and repeat, with losses and verdict."""
    stored = StoredRun.open(run)

    assert stored.challengers == ("knn", "team/tree")
    assert (stored.n_pairs("knn"), stored.n_pairs("team/tree")) == (8, 6)
    assert stored.n_pairs(Series("champion", Kind.REPEATS)) == 1
    assert stored.conservation("knn") == Conservation(9, 8, {LossReason.SHED_BUDGET: 1})
    assert stored.spent_usd("champion") == pytest.approx(0.008)
    assert latest_verdict(run)["decision"] == "hold"


def test_format_1_has_its_values(run):
    """A failed row and an ordinary one, in full detail."""
    rows = {row["request_id"]: row for row in StoredRun.open(run).scan("knn").collect().to_dicts()}

    late, busy, last = rows["r2"], rows["r3"], rows["r7"]
    assert (late["challenger_outcome"], late["challenger_status"]) == ("timeout", None)
    assert (busy["challenger_status"], busy["challenger_body"]) == (503, b"busy")
    assert last["challenger_latency_s"] == pytest.approx(0.12)
    assert last["segments"] == {"source": "web"}
    assert rows["r0"]["segments"] == {"source": None}


def test_format_1_can_be_resumed(run):
    """Its journal is sealed, and it knows what is left to ask."""
    with RunWriter.resume(run) as writer:
        assert writer.n_found == {"knn": 8, "team/tree": 6}

    stored = StoredRun.open(run)
    assert [path.name for path in stored.parts("knn")] == [
        "part-000001.parquet", "part-000002.parquet",
    ]  # fmt: skip
    assert stored.completed() == {f"e{number}" for number in range(6)}
