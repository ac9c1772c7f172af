"""What is kept of one exchange for the mirror, while it is underway."""

from __future__ import annotations

from collections.abc import Sequence

from harness.shadow.tap import Piece

# An event stream can go on for hours; by then the gaps between its pieces have told their story.
_MAX_CHUNK_TIMES = 4096


class Held:
    """How much all copies of a process hold together, and how much they may.

    Attributes:
        n_bytes: Held now.
        max_bytes: Of all copies together.
    """

    __slots__ = ("max_bytes", "n_bytes")

    def __init__(self, max_bytes: int) -> None:
        self.max_bytes = max_bytes
        self.n_bytes = 0


class Copy:
    """One exchange's copy: first of the request, and once that is handed over, of the answer.

    Attributes:
        number: The request's.
        is_offered: Whether the request was handed over; the answer is due then.
        pieces: Of the body underway.
        n_kept: Bytes in `pieces`.
        n_body: Bytes of the body in all.
        chunk_at_s: When pieces of an event stream came.
    """

    __slots__ = (
        "_held",
        "_max_bytes",
        "chunk_at_s",
        "is_offered",
        "n_body",
        "n_kept",
        "n_request",
        "number",
        "pieces",
        "received_at_ns",
        "request",
    )

    def __init__(self, number: int, received_at_ns: int, held: Held, max_bytes: int) -> None:
        self.number = number
        self.received_at_ns = received_at_ns
        self.is_offered = False
        self.request: list[Piece] = []
        self.pieces: list[Piece] = []
        self.n_request = self.n_kept = self.n_body = 0
        self.chunk_at_s: list[float] = []
        self._held = held
        self._max_bytes = max_bytes

    def has_room(self, n_bytes: int) -> bool:
        """Whether a request's body of that length could be kept; any is, while it is not known."""
        held = self._held
        return n_bytes <= self._max_bytes and held.n_bytes + n_bytes <= held.max_bytes

    def keep_request(self, content: Sequence[Piece]) -> bool:
        """Keep more of the request's body; False when that is too much."""
        held = self._held
        for piece in content:
            self.n_request += len(piece)
            held.n_bytes += len(piece)
            self.request.append(piece)
        return self.n_request <= self._max_bytes and held.n_bytes <= held.max_bytes

    def let_request_go(self) -> None:
        """The request's body is somebody else's now, or nobody's."""
        self._held.n_bytes -= self.n_request
        self.request = []
        self.n_request = 0

    def keep_answer(self, content: Sequence[Piece]) -> None:
        """Keep the beginning of the answer's body, and count the rest."""
        held = self._held
        for piece in content:
            n_bytes = len(piece)
            # What is kept is the beginning: nothing after the first byte left out.
            is_whole = self.n_kept == self.n_body
            self.n_body += n_bytes
            room = min(self._max_bytes - self.n_kept, held.max_bytes - held.n_bytes)
            if not is_whole or room <= 0:
                continue
            kept = piece if n_bytes <= room else bytes(piece[:room])
            self.pieces.append(kept)
            self.n_kept += len(kept)
            held.n_bytes += len(kept)

    def note_chunk(self, at_s: float) -> None:
        if len(self.chunk_at_s) < _MAX_CHUNK_TIMES:
            self.chunk_at_s.append(at_s)

    def let_go(self) -> None:
        """The copy is handed over, or given up."""
        self.let_request_go()
        self._held.n_bytes -= self.n_kept
        self.pieces = []
        self.n_kept = 0
