"""Where every request is, by the counters."""

import pytest

from harness.watch.picture import is_champion_reachable
from tests.watch.pages import NOW_NS, front, mirror, picture


def test_the_sum_of_a_challenger_is_over_all_fronts_and_the_mirror():
    """Ended fronts count too; what is neither paired nor lost is pending where it is."""
    found = picture(
        {
            "1-7": front(received=10, offered=6, sampled_out=2, too_large=1),
            "1-3": front(received=5, offered=5, heartbeat_ns=1),
        },
        mirror(knn__paired=7, knn__lost__shed_rate=2, knn__lost__too_large=1),
    ).challenger("knn")

    assert (found.received, found.paired) == (15, 7)
    assert found.losses == {"sampled_out": 2, "too_large": 2, "shed_rate": 2}
    assert (found.pending_in_front, found.pending_in_mirror) == (1, 1)
    assert found.received == found.paired + sum(found.losses.values()) + found.pending
    assert found.holds


def test_a_request_counted_twice_is_seen():
    """More was offered than received, or more resolved than offered: the sum does not hold."""
    assert not picture({"1": front(received=3, offered=4)}).challenger("knn").holds
    resolved_twice = mirror(knn__paired=3, knn__lost__shed_rate=1)
    assert not picture({"1": front(received=3, offered=3)}, resolved_twice).challenger("knn").holds


def test_what_a_front_has_now_is_asked_of_the_living_alone():
    """What a dead one counted stays; its open connections are gone."""
    found = picture(
        {
            "1": front(connections_open=2, received=2),
            "2": front(connections_open=9, received=9, heartbeat_ns=NOW_NS - 6 * 10**9),
            "3": front(connections_open=9, received=9, heartbeat_ns=0),
        }
    )

    assert found.gauge("connections_open") == 2
    assert found.counted("received") == 20
    assert set(found.living) == {"1"}
    assert not found.is_mirror_alive
    assert picture(mirror=mirror()).is_mirror_alive


@pytest.mark.parametrize(
    ("outcomes", "reachable"),
    [
        ({}, True),
        ({"ok": 3, "connect_error": 9}, True),
        ({"timeout": 1, "connect_error": 9}, True),  # slow is not gone
        ({"cancelled": 1, "connect_error": 9, "ok": 0}, False),
    ],
)
def test_a_champion_that_nobody_can_connect_to_is_not_reachable(outcomes, reachable):
    """One answer, of whatever kind, shows that it is there."""
    assert is_champion_reachable(outcomes) is reachable
