"""Bring together what belongs to one request: the champion's half, and one of each challenger.

Theory of operation
===================

`open` starts a request with the legs that are asked for it: a leg is a challenger, or a second
call of the champion. From then on halves come in any order:

    champion          the front said how the champion ended it
    answered          a leg came back

A leg is *settled* once, in one of two ways: `Matched`, when both its halves are there, or
`Unmatched` with a reason. A request is forgotten when all its legs are settled, so that a half
which comes later finds nothing, and is nothing's: the answer of a leg whose champion was lost, the
champion of a request whose every leg was lost.

`lose_champion` (its half had no room on the link, its front died, it takes longer than anybody
waits) and `abandon` (we end) settle all legs that are open. `drop` settles one leg whose own half
will not come.

Everything is told the time; nothing here waits.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from harness.exchange import Exchange
from harness.pair import LossReason

Leg = int
"""Position of a leg among those of the mirror."""

Carried = TypeVar("Carried")


@dataclass(frozen=True, slots=True)
class Key:
    """One request: the front that took it, and its number there."""

    front: str
    number: int


@dataclass(frozen=True, slots=True)
class Matched(Generic[Carried]):
    """A leg has both halves.

    Attributes:
        carried: What was given to `open`.
        answer: None for a leg that asks nobody and waits for the champion alone.
    """

    key: Key
    leg: Leg
    carried: Carried
    champion: Exchange
    answer: Exchange | None


@dataclass(frozen=True, slots=True)
class Unmatched:
    """A leg will have no pair."""

    key: Key
    leg: Leg
    reason: LossReason


@dataclass(slots=True)
class _Open(Generic[Carried]):
    carried: Carried
    n_bytes: int
    opened_s: float
    legs: set[Leg]
    champion: Exchange | None = None
    answers: dict[Leg, Exchange | None] = field(default_factory=dict)


class Pairing(Generic[Carried]):
    """All requests that wait for a half. See the module docstring."""

    def __init__(self) -> None:
        self._open: dict[Key, _Open[Carried]] = {}
        self._n_bytes = 0

    def __len__(self) -> int:
        """Requests that wait."""
        return len(self._open)

    @property
    def n_bytes(self) -> int:
        """What they hold, as `open`, `champion` and `answered` were told."""
        return self._n_bytes

    def carried(self, key: Key) -> Carried | None:
        """What was given to `open`; None when nothing of this request is to be settled any more."""
        one = self._open.get(key)
        return None if one is None else one.carried

    def of_front(self, front: str) -> list[tuple[Key, Carried]]:
        """What waits for a half that this front would have to bring."""
        return [
            (key, one.carried)
            for key, one in self._open.items()
            if key.front == front and one.champion is None
        ]

    def opened_before(self, at_s: float) -> list[tuple[Key, Carried]]:
        """What was opened before that time and still lacks the champion's half."""
        found = []
        for key, one in self._open.items():  # in the order in which they were opened
            if one.opened_s >= at_s:
                break
            if one.champion is None:
                found.append((key, one.carried))
        return found

    def everything(self) -> list[tuple[Key, Carried]]:
        """All that waits for anything."""
        return [(key, one.carried) for key, one in self._open.items()]

    def open(
        self, key: Key, carried: Carried, legs: Iterable[Leg], *, now_s: float, n_bytes: int = 0
    ) -> None:
        """A request is here and is put to these legs; with none of them there is nothing to do.

        Raises:
            ValueError: It was opened before.
        """
        wanted = set(legs)
        if key in self._open:
            raise ValueError(f"request {key.number} of front {key.front} was opened before")
        if wanted:
            self._open[key] = _Open(carried, n_bytes, now_s, wanted)
            self._n_bytes += n_bytes

    def champion(self, key: Key, exchange: Exchange, *, n_bytes: int = 0) -> list[Matched[Carried]]:
        """The champion ended it; the legs that waited for that."""
        one = self._open.get(key)
        if one is None or one.champion is not None:
            return []
        one.champion = exchange
        self._grow(one, n_bytes)
        return [self._match(key, one, leg) for leg in sorted(one.answers)]

    def answered(
        self, key: Key, leg: Leg, exchange: Exchange | None, *, n_bytes: int = 0
    ) -> list[Matched[Carried]]:
        """A leg came back; it, if the champion's half is there."""
        one = self._open.get(key)
        if one is None or leg not in one.legs or leg in one.answers:
            return []
        one.answers[leg] = exchange
        self._grow(one, n_bytes)
        return [] if one.champion is None else [self._match(key, one, leg)]

    def drop(self, key: Key, leg: Leg, reason: LossReason) -> list[Unmatched]:
        """A leg's own half will not come."""
        one = self._open.get(key)
        if one is None or leg not in one.legs:
            return []
        self._settle(key, one, leg)
        return [Unmatched(key, leg, reason)]

    def lose_champion(self, key: Key, reason: LossReason) -> list[Unmatched]:
        """The champion's half will not come."""
        one = self._open.get(key)
        if one is None or one.champion is not None:
            return []
        return self._give_up(key, one, reason)

    def abandon(self, key: Key, reason: LossReason) -> list[Unmatched]:
        """Nothing of it will come."""
        one = self._open.get(key)
        return [] if one is None else self._give_up(key, one, reason)

    def _match(self, key: Key, one: _Open[Carried], leg: Leg) -> Matched[Carried]:
        assert one.champion is not None
        answer = one.answers[leg]
        self._settle(key, one, leg)
        return Matched(key, leg, one.carried, one.champion, answer)

    def _give_up(self, key: Key, one: _Open[Carried], reason: LossReason) -> list[Unmatched]:
        given_up = [Unmatched(key, leg, reason) for leg in sorted(one.legs)]
        for leg in list(one.legs):
            self._settle(key, one, leg)
        return given_up

    def _settle(self, key: Key, one: _Open[Carried], leg: Leg) -> None:
        one.legs.discard(leg)
        one.answers.pop(leg, None)
        if not one.legs:
            self._n_bytes -= one.n_bytes
            del self._open[key]

    def _grow(self, one: _Open[Carried], n_bytes: int) -> None:
        one.n_bytes += n_bytes
        self._n_bytes += n_bytes
