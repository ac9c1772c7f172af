"""Rows of buckets, read by their names."""

import doctest
from math import inf

import pytest

from harness.watch import histogram as histogram_of
from harness.watch.histogram import Histogram, added, histogram
from tests.watch.pages import row


def test_a_row_is_read_as_it_was_written():
    """Bounds in seconds, counts per bucket, the sum in seconds."""
    found = histogram(row("x", 100, 101, 10**12), "x")

    assert found.bounds_s[0] == 0.0001
    assert found.bounds_s[-1] == inf
    assert (found.counts[0], found.counts[1], found.counts[-1]) == (1, 1, 1)
    assert found.cumulative[-1] == found.count == 3
    assert found.sum_s == pytest.approx(1_000_000.000201)
    assert histogram({}, "x") is None


def test_the_examples_are_true():
    """What the docstrings show."""
    assert doctest.testmod(histogram_of).failed == 0


@pytest.mark.parametrize(
    ("share", "quantile_s"), [(0.5, 0.1), (0.75, 0.2), (0.8, 0.22), (1.0, 0.3)]
)
def test_a_quantile_is_read_off_its_bucket(share, quantile_s):
    """Linear between the bucket's bounds."""
    counts = Histogram((0.1, 0.2, 0.3, inf), (2, 1, 1, 0), 0.0)

    assert counts.quantile(share) == pytest.approx(quantile_s)


def test_what_is_beyond_the_last_bound_counts_as_that():
    """Nobody knows how long it was; without durations there is no quantile."""
    assert Histogram((0.1, inf), (0, 5), 50.0).quantile(0.5) == 0.1
    assert Histogram((0.1, inf), (0, 0), 0.0).quantile(0.5) is None


def test_rows_add_up_and_differences_are_what_came_since():
    """A process that began anew has no past to take off."""
    one, more = (histogram(row("x", *durations), "x") for durations in ([100], [100, 5_000]))

    assert added([one, None, more]).count == 3
    assert added([None]) is None
    assert more.since(one).count == 1
    assert one.since(more) == one
