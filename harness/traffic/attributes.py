"""Facts about a request that come from the request itself: its user, its segment.

An attribute is written `header:NAME`, `cookie:NAME`, `query:NAME`, or as a JSONPath into the
request's body. It is decided before anything is sent, so that no answer can influence it.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any
from urllib.parse import parse_qsl, unquote_plus, urlsplit

import orjson

from harness.exchange import Request

FindFirst = Callable[[Any], Any]
"""A compiled JSONPath: the first match in a decoded document; raises LookupError for none."""


class Place(StrEnum):
    """Where in a request an attribute stands."""

    HEADER = "header"
    COOKIE = "cookie"
    QUERY = "query"
    BODY = "body"


@dataclass(frozen=True, slots=True)
class Attribute:
    """One named place in a request.

    Attributes:
        name: Header, cookie or query name, or the text of the JSONPath.
        find: The compiled path, for `Place.BODY` alone.
        edges: Where its sizes are parted, rising; empty to take the value itself. A number is its
            own size, text is as large as it has characters.
    """

    place: Place
    name: str
    find: FindFirst | None = None
    edges: tuple[float, ...] = ()

    def of(self, request: Request) -> str | None:
        """The attribute's value as text; None when the request has none.

        JSON strings are taken as they are; other scalars as JSON text. Objects, arrays and null
        are no values.
        """
        value = self._value(request)
        if self.edges:
            size = _size(value)
            return None if size is None else bucket(size, self.edges)
        if value is None or isinstance(value, str):
            return value
        return orjson.dumps(value).decode()

    def _value(self, request: Request) -> str | float | bool | None:
        match self.place:
            case Place.HEADER:
                return _header(request, self.name)
            case Place.COOKIE:
                return _cookie(request, self.name)
            case Place.QUERY:
                return _query(request, self.name)
            case Place.BODY:
                return self._in_body(request.body)

    def _in_body(self, body: bytes) -> str | float | bool | None:
        assert self.find is not None
        try:
            value = self.find(orjson.loads(body))
        except (orjson.JSONDecodeError, LookupError):
            return None
        return None if value is None or isinstance(value, dict | list) else value


def bucket(size: float, edges: Sequence[float]) -> str:
    """Between which edges a size lies; the lower one belongs to it.

    Examples:
        >>> [bucket(size, (200, 1000)) for size in (199, 200, 1000)]
        ['below 200', '200 to 1000', 'from 1000']
    """
    i = bisect_right(edges, size)
    if i == 0:
        return f"below {edges[0]:g}"
    if i == len(edges):
        return f"from {edges[-1]:g}"
    return f"{edges[i - 1]:g} to {edges[i]:g}"


def _size(value: str | float | bool | None) -> float | None:
    if isinstance(value, str):
        return len(value)
    return None if isinstance(value, bool) else value


def attribute(
    text: str, compile_path: Callable[[str], FindFirst], edges: tuple[float, ...] = ()
) -> Attribute:
    """Read an attribute as a config writes it.

    Args:
        edges: Where its sizes are parted, rising.
        compile_path: Compiles a JSONPath; raises ValueError for a bad one.

    Raises:
        ValueError: With what is wrong and what is allowed.
    """
    if text.startswith("$"):
        return Attribute(Place.BODY, text, compile_path(text), edges)
    place, colon, name = text.partition(":")
    if colon and name and place in (Place.HEADER, Place.COOKIE, Place.QUERY):
        return Attribute(Place(place), name, edges=edges)
    raise ValueError(
        f"is {text!r}, must be header:NAME, cookie:NAME, query:NAME "
        f"or a JSONPath into the request body such as $.user"
    )


def _header(request: Request, name: str) -> str | None:
    wanted = name.lower()
    for have, value in request.headers:
        if have.lower() == wanted:
            return value.strip()
    return None


def _cookie(request: Request, name: str) -> str | None:
    for have, value in request.headers:
        if have.lower() == "cookie":
            for piece in value.split(";"):
                key, equals, content = piece.strip().partition("=")
                if equals and key == name:
                    return unquote_plus(content)
    return None


def _query(request: Request, name: str) -> str | None:
    for key, value in parse_qsl(urlsplit(request.target).query, keep_blank_values=True):
        if key == name:
            return value
    return None
