"""Runs and challengers beside each other."""

import json

import pytest

pytestmark = pytest.mark.process


@pytest.fixture
def two(harness, serve, log, config):
    """One config, run twice; the second time nobody judged."""
    log(40), (path := config(serve(), serve("wrong")))
    harness("replay", path, "--run", "runs/a")
    harness("replay", path, "--run", "runs/b", "--no-gate")
    return "runs/a", "runs/b"


def test_runs_are_put_beside_each_other(harness, two, tmp_path):
    """On the terminal, as Markdown and as JSON; what has no verdict is judged, what has is not."""
    (kept,) = (tmp_path / "runs/a/verdicts").iterdir()
    before = kept.stat().st_mtime_ns

    shown = harness("compare", *two, *outputs("md", "json", "html"))
    printed = harness("compare", "b", "--history", "--json")

    assert (shown.code, shown.err) == (0, "")
    assert shown.out.startswith("2 runs, 1 challenger\n")
    assert shown.out.count("✗ 1 new") == shown.out.count("✗ 2 new") == 1
    assert "<svg" in (tmp_path / "history.html").read_text()
    assert "| 1 | a | " in (tmp_path / "history.md").read_text()
    assert (tmp_path / "history.json").read_text() == printed.out
    assert [one["run_id"] for one in json.loads(printed.out)["standings"]] == ["a", "b"]
    assert kept.stat().st_mtime_ns == before


def outputs(*suffixes):
    return [word for suffix in suffixes for word in ("-o", f"history.{suffix}")]


def test_mistakes_are_refused(harness, two):
    """Exit 2, and what to do."""
    refused = {
        ("-o", "x.csv"): "-o x.csv: unknown type .csv. Use one of .md, .json, .html",
        ("--challenger", "old"): "--challenger old: the runs have new. Name these",
    }
    for words, err in refused.items():
        said = harness("compare", *two, *words)

        assert (said.code, said.out, said.err) == (2, "", f"harness: {err}\n")


def test_a_damaged_verdict_is_named(harness, two, tmp_path):
    """And not taken for one."""
    (kept,) = (tmp_path / "runs/a/verdicts").iterdir()
    kept.write_text('{"format": 1, "run_ids": ["a"]}')

    said = harness("compare", *two)

    assert said.code == 2
    assert "is damaged ($.policy_digest: is missing)" in said.err
