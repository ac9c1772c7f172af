"""Content encodings and charsets, and what is refused."""

import gzip
import zlib

import pytest
import zstandard

from harness.dialects.encoding import MAX_DECODED_BYTES, decoded_text
from harness.output import Undecodable

TEXT = b'{"label": "caf\xc3\xa9"}'


def raw_deflate(text: bytes) -> bytes:
    machine = zlib.compressobj(wbits=-15)
    return machine.compress(text) + machine.flush()


@pytest.mark.parametrize(
    ("coding", "body"),
    [
        ("identity", TEXT),
        ("", TEXT),
        ("gzip", gzip.compress(TEXT, mtime=0)),
        ("GZIP", gzip.compress(TEXT, mtime=0)),
        ("x-gzip", gzip.compress(TEXT, mtime=0)),
        ("gzip", gzip.compress(TEXT[:5], mtime=0) + gzip.compress(TEXT[5:], mtime=0)),
        ("gzip", gzip.compress(TEXT, mtime=0) + b"\0\0\0"),
        ("deflate", zlib.compress(TEXT)),
        ("deflate", raw_deflate(TEXT)),
        ("zstd", zstandard.compress(TEXT)),
        ("zstd", zstandard.compress(TEXT[:5]) + zstandard.compress(TEXT[5:])),
        ("deflate, gzip", gzip.compress(zlib.compress(TEXT), mtime=0)),
    ],
)
def test_content_codings_are_undone(coding, body):
    """Every coding we know gives the text back, also several after another."""
    assert decoded_text(body, (("content-encoding", coding),)) == TEXT


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("application/json", TEXT),
        ("application/json; charset=utf-8", TEXT),
        ('application/json; charset="UTF-8"', TEXT),
        ("application/json; charset=iso-8859-1", TEXT.decode().encode("latin-1")),
        ("application/json; charset=utf-16", TEXT.decode().encode("utf-16")),
        ("application/json", b"\xef\xbb\xbf" + TEXT),
    ],
)
def test_charsets_become_utf8(content_type, body):
    """Whatever the charset, the text comes in UTF-8 and without a byte order mark."""
    assert decoded_text(body, (("Content-Type", content_type),)) == TEXT


@pytest.mark.parametrize(
    ("headers", "body", "reason"),
    [
        (
            (("Content-Encoding", "br"),),
            b"x",
            "content encoding 'br' is not one we can read: gzip, x-gzip, deflate, zstd",
        ),
        ((("Content-Encoding", "gzip"),), gzip.compress(TEXT, mtime=0)[:-10], "damaged gzip: "),
        ((("Content-Encoding", "gzip"),), TEXT, "damaged gzip: "),
        ((("Content-Encoding", "deflate"),), b"\xff\xff", "damaged deflate: "),
        ((("Content-Encoding", "zstd"),), zstandard.compress(TEXT)[:-3], "damaged zstd: "),
        ((("Content-Encoding", "zstd"),), TEXT, "damaged zstd: "),
        ((("Content-Type", "text/plain; charset=klingon"),), TEXT, "unknown charset 'klingon'"),
        ((("Content-Type", "text/plain; charset=hex"),), TEXT, "unknown charset 'hex'"),
        (
            (("Content-Type", "text/plain; charset=utf-16"),),
            b"abc",
            "not text in the charset 'utf-16' it claims",
        ),
    ],
)
def test_what_cannot_be_read_says_why(headers, body, reason):
    """Unknown codings and damage are a value with a reason, never an exception."""
    decoded = decoded_text(body, headers)

    assert isinstance(decoded, Undecodable)
    assert decoded.reason.startswith(reason)


@pytest.mark.parametrize("coding", ["gzip", "deflate", "zstd"])
def test_a_bomb_is_stopped_at_the_cap(coding):
    """A body that grows beyond the allowed ratio is undecodable, and is not unpacked in full."""
    zeros = bytes(4 * MAX_DECODED_BYTES)
    bomb = {"gzip": gzip.compress, "deflate": zlib.compress, "zstd": zstandard.compress}[coding](
        zeros
    )

    decoded = decoded_text(bomb, (("Content-Encoding", coding),))

    assert isinstance(decoded, Undecodable)
    assert "holds more than" in decoded.reason


def test_a_gzipped_gzip_bomb_is_stopped_too():
    """The cap holds for every layer."""
    bomb = gzip.compress(gzip.compress(bytes(4 * MAX_DECODED_BYTES)))

    assert isinstance(decoded_text(bomb, (("Content-Encoding", "gzip, gzip"),)), Undecodable)
