"""Labels that come after a run, from end to end."""

import json
from pathlib import Path

import pytest


def line(n, *, at="2025-06-02T12:00:00Z", **said):
    return json.dumps({"id": f"e{n}", "at": at, **said}) + "\n"


@pytest.fixture
def run(harness, serve, log, config, tmp_path):
    """A run whose log knows no truth; its challenger is wrong about everything."""

    def make(more="truth: feedback\n"):
        path = log(80)
        entries = [json.loads(one) for one in path.read_text().splitlines()]
        path.write_text("".join(json.dumps({**one, "truth": None}) + "\n" for one in entries))
        harness("replay", config(serve(), serve("wrong"), more), "--no-gate")
        (made,) = Path("runs").glob("2*")
        return made

    return make


def accuracy(harness, run):
    (judged,) = harness("gate", run, "--json").verdict["challengers"]
    return next(one for one in judged["findings"] if one["metric"] == "accuracy")


def labels(numbers, **options):
    return "".join(line(n, label="odd" if n % 2 else "even", **options) for n in numbers)


def test_a_label_that_comes_later_is_what_answers_are_held_against(harness, run, tmp_path):
    """Without labels there is no data; with them the wrong challenger is rejected."""
    made = run()
    before = accuracy(harness, made)
    (tmp_path / "labels.jsonl").write_text(labels(range(60)))

    told = harness("feedback", made, "labels.jsonl")

    after = accuracy(harness, made)
    assert before["status"] == "no_data"
    assert told.out == "60 added (60 label)\n"
    assert (after["status"], after["champion"], after["challenger"]) == ("fail", 1.0, 0.0)
    assert (after["n_pairs"], after["n_left_out"]) == (60, 20)


def test_the_last_label_of_a_request_counts(harness, run, tmp_path):
    """Whoever corrects a label is believed, in whatever order the lines come."""
    made = run()
    late = "2025-06-03T12:00:00Z"
    wrong = "".join(line(n, label="neither") for n in range(80))
    (tmp_path / "labels.jsonl").write_text(labels(range(80), at=late) + wrong)

    harness("feedback", made, "labels.jsonl")

    assert accuracy(harness, made)["champion"] == 1.0


def test_every_line_is_accounted_for(harness, run, tmp_path):
    """Added, repeated, unknown, unreadable; and why users were unhappy."""
    made = run()
    lines = line(1, thumb="down", reason="too long") + line(2, regenerated=True)
    lines += line(3, thumb="down", reason="too long") + line(4, rating=5)
    (tmp_path / "one.jsonl").write_text(lines + line(999, thumb="up") + "no JSON\n")

    first = harness("feedback", made, "one.jsonl", "--json")
    again = harness("feedback", made, "one.jsonl")

    assert json.loads(first.out) == {
        "added": 4,
        "by_kind": {"thumb": 2, "regenerated": 1, "rating": 1},
        "repeated": 0,
        "late": 0,
        "unknown": 1,
        "ambiguous": 0,
        "unreadable": 1,
        "negative": 3,
        "reasons": {"too long": 2, "no reason given": 1},
    }
    assert "0 added" in again.out
    assert "4 said before" in again.out


def test_only_mature_requests_count(harness, run, tmp_path):
    """Of requests of June 1st: fast labels count once a week is over, slow ones never do."""
    made = run("truth: feedback\nmaturity: 7d\n")
    (tmp_path / "fast.jsonl").write_text(labels(range(60), at="2025-06-02T12:00:00Z"))
    (tmp_path / "slow.jsonl").write_text(labels(range(60, 80), at="2025-06-09T12:00:00Z"))

    harness("feedback", made, "fast.jsonl")
    young = accuracy(harness, made)
    told = harness("feedback", made, "slow.jsonl")
    mature = accuracy(harness, made)

    assert young["status"] == "no_data"
    assert "20 labels later than `maturity`, which do not count" in told.out
    assert (mature["status"], mature["n_pairs"]) == ("fail", 60)


def test_a_file_that_is_not_there_is_refused(harness, run):
    """As wrong use."""
    ended = harness("feedback", run(), "none.jsonl")

    assert ended.code == 2
    assert "none.jsonl: cannot be read" in ended.err
