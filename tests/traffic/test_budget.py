"""Money runs out before it is overrun."""

from decimal import Decimal

from harness.traffic.budget import Budget


def spend(budget, cost_usd):
    asked = budget.take()
    if asked:
        budget.settle(cost_usd)
    return asked


def test_asking_stops_when_the_money_is_spent():
    """One dollar buys four calls at 25 cents, and not a fifth."""
    budget = Budget(usd=Decimal(1))

    assert [spend(budget, 0.25) for _ in range(6)] == [True] * 4 + [False] * 2
    assert budget.spent_usd == Decimal("1.00")


def test_calls_in_flight_are_reckoned_at_the_dearest_price():
    """With 50 cents left and calls of 25 in flight, only two may be open at once."""
    budget = Budget(usd=Decimal("0.75"))
    spend(budget, 0.25)

    assert [budget.take() for _ in range(3)] == [True, True, False]


def test_what_was_spent_before_counts():
    """A resumed run goes on with what is left."""
    budget = Budget(usd=Decimal(1), spent_usd=Decimal("0.9"))

    assert [spend(budget, 0.1) for _ in range(2)] == [True, False]


def test_a_call_of_unknown_cost_is_charged_like_the_dearest():
    """A price that an answer hides must not make a budget endless."""
    budget = Budget(usd=Decimal(1))
    spend(budget, 0.5)
    spend(budget, None)

    assert not budget.take()


def test_no_limit_never_stops():
    """Without a limit everything may be asked, and the sum is still known."""
    budget = Budget()

    assert all(spend(budget, 1.0) for _ in range(100))
    assert budget.spent_usd == 100


def test_a_days_money_is_shared_with_others():
    """What others spent today leaves less; what we spend between two reports counts at once."""
    budget = Budget(usd_per_day=Decimal(1))
    spend(budget, 0.25)
    assert budget.report() == Decimal("0.25")

    budget.learn(Decimal("0.75"))

    assert [spend(budget, 0.25) for _ in range(2)] == [True, False]
    assert budget.report() == Decimal("0.25")
    assert budget.report() == 0


def test_what_is_spent_while_asking_for_the_sum_is_not_forgotten():
    """A sum is of the last report; what came after it is added."""
    budget = Budget(usd_per_day=Decimal(1))
    budget.report()
    spend(budget, 0.5)

    budget.learn(Decimal("0.25"))

    assert budget.today_usd == Decimal("0.75")


def test_a_new_day_has_new_money():
    """The limit of the run goes on, that of the day begins anew and can alert again."""
    budget = Budget(usd_per_day=Decimal(1))
    spend(budget, 1.0)
    budget.report()
    assert len(list(budget.alerts())) == 1

    budget.learn(Decimal(0))

    assert budget.take()
    budget.settle(0.9)
    assert len(list(budget.alerts())) == 1


def test_somebody_is_told_at_80_percent_and_once():
    """Of the run and of the day apart."""
    spent = Decimal("3.9")
    budget = Budget(usd=Decimal(10), spent_usd=spent, usd_per_day=Decimal(5), today_usd=spent)
    assert list(budget.alerts()) == []

    spend(budget, 0.1)

    assert list(budget.alerts()) == ["4 of the 5 USD for the day are spent (80%)"]
    assert list(budget.alerts()) == []
    assert budget.used_share == 0.8
