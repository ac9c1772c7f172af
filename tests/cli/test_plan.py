"""`harness plan`: how much data each rule needs."""

import json

import pytest

from harness.cli.exits import OK, WRONG_USE
from tests.cli.conftest import ROOT


@pytest.fixture
def written(log, config, serve):
    """A config beside a log of 80 entries of 40 users, and its two servers."""
    log()
    return config(serve(), serve())


def test_a_plan_without_a_pilot_assumes_and_says_so(harness, written):
    """Every rule of the policy, with what it stands on, and the one that needs the most."""
    ended = harness("plan", written)

    assert ended.code == OK
    assert "on assumptions (--disagreement 0.05 --spread 0.5 --icc 0.05)" in ended.out
    assert "At hand: 80 pairs in 40 clusters" in ended.out
    assert "5.0 % of pairs differ, design effect 1.15 (assumed)" in ended.out
    assert "Bottleneck: not_worse failure_rate needs" in ended.out


def test_a_pilot_takes_the_place_of_assumptions(harness, written):
    """A stored run is read, its values are built, and no model is called."""
    assert harness("replay", written, "--no-gate", "--run", "pilot").code == OK

    ended = harness("plan", written, "--run", "pilot", "--json")

    told = json.loads(ended.out)
    assert (ended.code, told["pilot"], told["assumptions"]) == (OK, "pilot", None)
    (new,) = told["challengers"]
    assert [rule["rule"] for rule in new["rules"]] == [
        "not_worse failure_rate",
        "not_worse accuracy",
    ]
    assert all(rule["clusters_needed"] >= 8 for rule in new["rules"])
    assert new["rules"][0]["basis"].startswith("1.2 % of pairs differ")


def test_another_challenger_can_stand_in(harness, written):
    """The pilot was run with one of another name, as an A/A run of the champion would be."""
    assert harness("replay", written, "--no-gate", "--run", "pilot").code == OK
    written.write_text(written.read_text().replace("name: new", "name: newer"))

    told = json.loads(harness("plan", written, "--run", "pilot", "--json").out)

    assert [(one["challenger"], one["stands_in"]) for one in told["challengers"]] == [
        ("newer", "new")
    ]


def test_numbers_on_the_command_line_win(harness, written):
    """A plan for a log that is still to be recorded."""
    told = json.loads(harness("plan", written, "--pairs", 6000, "--clusters", 3000, "--json").out)

    assert told["at_hand"] == {"n_pairs": 6000, "n_clusters": 3000, "where": "as said"}
    assert all(rule["is_enough"] for rule in told["challengers"][0]["rules"])


def test_users_follow_from_pairs_as_in_the_log(harness, written):
    """Two pairs a user in the log, so two here."""
    told = json.loads(harness("plan", written, "--pairs", 500, "--json").out)

    assert told["at_hand"] == {"n_pairs": 500, "n_clusters": 250, "where": "as said"}


def test_a_log_that_cannot_be_read_is_no_obstacle(harness, config, serve):
    """Planning comes before recording: one sentence on stderr, and the plan."""
    ended = harness("plan", config(serve(), serve()))

    assert ended.code == OK
    assert ended.err.startswith("harness: planning without the log: ")
    assert "At hand: not known" in ended.out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--pairs", "10", "--clusters", "20"), "--clusters 20: more than --pairs 10"),
        (("--run", "nowhere"), "nowhere"),
        (("--power", "2"), "--power"),
    ],
)
def test_nonsense_is_refused_in_a_sentence(harness, written, words, said):
    """Exit 2, and what was wrong."""
    ended = harness("plan", written, *words)

    assert (ended.code, said in ended.err) == (WRONG_USE, True)
    assert "Traceback" not in ended.err


def test_the_help_has_an_example(harness):
    """As that of every command."""
    assert "Example: harness plan harness.yaml" in harness("plan", "--help").out


def test_the_page_shows_what_really_comes_out(harness, monkeypatch):
    """The example of docs/planning.md is the output for this repository's own config."""
    monkeypatch.chdir(ROOT)
    page = (ROOT / "docs" / "planning.md").read_text()

    assert f"```text\n{harness('plan', 'harness.yaml').out}```" in page


def test_the_page_has_every_field_of_the_json(harness, written):
    """And every flag."""
    page = (ROOT / "docs" / "planning.md").read_text()

    told = json.loads(harness("plan", written, "--json").out)

    (new,) = told.pop("challengers")
    (first, *_) = new.pop("rules")
    for field in (*told, *new, *first):
        assert f"{field}`" in page
    for flag in ("--run", "--pairs", "--disagreement", "--spread", "--icc", "--power", "--json"):
        assert f"{flag}" in page


def test_a_policy_that_may_be_asked_at_any_time_says_when_it_stops(harness, written):
    """And what to be ready for."""
    written.write_text(written.read_text() + "  sequential: true\n")

    rule = json.loads(harness("plan", written, "--json").out)["challengers"][0]["rules"][0]

    assert rule["expected_clusters"] < rule["clusters_to_budget"]
    assert rule["clusters_to_budget"] >= 3 * rule["clusters_needed"]
    assert "stops at about" in harness("plan", written).out
