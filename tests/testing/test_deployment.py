"""A synthetic deployment does what its truth says, the same each time."""

import json
import math
import subprocess
import sys
import urllib.request

import orjson
import pytest

from harness.testing.deployment import SyntheticDeployment, main
from harness.testing.listener import Death, HangUp, Question, Reply, Silence
from harness.testing.task import right_label
from harness.testing.traffic import Traffic, recorded_requests
from harness.testing.truth import Accuracy, Behaviour, Constant, Lognormal, Shifted

QUESTIONS = [
    Question(
        "POST",
        entry.request.target,
        {name.lower(): value for name, value in entry.request.headers},
        entry.request.body,
    )
    for entry in recorded_requests(Traffic(n_requests=2000), seed=5)
]


def deployment(role="champion", **behaviour):
    return SyntheticDeployment(role, Behaviour(**behaviour), seed=1)


def right(deployed, questions=QUESTIONS):
    """Which questions are answered right."""
    return [
        orjson.loads(deployed(one, 0.0).body)["label"]
        == right_label(orjson.loads(one.body)["numbers"])
        for one in questions
    ]


def near(share, expected):
    """Whether a share of the questions is within five standard errors of what it should be."""
    return abs(share - expected) < 5 * math.sqrt(expected * (1 - expected) / len(QUESTIONS))


def test_the_same_question_is_answered_the_same():
    """Neither order nor repetition changes an answer or its time."""
    behaviour = {"latency_s": Lognormal(0.1, 0.5), "accuracy": Accuracy(0.5), "own_chance": 0.5}
    first = [deployment(**behaviour)(one, 0.0) for one in QUESTIONS[:50]]
    again = [deployment(**behaviour)(one, 0.0) for one in reversed(QUESTIONS[:50])]

    assert first == again[::-1]


def test_a_fickle_one_answers_the_same_question_otherwise():
    """At 5.3 % a call, two calls disagree on 10 % of the questions, of one deployment or of two."""

    def labels(deployed):
        return [orjson.loads(deployed(one, 0.0).body)["label"] for one in QUESTIONS]

    champion = deployment(fickle_rate=0.053)
    first, second = labels(champion), labels(champion)
    other = labels(deployment("challenger", fickle_rate=0.053))

    for one, two in ((first, second), (first, other), (second, other)):
        assert near(sum(a != b for a, b in zip(one, two, strict=True)) / len(one), 0.1)


def test_it_is_as_right_as_told():
    """Accuracy is the share of right answers, whoever's luck decides."""
    for own_chance in (0.0, 0.5, 1.0):
        answers = right(deployment(accuracy=Accuracy(0.9), own_chance=own_chance))

        assert near(sum(answers) / len(answers), 0.9)


def test_without_own_chance_the_better_is_right_wherever_the_other_is():
    """A request that the worse answers right is no harder for the better."""
    worse = right(deployment("champion", accuracy=Accuracy(0.8)))
    better = right(deployment("challenger", accuracy=Accuracy(0.9)))

    assert all(b or not w for w, b in zip(worse, better, strict=True))


def test_own_chance_makes_equals_differ():
    """Two deployments with luck of their own are wrong on different requests."""
    champion = right(deployment("champion", accuracy=Accuracy(0.9), own_chance=1.0))
    challenger = right(deployment("challenger", accuracy=Accuracy(0.9), own_chance=1.0))

    differ = sum(a != b for a, b in zip(champion, challenger, strict=True)) / len(QUESTIONS)
    assert near(differ, 2 * 0.9 * 0.1)


def test_a_user_can_be_served_worse():
    """Accuracy by user reaches only that user."""
    deployed = deployment(accuracy=Accuracy(1.0, {"user-3": 0.0}))

    answers = right(deployed)

    mine = [one.headers["x-user-id"] == "user-3" for one in QUESTIONS]
    assert answers == [not of_user for of_user in mine]


def test_latency_is_when_the_answer_is_due():
    """A shift adds to the same draw."""
    base = deployment(latency_s=Lognormal(0.1, 0.5))
    late = deployment(latency_s=Shifted(Lognormal(0.1, 0.5), 0.2))

    for one in QUESTIONS[:20]:
        assert late(one, 7.0).at_s == pytest.approx(base(one, 7.0).at_s + 0.2)


