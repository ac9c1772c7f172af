"""A recorded or captured request in the form in which one deployment is to receive it.

Everything stays as it was but for what is listed here, in this order:

1. Hop-by-hop fields are dropped: those of RFC 9110 section 7.6.1 and those that `Connection` names
   (`Host`, `Content-Length` and `Transfer-Encoding` excepted, which a message cannot do without).
2. `Expect: 100-continue` is dropped: the whole body is at hand and sent at once.
3. Framing is made true. Bodies are kept decoded, so `Transfer-Encoding` becomes `Content-Length`
   in its place; a wrong length is put right where it stands, a second one dropped, a missing one
   added when there is a body.
4. A challenger gets its own authority as `Host`; the champion keeps the client's. The field keeps
   its place, and becomes the first where there was none.
5. The client's credentials go to no challenger.
6. A challenger gets `X-Harness-Shadow` with its name, and `X-Request-Id` unless the client sent
   one: that one is what the client's own systems know the request by.
7. Fields from the deployment's config replace those of the same name, in the place of the first,
   or are added at the end. This comes last, so that a challenger can be given credentials.
8. The path is replaced where the config says so, query kept, and the base URL's path goes before.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, auto

from harness.exchange import Headers, Request, RequestId

SHADOW_HEADER = "X-Harness-Shadow"
"""Marks a request to a challenger; its value is the challenger's name."""

REQUEST_ID_HEADER = "X-Request-Id"

CREDENTIALS = frozenset(
    {
        "authorization",
        "cookie",
        "cookie2",
        "x-api-key",
        "api-key",
        "apikey",
        "x-goog-api-key",
        "x-goog-iam-authorization-token",
        "x-amz-security-token",
        "x-auth-token",
        "x-access-token",
        "x-functions-key",
        "ocp-apim-subscription-key",
        "private-token",
    }
)
"""Header names, lower case, whose values prove who the client is."""

_HOP_BY_HOP = frozenset(
    {
        "connection",
        "keep-alive",
        "proxy-connection",
        "proxy-authenticate",
        "proxy-authorization",
        "te",
        "trailer",
        "upgrade",
        "http2-settings",
    }
)
_FRAMING = frozenset({"content-length", "transfer-encoding"})
_NEEDED = _FRAMING | {"host"}

_MOST_NAMES_REMEMBERED = 10_000


@dataclass(frozen=True, slots=True)
class Destination:
    """What one deployment changes in the requests it gets.

    Attributes:
        authority: Host, with the port where it is not the scheme's own.
        path_prefix: Path of the base URL, without a slash at its end.
        path: Path that replaces the request's own, query excepted; None keeps it.
        headers: Fields set by the deployment's config.
        shadow: The challenger's name; None for the champion.

    Raises:
        ValueError: When `headers` sets a field that framing depends on.
    """

    authority: str
    path_prefix: str = ""
    path: str | None = None
    headers: Headers = ()
    shadow: str | None = None

    def __post_init__(self) -> None:
        for name, _ in self.headers:
            if name.lower() in _FRAMING | _HOP_BY_HOP - {"proxy-authorization"}:
                raise ValueError(
                    f"{name} cannot be set: harness frames requests and keeps connections itself"
                )


def is_shadow(request: Request) -> bool:
    """Whether this request was mirrored already, and must not be mirrored again."""
    return any(name.lower() == "x-harness-shadow" for name, _ in request.headers)


def forwarded(request: Request, request_id: RequestId, destination: Destination) -> Request:
    """The request as this deployment is to receive it. See the module docstring for the rules.

    Examples:
        >>> recorded = Request("GET", "/predict?n=1", (("Host", "api.example"), ("Cookie", "s=1")))
        >>> challenger = Destination("127.0.0.1:9102", path_prefix="/v2", shadow="knn")
        >>> forwarded(recorded, RequestId("r1"), challenger)  # doctest: +NORMALIZE_WHITESPACE
        Request(method='GET', target='/v2/predict?n=1',
            headers=(('Host', '127.0.0.1:9102'), ('X-Harness-Shadow', 'knn'),
                     ('X-Request-Id', 'r1')), body=b'')
    """
    headers = _passed_on(request, request_id, destination)
    if destination.headers:
        _configure(headers, destination.headers)
    return Request(
        request.method, target_for(request.target, destination), tuple(headers), request.body
    )


