"""Numbers with a unit: what each way of writing means, and what is no amount."""

from decimal import Decimal

import pytest

from harness.config.amounts import (
    Amount,
    Kind,
    amount,
    duration_s,
    margin,
    money_usd,
    positive_duration_s,
    rate_per_s,
    size_bytes,
)
from harness.config.problems import BadValueError


@pytest.mark.parametrize(
    ("read", "written", "value"),
    [
        (duration_s, "250ms", 0.25),
        (duration_s, "1.5s", 1.5),
        (duration_s, "5m", 300.0),
        (duration_s, "24h", 86400.0),
        (duration_s, "14d", 14 * 86400.0),
        (duration_s, "0s", 0.0),
        (size_bytes, "64KiB", 65536),
        (size_bytes, "1.5MiB", 1572864),
        (size_bytes, "1KB", 1000),
        (size_bytes, "500B", 500),
        (rate_per_s, "200/s", 200.0),
        (rate_per_s, "30/m", 0.5),
        (money_usd, 0.1, Decimal("0.1")),
        (money_usd, "1.20", Decimal("1.20")),
        (money_usd, 0, Decimal(0)),
        (amount, 0.02, Amount(0.02)),
        (amount, "50ms", Amount(0.05, Kind.SECONDS)),
        (amount, "10%", Amount(0.1, Kind.PERCENT)),
        (amount, "0.1%", Amount(0.001, Kind.PERCENT)),
        (amount, -1, Amount(-1.0)),
    ],
)
def test_amounts_are_read(read, written, value):
    """Seconds, bytes, requests a second, dollars; exact where it is money."""
    assert read(written) == value


@pytest.mark.parametrize(
    ("read", "written"),
    [
        (duration_s, 2),  # of what?
        (duration_s, "2"),
        (duration_s, "-2s"),
        (duration_s, "2 weeks"),
        (duration_s, "9" * 400 + "s"),
        (positive_duration_s, "0s"),
        (size_bytes, 1024),
        (size_bytes, "0B"),
        (size_bytes, "1kib"),
        (rate_per_s, "200"),
        (rate_per_s, "0/s"),
        (money_usd, "-1"),
        (money_usd, "NaN"),
        (money_usd, True),
        (money_usd, "$5"),
        (amount, True),
        (amount, float("nan")),
        (amount, float("inf")),
        (amount, 10**400),
        (amount, "5 %%"),
        (amount, None),
        (margin, -1),
        (margin, "-5%"),
    ],
)
def test_what_is_no_amount_is_refused(read, written):
    """A missing unit, a wrong sign, no number: never a guess."""
    with pytest.raises(BadValueError):
        read(written)
