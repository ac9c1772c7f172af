"""Judges and classifiers from end to end: asked once, judged by again and again."""

import json
import re
from pathlib import Path

import pytest

from tests.annotate.judges import judge, prefers_first, prefers_longer, serving

RULES = """\
    - {improves: judge.preference, by: 0.5}
    - {at_most: wordiness.mean, value: 10000}
    - {not_worse: wordiness.mean, margin: 20}
judge: {url: "@/v1", model: judge-1, rubric: rubric.md, question: $.n, answer: $, sample: 1.0}
classifiers:
  - {name: wordiness, url: "@/classify", answer: $, path: $.length}
"""


def both(opinion):
    """One server that is the judge and the classifier."""
    judging = judge(opinion)

    def answer(asked):
        if "messages" in asked:
            return judging(asked)
        return 200, {"length": len(asked["answer"])}

    return answer


@pytest.fixture
def asking(config, serve, log, tmp_path):
    """A config whose challenger says more, and who is asked about that."""
    log(60)
    (tmp_path / "rubric.md").write_text("The longer answer wins.")

    def write(url):
        return config(serve(), serve("wordy"), RULES.replace("@", url))

    return write


def findings(ended):
    assert ended.out.startswith("{"), ended.err
    (judged,) = ended.verdict["challengers"]
    return {" ".join(one["rule"].split()[:2]): one for one in judged["findings"]}, judged


def test_a_replay_asks_before_it_judges_and_a_gate_asks_nobody(harness, asking):
    """The judge is gone when the run is judged again, and the verdict is the same."""
    with serving(both(prefers_longer)) as (url, seen):
        first = harness("replay", asking(url), "--json")
    (run,) = Path("runs").glob("2*")
    again = harness("gate", run, "--json")

    found, judged = findings(first)
    preference = found["improves judge.preference"]
    assert (preference["status"], preference["harm"]) == ("pass", -1.0), first.err
    assert found["not_worse wordiness.mean"]["status"] == "fail"
    assert found["at_most wordiness.mean"]["status"] == "pass"
    (report,) = judged["judges"]
    assert (report["n_judged"], report["n_better"], report["consistency"]) == (60, 60, 1.0)
    assert report["position_bias"] == 0.0
    assert "judge on new: 60 of 60 pairs" in first.err
    assert findings(again)[1]["findings"] == judged["findings"]
    assert {path for path, *_ in seen} == {"/v1/chat/completions", "/classify"}


def test_nobody_asked_is_no_data_and_says_what_to_do(harness, asking):
    """A rule about a judge that was not asked holds, and names the command."""
    with serving(both(prefers_longer)) as (url, _):
        path = asking(url)
        harness("replay", path, "--no-gate")
        (run,) = Path("runs").glob("2*")
        before = harness("gate", run, "--json")
        annotated = harness("annotate", run, "--config", path)
        again = harness("annotate", run, "--config", path, "--json")
        after = harness("gate", run, "--json")

    found, _ = findings(before)
    preference = found["improves judge.preference"]
    assert preference["status"] == "no_data"
    assert f"harness annotate {run}" in preference["sentence"]
    assert "judge on new: 60 of 60 pairs" in annotated.out
    assert [one["n_remembered"] for one in json.loads(again.out)] == [60, 60]
    assert findings(after)[0]["improves judge.preference"]["status"] == "pass"


def test_a_biased_judge_is_shown_as_one(harness, asking):
    """It says `first` of everything: all ties, no order agrees, and the bias is 1."""
    with serving(both(prefers_first)) as (url, _):
        ended = harness("replay", asking(url), "--json")

    _, judged = findings(ended)
    (report,) = judged["judges"]
    assert (report["n_better"], report["n_worse"], report["consistency"]) == (0, 0, 0.0)
    assert report["position_bias"] == 1.0


def test_a_judge_that_fails_leaves_pairs_missing_not_tied(harness, asking):
    """Nobody's preference is made up, and the rule has no data."""
    with serving(lambda asked: (500, {})) as (url, _):
        path = asking(url)
        at_once = path.read_text().replace("sample: 1.0", "retries: 0")
        path.write_text(at_once.replace("path: $.length", "path: $.length, retries: 0"))
        ended = harness("replay", path, "--json")

    found, judged = findings(ended)
    assert found["improves judge.preference"]["status"] == "no_data"
    (report,) = judged["judges"]
    assert (report["n_judged"], report["n_missing"], report["preference"]) == (0, 60, None)
    assert "60 status 500" in ended.err


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("rubric: rubric.md", "rubric: none.md", r"judge\.rubric: .*none\.md cannot be read"),
        ("name: wordiness", "name: judge", "classifiers[0].name: is 'judge', the name of another"),
        ("improves: judge.preference", "improves: judge.mean", "has the statistic preference"),
        ("model: judge-1, ", "", "judge[0].model: is missing"),
    ],
)
def test_a_mistake_is_refused(harness, asking, old, new, message):
    """In words that name the key."""

    path = asking("http://127.0.0.1:9")
    path.write_text(path.read_text().replace(old, new))

    ended = harness("replay", path)

    assert ended.code == 2
    assert re.search(message, ended.err) or message in ended.err, ended.err


def test_a_config_that_names_nobody_is_refused(harness, config, serve, log):
    """There is nothing to annotate."""
    log(20)
    harness("replay", config(serve(), serve()), "--no-gate")
    (run,) = Path("runs").glob("2*")

    ended = harness("annotate", run)

    assert ended.code == 2
    assert "names nobody to ask" in ended.err
