"""Price files: what is read from them, and what is wrong with them."""

from datetime import date
from decimal import Decimal

import pytest

from harness.config.prices import read_prices
from harness.errors import ConfigError

GOOD = """\
as_of: 2025-06-30
models:
  small-1:
    usd_per_million_input_tokens: 0.15
    usd_per_million_cached_tokens: 0.075
    usd_per_million_output_tokens: 0.60
  small-*: {usd_per_million_input_tokens: 1, usd_per_million_output_tokens: 2}
  small-1-*: {usd_per_million_input_tokens: 3, usd_per_million_output_tokens: 4}
"""


@pytest.fixture
def prices(tmp_path):
    def write(text=GOOD):
        path = tmp_path / "prices.yaml"
        path.write_text(text)
        return path

    return write


def test_a_file_is_dated_and_has_prices_by_the_million(prices):
    """A token costs a millionth of what is written."""
    read = read_prices(prices())

    assert read.file.as_of == date(2025, 6, 30)
    assert read.file.price_of("small-1").usd_per_cached_token == Decimal("7.5e-8")


@pytest.mark.parametrize(
    ("model", "usd_per_million"),
    [("small-1", "0.15"), ("small-2", "1"), ("small-1-2025", "3"), ("large", None)],
)
def test_a_model_is_known_by_its_name_or_the_longest_beginning(prices, model, usd_per_million):
    """Dated versions of a model need no entry each; another model has no price."""
    found = read_prices(prices()).file.price_of(model)

    wanted = None if usd_per_million is None else Decimal(usd_per_million) / 1_000_000
    assert (None if found is None else found.usd_per_input_token) == wanted


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("as_of: 2025-06-30\n", "", "as_of: is missing"),
        ("2025-06-30", "yesterday", "1: as_of: is 'yesterday', must be a day such as 2025-06-30"),
        ("0.60", "-1", "6: models.small-1.usd_per_million_output_tokens: is -1, must be an amount"),
        ("    usd_per_million_output_tokens: 0.60\n", "", "usd_per_million_output_tokens: is miss"),
        ("small-*", "'*-small'", "*-small: holds a * that is not at its end"),
        ("usd_per_million_cached_tokens", "cached", "models.small-1.cached: unknown key"),
    ],
)
def test_a_mistake_is_named_with_its_line(prices, old, new, message):
    """A price file is read as strictly as a config."""
    path = prices(GOOD.replace(old, new, 1))

    with pytest.raises(ConfigError) as refused:
        read_prices(path)

    assert message in str(refused.value)
    assert str(refused.value).startswith(str(path))
