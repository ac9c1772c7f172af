"""Synthetic traffic is a log like any other, and as its description says."""

import math
from collections import Counter

import orjson

from harness.ports import Source
from harness.readers import harness_log
from harness.testing.task import right_label
from harness.testing.traffic import Traffic, log_of, recorded_requests


def user_of(entry):
    return dict(entry.request.headers)["X-User-Id"]


def test_a_seed_gives_the_same_log():
    """The log is a function of its description and seed."""
    traffic = Traffic(n_requests=50)

    assert log_of(traffic, 1) == log_of(traffic, 1)
    assert log_of(traffic, 1) != log_of(traffic, 2)


def test_the_reader_gives_back_what_was_generated():
    """A generated log reads as the entries it was made of."""
    traffic = Traffic(n_requests=50)

    read = list(harness_log.READER.read(Source("log", iter([log_of(traffic, 1)]))))

    assert read == recorded_requests(traffic, 1)


def test_truth_is_the_right_answer_to_the_body():
    """What is right can be read off the request; no two requests are alike."""
    entries = recorded_requests(Traffic(n_requests=50), 1)

    for entry in entries:
        assert entry.truth == str(right_label(orjson.loads(entry.request.body)["numbers"]))
    assert len({entry.request.body for entry in entries}) == 50


def test_one_user_can_talk_for_many():
    """The talkative user makes their share; who is talkative keeps to one source."""
    entries = recorded_requests(Traffic(n_requests=5000, talkative_share=0.4), 1)

    share = Counter(user_of(entry) for entry in entries)["user-0"] / 5000
    sources = {orjson.loads(e.request.body)["source"] for e in entries if user_of(e) == "user-0"}

    assert abs(share - (0.4 + 0.6 / 200)) < 5 * math.sqrt(0.4 * 0.6 / 5000)
    assert len(sources) == 1


def test_requests_arrive_at_the_rate_told():
    """A thousand requests at 200 a second take about five seconds, in order."""
    times = [entry.at_ns for entry in recorded_requests(Traffic(n_requests=1000, per_s=200), 1)]

    assert times == sorted(times)
    assert 4.2 < (times[-1] - times[0]) / 1e9 < 5.8
