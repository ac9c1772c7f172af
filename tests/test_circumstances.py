"""How the pairs came to be, and what sampling drew."""

from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from harness.circumstances import circumstances, sampled
from harness.collected import Collected
from harness.gate.policy import Policy, Sequential
from harness.gate.validity import INTEGRITY_ERROR
from harness.pair import Conservation, LossReason
from harness.stats.clusters import Clusters
from harness.testing.pairs import Population, value_table

TABLE = value_table(2000, seed=1, population=Population(n_clusters=400))


def collected(table=TABLE, **about):
    n = len(table)
    about = {"conservation": Conservation(n, n), "policy": Policy(()), **about}
    return Collected("new", "old", table.lazy(), metrics=(), **about)


def seen(table=TABLE, **about):
    one = collected(table, **about)
    return circumstances(one, one)


def test_an_order_that_does_not_matter_shows_none():
    """Twins asked in drawn order: each p-value is that of chance."""
    champion, challenger = seen().order_effects

    assert (champion.side, challenger.side) == ("champion", "challenger")
    assert champion.n_first + champion.n_later == pytest.approx(2000, abs=20)
    assert min(champion.p_value, challenger.p_value) > 0.01


def test_a_side_that_profits_from_the_other_shows():
    """Asked later the challenger is a third faster: the champion warmed a cache for it."""
    later = pl.col("challenger_order") == 1
    faster = pl.when(later).then(pl.col("challenger_latency_s") * 0.67)
    table = TABLE.with_columns(challenger_latency_s=faster.otherwise("challenger_latency_s"))

    champion, challenger = seen(table).order_effects

    assert challenger.p_value < 1e-6
    assert challenger.first_s / challenger.later_s == pytest.approx(1.5, abs=0.15)
    assert champion.p_value > 0.01


def test_an_order_that_was_not_ours_is_not_looked_at():
    """Recorded answers, and logs."""
    assert seen(baseline="recorded").order_effects == ()


def test_repeats_retries_and_duplicates_are_counted():
    """Content under whatever id; attempts and duplicates as they were gathered."""
    table = TABLE.with_columns(content_hash=pl.lit("ping"))
    conservation = Conservation(2007, 2000, {LossReason.DUPLICATE: 7})

    found = seen(table, conservation=conservation, n_retried={"champion": 0, "challenger": 3})

    assert (found.n_duplicates, found.n_repeated_content) == (7, 1999)
    assert found.n_retried == {"champion": 0, "challenger": 3}


def drawn(n_drawn, n_eligible, share, *, clusters=None, **about):
    losses = {LossReason.SAMPLED_OUT: n_eligible - n_drawn, LossReason.INELIGIBLE: 50}
    conservation = Conservation(n_eligible + 50, n_drawn, losses)
    one = collected(conservation=conservation, sampled_share=share, **about)
    return sampled(one, clusters or Clusters.independent(max(n_drawn, 1)))


def test_what_was_to_be_drawn_is_held_against_what_was():
    """A tenth of ten thousand: 1,010 are luck, 1,200 are not; ineligible ones were not to be."""
    assert drawn(1010, 10_000, 0.1).p_value > 0.5
    assert drawn(1200, 10_000, 0.1).p_value < 1e-6
    assert drawn(1200, 10_000, 0.1).n_eligible == 10_000


def test_users_are_drawn_and_not_requests():
    """The same 1,200 are luck where users with 20 requests each were drawn."""
    users = Clusters.of(np.repeat(np.arange(60), 20))

    assert drawn(1200, 10_000, 0.1, clusters=users).p_value > 0.1


def test_all_of_them_or_a_share_that_changed_cannot_be_checked():
    """One minus nothing; and two shares have no one expectation. None of them is no share."""
    assert drawn(10_000, 10_000, 1.0) is None
    assert drawn(1200, 10_000, None) is None
    assert drawn(1200, 10_000, 0.0).p_value == 0


@pytest.mark.parametrize("sequential", [None, Sequential.DEFLATED])
def test_a_sound_draw_is_seldom_called_unsound(sequential):
    """300 draws of users of very unequal size; where one may look any time, at ten looks each."""
    dice = np.random.default_rng(7)
    one = collected(sampled_share=0.2, policy=Policy((), sequential=sequential))
    looks = [600] if sequential is None else list(range(60, 601, 60))
    n_alarms = 0
    for _ in range(300):
        sizes = np.ceil(dice.lognormal(1, 1, 600)).astype(int)
        is_drawn = dice.random(600) < 0.2
        n_alarms += any(_is_alarmed(one, sizes[:n], is_drawn[:n]) for n in looks)

    assert n_alarms <= 2


def _is_alarmed(one, sizes, is_drawn):
    n, n_drawn = int(sizes.sum()), int(sizes[is_drawn].sum())
    conservation = Conservation(n, n_drawn, {LossReason.SAMPLED_OUT: n - n_drawn})
    users = Clusters.of(np.repeat(np.arange(is_drawn.sum()), sizes[is_drawn]))
    found = sampled(replace(one, conservation=conservation), users)
    return found is not None and found.p_value < INTEGRITY_ERROR
