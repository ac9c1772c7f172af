"""The live verdict: what it says of a run that is still being written."""

import json
from datetime import UTC, datetime

import pytest

from harness.cli.live.judge import Looks, always_valid
from harness.gate.policy import Sequential
from harness.store.layout import LOSSES
from harness.store.reader import StoredRun
from tests.watch.live_runs import CONFIG, live_run, some

NOW = datetime(2025, 1, 1, 13, tzinfo=UTC)


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "20250101T120000Z-digits-ab12cd"


def test_a_look_sees_parts_and_journal_and_says_what_is_missing(tmp_path, folder):
    """What survives a crash, judged by evidence that may be looked at any time."""
    kept = tmp_path / "live.json"
    looks = Looks(folder, kept)
    looks.look(NOW)  # no mirror has made the run yet
    with live_run(folder) as writer:
        looks.look(NOW)
        assert not kept.exists()  # nothing to be judged yet

        writer.append(some(range(100)))
        writer.seal()
        writer.append(some(range(100, 150)))
        writer.acknowledge()
        looks.look(NOW)
        first = json.loads(kept.read_text())

        writer.append(some(range(150, 400)))
        writer.acknowledge()
        looks.look(NOW)
        second = json.loads(kept.read_text())

    assert (first["error"], first["n_looks"], second["n_looks"]) == (None, 1, 2)
    (early,), (late,) = (one["verdict"]["challengers"] for one in (first, second))
    assert (early["n_pairs"], late["n_pairs"]) == (150, 400)
    rules = {one["rule"]: one for one in late["findings"]}
    failures = rules["not_worse failure_rate"]
    assert failures["status"] == "pass"
    assert failures["e_value"] > 20
    assert failures["harm_low"] <= 0 <= failures["harm_high"] < 0.05
    assert early["findings"][0]["e_value"] < failures["e_value"]


def test_before_it_is_told_where_requests_went_there_is_no_verdict(tmp_path, folder):
    """Else the first look at every run would say that nothing was due to be paired."""
    kept = tmp_path / "live.json"
    with live_run(folder) as writer:
        (folder / LOSSES).unlink()
        writer.append(some(range(60)))
        writer.acknowledge()

        Looks(folder, kept).look(NOW)

    assert not kept.exists()


def test_nothing_new_is_not_looked_at_again(tmp_path, folder):
    """The file stays as it was, and so does its time."""
    kept = tmp_path / "live.json"
    with live_run(folder) as writer:
        writer.append(some(range(60)))
        writer.acknowledge()
        looks = Looks(folder, kept)
        looks.look(NOW)
        before = kept.read_bytes()

        looks.look(datetime(2025, 1, 1, 14, tzinfo=UTC))

    assert kept.read_bytes() == before


def test_what_cannot_be_judged_is_a_sentence_and_the_last_verdict_stays(tmp_path, folder):
    """A path that matches in no answer is found while the traffic flows."""
    config = CONFIG | {"output": {"label": "$.lable"}}
    kept = tmp_path / "live.json"
    with live_run(folder, config) as writer:
        writer.append(some(range(60)))
        writer.acknowledge()

        Looks(folder, kept).look(NOW)

    found = json.loads(kept.read_text())
    assert "matches in none of 60 champion answers" in found["error"]
    assert found["verdict"] is None


@pytest.mark.parametrize(
    ("written", "expected"),
    [(None, Sequential.DEFLATED), (False, Sequential.DEFLATED), ("strict", Sequential.STRICT)],
)
def test_any_policy_is_looked_at_by_its_always_valid_form(folder, written, expected):
    """A challenger's own too; a ledger counts decisions, and these are none."""
    policy = CONFIG["policy"] | ({} if written is None else {"sequential": written})
    (knn,) = CONFIG["challengers"]
    config = CONFIG | {
        "policy": policy | {"alpha_ledger": True},
        "challengers": [knn, knn | {"name": "svm", "policy": {"sequential": False}}],
    }
    live_run(folder, config).close()

    found = always_valid(StoredRun.open(folder))

    assert found.policy_for("knn").sequential is expected
    assert found.policy_for("svm").sequential is Sequential.DEFLATED
    assert found.ledger_path is None
    assert not found.policy.alpha_ledger
