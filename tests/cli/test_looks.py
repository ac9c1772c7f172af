"""A stored run judged again and again by a policy that allows it."""

import json
import shutil
from pathlib import Path

import pytest

pytestmark = pytest.mark.process

RUN = Path("runs/one")
ANYTIME = "  sequential: true\n"


@pytest.fixture
def stored(harness, serve, log, config):
    """A run of four hundred pairs of two hundred users, not judged yet."""

    def make(challenger="right", policy=ANYTIME):
        log(400, users=200)
        path = config(serve(), serve(challenger), policy)
        assert harness("replay", path, "--run", RUN, "--no-gate").code == 0

    return make


def kept():
    (path,) = (RUN / "looks").iterdir()
    return path


def test_a_gate_may_be_asked_as_often_as_one_likes(harness, stored):
    """The second answer is the first, byte for byte, and so is what is kept of it."""
    stored()

    first, left = harness("gate", RUN, "--json"), kept
    state = left().read_bytes()
    second = harness("gate", RUN, "--json")

    assert (first.code, second.code) == (0, 0)
    assert second.out == first.out
    assert left().read_bytes() == state


def test_what_is_kept_can_be_computed_again(harness, stored):
    """Without alarms, the stored pairs alone give the same state, tuning and burn-in with it."""
    stored(policy="    - {not_worse: latency_s.p50, margin: 1s}\n" + ANYTIME)
    harness("gate", RUN)
    state = kept().read_bytes()
    assert json.loads(state)["challengers"]["new"][2]["tuning"]["n_clusters"] >= 50
    shutil.rmtree(RUN / "looks")
    shutil.rmtree(RUN / "verdicts")

    harness("gate", RUN)

    assert kept().read_bytes() == state


def test_an_alarm_of_an_earlier_look_rejects(harness, stored):
    """An equal challenger that an earlier look was sure of harm about is not promoted."""
    stored()
    harness("gate", RUN)
    content = json.loads(kept().read_text())
    content["challengers"]["new"][0]["e_harm"] = 900.0
    kept().write_text(json.dumps(content))

    ended = harness("gate", RUN, "--json")

    assert ended.code == 10
    assert "at an earlier look" in ended.verdict["challengers"][0]["reason"]


def test_what_is_about_other_rules_is_refused(harness, stored):
    """Rows that do not fit the policy are a sentence, not a guess."""
    stored()
    harness("gate", RUN)
    content = json.loads(kept().read_text())
    content["challengers"]["new"].reverse()
    kept().write_text(json.dumps(content))

    ended = harness("gate", RUN)

    assert ended.code != 0
    assert "about other rules" in ended.err


def test_one_planned_look_keeps_nothing(harness, stored):
    """Without `sequential` there is nothing to remember."""
    stored(policy="")

    ended = harness("gate", RUN, "--json")

    assert ended.code == 0
    assert not (RUN / "looks").exists()
    assert ended.verdict["challengers"][0]["findings"][0]["memory"] is None
