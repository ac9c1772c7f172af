"""Texts that a model streams in pieces: what is split between events is found all the same.

`{"delta": {"content": "ann@exa"}}` and `{"delta": {"content": "mple.com"}}` hold an address that
neither event holds. Pieces that stand at one place of the events, and are of one choice where a
model writes several at once, are read as one text. A pseudonym goes where the find began, and the
rest of it is taken out of the pieces after it; whoever joins the events reads what they would have
read of an answer in one piece.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from harness.dialects.redaction.kinds import FINDERS
from harness.dialects.redaction.pseudonym import Pseudonyms
from harness.output import JsonValue

# Where APIs put pieces of a text: OpenAI (content, reasoning_content, refusal, arguments, text;
# delta in Responses), Anthropic (text, thinking, partial_json, completion), Cohere, Hugging Face
# and Ollama (text, content, response).
_PIECES = frozenset(
    {
        "arguments", "completion", "content", "delta", "partial_json", "reasoning",
        "reasoning_content", "refusal", "response", "text", "thinking",
    }
)  # fmt: skip

_Place = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class _Piece:
    """A string in an event.

    Attributes:
        event: The number of the event.
        holder: The object it is a member of.
        text: As it is now.
    """

    event: int
    holder: dict[str, JsonValue]
    name: str
    text: str


def rejoined(events: Sequence[JsonValue], kinds: Sequence[str], pseudonyms: Pseudonyms) -> set[int]:
    """Take finds out of the texts that events hold in pieces; events are changed in place.

    Returns:
        The numbers of the events that were changed.
    """
    streams: dict[_Place, list[_Piece]] = {}
    for number, event in enumerate(events):
        for place, piece in _pieces(event, number, ()):
            streams.setdefault(place, []).append(piece)
    changed: set[int] = set()
    for pieces in streams.values():
        before = [piece.text for piece in pieces]
        after = spread(before, kinds, pseudonyms)
        for piece, text in zip(pieces, after, strict=True):
            if text != piece.text:
                piece.holder[piece.name] = text
                changed.add(piece.event)
    return changed


def spread(pieces: Sequence[str], kinds: Sequence[str], pseudonyms: Pseudonyms) -> list[str]:
    """Pieces of one text, as many as before, that hold no finds when they are joined.

    Examples:
        >>> spread(["to ann@exa", "mple.com", " now"], ["email"], Pseudonyms(b"key"))
        ['to [email:joehhmiikgedeifijinf]', '', ' now']
    """
    pieces = list(pieces)
    for kind in kinds:
        text = "".join(pieces)
        finds = [
            (start, end, pseudonyms(kind, text[start:end])) for start, end in FINDERS[kind](text)
        ]
        if finds:
            pieces = _replaced(pieces, finds)
    return pieces


def _replaced(pieces: Sequence[str], finds: Sequence[tuple[int, int, str]]) -> list[str]:
    made: list[str] = []
    begins = n_done = 0
    for piece in pieces:
        ends = begins + len(piece)
        at = begins
        kept: list[str] = []
        while n_done < len(finds) and finds[n_done][0] < ends:
            start, end, name = finds[n_done]
            if start >= begins:
                kept += (piece[at - begins : start - begins], name)
            at = min(end, ends)
            if end > ends:
                break  # it goes on in the next piece
            n_done += 1
        made.append("".join((*kept, piece[at - begins :])))
        begins = ends
    return made


def _pieces(value: JsonValue, event: int, place: _Place) -> Iterator[tuple[_Place, _Piece]]:
    """Pieces of texts in a value, with what tells them from pieces of other texts."""
    match value:
        case dict():
            index = value.get("index")
            here = (*place, index) if isinstance(index, int) else place
            for name, member in value.items():
                if isinstance(member, str):
                    if name in _PIECES:
                        yield (*here, name), _Piece(event, value, name, member)
                else:
                    yield from _pieces(member, event, (*here, name))
        case list():
            for number, member in enumerate(value):
                yield from _pieces(member, event, (*place, number))
