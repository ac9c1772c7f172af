"""A call of a JSON API whose log has values where the wire had a request and an answer."""

from __future__ import annotations

from typing import Any

import orjson

from harness.exchange import Headers, Request, Response
from harness.readers import wire

JSON = ("Content-Type", "application/json")
CHAT = "/v1/chat/completions"


def request(target: str, body: bytes, method: str = "POST") -> Request:
    """A request with that JSON body, framed.

    Raises:
        ValueError: The method or target is none.
    """
    headers = wire.framed([JSON] if body else [], body, wire.method(method))
    return Request(method, wire.target(target), headers, body)


def response(status: int, body: bytes, *headers: tuple[str, str]) -> Response:
    """An answer with that JSON body."""
    told: Headers = (JSON, *headers)
    return Response(status, told, body, n_body_bytes=len(body))


def dumps(document: Any) -> bytes:
    """JSON text.

    Raises:
        ValueError: A number or a text is beyond JSON.
    """
    try:
        return orjson.dumps(document)
    except orjson.JSONEncodeError as exc:
        raise ValueError(f"cannot be written as JSON: {exc}") from exc
