"""A scenario is read as it is written, and a verdict that differs from its truth is seen."""

import pytest

from harness.errors import ConfigError
from harness.testing.scenario import Expectation, differences, folders, main, read
from harness.testing.traffic import Traffic, log_of

SCENARIO = """\
name: twins
seed: 7
traffic: {n_requests: 30}
log: {cut_off_bytes: 9}
truth: {champion: {}}
expect: {decision: promote, findings: {not_worse accuracy: pass}}
"""


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "twins"
    folder.mkdir()
    (folder / "scenario.yaml").write_text(SCENARIO)
    return folder


def verdict(**changes):
    challenger = {
        "reason": "all rules pass",
        "n_pairs": 30,
        "losses": {},
        "findings": [{"rule": "not_worse accuracy", "segment": None, "status": "pass"}],
        "validity": [{"check": "pairing_rate", "status": "pass"}],
    }
    return {
        "decision": "promote",
        "challengers": [challenger | changes],
        "notes": ["all is well"],
    } | {key: changes[key] for key in changes if key == "decision"}


def test_a_folder_is_read(folder):
    """Seed, traffic and expectation are those of the file; the log lacks what was cut off."""
    scenario = read(folder)

    assert scenario.name == "twins"
    assert scenario.expect == Expectation("promote", {"not_worse accuracy": "pass"})
    assert scenario.log() == log_of(Traffic(n_requests=30), seed=7)[:-9]


@pytest.mark.parametrize(
    ("before", "after", "message"),
    [
        ("seed: 7\n", "", "seed: is missing"),
        ("name: twins", "name: triplets", "name: is 'triplets', not the folder's"),
        ("promote", "perhaps", "expect.decision: is 'perhaps', must be one of promote"),
        ("n_requests: 30", "n_request: 30", "unexpected keyword argument 'n_request'"),
    ],
)
def test_a_misspelled_scenario_is_refused(folder, before, after, message):
    """What is unknown or missing does not run as something else."""
    (folder / "scenario.yaml").write_text(SCENARIO.replace(before, after))

    with pytest.raises(ConfigError, match=message):
        read(folder)


def test_a_verdict_that_fits_has_no_differences():
    """What was not asked about may be anything."""
    expect = Expectation("promote", {"not_worse accuracy": "pass"}, {"pairing_rate": "pass"})

    assert list(differences(expect, verdict())) == []


@pytest.mark.parametrize(
    ("expect", "difference"),
    [
        (Expectation("reject"), "decision is promote, must be reject (all rules pass)"),
        (
            Expectation("promote", {"not_worse accuracy": "fail"}),
            "not_worse accuracy is pass, must be fail ()",
        ),
        # a rule that was never judged is no pass
        (
            Expectation("promote", {"improves accuracy": "pass"}),
            "improves accuracy is not in the verdict",
        ),
        (
            Expectation("promote", validity={"schedule_lag_p99_s": "fail"}),
            "schedule_lag_p99_s is not in the verdict",
        ),
        (Expectation("promote", losses={"shed_budget": 4}), "shed_budget is 0, must be 4"),
        (
            Expectation("promote", note="cut off"),
            "no note says 'cut off', there are ['all is well']",
        ),
        (Expectation("promote", n_pairs=31), "n_pairs is 30, must be 31"),
    ],
)
def test_each_difference_is_a_sentence(expect, difference):
    """Decision, findings, checks, losses and the number of pairs are all looked at."""
    assert list(differences(expect, verdict())) == [difference]


def test_scenarios_are_found_by_their_file(folder):
    """A folder of scenarios, or one scenario's own, can be named."""
    assert folders([folder.parent]) == folders([folder]) == [folder]


def test_no_scenarios_is_wrong_use(tmp_path, capsys):
    """Running nothing is not success."""
    assert main([str(tmp_path)]) == 2
    assert "no scenario.yaml there" in capsys.readouterr().err
