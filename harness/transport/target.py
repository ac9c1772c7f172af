"""One deployment as the sender sees it."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from harness.exchange import DeploymentName, Headers
from harness.http1.limits import ORDINARY, Limits
from harness.traffic.forwarding import Destination
from harness.transport.retries import NO_RETRIES, Retries
from harness.usage import Price

_PORTS = {"http": 80, "https": 443}

FAILED_STATUSES = frozenset({429, *range(500, 600)})
"""What counts as failed unless the config says otherwise: `[5xx, 429]`."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where a deployment listens, from its base URL.

    Attributes:
        host: Without brackets; an international name in its ASCII form.
        authority: What belongs into `Host`: the port is left out where it is the scheme's own.
        path_prefix: Path of the URL without a slash at its end.
        is_address: Whether `host` is an IP address and needs no name service.
    """

    is_tls: bool
    host: str
    port: int
    authority: str
    path_prefix: str
    is_address: bool

    @classmethod
    def of(cls, base_url: str) -> Endpoint:
        """Take a base URL apart.

        Raises:
            ValueError: It is no URL we can send to; the message says what is allowed.

        Examples:
            >>> Endpoint.of("https://api.example/v1/").authority
            'api.example'
            >>> Endpoint.of("http://[::1]:8080").authority
            '[::1]:8080'
        """
        try:
            parts = urlsplit(base_url)
            port = parts.port
        except ValueError as exc:
            raise ValueError(f"{base_url!r} is no URL: {exc}") from None
        if parts.scheme not in _PORTS or not parts.hostname:
            raise ValueError(f"{base_url!r} is no http:// or https:// URL with a host")
        if parts.username is not None:
            raise ValueError("credentials do not belong into the URL; set them under `headers:`")
        if parts.query or parts.fragment:
            raise ValueError(f"{base_url!r} has a query or fragment; a base URL ends with its path")
        host, is_address = _host(parts.hostname)
        shown = f"[{host}]" if ":" in host else host
        return cls(
            is_tls=parts.scheme == "https",
            host=host,
            port=port or _PORTS[parts.scheme],
            authority=shown if port in (None, _PORTS[parts.scheme]) else f"{shown}:{port}",
            path_prefix=parts.path.rstrip("/"),
            is_address=is_address,
        )


def _host(name: str) -> tuple[str, bool]:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        pass
    else:
        return name, True
    try:
        return name.encode("idna").decode("ascii"), False
    except UnicodeError:
        raise ValueError(f"{name!r} is no host name") from None


@dataclass(frozen=True, slots=True)
class Target:
    """Everything the sender has to know about one deployment. Comes from the config.

    Attributes:
        timeout_s: Whole exchange, from the first byte of the first attempt to the last byte of the
            answer. Setting up a connection has as long again, before that.
        path: Replaces the path of every request; None keeps it.
        headers: Fields set on every request.
        max_in_flight: Requests underway at once; further ones wait.
        rate_per_s: Ceiling on requests sent; None for none.
        price: None when the deployment's calls are not priced.
        failures: Statuses that count as failed.
        ca_file: PEM file of the authorities to trust instead of the system's, for https.
        keep_chunk_times: Whether to note when each piece of a body arrived; each block of an event
            stream.
        endpoint: Where it listens, from `base_url`.
        destination: What has to change in a request on its way there.

    Raises:
        ValueError: `base_url` or `headers` cannot be used; the message says why.
    """

    name: DeploymentName
    base_url: str
    timeout_s: float
    is_challenger: bool = False
    path: str | None = None
    headers: Headers = ()
    max_in_flight: int = 256
    rate_per_s: float | None = None
    retries: Retries = NO_RETRIES
    price: Price | None = None
    failures: frozenset[int] = FAILED_STATUSES
    limits: Limits = ORDINARY
    ca_file: str | None = None
    keep_chunk_times: bool = False
    endpoint: Endpoint = field(init=False)
    destination: Destination = field(init=False)

    def __post_init__(self) -> None:
        endpoint = Endpoint.of(self.base_url)
        destination = Destination(
            authority=endpoint.authority,
            path_prefix=endpoint.path_prefix,
            path=self.path,
            headers=self.headers,
            shadow=self.name if self.is_challenger else None,
        )
        object.__setattr__(self, "endpoint", endpoint)
        object.__setattr__(self, "destination", destination)
