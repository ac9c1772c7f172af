"""A number for an answer, by a user's own endpoint: how toxic it is, how well founded.

It is sent `{"request": ..., "answer": ...}` and answers JSON with the number somewhere in it. What
it is not told is whose answer it is.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from harness.annotate.asking import Asker, Said
from harness.output import Found, JsonValue


@dataclass(frozen=True, slots=True)
class Question:
    """One answer to be classified."""

    request: str
    answer: str

    @property
    def body(self) -> dict[str, JsonValue]:
        return {"request": self.request, "answer": self.answer}


async def classify_all(
    asker: Asker, find: Callable[[JsonValue], Found], questions: Sequence[Question | None]
) -> tuple[Said | None, ...]:
    """Classify answers, in their order; None for one there is none of."""

    async def one(question: Question | None) -> Said | None:
        return None if question is None else await asker.ask(question.body, number_at(find))

    return tuple(await asyncio.gather(*map(one, questions)))


def number_at(find: Callable[[JsonValue], Found]) -> Callable[[JsonValue], float | None]:
    """Reads the number a path leads to; yes is 1 and no is 0."""

    def read(document: JsonValue) -> float | None:
        found = find(document)
        finite = isinstance(found, int | float) and abs(found) < float("inf")
        return float(found) if finite and isinstance(found, int | float) else None

    return read
