"""What models learn from and what users ask about are different images."""

import numpy as np

from harness.demo.dataset import split


def test_no_image_is_in_both_halves():
    """Every image is in exactly one half."""
    halves = split()

    rows = [tuple(row) for half in (halves.training, halves.asked) for row in half.pixels]

    assert len(rows) == 1797
    assert len(set(rows)) == len(rows)


def test_a_seed_gives_the_same_halves():
    """The split is a function of its seed."""
    assert np.array_equal(split(7).asked.pixels, split(7).asked.pixels)
    assert not np.array_equal(split(7).asked.pixels, split(8).asked.pixels)


def test_pixels_are_what_the_servers_take():
    """Brightness is a whole number from 0 to 16."""
    pixels = split().asked.pixels

    assert pixels.min() == 0
    assert pixels.max() == 16
    assert np.array_equal(pixels, pixels.astype(int))
