"""Tokens and keys in a text, by the shapes in which their issuers write them."""

from __future__ import annotations

import re
from collections.abc import Iterator

_JWT = re.compile(
    r"(?<![A-Za-z0-9_-])eyJ[A-Za-z0-9_-]{12,}+(?:\.[A-Za-z0-9_-]*+){2,4}", re.ASCII
)  # the first part is a JSON object, whose `{"` is `eyJ` in base64; five parts when encrypted

# What a key starts with, and what of it has to follow. Quantifiers never give back: a key is read
# once, however often its beginning stands in a text.
_SHAPES = {
    "sk-": r"[A-Za-z0-9_-]{16,}+",
    "sk_live_": r"[A-Za-z0-9]{10,}+",
    "sk_test_": r"[A-Za-z0-9]{10,}+",
    "rk_live_": r"[A-Za-z0-9]{10,}+",
    "rk_test_": r"[A-Za-z0-9]{10,}+",
    "whsec_": r"[A-Za-z0-9+/=]{16,}+",
    "AKIA": r"[A-Z0-9]{16}(?![A-Za-z0-9])",
    "ASIA": r"[A-Z0-9]{16}(?![A-Za-z0-9])",
    "AIza": r"[A-Za-z0-9_-]{35,}+",
    "ya29.": r"[A-Za-z0-9_-]{20,}+",
    "ghp_": r"[A-Za-z0-9]{20,}+",
    "gho_": r"[A-Za-z0-9]{20,}+",
    "ghu_": r"[A-Za-z0-9]{20,}+",
    "ghs_": r"[A-Za-z0-9]{20,}+",
    "ghr_": r"[A-Za-z0-9]{20,}+",
    "github_pat_": r"[A-Za-z0-9_]{20,}+",
    "glpat-": r"[A-Za-z0-9_-]{16,}+",
    "xoxa-": r"[A-Za-z0-9-]{10,}+",
    "xoxb-": r"[A-Za-z0-9-]{10,}+",
    "xoxe-": r"[A-Za-z0-9-]{10,}+",
    "xoxp-": r"[A-Za-z0-9-]{10,}+",
    "xoxr-": r"[A-Za-z0-9-]{10,}+",
    "xoxs-": r"[A-Za-z0-9-]{10,}+",
    "xapp-": r"[A-Za-z0-9-]{10,}+",
    "hf_": r"[A-Za-z0-9]{30,}+",
    "gsk_": r"[A-Za-z0-9]{30,}+",
    "xai-": r"[A-Za-z0-9]{30,}+",
    "npm_": r"[A-Za-z0-9]{36,}+",
    "pypi-": r"[A-Za-z0-9_-]{40,}+",
    "SG.": r"[A-Za-z0-9_-]{16,}+\.[A-Za-z0-9_-]{16,}+",
    "AccountKey=": r"[A-Za-z0-9+/]{40,}+={0,2}",
    "SharedAccessKey=": r"[A-Za-z0-9+/]{40,}+={0,2}",
}
_STARTS = tuple(_SHAPES)
_SHORTEST_KEY = 15
_ANY_SHAPE = "|".join(re.escape(start) + rest for start, rest in _SHAPES.items())
_KEY = re.compile(f"(?<![A-Za-z0-9])(?:{_ANY_SHAPE})", re.ASCII)
_BEARER = re.compile(r"(?<![a-z])bearer[ ]{1,3}([a-z0-9._~+/-]{16,}+=*+)", re.ASCII | re.IGNORECASE)

_PEM_MARK = "PRIVATE KEY"
_PEM_BEGIN = re.compile(r"-----BEGIN [A-Z0-9 ]{0,30}PRIVATE KEY(?: BLOCK)?-----")
_PEM_END = re.compile(r"-----END [A-Z0-9 ]{0,30}PRIVATE KEY(?: BLOCK)?-----")


def web_tokens(text: str) -> Iterator[tuple[int, int]]:
    """Where signed or encrypted JSON Web Tokens stand."""
    if "eyJ" in text:
        yield from (found.span() for found in _JWT.finditer(text))


def keys(text: str) -> Iterator[tuple[int, int]]:
    """Where keys stand: of model and cloud providers, of forges, private keys, bearer tokens."""
    if len(text) < _SHORTEST_KEY:
        return
    found: list[tuple[int, int]] = []
    for start_of_key in _STARTS:  # a search for a fixed text costs a tenth of one for a pattern
        if start_of_key in text:
            found += (key.span() for key in _KEY.finditer(text))
            break
    if "earer" in text or "EARER" in text:
        found += (token.span(1) for token in _BEARER.finditer(text))
    if _PEM_MARK in text:
        found += _private_keys(text)
    done = 0
    for start, end in sorted(found):
        if start >= done:
            yield start, end
            done = end


def _private_keys(text: str) -> Iterator[tuple[int, int]]:
    """Whole PEM blocks; one that does not end goes to the end of the text."""
    begin = _PEM_BEGIN.search(text)
    while begin is not None:
        end = _PEM_END.search(text, begin.end())
        if end is None:
            yield begin.start(), len(text)
            return
        yield begin.start(), end.end()
        begin = _PEM_BEGIN.search(text, end.end())
