"""What stands in the place of what was taken out.

A pseudonym is the same wherever the same text stood, under one key, so that two answers that agreed
still agree and rows can still be joined. Without the key nobody can tell what it was, not even by
trying all card numbers there are. Its digest is written in the letters a to p between brackets:
nothing that is looked for can be found in it, or across its border.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from dataclasses import dataclass

_LETTERS = str.maketrans("0123456789abcdef", "abcdefghijklmnop")
_DIGEST_BYTES = 10  # two of a million different values are alike with a chance of 4e-13
_FORM = re.compile(rf"\[[a-z]+:[a-p]{{{2 * _DIGEST_BYTES}}}\]")


@dataclass(frozen=True, slots=True)
class Pseudonyms:
    """Names for what was taken out.

    Args:
        key: Secret. Who has it can check guesses.
    """

    key: bytes

    def __call__(self, kind: str, value: str) -> str:
        """The name of a value; its letters do not depend on what kind it was found to be.

        Examples:
            >>> Pseudonyms(b"key")("email", "somebody@example.com")
            '[email:djmlogobfjjedcflpaoa]'
        """
        return f"[{kind}:{self.digest(value)}]"

    def digest(self, value: str) -> str:
        content = value.encode("utf-8", "surrogatepass")
        return (
            hmac.digest(self.key, content, hashlib.sha256)[:_DIGEST_BYTES].hex().translate(_LETTERS)
        )


def is_pseudonym(text: str) -> bool:
    """Whether the whole text is one pseudonym."""
    return _FORM.fullmatch(text) is not None
