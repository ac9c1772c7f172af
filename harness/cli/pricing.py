"""What the calls of a config's deployments cost: own prices, a price file, or known lists.

A model without a price is an error that names it. Where only the answer tells the model, that
comes out when the first one is there; its calls have no cost then, never one of zero.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal
from importlib.metadata import version
from typing import Any

from harness.config import Config
from harness.config.annotation import Classifier, Judge
from harness.config.deployment import Deployment
from harness.config.prices import ReadPrices, read_prices
from harness.errors import ConfigError
from harness.usage import ModelPrices, Price, PriceList, Usage

_REMEDY = "Add it to the file under `prices`, or write its prices under `price`"
_EXTRA = (
    "Install it with `pip install shadow-harness[prices]`, or name a price file: `prices: FILE`"
)


@dataclass(frozen=True, slots=True)
class Pricing:
    """The prices of a config's deployments.

    Attributes:
        sources: Where prices by model come from and of which day they are, for the verdict.
    """

    of: Mapping[str, Price | None]
    sources: tuple[str, ...] = ()


Told = Callable[[str, ConfigError], None]
"""Who is told that an answer named a model without a price: its deployment, and how to say it."""


def pricing_of(config: Config, told: Told) -> Pricing:
    """Find the prices of every deployment.

    Args:
        told: Called once per deployment and model that turns out to have no price.

    Raises:
        ConfigError: A model is named that has no price, or a list of prices is not to be had.
    """
    everybody = (config.champion, *config.challengers)
    if not any(one.price is not None and one.price.model is not None for one in everybody):
        return Pricing({one.name: one.price_list for one in everybody})
    own = read_prices(config.directory / config.prices) if config.prices else None
    lists = _Lists(config, own, told)
    return Pricing({one.name: lists.price(one) for one in everybody}, lists.sources)


def annotator_price(config: Config, one: Judge | Classifier) -> Price | None:
    """What asking a judge or a classifier costs; a model without a price raises when it answers.

    Raises:
        ConfigError: A model is named that has no price.
    """
    if one.price is None or one.price.model is None:
        return one.price_list
    own = read_prices(config.directory / config.prices) if config.prices else None
    return _Lists(config, own, raised).price(one)


def refuse_unpriced(config: Config) -> None:
    """Look whether every price is to be had.

    Raises:
        ConfigError: One is not.
    """
    pricing_of(config, raised)
    for one in config.annotators:
        annotator_price(config, one)


def raised(deployment: str, error: ConfigError) -> None:
    """For who can stop at once: raise what is to be told of a model without a price.

    Raises:
        ConfigError: Always.
    """
    raise error


class _Lists:
    """The price file first, then what `genai-prices` knows, as of now."""

    def __init__(self, config: Config, own: ReadPrices | None, told: Told) -> None:
        self._config = config
        self._unknown = told
        self._own = own
        self._known: Callable[[str], Price | None] | None = None
        self.sources: tuple[str, ...] = ()
        if own is not None:
            self._told(f"{own.path.name} of {own.file.as_of} (SHA-256 {own.digest[:12]})")

    def price(self, one: Deployment | Judge | Classifier) -> Price | None:
        price, model = one.price, one.price.model if one.price is not None else None
        if price is None or model is None:
            return one.price_list
        discount = Decimal(repr(price.batch_discount))
        if model == "auto":
            self._find("")  # so that what is lacking to find any is said before anything is asked
            return ModelPrices(
                lambda name: _less(self._find(name), discount),
                lambda name: self._unknown(one.name, _unknown(self._config, one.name, name)),
            )
        found = _less(self._find(model), discount)
        if found is None:
            raise _unknown(self._config, one.name, model)
        return found

    def _find(self, model: str) -> Price | None:
        if self._own is not None and (found := self._own.file.price_of(model)) is not None:
            return found
        if self._known is None:
            if self._own is not None and not _is_installed():
                return None
            self._known = self._from_package()
        return self._known(model) if model else None

    def _from_package(self) -> Callable[[str], Price | None]:
        if not _is_installed():
            raise ConfigError(
                str(self._config.path),
                "price",
                "takes known prices, and the package genai-prices is not installed",
                _EXTRA,
            )
        at = datetime.now(UTC)
        self._told(f"genai-prices {version('genai-prices')}, those in force on {at.date()}")
        return lambda model: _known_price(model, at)

    def _told(self, source: str) -> None:
        self.sources = (*self.sources, source)


def _is_installed() -> bool:
    try:
        version("genai-prices")
    except ModuleNotFoundError:
        return False
    return True


@dataclass(frozen=True, slots=True)
class _KnownPrice:
    """A model's price by genai-prices, which knows of tiers by the length of the input.

    Attributes:
        calculate: Tokens by name, to the answer of `genai_prices.calc_price`.
    """

    calculate: Callable[..., Any]
    discount: Decimal = Decimal(0)

    @property
    def needs_usage(self) -> bool:
        return True

    def cost_usd(self, *, attempts: int, latency_s: float | None, usage: Usage) -> Decimal | None:
        if usage.input_tokens is None or usage.output_tokens is None:
            return None
        found = self.calculate(
            input_tokens=usage.input_tokens,
            output_tokens=usage.output_tokens,
            cache_read_tokens=min(usage.cached_tokens or 0, usage.input_tokens),
            cache_write_tokens=usage.cache_write_tokens or 0,
        )
        return Decimal(found.total_price) * (1 - self.discount)


def _known_price(model: str, at: datetime) -> Price | None:
    from genai_prices import Usage as KnownUsage
    from genai_prices.data_snapshot import get_snapshot

    try:
        provider, found = get_snapshot().find_provider_model(model, None, None, None)
    except LookupError:
        return None

    def calculate(**tokens: int) -> Any:
        return found.calc_price(KnownUsage(**tokens), provider, genai_request_timestamp=at)

    return _KnownPrice(calculate)


def _less(price: Price | None, discount: Decimal) -> Price | None:
    match price:
        case PriceList() | _KnownPrice():
            return replace(price, discount=discount)
        case _:
            return price


def _unknown(config: Config, deployment: str, model: str) -> ConfigError:
    named = f"the model {model!r}" if model else "the model of an answer that names none"
    return ConfigError(str(config.path), f"{deployment}.price", f"{named} has no price", _REMEDY)
