"""Answers of TensorFlow Serving's REST API.

`{"predictions": [...]}` (row format) or `{"outputs": ...}` (column format). Numbers may be the bare
words NaN and Infinity there, which the JSON reader accepts. An answer that is an `error` means
nothing, whatever its status.
"""

from __future__ import annotations

from dataclasses import dataclass

from harness.dialects.json_predict import JsonPredict, usage_of
from harness.exchange import Headers
from harness.output import Decoded, Undecodable
from harness.usage import Usage


@dataclass(frozen=True, slots=True)
class TfServing:
    """TensorFlow Serving, REST.

    Examples:
        >>> TfServing().decode(b'{"predictions": [[0.1, 0.9]]}', ())
        {'predictions': [[0.1, 0.9]]}
        >>> TfServing().decode(b'{"error": "no such signature"}', ()).reason
        'the server reports: no such signature'
    """

    def decode(self, body: bytes, headers: Headers) -> Decoded:
        value = JsonPredict().decode(body, headers)
        if isinstance(value, dict) and value.keys() == {"error"}:
            return Undecodable(f"the server reports: {' '.join(str(value['error']).split())[:200]}")
        return value

    def usage(self, decoded: Decoded) -> Usage:
        return usage_of(decoded)
