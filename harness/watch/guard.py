"""Who may ask the admin port what.

A web page can make its reader's browser talk to ports on the reader's machine. It cannot choose the
`Host` freely: that is the name the page was loaded from, even when its owner points the name at
127.0.0.1 (DNS rebinding). So a request has to name this server by an address, by `localhost`, or
know the token; and one that says from which page it comes has to come from this server's own.

Probes are for whoever can reach the port. The rest needs the token where more than this machine
can, and changes need it everywhere.
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import ip_address

_SCHEME = "bearer "


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a request is not answered.

    Attributes:
        status: HTTP status.
        sentence: For whoever asked.
    """

    status: int
    sentence: str


@dataclass(frozen=True, slots=True)
class Guard:
    """The rules of one admin port.

    Args:
        token: None where there is none; then nothing can be changed over the port.
        is_loopback: Whether only this machine reaches it.

    Raises:
        ValueError: It is reachable from elsewhere and there is no token.
    """

    token: str | None = field(repr=False)
    is_loopback: bool

    def __post_init__(self) -> None:
        if not self.is_loopback and not self.token:
            raise ValueError("an admin port beyond loopback needs a token")

    def probe(self, headers: Mapping[str, str]) -> Refusal | None:
        """`/healthz` and `/readyz`."""
        return self._origin(headers)

    def read(self, headers: Mapping[str, str]) -> Refusal | None:
        """What shows something."""
        refusal = self._origin(headers)
        if refusal is None and not self.is_loopback and not self._knows_token(headers):
            return _no_token()
        return refusal

    def change(self, headers: Mapping[str, str]) -> Refusal | None:
        """What changes something."""
        refusal = self._origin(headers)
        if refusal is not None:
            return refusal
        if not self.token:
            return Refusal(403, "set `capture.admin_token` to change anything over this port")
        return None if self._knows_token(headers) else _no_token()

    def _origin(self, headers: Mapping[str, str]) -> Refusal | None:
        host = headers.get("Host", "")
        if not _names_a_machine(host) and not self._knows_token(headers):
            return Refusal(421, "name this server by its address, or send the token")
        origin = headers.get("Origin")
        if origin is not None and origin.partition("://")[2].lower() != host.lower():
            return Refusal(403, "pages of other origins may not ask here")
        if headers.get("Sec-Fetch-Site", "none") in ("cross-site", "same-site"):
            return Refusal(403, "pages of other origins may not ask here")
        return None

    def _knows_token(self, headers: Mapping[str, str]) -> bool:
        given = headers.get("Authorization", "")
        if not self.token or given[: len(_SCHEME)].lower() != _SCHEME:
            return False
        sent = given[len(_SCHEME) :].strip().encode("utf-8", "surrogateescape")
        return hmac.compare_digest(sent, self.token.encode())


def _no_token() -> Refusal:
    return Refusal(401, "send `Authorization: Bearer` with the admin token")


def _names_a_machine(host: str) -> bool:
    """Whether a Host is an address or localhost, which no page can have as its own name."""
    name, colon, port = host.rpartition(":")
    if not colon or not port.isdigit() or (":" in name and not name.endswith("]")):
        name = host
    name = name.removeprefix("[").removesuffix("]").lower().rstrip(".")
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        ip_address(name)
    except ValueError:
        return False
    return True
