"""A judge over a real server: what it says, what it fails to say, and what it costs."""

import asyncio
from decimal import Decimal
from functools import partial

import aiohttp
import pytest

from harness.annotate.asking import Asker, Endpoint
from harness.annotate.classifier import Question, classify_all
from harness.annotate.framing import MOST_CHARACTERS, Texts
from harness.annotate.judge import Judging, judge_all
from harness.annotate.memory import Memory
from harness.dialects.paths import JsonPath
from harness.traffic.budget import Budget
from harness.usage import PriceList
from tests.annotate.judges import chat, judge, prefers_first, prefers_longer, serving

JUDGING = Judging("judge-1", "The longer answer wins.", {"temperature": 0})
PAIRS = [Texts("q", "short", "much longer"), Texts("q", "much longer", "short")]


def asked(url, work, *, budget=None, memory=None, **options):
    """Ask an endpoint something, in a loop of its own."""

    async def ask():
        async with aiohttp.ClientSession() as session:
            endpoint = Endpoint(url, **{"timeout_s": 5.0, "retries": 1, **options})
            asker = Asker(session, endpoint, budget=budget or Budget(), memory=memory)
            return await work(asker)

    return asyncio.run(ask())


def judged(url, pairs=PAIRS, **options):
    return asked(url, lambda asker: judge_all(asker, JUDGING, pairs), **options)


def test_an_honest_judge_says_the_same_in_both_orders():
    """+1 for the challenger's answer, -1 for the champion's, and no favour for a place."""
    with serving(judge(prefers_longer)) as (url, seen):
        found = judged(url)

    assert [one.preference for one in found] == [1.0, -1.0]
    assert [one.first_slot for one in found] == [0.0, 0.0]
    assert len(seen) == 4
    assert all(asked["model"] == "judge-1" and asked["temperature"] == 0 for *_, asked in seen)


def test_a_judge_that_goes_by_the_place_decides_nothing():
    """Its two orders contradict each other: ties, with all of the bias in view."""
    with serving(judge(prefers_first)) as (url, _):
        found = judged(url)

    assert [one.preference for one in found] == [0.0, 0.0]
    assert [one.first_slot for one in found] == [1.0, 1.0]


def test_the_same_text_needs_no_judge():
    """It is a tie, costs nothing, and says nothing of the judge."""
    with serving(judge(prefers_first)) as (url, seen):
        (found,) = judged(url, [Texts("q", "same", "same")])

    assert (found.preference, found.first_slot, found.is_same) == (0.0, None, True)
    assert seen == []


@pytest.mark.parametrize(
    ("answer", "problem"),
    [
        ((500, {}), "status 500"),
        ((200, b"not JSON"), "unreadable"),
        ((200, {"choices": [{"message": {"content": "the first one"}}]}), "unreadable"),
        ((307, {}), "status 307"),
    ],
)
def test_a_judge_that_fails_leaves_the_pair_missing(answer, problem):
    """Missing is not a tie; and it was asked as often as was allowed, not more."""
    with serving(lambda asked: answer) as (url, seen):
        (found,) = judged(url, PAIRS[:1])

    assert (found.preference, found.problem) == (None, problem)
    assert len(seen) == 4


def test_a_judge_that_is_not_there_leaves_the_pair_missing():
    """So does one that is too late."""
    (found,) = judged("http://127.0.0.1:9", PAIRS[:1], retries=0)

    assert (found.preference, found.problem) == (None, "unreachable")


def test_a_second_attempt_may_succeed():
    """A slip in one answer costs one more question."""
    slips = iter([(200, b"{}"), (503, {})])
    honest = judge(prefers_longer)

    with serving(lambda asked: next(slips, None) or honest(asked)) as (url, seen):
        (found,) = judged(url, PAIRS[:1], retries=2)

    assert found.preference == 1.0
    assert len(seen) == 4


