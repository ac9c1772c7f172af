"""Which of two answers is the better one, by a model that reads both in both orders.

Of each order the answer is +1 where the challenger's is preferred, -1 where the champion's is, 0
for a tie; the preference of a pair is the mean of both orders, so that a judge that contradicts
itself comes to a tie (statistics: a mean per pair, Cameron & Miller clustered). Where an order has
no readable answer the pair has no preference: missing, not a tie.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from harness.annotate.asking import Asker, Said
from harness.annotate.framing import Preferred, Texts, messages, preferred
from harness.output import JsonValue


@dataclass(frozen=True, slots=True)
class Judging:
    """What a judge is and what it judges by.

    Attributes:
        options: Further members of each call, such as `temperature`.
    """

    model: str
    rubric: str
    options: Mapping[str, JsonValue] = field(default_factory=dict)

    def body(self, texts: Texts) -> dict[str, JsonValue]:
        """One comparison as a chat API wants it."""
        said: JsonValue = [dict[str, JsonValue](one) for one in messages(texts, self.rubric)]
        return {"model": self.model, **self.options, "messages": said}


@dataclass(frozen=True, slots=True)
class Judgement:
    """What a judge said of one pair.

    Attributes:
        champion_first: What it said with the champion's answer first; None for no answer.
        challenger_first: The same with the challenger's first.
        problem: Why one is None; empty otherwise.
        is_same: Whether the answers were the same text, which needs no judge: a tie.
    """

    champion_first: Preferred | None
    challenger_first: Preferred | None
    problem: str = ""
    cost_usd: float = 0.0
    n_remembered: int = 0
    is_same: bool = False

    @property
    def preference(self) -> float | None:
        """From -1, the champion's in both orders, to +1, the challenger's; None when missing."""
        if self.champion_first is None or self.challenger_first is None:
            return None
        return (_slot(self.challenger_first) - _slot(self.champion_first)) / 2

    @property
    def first_slot(self) -> float | None:
        """How much what came first was preferred, -1 to +1, whoever's it was."""
        if self.is_same or self.champion_first is None or self.challenger_first is None:
            return None
        return (_slot(self.challenger_first) + _slot(self.champion_first)) / 2


TOO_LONG = "too long"
"""The problem of texts that no judge is shown."""


async def judge_all(
    asker: Asker, judging: Judging, pairs: Sequence[Texts]
) -> tuple[Judgement, ...]:
    """Judge pairs, the champion's answer given as the first; in their order."""
    return tuple(await asyncio.gather(*(_judge(asker, judging, pair) for pair in pairs)))


async def _judge(asker: Asker, judging: Judging, pair: Texts) -> Judgement:
    if pair.first == pair.second:
        return Judgement(Preferred.TIE, Preferred.TIE, is_same=True)
    if pair.is_too_long:
        return Judgement(None, None, TOO_LONG)
    orders = (pair, pair.turned)
    one, other = await asyncio.gather(
        *(asker.ask(judging.body(order), preferred) for order in orders)
    )
    return Judgement(
        champion_first=_read(one),
        challenger_first=_read(other),
        problem=one.problem or other.problem,
        cost_usd=one.cost_usd + other.cost_usd,
        n_remembered=one.is_remembered + other.is_remembered,
    )


def _read(said: Said) -> Preferred | None:
    return next((word for word in Preferred if word == said.value), None)


def _slot(word: Preferred) -> int:
    return {Preferred.FIRST: 1, Preferred.SECOND: -1, Preferred.TIE: 0}[word]
