"""Answers of a SageMaker endpoint (`/endpoints/NAME/invocations`), and of a container behind one.

What they hold is up to the model; the containers' own formats are read by their Content-Type: JSON,
JSON Lines (a list), CSV (a list of rows; a field that is a number becomes one) and plain text. An
answer without that header is taken for JSON where it is JSON.

Streams in the AWS event encoding (`application/vnd.amazon.eventstream`) are not read. A container
that answers as OpenAI's API does is best read with that dialect.
"""

from __future__ import annotations

import csv
from collections.abc import Callable
from dataclasses import dataclass

import orjson

from harness.dialects.encoding import decoded_text
from harness.dialects.json_predict import parsed_json, usage_of
from harness.exchange import Headers
from harness.output import Decoded, JsonValue, Undecodable
from harness.usage import Usage

# Of one field of a CSV; longer ones are no prediction. The csv module's own default.
_MOST_CHARACTERS = 131_072


@dataclass(frozen=True, slots=True)
class SageMaker:
    """SageMaker invocations.

    Examples:
        >>> SageMaker().decode(b"0.25,cat\\n", (("Content-Type", "text/csv"),))
        [[0.25, 'cat']]
        >>> SageMaker().decode(b'{"predictions": [{"score": 0.5}]}', ())
        {'predictions': [{'score': 0.5}]}
    """

    def decode(self, body: bytes, headers: Headers) -> Decoded:
        text = decoded_text(body, headers)
        if isinstance(text, Undecodable):
            return text
        content_type = next(
            (value for name, value in headers if name.lower() == "content-type"), ""
        )
        media_type = content_type.partition(";")[0].strip().lower()
        if media_type == "application/vnd.amazon.eventstream":
            return Undecodable("an AWS event stream, which is not read")
        return _READ.get(media_type, parsed_json)(text)

    def usage(self, decoded: Decoded) -> Usage:
        return usage_of(decoded)


def _lines(text: bytes) -> Decoded:
    values: list[JsonValue] = []
    for number, line in enumerate(text.splitlines(), start=1):
        if line.strip():
            value = parsed_json(line)
            if isinstance(value, Undecodable):
                return Undecodable(f"line {number} is {value.reason}")
            values.append(value)
    return values if values else Undecodable("empty body")


def _table(text: bytes) -> Decoded:
    try:
        lines = [line + "\n" for line in text.decode().split("\n")]  # may end within quotes
    except ValueError:
        return Undecodable("not text in UTF-8")
    if any(len(line) > _MOST_CHARACTERS for line in lines):
        return Undecodable(f"a line of more than {_MOST_CHARACTERS} characters")
    try:
        rows = [[_field(text) for text in row] for row in csv.reader(lines) if row]
    except csv.Error as exc:
        return Undecodable(f"not CSV: {exc}")
    return [*rows] if rows else Undecodable("empty body")


def _field(text: str) -> JsonValue:
    """A number where it is one as JSON writes it; a leading zero keeps a code a text."""
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError:
        return text
    return value if type(value) in (int, float) else text


def _plain(text: bytes) -> Decoded:
    try:
        return text.decode()
    except ValueError:
        return Undecodable("not text in UTF-8")


_READ: dict[str, Callable[[bytes], Decoded]] = {
    "application/jsonlines": _lines,
    "application/x-ndjson": _lines,
    "text/csv": _table,
    "text/plain": _plain,
}
