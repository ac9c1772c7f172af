"""Spans to a collector."""

from dataclasses import replace

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from harness.testing.builders import exchange, pair
from harness.watch import exporter as exporting
from harness.watch.exporter import Collector, Exporter


@pytest.fixture
async def collector():
    """A collector that keeps what it gets; `answers` are its statuses, 200 when there are none."""
    app = web.Application()
    got, answers = [], []

    async def traces(request):
        got.append((request.headers, await request.json()))
        return web.Response(status=answers.pop(0) if answers else 200)

    app.router.add_post("/v1/traces", traces)
    async with TestServer(app) as server:
        server.got, server.answers = got, answers
        yield server


@pytest.fixture
def said():
    return []


@pytest.fixture
def exporter(collector, said):
    where = Collector(str(collector.make_url("")), {"X-Key": "k"})
    return Exporter(where, run_id="run", version="1", failed=said.append)


def spans(got):
    return [span for _, body in got for span in body["resourceSpans"][0]["scopeSpans"][0]["spans"]]


async def test_spans_arrive_and_a_champion_once(exporter, collector):
    """Two challengers' pairs of one request make three spans."""
    one = pair()
    exporter.offer(one)
    exporter.offer(replace(one, challenger=exchange("r1", "other")))

    await exporter.flush()

    names = [span["name"] for span in spans(collector.got)]
    assert names == ["champion champion", "challenger challenger", "challenger other"]
    assert collector.got[0][0]["X-Key"] == "k"
    assert (exporter.n_exported, exporter.n_dropped) == (3, 0)


async def test_a_collector_that_refuses_costs_spans_and_is_told_of_once(exporter, collector, said):
    """Until it takes some again."""
    collector.answers += [503, 302]
    for number in range(3):
        exporter.offer(pair(f"r{number}"))
        await exporter.flush()

    assert (exporter.n_dropped, exporter.n_exported) == (4, 2)
    assert said == [f"{collector.make_url('/v1/traces')} takes no spans: status 503"]


async def test_a_collector_that_is_not_there_is_in_nobodys_way(said):
    """Nothing is raised; the spans are gone."""
    exporter = Exporter(
        Collector("http://127.0.0.1:1/v1/traces"), run_id="r", version="1", failed=said.append
    )
    exporter.offer(pair())

    await exporter.flush()

    assert exporter.n_dropped == 2
    assert len(said) == 1


def test_what_waits_is_bounded(exporter):
    """Beyond that spans are let go, not kept."""
    for number in range(exporting.MOST_WAITING):
        exporter.offer(pair(f"r{number}"))

    assert exporter.n_dropped == exporting.MOST_WAITING
