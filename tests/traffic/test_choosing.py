"""Who is asked, who is left out for our reasons, and who is shed for its own."""

from decimal import Decimal

from harness.pair import LossReason
from harness.traffic.breaker import Breaker, Breaking
from harness.traffic.budget import Budget
from harness.traffic.choosing import ASK, Chooser, Leave, Rate, Shed


def chooser(**changed):
    return Chooser("knn", 1, **changed)


def test_without_limits_everything_is_asked():
    """The dull default, up to what may be in flight."""
    one = chooser()

    assert [one.choose(f"k{i}", 0.0) for i in range(64)] == [ASK] * 64


def test_a_challenger_that_cannot_keep_up_is_shed():
    """That is its own doing: no loss. When a call ends there is room again."""
    one = chooser(max_in_flight=1)
    one.choose("a", 0.0)

    assert one.choose("b", 0.0) == Shed("1 of its calls were in flight (`max_in_flight`)")
    one.ended(1.0, failed=False, cost_usd=None)
    assert one.choose("b", 1.0) == ASK


def test_a_burst_of_our_own_making_is_our_loss():
    """Who is asked late is asked much at once: what does not fit then is not its failure."""
    one = chooser(max_in_flight=1)
    one.choose("a", 0.0, is_late=True)

    assert one.choose("b", 0.0, is_late=True) == Leave(LossReason.SHED_LINK)


def test_a_challenger_that_fails_is_shed():
    """An open breaker is the challenger's doing too, and costs no money."""
    breaker = Breaker(Breaking(min_calls=1))
    one = chooser(breaker=breaker, budget=Budget(usd=Decimal(1)))
    one.choose("a", 0.0)
    one.ended(0.0, failed=True, cost_usd=0.4)

    assert isinstance(one.choose("b", 0.0), Shed)
    assert one.budget.spent_usd == Decimal("0.4")
    assert one.choose("b", 6.0) == ASK


def test_draws_are_sticky_and_differ_between_challengers():
    """A user is drawn always or never; two challengers do not share their draws."""
    draws = {
        name: [Chooser(name, 1, sample=0.5).choose(f"user-{i}", 0.0) == ASK for i in range(400)]
        for name in ("knn", "tree")
    }

    again = [Chooser("knn", 1, sample=0.5).choose(f"user-{i}", 9.0) == ASK for i in range(400)]
    assert draws["knn"] == again
    assert 160 < sum(draws["knn"]) < 240
    both = sum(a and b for a, b in zip(*draws.values(), strict=True))
    assert 60 < both < 140
    assert Chooser("knn", 1, sample=0.0).choose("a", 0.0) == Leave(LossReason.SAMPLED_OUT)


def test_what_is_over_the_rate_is_a_loss():
    """A second's worth may come at once, then one for each that time brings."""
    one = chooser(rate=Rate(2.0))

    assert [one.choose("a", 0.0) for _ in range(3)] == [ASK, ASK, Leave(LossReason.SHED_RATE)]
    assert [one.choose("a", 0.5) for _ in range(2)] == [ASK, Leave(LossReason.SHED_RATE)]


def test_a_rate_below_one_a_second_still_lets_some_through():
    """One in eight seconds."""
    rate = Rate(0.125)

    assert [rate.take(float(s)) for s in range(17)].count(True) == 3


def test_no_money_is_a_loss():
    """A spent budget is our decision, not the challenger's failure."""
    one = chooser(budget=Budget(usd=Decimal("0.5")))
    one.choose("a", 0.0)
    one.ended(0.0, failed=False, cost_usd=0.5)

    assert one.choose("b", 0.0) == Leave(LossReason.SHED_BUDGET)
