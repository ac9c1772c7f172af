"""The kinds of text that are taken out, and a text without them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from harness.dialects.redaction.addresses import emails
from harness.dialects.redaction.credentials import keys, web_tokens
from harness.dialects.redaction.numbers import cards, ibans
from harness.dialects.redaction.pseudonym import Pseudonyms

Find = Callable[[str], Iterator[tuple[int, int]]]
"""Gives start and end of each find, in order and apart from each other, in linear time."""

FINDERS: Mapping[str, Find] = {
    "key": keys,
    "jwt": web_tokens,
    "email": emails,
    "iban": ibans,
    "card": cards,
}
"""How each kind is found, in the order in which they are taken out."""

KINDS = tuple(sorted(FINDERS))
"""Names of all kinds."""

# Taking one thing out can lay open the one beside it. Texts made for the purpose can go on with
# that; ordinary ones are done after the first time.
_MOST_ROUNDS = 8


class UnredactableError(Exception):
    """Something cannot be made fit to be kept. It must not be kept then."""


def without(text: str, kinds: Sequence[str], pseudonyms: Pseudonyms) -> str:
    """The text with all of these kinds replaced by pseudonyms; the same object if it has none.

    Doing it again changes nothing.

    Raises:
        UnredactableError: There is no end to it.
    """
    for _ in range(_MOST_ROUNDS):
        before = text
        for kind in kinds:
            text = _replaced(text, kind, pseudonyms)
        if text is before:
            return text
    raise UnredactableError("finds come up without end")


def has_any(text: str, kinds: Sequence[str]) -> bool:
    """Whether there is something to take out."""
    return any(next(FINDERS[kind](text), None) is not None for kind in kinds)


def _replaced(text: str, kind: str, pseudonyms: Pseudonyms) -> str:
    pieces: list[str] = []
    done = 0
    for start, end in FINDERS[kind](text):
        pieces += (text[done:start], pseudonyms(kind, text[start:end]))
        done = end
    return "".join((*pieces, text[done:])) if pieces else text
