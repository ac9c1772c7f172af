"""A stream of bytes cut at a separator, in bounded memory."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

# Reading an entry takes up to ten times its size (as bytes, as text, decoded, packed). 512 MiB hold
# one of 32 MiB with what else is there; SageMaker's largest payload, 25 MB, fits in base64.
MAX_ENTRY_BYTES = 32 * 1024 * 1024
"""The largest entry that is read."""

BYTE_ORDER_MARK = b"\xef\xbb\xbf"


def pieces(
    chunks: Iterable[bytes], separator: bytes, *, max_bytes: int = MAX_ENTRY_BYTES
) -> Iterator[bytes | None]:
    """Cut a stream at every separator.

    Memory is bounded by `max_bytes` and one chunk, whatever the stream holds.

    Args:
        chunks: The stream, in pieces of any size.
        separator: What stands between two pieces, not part of either.

    Yields:
        Each piece; None for one of more than `max_bytes`, which is not kept. What follows the last
        separator is a piece where it is not empty.
    """
    held = bytearray()
    overlap = len(separator) - 1
    searched = 0
    too_long = False
    for chunk in chunks:
        held += chunk
        start = 0
        at = held.find(separator, searched)
        while at >= 0:
            yield None if too_long or at - start > max_bytes else bytes(held[start:at])
            too_long = False
            start = at + len(separator)
            at = held.find(separator, start)
        del held[:start]
        if len(held) > max_bytes + overlap:
            too_long = True
            del held[: len(held) - overlap]
        searched = max(0, len(held) - overlap)
    if too_long or len(held) > max_bytes:
        yield None
    elif held:
        yield bytes(held)


def lines(
    chunks: Iterable[bytes], *, max_bytes: int = MAX_ENTRY_BYTES
) -> Iterator[tuple[int, bytes | None]]:
    """Number the lines of a stream, from 1, and leave out the empty ones.

    A byte order mark before the first line is dropped.

    Yields:
        The line's number, and its bytes without the line feed; None for a line of more than
        `max_bytes`.
    """
    for number, line in enumerate(pieces(chunks, b"\n", max_bytes=max_bytes), start=1):
        if line is None:
            yield number, None
            continue
        if number == 1:
            line = line.removeprefix(BYTE_ORDER_MARK)
        if line and not line.isspace():
            yield number, line


def too_long(max_bytes: int = MAX_ENTRY_BYTES) -> str:
    """Why an entry beyond the limit is rejected."""
    return f"is longer than {max_bytes // (1024 * 1024)} MiB, the most that is read of one entry"
