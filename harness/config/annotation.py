"""Who is asked about stored pairs: judges and classifiers."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, WithJsonSchema

from harness.config.deployment import Price, Spending
from harness.config.section import (
    Headers,
    JsonPath,
    Name,
    Number,
    PositiveDuration,
    Section,
    Share,
    Text,
    Url,
    Whole,
)
from harness.config.vocabulary import Score
from harness.metric import Better
from harness.usage import PriceList

Options = Annotated[dict[str, str | int | float | bool | None], WithJsonSchema({"type": "object"})]


def _deterministic() -> dict[str, str | int | float | bool | None]:
    return {"temperature": 0}


class Annotator(Section):
    """An endpoint that is asked about stored answers."""

    url: Url = Field(repr=False, description="Its address.")
    headers: Headers = Field(
        default_factory=dict, repr=False, description="Sent with every question."
    )
    question: JsonPath = Field(
        default="$", description="JSONPath into the request body: what the answers answer."
    )
    answer: JsonPath = Field(description="JSONPath into the decoded answer: what is looked at.")
    timeout_s: PositiveDuration = Field(
        default=60.0, alias="timeout", description="For one attempt."
    )
    retries: Whole = Field(
        default=2, ge=0, le=10, description="Further attempts where it gives no readable answer."
    )
    max_in_flight: Whole = Field(default=8, ge=1, le=1_000, description="Questions at once.")
    sample: Share = Field(
        default=1.0, gt=0, description="Share of the requests it is asked about, by the seed."
    )
    price: Price | None = Field(default=None, description="What it costs, as for deployments.")
    budget: Spending | None = Field(
        default=None, description="How much may be spent on it in one go; the rest stays missing."
    )

    @property
    def budget_usd(self) -> Decimal | None:
        return self.budget.usd if self.budget is not None else None

    @property
    def price_list(self) -> PriceList | None:
        priced = self.price is not None and self.price.model is None
        return self.price.price_list if self.price is not None and priced else None


class Judge(Annotator):
    """A model that says which of two answers is the better one, over a chat API."""

    url: Url = Field(
        repr=False,
        description="Base address of an API like OpenAI's, `https://api.example/v1`; "
        "`/chat/completions` is appended.",
    )
    name: Name = Field(default="judge", description="What metrics call it: `NAME.preference`.")
    model: Text = Field(description="The model that judges.")
    rubric: Text = Field(
        description="File, relative to the config, with what makes an answer the better one."
    )
    options: Options = Field(
        default_factory=_deterministic,
        description="Further members of each call.",
    )

    def rubric_path(self, directory: Path) -> Path:
        return directory / self.rubric


class Classifier(Annotator):
    """An endpoint that gives an answer a number."""

    url: Url = Field(
        repr=False,
        description='Its address: it is sent `{"request": ..., "answer": ...}` as JSON.',
    )
    name: Name = Field(description="What metrics call it: `NAME.mean`, `NAME.p95`.")
    path: JsonPath = Field(
        default="$.score", description="JSONPath into what it says, to a number or yes and no."
    )
    better: Literal["higher", "lower"] = Field(default="lower", description="Which way is better.")
    worst: Number | None = Field(
        default=None,
        description="What a failed exchange counts as; without it such pairs are left out.",
    )

    @property
    def score(self) -> Score:
        return Score(Better[self.better.upper()], self.worst)


def _as_list(value: Any) -> Any:
    return [value] if isinstance(value, dict) else value


Judges = Annotated[tuple[Judge, ...], BeforeValidator(_as_list)]
"""One judge, or a list of them."""