def test_one_order_alone_is_no_preference():
    """Half an answer would be a preference with the judge's bias in it."""

    def answers_one_order(asked):
        word = prefers_longer(asked["messages"])
        return (200, chat(word)) if word == "first" else (500, {})

    with serving(answers_one_order) as (url, _):
        (found,) = judged(url, PAIRS[:1], retries=0)

    assert found.preference is None
    assert found.challenger_first == "first"


def test_what_was_asked_before_is_remembered(tmp_path):
    """Asked again, nobody is called and nothing is spent; another rubric is another question."""
    price = PriceList(usd_per_input_token=Decimal("0.01"), usd_per_output_token=Decimal("0.1"))
    with serving(judge(prefers_longer)) as (url, seen):
        again = partial(judged, url, PAIRS, memory=Memory(tmp_path), price=price)
        first, second = again(), again()
        other = Judging("judge-1", "The shorter answer wins.")
        asked(url, lambda one: judge_all(one, other, PAIRS), memory=Memory(tmp_path))

    assert [one.preference for one in first] == [one.preference for one in second]
    # By hand: two orders of 100 x 0.01 + 10 x 0.1.
    assert [one.cost_usd for one in first] == [4.0, 4.0]
    assert [(one.cost_usd, one.n_remembered) for one in second] == [(0.0, 2), (0.0, 2)]
    assert len(seen) == 8
    assert not any(b"longer" in path.read_bytes() for path in tmp_path.rglob("*.json"))


def test_a_failure_is_not_remembered(tmp_path):
    """It may answer next time."""
    with serving(lambda asked: (500, {})) as (url, _):
        judged(url, PAIRS[:1], retries=0, memory=Memory(tmp_path))

    assert list(tmp_path.rglob("*.json")) == []


def test_a_damaged_memory_costs_asking_again(tmp_path):
    """It is no error."""
    with serving(judge(prefers_longer)) as (url, seen):
        judged(url, PAIRS[:1], memory=Memory(tmp_path))
        for path in tmp_path.rglob("*.json"):
            path.write_text("{")
        (found,) = judged(url, PAIRS[:1], memory=Memory(tmp_path))

    assert found.preference == 1.0
    assert len(seen) == 4


def test_a_judge_stops_when_its_money_is_spent():
    """What it was not asked is missing, and says why."""
    pairs = [Texts(f"q{i}", "short", "much longer") for i in range(20)]
    price = PriceList(usd_per_input_token=Decimal("0.01"))
    with serving(judge(prefers_longer)) as (url, seen):
        found = judged(url, pairs, price=price, budget=Budget(Decimal(4)), max_in_flight=1)

    assert len(seen) == 4
    assert {one.problem for one in found} == {"", "budget"}


def test_texts_that_are_too_long_are_not_judged():
    """Nobody is asked about half an answer."""
    with serving(judge(prefers_longer)) as (url, seen):
        (found,) = judged(url, [Texts("q", "a", "b" * (MOST_CHARACTERS + 1))])

    assert (found.preference, found.problem) == (None, "too long")
    assert seen == []


def test_a_classifier_gives_each_answer_a_number():
    """It is told the request and the answer, not whose it is; yes and no are 1 and 0."""
    questions = [Question("q", "rude"), None, Question("q", "kind")]
    with serving(lambda asked: (200, {"toxic": asked["answer"] == "rude"})) as (url, seen):
        found = asked(url, lambda one: classify_all(one, JsonPath("$.toxic"), questions))

    assert [None if one is None else one.value for one in found] == [1.0, None, 0.0]
    assert {frozenset(body) for *_, body in seen} == {frozenset({"request", "answer"})}


@pytest.mark.parametrize("answer", [{}, {"toxic": "much"}, {"toxic": None}, {"toxic": 1e999}])
def test_a_classifier_without_a_number_leaves_it_missing(answer):
    """Nothing is made up for it."""
    with serving(lambda asked: (200, answer)) as (url, _):
        (found,) = asked(
            url,
            lambda one: classify_all(one, JsonPath("$.toxic"), [Question("q", "a")]),
            retries=0,
        )

    assert (found.value, found.problem) == (None, "unreadable")
