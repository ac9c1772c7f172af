"""Foreign logs become harness logs, and what is not one is refused."""

import gzip
import json
from pathlib import Path

import polars as pl
import pytest

from tests.cli.conftest import ROOT, entry

FIXTURES = ROOT / "fixtures/logs"


@pytest.mark.parametrize(
    "name", sorted(path.name for path in FIXTURES.iterdir() if not path.name.startswith("."))
)
def test_every_fixture_is_imported_and_read_back(harness, name):
    """In the order of time, damaged entries told; a second import of the result changes nothing."""
    first = harness("import", FIXTURES / name, "--out", "one.jsonl", "--max-rejected-rate", "1")
    second = harness("import", "one.jsonl", "--out", "two.jsonl.gz")

    assert (first.code, first.out) == (0, "one.jsonl\n"), first.err
    assert (second.code, second.out) == (0, "two.jsonl.gz\n"), second.err
    assert Path("one.jsonl").read_bytes() == gzip.decompress(Path("two.jsonl.gz").read_bytes())
    n_unreadable = int(first.err.splitlines()[0].split(", ")[-1].split()[0])
    assert first.err.count("harness: left out ") == n_unreadable
    times = [at for line in Path("one.jsonl").read_text().splitlines()
             if (at := json.loads(line).get("at"))]  # fmt: skip
    assert times == sorted(times)


def test_what_is_left_out_is_told(harness, tmp_path):
    """One line for each of the first, and how many in all."""
    (tmp_path / "cut.jsonl").write_text("".join(entry(n) + "\n" for n in range(40))[:-30])

    said = harness("import", "cut.jsonl", "--out", "whole.jsonl")

    assert said.code == 0
    assert said.out == "whole.jsonl\n"
    summary, left_out = said.err.splitlines()
    assert summary == ("harness: cut.jsonl: harness, 39 entries, 39 with an answer, 1 unreadable")
    assert left_out.startswith("harness: left out line 40: not JSON: ")


NONSENSE = [
    (b"no log at all\n", "--out", "x.jsonl", "log: is in none of the formats known (envoy-tap, "),
    (b"", "--out", "x.jsonl", "log: is empty. Name a log with at least one entry"),
    (
        entry(0).encode(),
        "--out",
        "x.csv",
        "x.csv: a harness log is named .jsonl, .jsonl.gz, .jsonl.zst. Name it so",
    ),
    (
        entry(0).encode(),
        "--out",
        "no/x.jsonl",
        "no/x.jsonl: cannot be written: No such file or directory. Name a folder that can",
    ),
    (b"[" * 100_000, "--format", "har", "log: "),
    (entry(0).encode(), "--format", "xml", "log: format 'xml' is unknown. Known are: envoy-tap, "),
]


@pytest.mark.parametrize(
    ("content", "option", "value", "message"), NONSENSE, ids=[str(i) for i in range(len(NONSENSE))]
)
def test_what_cannot_be_imported_is_refused(harness, tmp_path, content, option, value, message):
    """Exit 2, one sentence, and no file is left behind."""
    (tmp_path / "log").write_bytes(content)
    words = ["--out", "x.jsonl"] if option != "--out" else []

    said = harness("import", "log", option, value, *words)

    assert (said.code, said.out) == (2, "")
    assert said.err.startswith(f"harness: {message}")
    assert said.err.count("\n") == 1
    assert [path.name for path in tmp_path.iterdir()] == ["log"]


def test_a_log_may_be_imported_onto_itself(harness, tmp_path):
    """It is read to its end before anything is written."""
    text = "".join(entry(n) + "\n" for n in reversed(range(20)))
    (tmp_path / "log.jsonl").write_text(text)

    said = harness("import", "log.jsonl", "--out", "log.jsonl")

    assert said.code == 0
    ids = [json.loads(line)["id"] for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    assert ids == [f"e{n}" for n in range(20)]


@pytest.mark.process
def test_a_run_becomes_a_log_that_replays_alike(harness, serve, log, config):
    """Its requests and the champion's answers, credentials aside; the log gives the same labels."""
    log(30)
    path = config(serve(), serve())
    harness("replay", path, "--run", "runs/one", "--no-gate")

    imported = harness("import", "runs/one", "--out", "again.jsonl")
    again = harness("replay", path, "--log", "again.jsonl", "--run", "runs/two", "--no-gate")

    assert (imported.code, again.code) == (0, 0)
    assert imported.err == "harness: runs/one: a run, 30 requests\n"
    lines = [json.loads(line) for line in Path("again.jsonl").read_text().splitlines()]
    assert sorted(line["id"] for line in lines) == sorted(f"e{n}" for n in range(30))
    assert all(line["answer"]["status"] == 200 and line["truth"] for line in lines)
    assert "of-the-client" not in Path("again.jsonl").read_text()
    columns = ["external_id", "cluster_id", "request_body", "champion_body"]
    first, second = (
        pl.read_parquet(f"runs/{run}/pairs/**/*.parquet").select(columns).sort("external_id")
        for run in ("one", "two")
    )
    assert first.drop("cluster_id").equals(second.drop("cluster_id"))


@pytest.mark.process
def test_a_run_without_bodies_cannot_become_a_log(harness, serve, log, config):
    """What was not kept cannot be asked again, and no half file is left."""
    log(10)
    path = config(serve(), serve(), "capture: {keep_bodies: none}\n")
    harness("replay", path, "--run", "runs/one", "--no-gate")

    ended = harness("import", "runs/one", "--out", "again.jsonl")

    assert ended.code == 2
    assert "runs/one: kept no request bodies" in ended.err
    assert not Path("again.jsonl").exists()