def target_for(target: str, destination: Destination) -> str:
    """The request target at this deployment.

    A target in absolute form, as proxies record it, loses its scheme and authority: it would
    override the `Host` (RFC 9112 section 3.2.2). `*` stays what it is.
    """
    if destination.path is None and target.startswith("/"):  # nearly all
        return destination.path_prefix + target
    target = _origin_form(target)
    if target == "*":
        return target
    if destination.path is not None:
        _, question_mark, query = target.partition("?")
        target = destination.path + question_mark + query
    if not destination.path_prefix:
        return target
    slash = "" if target.startswith(("/", "?")) or not target else "/"
    return destination.path_prefix + slash + target


def _origin_form(target: str) -> str:
    if not target[:8].lower().startswith(("http://", "https://")):
        return target
    rest = target.partition("://")[2]
    starts = [at for at in (rest.find("/"), rest.find("?")) if at >= 0]
    origin = rest[min(starts) :] if starts else ""
    return origin if origin.startswith("/") else f"/{origin}"


class _Rule(Enum):
    """What becomes of a field that is not passed on as it is."""

    DROP = auto()
    CONNECTION = auto()
    FRAMING = auto()
    EXPECT = auto()
    HOST = auto()
    REQUEST_ID = auto()


class _Rules(dict[str, _Rule | None]):
    """Rules by field name in lower case, and by every spelling seen; None passes a field on.

    A dictionary that fills itself, because a lookup is all that a field may cost.
    """

    def __missing__(self, name: str) -> _Rule | None:
        rule = self.get(name.lower())
        if len(self) < _MOST_NAMES_REMEMBERED:  # clients choose names
            self[name] = rule
        return rule


_CHAMPION: Mapping[str, _Rule] = {
    **dict.fromkeys(_HOP_BY_HOP, _Rule.DROP),
    **dict.fromkeys(_FRAMING, _Rule.FRAMING),
    "connection": _Rule.CONNECTION,
    "expect": _Rule.EXPECT,
    "host": _Rule.HOST,
}
_CHALLENGER: Mapping[str, _Rule] = {
    **_CHAMPION,
    **dict.fromkeys(CREDENTIALS, _Rule.DROP),
    SHADOW_HEADER.lower(): _Rule.DROP,
    REQUEST_ID_HEADER.lower(): _Rule.REQUEST_ID,
}
_CHAMPION_RULES = _Rules(_CHAMPION)
_CHALLENGER_RULES = _Rules(_CHALLENGER)


def _passed_on(
    request: Request, request_id: RequestId, destination: Destination
) -> list[tuple[str, str]]:
    """Rules 1 to 6, in one walk through the fields: it is done for every request."""
    is_challenger = destination.shadow is not None
    rules = _CHALLENGER_RULES if is_challenger else _CHAMPION_RULES
    length = str(len(request.body))
    headers: list[tuple[str, str]] = []
    named: set[str] = set()
    has_host = has_length = has_id = False
    for field in request.headers:
        name, value = field
        rule = rules[name]
        if rule is None:
            headers.append(field)
        elif rule is _Rule.FRAMING:
            if not has_length:
                its_own = name.lower() == "content-length"
                headers.append((name if its_own else "Content-Length", length))
                has_length = True
        elif rule is _Rule.HOST:
            if not is_challenger:
                headers.append(field)
            elif not has_host:
                headers.append((name, destination.authority))
            has_host = True
        elif rule is _Rule.REQUEST_ID:
            headers.append(field)
            has_id = True
        elif rule is _Rule.CONNECTION:
            named.update(token.strip().lower() for token in value.split(","))
        elif rule is _Rule.EXPECT and value.strip().lower() != "100-continue":
            headers.append(field)
    if named:
        headers = [field for field in headers if field[0].lower() not in named - _NEEDED]
        has_id = has_id and "x-request-id" not in named
    if not has_host:
        headers.insert(0, ("Host", destination.authority))
    if request.body and not has_length:
        headers.append(("Content-Length", length))
    if destination.shadow is not None:
        headers.append((SHADOW_HEADER, destination.shadow))
        if not has_id:
            headers.append((REQUEST_ID_HEADER, request_id))
    return headers


def _configure(headers: list[tuple[str, str]], configured: Headers) -> None:
    """Put the config's fields; several of one name replace those of the request together."""
    done: set[str] = set()
    for name, value in configured:
        if name.lower() in done:
            headers.append((name, value))
        else:
            _replace(headers, name, value)
            done.add(name.lower())


def _replace(headers: list[tuple[str, str]], name: str, value: str) -> None:
    """Put one field in the place of the first of its name, drop the others; else add it."""
    lower = name.lower()
    places = [i for i, (known, _) in enumerate(headers) if known.lower() == lower]
    for i in reversed(places[1:]):
        del headers[i]
    if places:
        headers[places[0]] = (headers[places[0]][0], value)
    else:
        headers.append((name, value))
