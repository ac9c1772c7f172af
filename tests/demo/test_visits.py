"""The demo's users come often or once, in waves, and ask about every image once."""

from collections import Counter
from itertools import pairwise

import pytest

from harness.demo.dataset import split
from harness.demo.record import VISITS_SEED
from harness.demo.visits import DURATION_S, SOURCES, visits


@pytest.fixture(scope="module")
def images():
    return split().asked


@pytest.fixture(scope="module")
def asked(images):
    return visits(images, VISITS_SEED)


def test_every_image_is_asked_about_once(images, asked):
    """A visit is an image with its own label; none is left out or shown twice."""
    expected = sorted(
        (tuple(int(p) for p in pixels), int(label))
        for pixels, label in zip(images.pixels, images.labels, strict=True)
    )

    assert sorted((one.pixels, one.label) for one in asked) == expected


def test_users_are_many_and_skewed(asked):
    """At least 600 users; most come once, some ten times and more."""
    requests = Counter(one.user for one in asked)

    assert len(requests) >= 600
    assert Counter(requests.values())[1] > 0.7 * len(requests)
    assert max(requests.values()) >= 10


def test_a_user_comes_from_one_source(asked):
    """The segment is a fact about the user."""
    sources = {(one.user, one.source) for one in asked}

    assert len(sources) == len({one.user for one in asked})
    assert {source for _, source in sources} == set(SOURCES)


def test_time_runs_forward_over_the_whole_duration(asked):
    """The first request is at 0, the last at the end, and none goes back."""
    times = [one.at_s for one in asked]

    assert times[0] == 0
    assert times[-1] == pytest.approx(DURATION_S)
    assert all(earlier <= later for earlier, later in pairwise(times))


def test_arrivals_are_burstier_than_chance(asked):
    """Counts per 5 seconds vary by more than those of an even process would."""
    counts = list(Counter(int(one.at_s // 5) for one in asked).values())
    mean = sum(counts) / len(counts)

    variance = sum((count - mean) ** 2 for count in counts) / (len(counts) - 1)

    assert variance > 2 * mean
