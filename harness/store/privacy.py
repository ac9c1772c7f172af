"""What of an exchange may be written to disk.

Headers are kept by name, from a list; a credential is never kept, not even when somebody adds its
name to that list. Values of keys and tokens in a request's query are masked. Bodies are kept as
the config says. Everything else that must not be kept is taken out by whom the caller hands in
(`harness.dialects.redaction`), before a row is made.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from enum import StrEnum

from harness.exchange import Exchange, Failure, Headers, Response
from harness.pair import Kept, Pair

log = logging.getLogger(__name__)

KEPT_HEADERS = frozenset(
    {
        "accept", "accept-charset", "accept-encoding", "accept-language", "age", "cache-control",
        "content-encoding", "content-language", "content-length", "content-type", "date", "etag",
        "expires", "host", "last-modified", "retry-after", "server", "server-timing",
        "traceparent", "transfer-encoding", "user-agent", "vary", "via", "x-correlation-id",
        "x-request-id",
    }
)  # fmt: skip
"""Headers that are kept by default: they say how to read a body, who sent it, and what to join."""

MASK = "***"

# Words of a header's or parameter's name that make it a credential, wherever they stand in it.
_SECRET_WORDS = frozenset(
    {
        "apikey", "auth", "authentication", "authorization", "bearer", "cookie", "cookie2",
        "credential", "credentials", "jwt", "key", "passwd", "password", "pwd", "secret", "session",
        "sessionid", "sig", "signature", "token",
    }
)  # fmt: skip
_LETTER_CASE = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_NOT_LETTERS = re.compile(r"[^A-Za-z0-9]+")
_CREDENTIAL_VALUE = re.compile(r"\s*(basic|bearer|digest|negotiate|token)\s+\S", re.IGNORECASE)
_PARAMETER = re.compile(r"([?&;])([^=&;#]*)=([^&;#]*)")
_MOST_NAMES_REMEMBERED = 10_000


class KeepBodies(StrEnum):
    """Which bodies are written. Sizes always are, and a hash where the body is not."""

    ALL = "all"
    DIFFERING = "differing"
    NONE = "none"


def is_secret_name(name: str) -> bool:
    """Whether a header or parameter of this name carries a credential.

    Examples:
        >>> is_secret_name("X-Api-Key"), is_secret_name("accessToken"), is_secret_name("x-tokens")
        (True, True, False)
    """
    words = _NOT_LETTERS.sub(" ", _LETTER_CASE.sub(" ", name)).lower().split()
    return not _SECRET_WORDS.isdisjoint(words)


def masked_target(target: str) -> str:
    """A request target with the values of credentials in its query replaced.

    Examples:
        >>> masked_target("/v1/chat?key=abc&n=3")
        '/v1/chat?key=***&n=3'
    """
    if "?" not in target:
        return target
    return _PARAMETER.sub(_masked_parameter, target)


def _masked_parameter(parameter: re.Match[str]) -> str:
    before, name, _ = parameter.groups()
    return f"{before}{name}={MASK}" if is_secret_name(name) else parameter[0]


def answers_differ(pair: Pair) -> bool:
    """Whether the two answers are not the same bytes under the same status; so for any failure."""
    champion, challenger = pair.champion.outcome, pair.challenger.outcome
    if isinstance(champion, Failure) or isinstance(challenger, Failure):
        return True
    return champion.status != challenger.status or champion.body != challenger.body


def answer_of(exchange: Exchange) -> Response | None:
    """What was received, also for a failure."""
    outcome = exchange.outcome
    return outcome.response if isinstance(outcome, Failure) else outcome


class _Decisions(dict[str, bool]):
    """Whether headers of a name are kept; decided once for each spelling.

    A dictionary that fills itself, because a lookup is all that a header may cost.
    """

    def __init__(self, kept: frozenset[str]) -> None:
        super().__init__()
        self._kept = kept

    def __missing__(self, name: str) -> bool:
        decision = name.lower() in self._kept and not is_secret_name(name)
        if len(self) < _MOST_NAMES_REMEMBERED:  # clients choose names
            self[name] = decision
        return decision


@dataclass(frozen=True, slots=True)
class Privacy:
    """What may be written.

    Args:
        headers: Names to keep besides `KEPT_HEADERS`, in any case. A name or value that is a
            credential's is not kept all the same.
        differ: Whether a pair's answers differ, for `KeepBodies.DIFFERING`.
        redact: Gives a pair as it may be kept; what it fails with is not kept. None keeps all.
    """

    headers: Iterable[str] = ()
    keep_bodies: KeepBodies = KeepBodies.ALL
    differ: Callable[[Pair], bool] = answers_differ
    redact: Callable[[Kept], Kept] | None = None
    _added: frozenset[str] = field(init=False)
    _kept: _Decisions = field(init=False)

    def __post_init__(self) -> None:
        added = frozenset(name.lower() for name in self.headers)
        object.__setattr__(self, "_added", added)
        object.__setattr__(self, "_kept", _Decisions(KEPT_HEADERS | added))

    def redacted(self, pair: Kept) -> Kept | None:
        """The pair as it may be kept; None when it must not be, because redaction failed."""
        if self.redact is None:
            return pair
        try:
            return self.redact(pair)
        except Exception as exc:  # whatever it is: what was not looked through is not written
            log.warning("store.unredacted", extra={"why": type(exc).__name__})
            return None

    def keeps_bodies_of(self, pair: Kept) -> bool:
        match self.keep_bodies:
            case KeepBodies.ALL:
                return True
            case KeepBodies.DIFFERING:  # what was observed alone differs from nothing
                return isinstance(pair, Pair) and self.differ(pair)
            case KeepBodies.NONE:
                return False

    def keep(self, headers: Headers) -> list[tuple[str, str]]:
        """The headers that may be written, in order, duplicates kept."""
        decided = self._kept
        kept = [header for header in headers if decided[header[0]]]
        if not self._added:
            return kept
        return [header for header in kept if not self._betrays(*header)]

    def _betrays(self, name: str, value: str) -> bool:
        """Whether a header that a user added is written like a credential, whatever its name."""
        return name.lower() in self._added and _CREDENTIAL_VALUE.match(value) is not None
