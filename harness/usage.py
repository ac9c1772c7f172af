"""What a call used and what it costs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Protocol

_SECONDS_PER_HOUR = Decimal(3600)


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens of one call; None where the answer does not say.

    Attributes:
        input_tokens: All that were sent, those from and for a cache among them.
        output_tokens: All that were generated, those of reasoning among them.
        cached_tokens: Of the input, what was read from a cache.
        cache_write_tokens: Of the input, what was put into a cache.
        reasoning_tokens: Of the output, what was thought and not shown.
        model: What the answer says served it.
    """

    input_tokens: int | None = None
    output_tokens: int | None = None
    cached_tokens: int | None = None
    cache_write_tokens: int | None = None
    reasoning_tokens: int | None = None
    model: str | None = None


class Price(Protocol):
    """What one deployment's calls cost."""

    @property
    def needs_usage(self) -> bool:
        """Whether the answer has to be read to know."""
        ...

    def cost_usd(self, *, attempts: int, latency_s: float | None, usage: Usage) -> Decimal | None:
        """Cost of a call over all its attempts; None when it cannot be known."""
        ...


@dataclass(frozen=True, slots=True)
class PriceList:
    """What one deployment's calls cost, in USD. Parts that are set add up.

    Attributes:
        usd_per_hour: Price of the instance; a call is charged for its service time.
        usd_per_input_token: Needs the answer's usage; without it the cost is unknown.
        usd_per_cached_token: Of input read from a cache; None for that of other input. So is
            `usd_per_cache_write_token`.
        usd_per_reasoning_token: None for that of other output.
        discount: What is taken off the price of tokens, 0 to 1: that of a batch, say.
    """

    usd_per_call: Decimal | None = None
    usd_per_hour: Decimal | None = None
    usd_per_input_token: Decimal | None = None
    usd_per_output_token: Decimal | None = None
    usd_per_cached_token: Decimal | None = None
    usd_per_cache_write_token: Decimal | None = None
    usd_per_reasoning_token: Decimal | None = None
    discount: Decimal = Decimal(0)

    @property
    def needs_usage(self) -> bool:
        return self.usd_per_input_token is not None or self.usd_per_output_token is not None

    def cost_usd(self, *, attempts: int, latency_s: float | None, usage: Usage) -> Decimal | None:
        """Cost of a call over all its attempts; None when it cannot be known.

        Tokens are those of the answer that was kept, so that a retried call that was billed
        twice by tokens is understated: the failed attempt's usage is not known to anyone.

        Examples:
            >>> million = Decimal(1_000_000)
            >>> price = PriceList(
            ...     usd_per_input_token=Decimal("0.15") / million,
            ...     usd_per_cached_token=Decimal("0.075") / million,
            ...     usd_per_output_token=Decimal("0.60") / million,
            ... )
            >>> used = Usage(input_tokens=1_000, output_tokens=100, cached_tokens=200)
            >>> price.cost_usd(attempts=1, latency_s=0.8, usage=used)
            Decimal('0.000195')
        """
        total = Decimal(0)
        if self.usd_per_call is not None:
            total += self.usd_per_call * attempts
        if self.usd_per_hour is not None:
            if latency_s is None:
                return None
            total += self.usd_per_hour * Decimal(repr(latency_s)) / _SECONDS_PER_HOUR
        if self.needs_usage:
            tokens = self._tokens_usd(usage)
            if tokens is None:
                return None
            total += tokens * (1 - self.discount)
        return total

    def _tokens_usd(self, usage: Usage) -> Decimal | None:
        total = Decimal(0)
        if self.usd_per_input_token is not None:
            if usage.input_tokens is None:
                return None
            apart = (
                (usage.cached_tokens, self.usd_per_cached_token),
                (usage.cache_write_tokens, self.usd_per_cache_write_token),
            )
            total += _charged(usage.input_tokens, self.usd_per_input_token, *apart)
        if self.usd_per_output_token is not None:
            if usage.output_tokens is None:
                return None
            thought = (usage.reasoning_tokens, self.usd_per_reasoning_token)
            total += _charged(usage.output_tokens, self.usd_per_output_token, thought)
        return total


def _charged(tokens: int, price: Decimal, *apart: tuple[int | None, Decimal | None]) -> Decimal:
    """Tokens at one price, but for those of them that have a price of their own."""
    total = Decimal(0)
    for n, own in apart:
        if n is not None and own is not None:
            # An answer that counts more cached tokens than tokens is not believed beyond that.
            n = min(n, tokens)
            total += own * n
            tokens -= n
    return total + price * tokens


@dataclass(slots=True)
class ModelPrices:
    """Prices by the model that an answer names.

    A model without a price has calls without a cost, which is not a cost of zero.

    Args:
        price_of: The price of a model; None for one it does not know.
        unknown: Told of each model without a price, once; of empty text for answers that name none.
    """

    price_of: Callable[[str], Price | None]
    unknown: Callable[[str], None]
    _known: dict[str, Price | None] = field(default_factory=dict, init=False)

    @property
    def needs_usage(self) -> bool:
        return True

    def cost_usd(self, *, attempts: int, latency_s: float | None, usage: Usage) -> Decimal | None:
        if usage.input_tokens is None and usage.output_tokens is None:
            return None
        model = usage.model or ""
        if model not in self._known:
            self._known[model] = self.price_of(model) if model else None
            if self._known[model] is None:
                self.unknown(model)
        price = self._known[model]
        return (
            None
            if price is None
            else price.cost_usd(attempts=attempts, latency_s=latency_s, usage=usage)
        )
