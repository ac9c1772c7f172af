"""`harness check`: what would run, and which rules can get evidence. Touches nothing."""

import json
import shutil
from pathlib import Path

import pytest

from harness.cli.check import check
from harness.errors import ConfigError
from tests.config.writing import GOOD, replaced, with_rule

DIGITS = Path(__file__).parents[2] / "fixtures" / "logs" / "digits.jsonl"


@pytest.fixture
def folder(tmp_path):
    """A config beside a log."""
    shutil.copy(DIGITS, tmp_path / "visits.jsonl")
    (tmp_path / "harness.yaml").write_text(
        with_rule(
            "{not_worse: cost_usd.mean, margin: 5%}", "{not_worse: latency_s.p95, margin: 5%}"
        )
        + "cluster: header:x-user-id\npacing: {mode: rate, per_s: 100}\n"
    )
    return tmp_path


def test_it_says_what_would_run_and_what_cannot_be_known(folder, capsys):
    """Deployments, log, pacing, and each rule with its prospects."""
    code = check(folder / "harness.yaml")

    assert code == 0
    assert (
        capsys.readouterr().out
        == f"""\
{folder}/harness.yaml is a valid config.

champion    old, http://127.0.0.1:9101 (timeout 10 s, 64 in flight)
challenger  new, http://127.0.0.1:9102 (timeout 10 s, 64 in flight)
log         {folder}/visits.jsonl (harness): 899 entries, over 90 s, 899 with an answer, 899 with \
the truth, 635 users
pacing      100 requests a second, about 9 s: 899 pairs per challenger

Rules for new
  ✓ not_worse failure_rate   < 2 pp
  ✗ not_worse cost_usd.mean  < 5 %   no data: no `price` for the champion and the challenger
  ✓ not_worse latency_s.p95  < 5 %

How much data each rule needs: harness plan {folder}/harness.yaml
"""
    )


def test_it_leaves_no_trace(folder):
    """Nothing is started, nothing is written."""
    before = sorted(folder.rglob("*"))

    check(folder / "harness.yaml")

    assert sorted(folder.rglob("*")) == before


def test_a_recorded_champion_is_said_first(folder, capsys):
    """What takes the evidence from most rules stands right under the first line."""
    text = (folder / "harness.yaml").read_text() + "champion_answers: recorded\n"
    (folder / "harness.yaml").write_text(text)

    check(folder / "harness.yaml")

    assert capsys.readouterr().out.splitlines()[2] == (
        "! The champion's answers are recorded: rules on latency and cost have no data. "
        "`baseline: recorded` accepts what was measured elsewhere."
    )


def test_json_says_the_same(folder, capsys):
    """One document, for scripts."""
    check(folder / "harness.yaml", as_json=True)
    said = json.loads(capsys.readouterr().out)

    assert said["n_pairs"] == 899
    assert said["n_clusters"] == 635
    assert said["log"]["n_with_truth"] == 899
    assert said["champion"] == {"name": "old", "where": "http://127.0.0.1:9101", "timeout_s": 10.0}
    assert [(rule["rule"], rule["evidence"]) for rule in said["rules"]] == [
        ("not_worse failure_rate", "possible"),
        ("not_worse cost_usd.mean", "no_data"),
        ("not_worse latency_s.p95", "possible"),
    ]


def test_a_secret_is_shown_as_its_reference(folder, capsys, monkeypatch):
    """Neither text nor JSON holds what is behind a reference."""
    monkeypatch.setenv("PREFIX", "pre-5512")
    text = replaced("http://127.0.0.1:9102", "http://127.0.0.1:9102/${env:PREFIX}")
    (folder / "harness.yaml").write_text(text)

    check(folder / "harness.yaml")
    check(folder / "harness.yaml", as_json=True)

    said = capsys.readouterr().out
    assert "http://127.0.0.1:9102/${env:PREFIX}" in said
    assert "5512" not in said


def test_a_log_that_is_not_there_is_wrong_use(folder, capsys):
    """The config is said to be valid, the log is not, and the exit code tells a pipeline."""
    code = check(folder / "harness.yaml", [folder / "no.jsonl"])

    said = capsys.readouterr().out
    assert code == 2
    assert f"! {folder}/no.jsonl: no such file" in said
    assert "? not_worse failure_rate   < 2 pp  not known without a log" in said


def test_a_log_that_cannot_be_replayed_is_wrong_use(folder, capsys):
    """What `replay` would refuse is refused here, with the same exit code."""
    text = (folder / "harness.yaml").read_text() + "warm_up: 899\n"
    (folder / "harness.yaml").write_text(text)

    code = check(folder / "harness.yaml")

    assert code == 2
    assert "! Nothing is left after 899 requests to warm up." in capsys.readouterr().out


def test_a_wrong_config_is_an_error(tmp_path):
    """The loader's own message; nothing is printed."""
    path = tmp_path / "harness.yaml"
    path.write_text(GOOD + "pasing: 1\n")

    with pytest.raises(ConfigError, match=r"pasing: unknown key\. Did you mean 'pacing'\?"):
        check(path)


LIVE = """\
champion: {name: old, url: "http://127.0.0.1:9101"}
challengers: [{name: new, url: "http://127.0.0.1:9102"}]
capture: {sample: 0.25}
policy: {rules: [{not_worse: failure_rate, margin: 0.02}]}
"""


def test_a_live_config_is_told_what_the_sidecar_would_do(tmp_path, capsys):
    """Where it listens and what it mirrors; a forgotten method is the commonest slip."""
    path = tmp_path / "harness.yaml"
    path.write_text(LIVE)

    check(path)

    said = capsys.readouterr().out
    assert "! Live, GET and HEAD alone may be mirrored" in said
    assert "serves the champion's users on http://127.0.0.1:8080" in said
    assert "0.25 of GET, HEAD to any path" in said
    assert "pacing" not in said
