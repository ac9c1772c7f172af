"""When requests go out, how long they are waited for, and whose lateness is whose."""

import asyncio
import time

import pytest

from harness.exchange import FailureKind
from tests.transport.conftest import block_the_loop
from tests.transport.outcomes import failure
from tests.transport.raw_server import OK, answering


async def test_requests_beyond_the_ceiling_wait_in_order(serve, asking):
    """Their waiting is in `wait_s`, not in their latency and not in the deadline."""

    def slow(peer):
        while True:
            peer.read_request()
            time.sleep(0.1)
            peer.send(OK)

    server = serve(slow)
    asked = asking(server, max_in_flight=1, timeout_s=0.25)
    finished = []

    answers = [asked.submit() for _ in range(4)]
    for i, answer in enumerate(answers):
        answer.add_done_callback(lambda _, i=i: finished.append(i))
    assert asked.sender.snapshot().queue_depth == 3
    exchanges = await asyncio.gather(*answers)

    assert finished == [0, 1, 2, 3]
    assert [e.outcome.status for e in exchanges] == [200] * 4
    assert all(e.timing.latency_s < 0.25 for e in exchanges)
    assert all(e.timing.wait_s >= 0.1 * i for i, e in enumerate(exchanges))
    assert all(e.timing.sender_lag_s < 0.05 for e in exchanges)
    assert server.n_connections == 1


async def test_a_rate_ceiling_spreads_requests(serve, asking):
    """Twenty at 100 a second take about two tenths."""
    asked = asking(serve(answering(OK)), rate_per_s=100.0)
    await asked.sender.open_connections(10)
    start_s = asked.clock.now_s()

    exchanges = await asyncio.gather(*(asked.submit() for _ in range(21)))

    assert asked.clock.now_s() - start_s >= 0.2
    sent_s = sorted(e.timing.wait_s for e in exchanges)
    assert all(later - earlier > 0.09 for earlier, later in zip(sent_s, sent_s[10:], strict=False))
    assert all(e.timing.latency_s < 0.1 for e in exchanges)


@pytest.mark.parametrize("ceiling", [{"rate_per_s": 5.0}, {"max_in_flight": 1}])
async def test_a_dropped_queue_is_not_sent(serve, asking, ceiling):
    """Who stops asking waits for what is in flight, and not for a line behind a ceiling."""
    asked = asking(serve(answering(OK)), **ceiling)
    answers = [asked.submit() for _ in range(50)]
    await answers[0]

    asked.sender.drop_queue()
    exchanges = await asyncio.wait_for(asyncio.gather(*answers), timeout=5)

    dropped = [e for e in exchanges if e.attempts == 0]
    assert len(dropped) >= 40
    assert {failure(e).kind for e in dropped} == {FailureKind.CANCELLED}
    assert asked.sender.snapshot().in_flight == 0


async def test_each_request_has_its_own_deadline(serve, asking):
    """One that hangs takes nobody with it."""
    n_accepted = 0

    def first_hangs(peer):
        nonlocal n_accepted
        n_accepted += 1
        if n_accepted == 1:
            peer.wait_for_eof()
        answering(OK)(peer)

    asked = asking(serve(first_hangs), timeout_s=0.2)

    hanging = asked.submit()
    await asyncio.sleep(0.1)
    quick = [await asked.ask() for _ in range(3)]
    exchange = await hanging

    assert failure(exchange).kind == FailureKind.TIMEOUT
    assert exchange.timing.latency_s < 1
    assert all(e.outcome.status == 200 for e in quick)


async def test_an_answer_seen_after_the_deadline_is_a_timeout(serve, asking):
    """Also when it was our loop that was busy: the deadline is strict, the answer is kept."""
    server = serve(answering(OK))
    asked = asking(server, timeout_s=0.1)
    await asked.ask()

    answer = asked.submit()
    block_the_loop(0.2)
    exchange = await answer

    assert failure(exchange).kind == FailureKind.TIMEOUT
    assert failure(exchange).response.status == 200
    assert exchange.timing.latency_s >= 0.2


async def test_many_deadlines_pass_together(serve, asking):
    """All of a hundred silent exchanges end, each once, each at its deadline."""
    asked = asking(serve(lambda peer: peer.wait_for_eof()), timeout_s=0.2)

    exchanges = await asyncio.gather(*(asked.submit() for _ in range(100)))

    assert {failure(e).kind for e in exchanges} == {FailureKind.TIMEOUT}
    assert all(0.2 <= e.timing.latency_s < 1 for e in exchanges)
    assert asked.n_done == 100
    assert asked.sender.snapshot().in_flight == 0


async def test_our_own_lateness_is_told_apart(serve, asking):
    """`wait_s` counts from the due time, `sender_lag_s` from when it could have gone."""
    asked = asking(serve(answering(OK)))
    await asked.ask()
    now_s = asked.clock.now_s()

    late = await asked.ask(due_s=now_s - 2.0)
    held_back = await asked.ask(due_s=now_s - 2.0, ready_s=now_s - 1.0)
    early = await asked.ask(due_s=now_s + 60.0)

    assert late.timing.sender_lag_s == pytest.approx(2.0, abs=0.2)
    assert held_back.timing.sender_lag_s == pytest.approx(1.0, abs=0.2)
    assert held_back.timing.wait_s == pytest.approx(2.0, abs=0.2)
    assert (early.timing.sender_lag_s, early.timing.wait_s) == (0.0, 0.0)


async def test_due_times_are_given_in_utc(serve, asking):
    """Due a minute ago by the clock is due a minute ago by the wall."""
    asked = asking(serve(answering(OK)))

    exchange = await asked.ask(due_s=asked.clock.now_s() - 60)

    assert (time.time_ns() - exchange.timing.due_at_ns) / 1e9 == pytest.approx(60, abs=1)


async def test_arrival_of_pieces_is_noted_where_asked(serve, asking):
    """Seconds from the first byte sent, one for each piece of body."""

    def streaming(peer):
        peer.read_request()
        peer.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        for _ in range(3):
            time.sleep(0.05)
            peer.send(b"1\r\nx\r\n")
        peer.send(b"0\r\n\r\n")
        peer.wait_for_eof()

    exchange = await asking(serve(streaming), keep_chunk_times=True).ask()

    timing = exchange.timing
    assert len(timing.chunk_at_s) == 3
    assert all(at_s >= 0.05 * i for i, at_s in enumerate(timing.chunk_at_s, start=1))
    assert timing.first_byte_s < timing.chunk_at_s[0] <= timing.latency_s