def test_a_full_deployment_makes_wait():
    """With two places, of four questions at once the last two wait for the first."""
    deployed = deployment(latency_s=Constant(1.0), capacity=2)

    due = [deployed(one, 10.0).at_s for one in QUESTIONS[:4]]

    assert due == [11.0, 11.0, 12.0, 12.0]
    assert deployed(QUESTIONS[4], 20.0).at_s == 21.0


def test_failures_hangs_and_death_come_as_told():
    """The shares of failed and unanswered requests are those of the truth; death is on the dot."""
    failing = [deployment(failure_rate=0.1, failure_status=503)(one, 0.0) for one in QUESTIONS]
    hanging = [deployment(hang_rate=0.1)(one, 0.0) for one in QUESTIONS]
    leaving = [deployment(disconnect_rate=0.1)(one, 0.0) for one in QUESTIONS]
    dying = deployment(dies_after=2)

    failed = [reaction for reaction in failing if reaction.status == 503]
    assert near(len(failed) / len(failing), 0.1)
    assert near(sum(one == Silence() for one in hanging) / len(hanging), 0.1)
    assert near(sum(isinstance(one, HangUp) for one in leaving) / len(leaving), 0.1)
    assert [type(dying(one, 0.0)) for one in QUESTIONS[:3]] == [Reply, Reply, Death]


def test_health_checks_are_not_requests():
    """Being asked for its health brings no deployment nearer to its end."""
    dying = deployment(dies_after=1)

    for _ in range(3):
        assert dying(Question("GET", "/healthz", {}, b""), 0.0).status == 200
    assert isinstance(dying(QUESTIONS[0], 0.0), Reply)


def test_reversed_keys_are_the_same_json():
    """Other bytes, another order, the same document."""
    plain = deployment()(QUESTIONS[0], 0.0).body
    turned = deployment(keys="reversed")(QUESTIONS[0], 0.0).body

    assert json.loads(plain) == json.loads(turned)
    assert list(json.loads(plain)) == list(reversed(json.loads(turned)))
    assert len(plain) != len(turned)


def test_tokens_are_said_where_told():
    """An answer carries its usage, or says nothing about it."""
    assert "usage" not in orjson.loads(deployment()(QUESTIONS[0], 0.0).body)
    assert orjson.loads(deployment(output_tokens=9)(QUESTIONS[0], 0.0).body)["usage"] == {
        "input_tokens": 3,
        "output_tokens": 9,
    }


def test_an_unknown_role_is_one_sentence(tmp_path, capsys):
    """A role that the truth does not have ends with 2 and names those it has."""
    path = tmp_path / "scenario.yaml"
    path.write_text("truth: {champion: {}, twin: {like: champion}}")

    code = main(["--truth", str(path), "--role", "challenger"])

    assert code == 2
    assert capsys.readouterr().err == (
        f"harness.testing.deployment: {path}: truth: has no 'challenger'. It has champion, twin\n"
    )


@pytest.mark.process
def test_a_process_answers_late_and_dies_on_the_dot(tmp_path):
    """Over HTTP: an answer after its latency, no answer from the dead, and another exit code."""
    path = tmp_path / "scenario.yaml"
    path.write_text("truth: {champion: {latency_s: {kind: constant, value: 0.2}, dies_after: 1}}")
    command = [sys.executable, "-m", "harness.testing.deployment", "--truth", str(path)]
    process = subprocess.Popen([*command, "--role", "champion"], stdout=subprocess.PIPE)
    try:
        url = f"http://127.0.0.1:{process.stdout.readline().decode().strip()}/v1/predict"
        asked = urllib.request.Request(url, QUESTIONS[0].body, method="POST")

        with urllib.request.urlopen(asked, timeout=5) as answer:
            assert answer.status == 200
        with pytest.raises(OSError, match=r"closed|reset|refused"):
            urllib.request.urlopen(asked, timeout=5)

        assert process.wait(5) == 1
    finally:
        process.kill()
        process.wait()
        process.stdout.close()
