"""A share of the requests, the same ones every time."""

from harness.traffic.calling import call_order
from harness.traffic.sampling import is_drawn

KEYS = [f"entry-{i}" for i in range(5000)]


def drawn(rate, *, seed=7):
    return {key for key in KEYS if is_drawn(rate, seed=seed, key=key)}


def test_the_share_is_the_rate():
    """Of 5000 requests a rate of 0.1 draws 500, within 5 standard errors."""
    assert abs(len(drawn(0.1)) - 500) < 5 * 21.3


def test_none_and_all_are_exact():
    """A rate of 0 draws nothing, 1 everything."""
    assert drawn(0.0) == set()
    assert drawn(1.0) == set(KEYS)


def test_the_same_requests_are_drawn_again_and_by_a_larger_rate():
    """The draw hangs on seed and key alone."""
    assert drawn(0.1) == drawn(0.1)
    assert drawn(0.1) < drawn(0.3)
    assert drawn(0.1) != drawn(0.1, seed=8)


def test_being_drawn_says_nothing_about_the_order_of_calls():
    """Among those drawn the first deployment leads half the time, within 5 standard errors."""
    chosen = drawn(0.4)

    first = sum(call_order(2, seed=7, entry_key=key)[0] == 0 for key in chosen)

    assert abs(first - len(chosen) / 2) < 5 * (len(chosen) / 4) ** 0.5
