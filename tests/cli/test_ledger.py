"""`policy.ledger`: how often one log was asked."""

import json

import pytest

from harness.cli.exits import OK, WRONG_USE
from harness.gate.ledger import alpha_of
from harness.verdict import Decision


@pytest.fixture
def keeping(log, config, serve):
    """A config with a ledger beside a log; what is asked for besides goes into its policy."""
    log()
    right = serve()

    def write(more=""):
        text = f"  ledger: books.jsonl\n{more}"
        return config(right, right, text)

    return write


def books(folder):
    return [json.loads(line) for line in (folder / "books.jsonl").read_text().splitlines()]


def test_every_run_against_a_log_is_counted(harness, keeping, tmp_path):
    """The verdict says which one it is, and the ledger has a line for each."""
    written = keeping()

    verdicts = [harness("replay", written, "--json").verdict for _ in range(2)]

    assert [verdict["ledger"] for verdict in verdicts] == [
        {"file": "books.jsonl", "number": 1, "alpha": pytest.approx(0.05)},
        {"file": "books.jsonl", "number": 2, "alpha": pytest.approx(0.05)},
    ]
    assert verdicts[0]["notes"][-1] == "Gate run number 1 against this log (books.jsonl)."
    assert "Gate run number 2 against this log" in verdicts[1]["notes"][-1]
    lines = books(tmp_path)
    assert [line["run_ids"] for line in lines] == [verdict["run_ids"] for verdict in verdicts]
    assert {line["decision"] for line in lines} == {verdicts[0]["decision"]}
    assert len({tuple(line["corpora"]) for line in lines}) == 1


def test_judging_again_counts_once_from_wherever(harness, keeping, tmp_path):
    """With the run's own config too, whose ledger is still where the config was."""
    written = keeping()
    first = harness("replay", written, "--json", "--run", "kept").verdict

    again = harness("gate", "kept", "--json").verdict
    by_config = harness("gate", "kept", "--config", written, "--json").verdict

    assert again == by_config == first
    assert len(books(tmp_path)) == 1


def test_another_policy_for_an_old_run_is_another_look(harness, keeping, tmp_path):
    """Widening a margin until it passes leaves a trace."""
    written = keeping()
    assert harness("replay", written, "--run", "kept").code in {OK, 11}
    written.write_text(
        written.read_text().replace("accuracy, margin: 0.1", "accuracy, margin: 0.2")
    )

    wider = harness("gate", "kept", "--config", written, "--json").verdict

    assert wider["ledger"]["number"] == 2
    assert len(books(tmp_path)) == 2


def test_with_alpha_ledger_each_run_is_left_less(harness, keeping):
    """Run number 2 is held to a confidence of 0.9924, in every finding."""
    written = keeping("  alpha_ledger: true\n")

    for number in (1, 2):
        verdict = harness("replay", written, "--json").verdict

        alpha = alpha_of(0.05, number)
        assert verdict["ledger"]["alpha"] == pytest.approx(alpha)
        (new,) = verdict["challengers"]
        for finding in new["findings"]:
            assert finding["confidence"] == pytest.approx(1 - alpha)
    assert "held to an error of 0.0076, by `alpha_ledger`" in verdict["notes"][-1]


def test_the_screen_says_it(harness, keeping):
    """As a note."""
    assert "Gate run number 1 against this log (books.jsonl)." in harness("replay", keeping()).out


def test_without_a_ledger_nothing_is_said(harness, log, config, serve, tmp_path):
    """And nothing is written."""
    log()

    verdict = harness("replay", config(serve(), serve()), "--json").verdict

    assert verdict["ledger"] is None
    assert not any("Gate run number" in note for note in verdict["notes"])
    assert not list(tmp_path.glob("*books*"))


def test_a_ledger_that_cannot_be_used_is_a_sentence(harness, keeping, tmp_path):
    """Not a traceback, and no verdict that nobody counted."""
    (tmp_path / "books.jsonl").write_text("scribbles\n")

    ended = harness("replay", keeping(), "--run", "kept")

    assert ended.code == WRONG_USE
    assert "books.jsonl, line 1: is no entry of a ledger" in ended.err
    assert Decision.PROMOTE.upper() not in ended.out


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("ledger: books.jsonl", "s3://bucket/books.jsonl"),
        ("ledger: books.jsonl", "null\n  alpha_ledger: true"),
    ],
)
def test_a_ledger_that_makes_no_sense_is_a_config_error(harness, keeping, change, said):
    """A remote file cannot be locked, and what is counted has to be counted somewhere."""
    written = keeping()
    written.write_text(written.read_text().replace(change, f"ledger: {said}"))

    ended = harness("check", written)

    assert ended.code == WRONG_USE
    assert "ledger" in ended.err
