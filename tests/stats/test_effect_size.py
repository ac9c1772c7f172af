import math

import numpy as np
import pytest

from harness.stats.effect_size import effect_size


def test_pairing_helps_when_the_sides_move_together():
    """Efficiency is the share of variance gone: nearly all with a shared part, none without."""
    rng = np.random.default_rng(1)
    shared, noise = rng.normal(0, 10, 2000), rng.normal(0, 1, (2, 2000))

    together = effect_size(shared + noise[0], shared + noise[1] + 1)

    assert together.pairing_efficiency == pytest.approx(0.99, abs=0.005)
    assert together.dz == pytest.approx(1 / math.sqrt(2), abs=0.06)
    assert together.d_av == pytest.approx(0.1, abs=0.02)
    assert abs(effect_size(*noise).pairing_efficiency) < 0.1


def test_a_constant_has_no_standardised_difference():
    """Without spread there is no unit to measure in."""
    found = effect_size(np.ones(10), np.full(10, 2.0))

    assert math.isnan(found.dz)
    assert math.isnan(found.d_av)
