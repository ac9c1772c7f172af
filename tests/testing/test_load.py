"""Users that ask at a steady rate."""

from dataclasses import replace

from harness.testing.load import Schedule, Seen, pooled


def test_requests_are_due_by_chance_and_by_the_seed():
    """As many as the rate says, give or take; the same again with the same seed."""
    schedule = Schedule(rate_per_s=200, seconds=5, seed=1)

    due = list(schedule.due_s())

    assert 900 < len(due) < 1100
    assert due == sorted(due) == list(schedule.due_s()) != list(replace(schedule, seed=2).due_s())


def test_bursts_are_due_at_once():
    """Three bursts in a second and a half, each at one moment."""
    due = list(Schedule(rate_per_s=2, seconds=1.5, burst=4).due_s())

    assert due == [0.0] * 4 + [0.5] * 4 + [1.0] * 4


def test_bodies_are_as_large_as_asked_and_all_different():
    schedule = Schedule(body_bytes=500)

    bodies = [schedule.body(n) for n in range(100)]

    assert {len(body) for body in bodies} == {500}
    assert len(set(bodies)) == 100


def test_what_users_saw_survives_as_json_and_adds_up():
    """Quantiles are of right answers alone."""
    seen = Seen(4, (10, 30, 20), {"timeout": 1})

    both = pooled([Seen.from_json(seen.to_json()), seen])

    assert both == Seen(8, (10, 30, 20, 10, 30, 20), {"timeout": 2})
    assert (both.n_right, both.quantile_us(0.5), both.quantile_us(1.0)) == (6, 20, 30)
    assert Seen(1, ()).quantile_us(0.5) == float("inf")
