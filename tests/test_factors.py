"""What each factor does, from requests that were put to every combination."""

import numpy as np
import polars as pl
import pytest

from harness.collected import Collected
from harness.factors import Grid, factor_effects
from harness.gate.policy import Margin, NotWorse, Policy
from harness.measure.catalog import resolve
from harness.pair import Conservation

GRID = Grid(
    {"prompt": ("long", "terse"), "size": ("large", "small", "tiny")},
    {
        ("long", "small"): "small",
        ("long", "tiny"): "tiny",
        ("terse", "large"): "terse",
        ("terse", "small"): "terse-small",
        ("terse", "tiny"): "terse-tiny",
    },
)
RULES = ("output_tokens.mean", "output_tokens.p95", "failure_rate")
# What each combination adds to a request's tokens; together they are no mere sums.
ADDS = {"": 0, "small": -10, "tiny": -30, "terse": -50, "terse-small": -56, "terse-tiny": -74}


def collected(challenger, *, n=200, missing=()):
    base = np.arange(n) % 90 + 100.0
    noise = np.sin(np.arange(n) * (1 + len(challenger)))
    tokens = base + ADDS[challenger] + noise - noise.mean()
    values = pl.DataFrame(
        {
            "request_id": [f"r{i}" for i in range(n)],
            "cluster_id": [f"u{i % 50}" for i in range(n)],
            "champion_output_tokens": base,
            "challenger_output_tokens": [
                None if i in missing else one for i, one in enumerate(tokens)
            ],
            "champion_failed": False,
            "challenger_failed": False,
        }
    )
    metrics = tuple(resolve(name, outputs={}, comparisons=()) for name in RULES)
    policy = Policy(tuple(NotWorse(name, Margin(0.1)) for name in RULES))
    rows = values.sample(fraction=1.0, shuffle=True, seed=len(challenger))
    return Collected(challenger, "old", rows.lazy(), Conservation(n, n), policy, metrics)


def effects(**options):
    found = factor_effects(GRID, [collected(name, **options) for name in ADDS if name])
    return {(one.level, one.metric): one for one in found}


def test_an_effect_is_the_mean_over_the_other_factors():
    """By hand: terse is -50, -46 and -44 at the three sizes; small is -10 and -6; tiny -30, -24."""
    found = effects()

    assert found["terse", "output_tokens.mean"].harm == pytest.approx(-140 / 3)
    assert found["small", "output_tokens.mean"].harm == pytest.approx(-8)
    assert found["tiny", "output_tokens.mean"].harm == pytest.approx(-27)
    terse = found["terse", "output_tokens.mean"]
    assert terse.harm_low < terse.harm < terse.harm_high < 0
    assert terse.p_value < 1e-6
    assert (terse.against, terse.n_pairs, terse.n_clusters) == ("long", 200, 50)


def test_the_interval_is_the_clustered_one():
    """As a t interval of the cluster sums gives it, for clusters of one size."""
    base = collected("terse").values.collect().sort("request_id")
    contrast = {
        name: collected(name).values.collect().sort("request_id")["challenger_output_tokens"]
        for name in ADDS
        if name
    }
    each = (
        contrast["terse"]
        - base["champion_output_tokens"]
        + contrast["terse-small"]
        - contrast["small"]
        + contrast["terse-tiny"]
        - contrast["tiny"]
    ) / 3
    means = base.with_columns(each=each).group_by("cluster_id").agg(pl.col("each").mean())["each"]

    found = effects()["terse", "output_tokens.mean"]

    reach = 1.6766 * means.std() / np.sqrt(50)  # t(0.95) with 49 degrees of freedom
    assert found.harm_high == pytest.approx(means.mean() + reach, rel=1e-3)


def test_quantiles_have_no_effect_and_rates_do():
    """A mean of quantiles is no quantile."""
    assert {metric for _, metric in effects()} == {"output_tokens.mean", "failure_rate"}


def test_a_request_without_a_value_somewhere_is_left_out():
    """Contrasts compare a request with itself."""
    found = effects(missing=(3, 7))

    assert found["terse", "output_tokens.mean"].n_pairs == 198
    assert found["terse", "failure_rate"].n_pairs == 200


def test_a_grid_with_a_gap_has_no_effects():
    """A run in which a combination was not asked is judged without them."""
    assert factor_effects(GRID, [collected("terse")]) == ()
