"""The sidecar at one moment, as JSON."""

import orjson
import pytest

from harness.watch.status import status
from tests.watch.pages import LIVE, NOW_NS, front, mirror, picture, row, view


def test_the_whole_picture_is_plain_json():
    """What a person asks first: who is alive, where requests are, how fast, what it says."""
    earlier = picture({"1-7": front(received=4)}, at_ns=NOW_NS - 9_500_000_000)
    cells = front(received=24, offered=20, sampled_out=4) | {"champion.ok": 20}
    cells |= row("champion_latency_us", *[900] * 98, 90_000, 90_000)
    now = picture({"1-7": cells}, mirror(knn__paired=15, knn__breaker=2, knn__in_flight=5))

    found = orjson.loads(orjson.dumps(status(view(now, earlier, live=LIVE))))

    assert found["ready"] is True
    assert found["mirroring"] == {"on": True, "sample": 0.25}
    assert found["requests"]["received_per_s"] == pytest.approx(2.0)
    assert found["champion"]["outcomes"] == {"ok": 20}
    assert found["champion"]["latency_s"]["n"] == 100
    assert found["champion"]["latency_s"]["p50"] < 0.001 < found["champion"]["latency_s"]["p99"]
    (knn,) = found["challengers"]
    assert knn["conservation"]["received"] == 24
    assert knn["conservation"]["pending"] == knn["conservation"]["pending_in_mirror"] == 5
    assert knn["conservation"]["holds"] is True
    assert (knn["breaker"], knn["in_flight"], knn["decision"]) == ("half_open", 5, "hold")
    assert found["fronts"]["1-7"]["alive"] is True
    assert found["mirror"]["journal_lag_s"] == 0.12
    assert found["verdict"] == LIVE


def test_a_dead_mirror_is_shown_as_that():
    """Its last heartbeat tells since when."""
    stopped = mirror(heartbeat_ns=NOW_NS - 60 * 10**9)

    found = status(view(picture(mirror=stopped)))

    assert found["mirror"]["alive"] is False
    assert found["mirror"]["heartbeat_age_s"] == 60.5
    assert found["ready"] is True  # users are served


@pytest.mark.parametrize(
    ("fronts", "why"),
    [
        ({}, "no front process is serving"),
        (
            {"1": front() | {"champion.connect_error": 4}},
            "the champion 'digits' cannot be connected to",
        ),
    ],
)
def test_it_is_not_ready_without_a_front_or_a_champion(fronts, why):
    """And says what is missing."""
    found = status(view(picture(fronts), picture({"1": front()})))

    assert (found["ready"], found["not_ready"]) == (False, why)
