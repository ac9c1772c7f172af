"""Deadlines without a timer for each: everybody is visited once per round.

A connection notes when it did what, which costs nothing; whether that is too long ago is found out
when the round comes by. Rounds are cut into slots, so that thousands of connections are not all
visited at once.
"""

from __future__ import annotations

from typing import Protocol

_N_SLOTS = 10


class Visited(Protocol):
    """Something with deadlines."""

    def visit(self, now_s: float) -> None:
        """Do what is overdue. May lead to members being removed, never to their being added."""
        ...


class Rounds:
    """Who is visited, and whose turn it is."""

    __slots__ = ("_at", "_next", "_slot_of", "_slots")

    def __init__(self) -> None:
        self._slots: list[set[Visited]] = [set() for _ in range(_N_SLOTS)]
        self._slot_of: dict[Visited, set[Visited]] = {}
        self._at = 0
        self._next = 0

    @staticmethod
    def tick_s(shortest_s: float) -> float:
        """How often to call `tick`, so that a deadline of `shortest_s` is late by a quarter."""
        return min(max(shortest_s / 4, 0.02), 1.0) / _N_SLOTS

    def add(self, member: Visited) -> None:
        slot = self._slots[self._next]
        self._next = (self._next + 1) % _N_SLOTS
        slot.add(member)
        self._slot_of[member] = slot

    def remove(self, member: Visited) -> None:
        """Nothing happens when it is not there."""
        slot = self._slot_of.pop(member, None)
        if slot is not None:
            slot.discard(member)

    def tick(self, now_s: float) -> None:
        """Visit those whose turn it is."""
        for member in [*self._slots[self._at]]:
            member.visit(now_s)
        self._at = (self._at + 1) % _N_SLOTS
