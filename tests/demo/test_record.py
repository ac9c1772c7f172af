"""The demo's log is what the champion was asked and answered, and can be read as it was written."""

import asyncio
from pathlib import Path

import pytest

from harness.demo.dataset import split
from harness.demo.record import VISITS_SEED, entry, put, request_of
from harness.demo.visits import visits
from harness.errors import UnreachableError
from harness.ports import Source
from harness.readers import harness_log
from harness.testing.builders import exchange, failure, response
from harness.testing.clock import ManualClock

LOG = Path(__file__).parents[2] / "fixtures" / "logs" / "digits.jsonl"


@pytest.fixture(scope="module")
def asked():
    return visits(split().asked, VISITS_SEED)


class Echo:
    """A sender that answers at once, and remembers when it was asked."""

    deployment = "champion"

    def __init__(self, clock):
        self.clock = clock
        self.times = []

    def submit(self, request_id, request, *, due_s, call_order, done, ready_s=None):
        self.times.append((self.clock.now_s(), due_s))
        done(exchange(request_id, outcome=response(request.body)))

    async def close(self):
        pass


async def test_visits_are_put_at_their_times(asked):
    """Each request is sent when it is due, and the answers come back in the order of the visits."""
    clock = ManualClock()
    sender = Echo(clock)

    putting = asyncio.create_task(put(asked[:5], sender, clock))
    await clock.advance(asked[4].at_s + 1)
    exchanges = await putting

    start_s = sender.times[0][1]
    assert all(sent_s == due_s for sent_s, due_s in sender.times)
    assert [due_s - start_s for _, due_s in sender.times] == pytest.approx(
        [visit.at_s for visit in asked[:5]]
    )
    assert [one.outcome.body for one in exchanges] == [request_of(v).body for v in asked[:5]]


def test_an_entry_is_what_was_asked_and_answered(asked):
    """The log line reads back as the request, the answer, its time and what was right."""
    recorded = entry(1, asked[0], exchange(outcome=response(b'{"label": 3}'), latency_s=0.002))

    (read,) = harness_log.READER.read(Source("log", iter([harness_log.encode(recorded)])))

    assert read == recorded
    assert read.request == request_of(asked[0])
    assert read.answer.latency_s == 0.002
    assert read.truth == str(asked[0].label)


def test_a_request_without_an_answer_is_refused(asked):
    """A log with a hole in it is not written."""
    with pytest.raises(UnreachableError, match="request 7: "):
        entry(7, asked[0], exchange(outcome=failure()))


def test_the_log_in_the_repository_is_of_these_visits(asked):
    """Same users, images and order; only times, latencies and answers are the recording's own."""
    entries = list(harness_log.READER.read(Source("log", iter([LOG.read_bytes()]))))

    assert [one.request for one in entries] == [request_of(visit) for visit in asked]
    assert [one.truth for one in entries] == [str(visit.label) for visit in asked]
    assert all(one.answer.outcome.status == 200 for one in entries)
