"""First floor: what the bytes of an answer mean.

A dialect is registered under the entry-point group `harness.dialects` and made by calling the entry
with the options of the config. It is a frozen value whose `repr` is how it was made.
"""

from __future__ import annotations

from typing import Protocol

from harness.exchange import Headers
from harness.output import Decoded
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
