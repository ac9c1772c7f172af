"""What calls cost. The sums were worked out by hand."""

from decimal import Decimal

import pytest

from harness.usage import ModelPrices, PriceList, Usage

MILLION = Decimal(1_000_000)
SMALL = PriceList(
    usd_per_input_token=Decimal("0.15") / MILLION,
    usd_per_cached_token=Decimal("0.075") / MILLION,
    usd_per_cache_write_token=Decimal("0.30") / MILLION,
    usd_per_output_token=Decimal("0.60") / MILLION,
    usd_per_reasoning_token=Decimal("1.20") / MILLION,
)


def cost(price, usage, *, attempts=1, latency_s=2.0):
    return price.cost_usd(attempts=attempts, latency_s=latency_s, usage=usage)


@pytest.mark.parametrize(
    ("usage", "usd"),
    [
        # 1,000 x 0.15 + 100 x 0.60, per million
        (Usage(1_000, 100), "0.00021"),
        # 800 x 0.15 + 200 x 0.075 + 100 x 0.60
        (Usage(1_000, 100, cached_tokens=200), "0.000195"),
        # 700 x 0.15 + 200 x 0.075 + 100 x 0.30 + 100 x 0.60
        (Usage(1_000, 100, cached_tokens=200, cache_write_tokens=100), "0.00021"),
        # 1,000 x 0.15 + 40 x 0.60 + 60 x 1.20
        (Usage(1_000, 100, reasoning_tokens=60), "0.000246"),
        # more cached than sent is not believed: 1,000 x 0.075 + 100 x 0.60
        (Usage(1_000, 100, cached_tokens=5_000), "0.000135"),
    ],
)
def test_each_kind_of_token_has_its_price(usage, usd):
    """Cached, written and reasoning tokens are parts of the whole and are charged once."""
    assert cost(SMALL, usage) == Decimal(usd)


def test_a_kind_without_a_price_costs_what_the_others_do():
    """Without a price of its own a cached token is a token like any other."""
    plain = PriceList(usd_per_input_token=Decimal("0.01"), usd_per_output_token=Decimal("0.1"))

    assert cost(plain, Usage(10, 4, cached_tokens=5, reasoning_tokens=3)) == Decimal("0.5")


def test_a_discount_is_taken_off_tokens_alone():
    """A batch halves the price of tokens, not that of the machine or of a call."""
    price = PriceList(
        usd_per_call=Decimal("0.1"),
        usd_per_hour=Decimal(3600),
        usd_per_input_token=Decimal("0.01"),
        discount=Decimal("0.5"),
    )

    assert cost(price, Usage(10)) == Decimal("0.1") + 2 + Decimal("0.05")


def test_what_is_not_known_has_no_cost():
    """Neither missing usage nor a missing service time make a call free."""
    assert cost(SMALL, Usage(1_000, None)) is None
    assert cost(PriceList(usd_per_hour=Decimal(1)), Usage(), latency_s=None) is None


def test_a_model_without_a_price_is_told_of_once_and_costs_nothing_known():
    """Its calls have no cost; zero would make an unknown model the cheapest."""
    told = []
    prices = ModelPrices({"small": SMALL}.get, told.append)

    costs = [cost(prices, Usage(1_000, 100, model=model)) for model in ("small", "big", "big")]

    assert costs == [Decimal("0.00021"), None, None]
    assert told == ["big"]


def test_an_answer_that_names_no_model_is_told_of():
    """It used tokens, and nobody can say at which price."""
    told = []

    assert cost(ModelPrices({"small": SMALL}.get, told.append), Usage(1_000, 100)) is None
    assert told == [""]


def test_a_call_without_usage_says_nothing_of_models():
    """A call that failed names no model, and that is no fault of a price file."""
    told = []

    assert cost(ModelPrices({}.get, told.append), Usage()) is None
    assert told == []
