"""From bytes on the wire to text in UTF-8: content encoding and charset, with caps.

A deployment we test may send anything, by mistake or not: 300 KB of gzip can hold 300 MB. Both the
size and the ratio are capped, and decompression stops at the cap instead of noticing afterwards.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable

import zstandard

from harness.exchange import Headers
from harness.output import Undecodable

# JSON predictions are below 1 MiB; embeddings of a large batch reach tens. What is larger stays on
# disk as it was and is called undecodable.
MAX_DECODED_BYTES = 64 * 1024 * 1024

# zlib cannot exceed 1032:1. Real JSON compresses 3 to 30 times, arrays of one repeated value a few
# hundred times. The cap applies from 1 MiB up, where memory begins to matter.
MAX_RATIO = 500
_RATIO_FREE_BYTES = 1024 * 1024

_UTF8_BOM = b"\xef\xbb\xbf"
_GZIP_WBITS = 16 + zlib.MAX_WBITS
_UTF8_NAMES = ("utf-8", "utf8", "us-ascii", "ascii")


def decoded_text(body: bytes, headers: Headers) -> bytes | Undecodable:
    """Undo content encoding and charset.

    Args:
        body: Body bytes as on the wire, transfer coding removed.
        headers: Names in any case. Several Content-Encoding fields count in order.

    Returns:
        The content in UTF-8 without byte order mark, or why it cannot be had.
    """
    for coding in reversed(_codings(headers)):
        unpacked = _unpack(body, coding)
        if isinstance(unpacked, Undecodable):
            return unpacked
        body = unpacked
    charset = charset_of(headers)
    if charset not in _UTF8_NAMES:
        return _transcoded(body, charset)
    return body.removeprefix(_UTF8_BOM)


def charset_of(headers: Headers) -> str:
    """The charset that Content-Type names, lower case; UTF-8 where it names none."""
    charset = "utf-8"
    for name, value in headers:
        if name.lower() == "content-type":
            charset = _charset(value)
    return charset


def _codings(headers: Headers) -> list[str]:
    return [
        coding.strip().lower()
        for name, value in headers
        if name.lower() == "content-encoding"
        for coding in value.split(",")
    ]


def _charset(content_type: str) -> str:
    for parameter in content_type.split(";")[1:]:
        name, _, value = parameter.partition("=")
        if name.strip().lower() == "charset":
            return value.strip().strip("\"'").lower() or "utf-8"
    return "utf-8"


def _transcoded(body: bytes, charset: str) -> bytes | Undecodable:
    try:
        return body.decode(charset).removeprefix("\ufeff").encode()
    except LookupError:
        return Undecodable(f"unknown charset {charset[:40]!r}")
    except ValueError:
        return Undecodable(f"not text in the charset {charset!r} it claims")


def _unpack(body: bytes, coding: str) -> bytes | Undecodable:
    if coding in ("", "identity"):
        return body
    unpack = _UNPACK.get(coding)
    if unpack is None:
        known = ", ".join(_UNPACK)
        return Undecodable(f"content encoding {coding[:40]!r} is not one we can read: {known}")
    if not body:
        return body  # an empty answer is sent with the header and without a coded body in practice
    limit = min(MAX_DECODED_BYTES, max(_RATIO_FREE_BYTES, MAX_RATIO * len(body)))
    try:
        unpacked = unpack(body, limit)
    except (zlib.error, zstandard.ZstdError, EOFError) as exc:
        return Undecodable(f"damaged {coding}: {_one_line(exc)}")
    if len(unpacked) > limit:
        return Undecodable(f"{coding} of {len(body)} bytes holds more than {limit} bytes")
    return unpacked


def _inflated(body: bytes, limit: int, wbits: int) -> bytes:
    """Decompress all members, at most one byte more than `limit`."""
    pieces: list[bytes] = []
    size = 0
    while body and size <= limit:
        machine = zlib.decompressobj(wbits)
        piece = machine.decompress(body, limit + 1 - size)
        pieces.append(piece)
        size += len(piece)
        if not machine.eof:
            if size <= limit:
                raise EOFError("ends in the middle")
            break
        # A gzip file may have several members; anything else after the end is padding.
        body = machine.unused_data if wbits == _GZIP_WBITS else b""
        if not body.startswith(b"\x1f\x8b"):
            break
    return b"".join(pieces)


def _gunzip(body: bytes, limit: int) -> bytes:
    return _inflated(body, limit, _GZIP_WBITS)


def _inflate(body: bytes, limit: int) -> bytes:
    # RFC 9110 §8.4.1.2 means zlib by "deflate"; some servers send the raw stream all the same.
    try:
        return _inflated(body, limit, zlib.MAX_WBITS)
    except zlib.error:
        return _inflated(body, limit, -zlib.MAX_WBITS)


def _unzstd(body: bytes, limit: int) -> bytes:
    """Decompress all frames; more than `limit` by what one piece of input can hold at most."""
    machine = _ZSTD.decompressobj()
    pieces: list[bytes] = []
    size = 0
    # Fed in small pieces, because the library has no limit on what one piece may grow to. A piece
    # of 1 KiB holds at most 256 blocks of 128 KiB.
    for start in range(0, len(body), 1024):
        given = body[start : start + 1024]
        while given and size <= limit:
            if machine.eof:
                machine = _ZSTD.decompressobj()
            pieces.append(machine.decompress(given))
            size += len(pieces[-1])
            given = machine.unused_data
    if size <= limit and not machine.eof:
        raise EOFError("ends in the middle")
    return b"".join(pieces)


# Windows up to 128 MiB are what `zstd --long` needs and the most a decoder has to give memory for.
_ZSTD = zstandard.ZstdDecompressor(max_window_size=2**27)
_UNPACK: dict[str, Callable[[bytes, int], bytes]] = {
    "gzip": _gunzip,
    "x-gzip": _gunzip,
    "deflate": _inflate,
    "zstd": _unzstd,
}


def _one_line(exc: Exception) -> str:
    return " ".join(str(exc).split())[:200]
