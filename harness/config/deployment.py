"""The servers under comparison."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from pydantic import ConfigDict, Field, model_validator

from harness.config.policy import PolicyOverride
from harness.config.problems import BadValueError
from harness.config.section import (
    Headers,
    Money,
    Name,
    PositiveDuration,
    Rate,
    Reference,
    Section,
    Share,
    Target,
    Text,
    Url,
    Whole,
)
from harness.config.traffic import Prompting
from harness.usage import PriceList


def _or_auto(schema: dict[str, Any]) -> None:
    sections = dict(schema)
    schema.clear()
    schema["anyOf"] = [{"const": "auto"}, sections]


class Price(Section):
    """What calls cost. Parts that are given add up."""

    model_config = ConfigDict(json_schema_extra=_or_auto)

    usd_per_call: Money | None = Field(default=None, description="Price of one call.")
    usd_per_hour: Money | None = Field(
        default=None, description="Price of the instance; a call is charged for its service time."
    )
    usd_per_input_token: Money | None = Field(
        default=None,
        description="Price of a token sent; the answer has to say how many it counted.",
    )
    usd_per_output_token: Money | None = Field(
        default=None, description="Price of a token received."
    )
    usd_per_cached_token: Money | None = Field(
        default=None,
        description="Price of a token sent that a cache knew; without it that of any other.",
    )
    usd_per_cache_write_token: Money | None = Field(
        default=None,
        description="Price of a token sent and put into a cache; without it that of any other.",
    )
    usd_per_reasoning_token: Money | None = Field(
        default=None,
        description="Price of a token of reasoning; without it that of any token received.",
    )
    model: Text | None = Field(
        default=None,
        description="Prices per token by model, from `prices` or else `genai-prices`: its name, or "
        "`auto` for the one that each answer names. `price: auto` says the latter alone.",
    )
    batch_discount: Share = Field(
        default=0.0,
        lt=1,
        description="What is taken off the prices of tokens: 0.5 where a batch costs half.",
    )

    @model_validator(mode="before")
    @classmethod
    def _by_the_answers_model(cls, value: Any) -> Any:
        return {"model": "auto"} if value == "auto" else value

    @model_validator(mode="after")
    def _says_something(self) -> Price:
        own = self.model_fields_set - {"batch_discount", "model"}
        if not own and self.model is None:
            raise BadValueError(
                "names no price",
                "Give usd_per_call, usd_per_hour, prices per token, or `auto` for known models",
            )
        if own and self.model is not None:
            raise BadValueError(
                "is {value}, and prices are written beside it",
                f"Keep either `model` or {', '.join(sorted(own))}",
                key=("model",),
            )
        if self.batch_discount and self.model is None and not self._has_tokens:
            raise BadValueError(
                "is {value}, and there are no prices per token to take it off",
                key=("batch_discount",),
            )
        for name, of in _APART.items():
            if getattr(self, name) is not None and getattr(self, of) is None:
                raise BadValueError("needs the price of other tokens", f"Add `{of}`", key=(name,))
        return self

    @property
    def _has_tokens(self) -> bool:
        return self.usd_per_input_token is not None or self.usd_per_output_token is not None

    @property
    def price_list(self) -> PriceList:
        return PriceList(
            usd_per_call=self.usd_per_call,
            usd_per_hour=self.usd_per_hour,
            usd_per_input_token=self.usd_per_input_token,
            usd_per_output_token=self.usd_per_output_token,
            usd_per_cached_token=self.usd_per_cached_token,
            usd_per_cache_write_token=self.usd_per_cache_write_token,
            usd_per_reasoning_token=self.usd_per_reasoning_token,
            discount=Decimal(repr(self.batch_discount)),
        )


_APART = {
    "usd_per_cached_token": "usd_per_input_token",
    "usd_per_cache_write_token": "usd_per_input_token",
    "usd_per_reasoning_token": "usd_per_output_token",
}
"""Prices of some of the tokens, and that of the others."""


USUAL_TIMEOUT_S = 10.0
"""What a deployment may take unless somebody says otherwise."""


class Spending(Section):
    """How much may be spent on a deployment."""

    usd: Money | None = Field(
        default=None, description="Stop asking when this run has spent that much."
    )
    usd_per_day: Money | None = Field(
        default=None,
        description="Stop asking when that much is spent in a day (UTC), by all runs in one "
        "folder that limit the day of a deployment of this name.",
    )

    @model_validator(mode="after")
    def _buys_something(self) -> Spending:
        if self.usd is None and self.usd_per_day is None:
            raise BadValueError("names no limit", "Give `usd`, `usd_per_day` or both")
        for key, limit in (("usd", self.usd), ("usd_per_day", self.usd_per_day)):
            if limit == 0:
                raise BadValueError("is {value}, must be above 0", key=(key,))
        return self


class Breaker(Section):
    """When a challenger that fails is left alone for a while. Live only."""

    failure_rate: Share = Field(
        default=0.5, gt=0, description="Live: opens when this share of the latest calls failed."
    )
    window_s: PositiveDuration = Field(
        default=10.0, alias="window", description="Live: calls that ended within it are looked at."
    )
    min_calls: Whole = Field(
        default=20, ge=1, le=10_000, description="Live: fewer calls than that tell nothing."
    )
    rest_s: PositiveDuration = Field(
        default=5.0, alias="rest", description="Live: how long it stays open."
    )
    probes: Whole = Field(
        default=3,
        ge=1,
        le=1_000,
        description="Live: calls that have to succeed, one after the other, before it closes.",
    )


class Deployment(Section):
    """A server, running or to be started, and how it is called."""

    name: Name = Field(description="Its name in runs, reports and on the command line.")
    url: Url | None = Field(
        default=None,
        repr=False,
        description="Base address; the request's own target is appended. Either this or `command`.",
    )
    command: tuple[Reference, ...] | None = Field(
        default=None,
        min_length=1,
        repr=False,
        description="A server that harness starts, waits for and stops. `{port}` in it becomes the "
        "port it is to listen on, on 127.0.0.1.",
    )
    ready: Target | None = Field(
        default=None,
        description="Path that answers 2xx once a `command` is ready. Without it, an open port is "
        "enough.",
    )
    ready_timeout_s: PositiveDuration = Field(
        default=60.0,
        alias="ready_timeout",
        description="How long a `command` may take to get ready.",
    )
    path: Target | None = Field(default=None, description="Replaces the request's own target.")
    timeout_s: PositiveDuration = Field(
        default=USUAL_TIMEOUT_S,
        alias="timeout",
        description="Deadline of the whole exchange, all retries together.",
    )
    max_in_flight: Whole = Field(
        default=64,
        ge=1,
        le=100_000,
        description="Requests at once. In a replay further ones wait; live, a challenger's are "
        "shed, which counts as failed.",
    )
    rate_per_s: Rate | None = Field(default=None, alias="rate", description="Ceiling, no target.")
    retries: Whole = Field(
        default=0,
        ge=0,
        le=10,
        description="Further attempts after a failed one, as in production; latency and cost are "
        "totals.",
    )
    headers: Headers = Field(
        default_factory=dict,
        repr=False,
        description="Sent with every request, in place of the client's of that name.",
    )
    price: Price | None = Field(
        default=None, description="What calls cost; a cost rule needs prices on both sides."
    )

    @model_validator(mode="after")
    def _starts_as_it_says(self) -> Deployment:
        if self.url is not None and self.command is not None:
            raise BadValueError(
                "has both `url` and `command`",
                "Keep `url` for a server that runs, `command` for one that harness starts",
            )
        if self.command is not None and not any("{port}" in word for word in self.command):
            raise BadValueError(
                "does not say where the port goes",
                'Add "{port}" to the arguments, for instance [python, serve.py, --port, "{port}"]',
                key=("command",),
            )
        if self.command is None:
            self._refuse_what_belongs_to_a_command()
        return self

    def _refuse_what_belongs_to_a_command(self) -> None:
        for field, key in (("ready", "ready"), ("ready_timeout_s", "ready_timeout")):
            if field in self.model_fields_set:
                raise BadValueError(
                    "belongs to a `command`",
                    "Remove it: a server with a `url` is taken to be running",
                    key=(key,),
                )

    @property
    def where(self) -> str:
        """Its address or command for people to read. May hold secrets: see `Config.where`."""
        return self.url or " ".join(self.command or ())

    @property
    def price_list(self) -> PriceList | None:
        """Its own prices; None where there are none, or they go by the model."""
        priced = self.price is not None and self.price.model is None
        return self.price.price_list if self.price is not None and priced else None


class Champion(Deployment):
    """What serves users today."""


class Challenger(Deployment):
    """What wants the champion's place."""

    budget: Spending | None = Field(
        default=None, description="How much may be spent on it in one run, or in a day."
    )
    sample: Share = Field(
        default=1.0,
        description="Live: share of the mirrored requests that it is asked, sticky by cluster.",
    )
    breaker: Breaker = Field(
        default_factory=Breaker,
        description="Live: leaves it alone while it fails; what it is then not asked counts as "
        "failed.",
    )
    rewrite: Prompting = Field(
        default_factory=Prompting,
        description="Changes to each request on its way to this challenger alone, after those for "
        "everybody. With it and neither `url` nor `command` the champion's own address is asked.",
    )
    policy: PolicyOverride = Field(
        default_factory=PolicyOverride,
        description="Keys of `policy` that differ for this challenger; `rules` replaces the list.",
    )

    @model_validator(mode="after")
    def _can_be_asked(self) -> Challenger:
        if self.is_elsewhere_unsaid and not self.rewrite.changes_anything:
            raise BadValueError(
                "has neither `url` nor `command`", "Say where it is, or how to start it"
            )
        if self.budget is not None and self.price is None:
            raise BadValueError(
                "can never be spent without a price", "Add `price`", key=("budget",)
            )
        return self

    @property
    def is_elsewhere_unsaid(self) -> bool:
        """Whether it has no address of its own: it is then the champion, rewritten."""
        return self.url is None and self.command is None

    @property
    def budget_usd(self) -> Decimal | None:
        return self.budget.usd if self.budget is not None else None

    @property
    def budget_usd_per_day(self) -> Decimal | None:
        return self.budget.usd_per_day if self.budget is not None else None
