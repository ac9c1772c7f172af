"""First floor: what the bytes of an answer mean.

A dialect is registered under the entry-point group `harness.dialects` and made by calling the entry
with the options of the config. It is a frozen value whose `repr` is how it was made.
"""

from __future__ import annotations

from typing import Protocol, runtime_checkable

from harness.exchange import Headers
from harness.output import Decoded, JsonValue
from harness.usage import Usage


class Dialect(Protocol):
    """Reads the answers of one kind of API. Never raises for what an answer contains."""

    def decode(self, body: bytes, headers: Headers) -> Decoded:
        """Give the JSON value of an answer, or say why there is none.

        Args:
            body: As it came off the wire, content encoding intact.
            headers: At least Content-Type and Content-Encoding where the answer had them.
        """
        ...

    def usage(self, decoded: Decoded) -> Usage:
        """Tokens the answer says it used; None where it does not say."""
        ...


@runtime_checkable
class Streaming(Protocol):
    """A dialect that also reads answers which come token by token. Optional."""

    def content_ends(self, body: bytes, headers: Headers) -> list[tuple[int, bool]]:
        """Of each event of a stream: bytes of the body up to its end, and whether it has content.

        Content is what a user would see coming: text, a refusal, a call's arguments, reasoning.
        Empty for an answer that is no stream.
        """
        ...


@runtime_checkable
class Refusing(Protocol):
    """A dialect whose answers say when a model declined. Optional."""

    def refused(self, decoded: JsonValue) -> bool | None:
        """Whether it did; None for an answer that is of another kind, such as an error."""
        ...


def volatile_of(dialect: Dialect) -> tuple[str, ...]:
    """Paths of what differs between two equal answers: ids, times; a dialect's `volatile`."""
    return tuple(getattr(dialect, "volatile", ()))
