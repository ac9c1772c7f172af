"""What a call used and what it costs."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

_SECONDS_PER_HOUR = Decimal(3600)


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens of one call; None where the answer does not say."""

    input_tokens: int | None = None
    output_tokens: int | None = None


@dataclass(frozen=True, slots=True)
class PriceList:
    """What one deployment's calls cost, in USD. Parts that are set add up.

    Attributes:
        usd_per_hour: Price of the instance; a call is charged for its service time.
        usd_per_input_token: Needs the answer's usage; without it the cost is unknown.
    """

    usd_per_call: Decimal | None = None
    usd_per_hour: Decimal | None = None
    usd_per_input_token: Decimal | None = None
    usd_per_output_token: Decimal | None = None

    @property
    def needs_usage(self) -> bool:
        return self.usd_per_input_token is not None or self.usd_per_output_token is not None

    def cost_usd(self, *, attempts: int, latency_s: float, usage: Usage) -> Decimal | None:
        """Cost of a call over all its attempts; None when it cannot be known.

        Tokens are those of the answer that was kept, so that a retried call that was billed
        twice by tokens is understated: the failed attempt's usage is not known to anyone.
        """
        total = Decimal(0)
        if self.usd_per_call is not None:
            total += self.usd_per_call * attempts
        if self.usd_per_hour is not None:
            total += self.usd_per_hour * Decimal(repr(latency_s)) / _SECONDS_PER_HOUR
        for price, tokens in (
            (self.usd_per_input_token, usage.input_tokens),
            (self.usd_per_output_token, usage.output_tokens),
        ):
            if price is not None:
                if tokens is None:
                    return None
                total += price * tokens
        return total
