"""A price file: what models cost, and as of when.

Providers publish prices per million tokens, so that is how they are written. A file is dated: a
verdict on cost is worth as much as the prices it stands on.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, ValidationError, WithJsonSchema, model_validator

from harness.config import document as documents
from harness.config.problems import BadValueError, all_of
from harness.config.references import References
from harness.config.section import Money, Reading, Section, Text
from harness.config.speaking import Speaker
from harness.usage import PriceList

_MILLION = Decimal(1_000_000)


def _day(value: Any) -> date:
    try:
        return date.fromisoformat(value)
    except (TypeError, ValueError) as exc:
        raise BadValueError("is {value}, must be a day such as 2025-06-30") from exc


Day = Annotated[date, BeforeValidator(_day), WithJsonSchema({"type": "string", "format": "date"})]


class ModelPrice(Section):
    """What one model costs. Input and output have a price each; what is left out costs the same."""

    usd_per_million_input_tokens: Money
    usd_per_million_output_tokens: Money
    usd_per_million_cached_tokens: Money | None = None
    usd_per_million_cache_write_tokens: Money | None = None
    usd_per_million_reasoning_tokens: Money | None = None
    usd_per_call: Money | None = None

    @property
    def price_list(self) -> PriceList:
        return PriceList(
            usd_per_call=self.usd_per_call,
            usd_per_input_token=self.usd_per_million_input_tokens / _MILLION,
            usd_per_output_token=self.usd_per_million_output_tokens / _MILLION,
            usd_per_cached_token=_each(self.usd_per_million_cached_tokens),
            usd_per_cache_write_token=_each(self.usd_per_million_cache_write_tokens),
            usd_per_reasoning_token=_each(self.usd_per_million_reasoning_tokens),
        )


def _each(million: Decimal | None) -> Decimal | None:
    return None if million is None else million / _MILLION


class PriceFile(Section):
    """Prices by model. A name that ends in `*` stands for all that begin like it."""

    as_of: Day
    models: dict[Text, ModelPrice] = Field(min_length=1)

    @model_validator(mode="after")
    def _has_plain_names(self) -> PriceFile:
        for name in self.models:
            if "*" in name[:-1]:
                raise BadValueError("holds a * that is not at its end", key=("models", name))
        return self

    def price_of(self, model: str) -> PriceList | None:
        """The price of a model: by its own name, else by the longest beginning that fits it."""
        found = self.models.get(model)
        if found is None:
            fitting = [
                name for name in self.models if name.endswith("*") and model.startswith(name[:-1])
            ]
            if not fitting:
                return None
            found = self.models[max(fitting, key=len)]
        return found.price_list


@dataclass(frozen=True, slots=True)
class ReadPrices:
    """A price file as it was when it was read.

    Attributes:
        digest: SHA-256 of its bytes.
    """

    file: PriceFile
    path: Path
    digest: str


def read_prices(path: Path) -> ReadPrices:
    """Read a price file.

    Raises:
        ConfigError: It cannot be read, or says something we do not understand.
    """
    document = documents.read(path)
    reading = Reading(References({}, path.parent, resolving=False))
    say = Speaker(document, document.values, str(path), reading)
    problems = list(document.problems)
    try:
        file = PriceFile.model_validate(document.values, context=reading)
    except ValidationError as exc:
        problems += [say.invalid(error) for error in exc.errors()]
    if error := all_of(problems):
        raise error
    return ReadPrices(file, path, hashlib.sha256(path.read_bytes()).hexdigest())
