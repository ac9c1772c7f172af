"""Plain JSON answers, as most prediction servers give them.

Read by orjson, with three exceptions that it does not cover and that matter when two answers are
compared. Integers beyond 64 bits, which it turns into floats, are read again exactly. `NaN` and
`Infinity`, which are no JSON but what Python servers send, are accepted and later compared as
numbers (two NaN are the same). An object that repeats a key says so. Each exception is found by a
search over the bytes that costs less than a microsecond per KiB; only a hit is read slowly.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

import orjson

from harness.dialects.encoding import decoded_text
from harness.exchange import Headers
from harness.output import Decoded, JsonValue, RepeatedKeys, Undecodable
from harness.usage import Usage

# What orjson can write back. Answers are a dozen levels deep; deeper ones are an attack or a
# mistake, and everything after the dialect may rely on the limit.
MAX_DEPTH = 254

_DIGITS_TO_ZERO = bytes(0x30 if 0x30 <= byte <= 0x39 else 0x20 for byte in range(256))
_LONG_INTEGER = b"0" * 19  # the shortest that can leave 64 bits; 2**63 has 19 digits
_NOT_JSON_BUT_SENT = (b"NaN", b"Infinity")
_ESCAPED_QUOTE_OR_COLON = (b"\\u0022", b"\\u003")


@dataclass(frozen=True, slots=True)
class JsonPredict:
    """Strict JSON in UTF-8, or in the charset the answer names.

    Examples:
        >>> JsonPredict().decode(b'{"label": 7}', ())
        {'label': 7}
        >>> JsonPredict().decode(b'{"label": ', ()).reason
        'not JSON: unexpected end of data at character 10'
    """

    def decode(self, body: bytes, headers: Headers) -> Decoded:
        text = decoded_text(body, headers)
        return text if isinstance(text, Undecodable) else parsed_json(text)

    def usage(self, decoded: Decoded) -> Usage:
        return usage_of(decoded)


def parsed_json(text: bytes) -> Decoded:
    """Parse JSON with exact integers and repeated keys kept; see the module."""
    if not text:
        return Undecodable("empty body")
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError as exc:
        if any(token in text for token in _NOT_JSON_BUT_SENT) or _has_long_integer(text):
            return _parsed_slowly(text)
        return Undecodable(f"not JSON: {exc.msg} at character {exc.pos}")
    try:
        written = orjson.dumps(value)
    except orjson.JSONEncodeError:
        return _parsed_slowly(text)  # nested deeper than it writes
    # Most servers write compact JSON; what comes back the same has lost nothing.
    if written != text and (_has_long_integer(text) or _may_repeat_keys(text, written)):
        return _parsed_slowly(text)
    return value  # type: ignore[no-any-return]


def _has_long_integer(text: bytes) -> bool:
    return _LONG_INTEGER in text.translate(_DIGITS_TO_ZERO)


def _may_repeat_keys(text: bytes, written: bytes) -> bool:
    """Whether the text may have more keys than the value read from it.

    Writing the value again gives as many `":` as the text has, unless keys were repeated or the
    text is formatted or escaped in an unusual way, which then only costs the slow reading.
    """
    if written.count(b'":') != text.count(b'":'):
        return True
    # An escaped quote or colon inside a string could make up for a key that is gone.
    return b"\\u00" in text and any(escape in text for escape in _ESCAPED_QUOTE_OR_COLON)


def _parsed_slowly(text: bytes) -> Decoded:
    try:
        value = json.loads(text, object_pairs_hook=_object)
    except RecursionError:
        return Undecodable(f"nested deeper than {MAX_DEPTH} levels")
    except ValueError as exc:
        # Also an integer of more than 4300 digits, which Python refuses to convert.
        return Undecodable(f"not JSON: {' '.join(str(exc).split())[:200]}")
    if depth_exceeds(value, MAX_DEPTH):
        return Undecodable(f"nested deeper than {MAX_DEPTH} levels")
    if b"\\ud" in text.lower() and not _is_text(value):
        return Undecodable("not JSON: half of a surrogate pair")
    return value  # type: ignore[no-any-return]


def _object(members: list[tuple[str, JsonValue]]) -> dict[str, JsonValue]:
    plain = dict(members)
    if len(plain) == len(members):
        return plain
    counts = Counter(name for name, _ in members)
    return RepeatedKeys(members, (name for name, count in counts.items() if count > 1))


def _is_text(value: JsonValue) -> bool:
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return False
    return True


def depth_exceeds(value: JsonValue, limit: int) -> bool:
    """Whether containers are nested more than `limit` deep."""
    level = [value]
    for _ in range(limit):
        level = [
            child
            for parent in level
            if isinstance(parent, dict | list)
            for child in (parent.values() if isinstance(parent, dict) else parent)
            if isinstance(child, dict | list)
        ]
        if not level:
            return False
    return True


def usage_of(decoded: Decoded) -> Usage:
    """Tokens from a `usage` object, under the names of the OpenAI or the Anthropic API.

    OpenAI counts cached tokens in the input, Anthropic beside it; here they are always in it.
    """
    usage = decoded.get("usage") if isinstance(decoded, dict) else None
    if not isinstance(usage, dict):
        return Usage()
    assert isinstance(decoded, dict)
    input_tokens = _tokens(usage, "prompt_tokens", "input_tokens")
    beside_input = _tokens(usage, "cache_read_input_tokens")
    written = _tokens(usage, "cache_creation_input_tokens")
    if input_tokens is not None:
        input_tokens += (beside_input or 0) + (written or 0)
    within_input = _details(usage, "prompt_tokens_details", "input_tokens_details")
    within_output = _details(usage, "completion_tokens_details", "output_tokens_details")
    cached = _tokens(within_input, "cached_tokens") if beside_input is None else beside_input
    model = decoded.get("model")
    return Usage(
        input_tokens=input_tokens,
        output_tokens=_tokens(usage, "completion_tokens", "output_tokens"),
        cached_tokens=cached,
        cache_write_tokens=written,
        reasoning_tokens=_tokens(within_output, "reasoning_tokens"),
        model=model if isinstance(model, str) and model else None,
    )


def _details(usage: Mapping[str, JsonValue], *names: str) -> Mapping[str, JsonValue]:
    for name in names:
        details = usage.get(name)
        if isinstance(details, dict):
            return details
    return {}


def _tokens(usage: Mapping[str, JsonValue], *names: str) -> int | None:
    for name in names:
        tokens = usage.get(name)
        if isinstance(tokens, int) and not isinstance(tokens, bool) and tokens >= 0:
            return tokens
    return None
