"""What a front process has to know, as it travels to it: JSON over an inherited descriptor."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from harness.http1.limits import RequestLimits
from harness.shadow.link import LinkSettings


@dataclass(frozen=True, slots=True)
class ListeningTls:
    """PEM files of the certificate (with its chain) and key that clients are shown."""

    cert_file: str
    key_file: str


@dataclass(frozen=True, slots=True)
class Upstream:
    """Where the champion listens. Nothing in a request can choose another place.

    Attributes:
        host: Name or address, without brackets.
        ca_file: PEM file of the authorities to trust instead of the system's.
        max_connections: At once; further requests wait for one, `Timeouts.connect_s` at most.
        max_head_bytes: Of an answer. nginx allows 4 to 8 KiB by default, Node 16 KiB.
    """

    host: str
    port: int
    is_tls: bool = False
    ca_file: str | None = None
    max_connections: int = 1024
    max_head_bytes: int = 64 * 1024


@dataclass(frozen=True, slots=True)
class Timeouts:
    """How long is waited for whom, seconds.

    Attributes:
        head_s: From the first byte of a head, or from the beginning of a connection, to the end of
            its first head.
        idle_s: Between two requests of a connection.
        body_s: How often the progress of a body, and of a client that reads its answer, is looked
            at; in each such time it has to be `min_bytes_per_s` on average.
        min_bytes_per_s: Kestrel demands 240 bytes per second.
        linger_s: How long we listen after a refusal, so that the client gets to read it.
        connect_s: Until there is a connection to the champion.
        keep_s: How long an idle connection to the champion is kept. Below the 5 s after which
            uvicorn and Node close theirs, so that it is we who close.
        silence_s: How long the champion may say nothing at all.
        tunnel_idle_s: Likewise, once it has switched protocols.
    """

    head_s: float = 20.0
    idle_s: float = 75.0
    body_s: float = 15.0
    min_bytes_per_s: float = 240.0
    linger_s: float = 2.0
    connect_s: float = 5.0
    keep_s: float = 4.0
    silence_s: float = 300.0
    tunnel_idle_s: float = 3600.0


@dataclass(frozen=True, slots=True)
class Copying:
    """What of an exchange is kept for the mirror.

    Attributes:
        max_body_bytes: Requests with a larger body are not copied; of answers this much is kept.
        max_held_bytes: Of all that is kept at one time.
        champion_timeout_s: An answer that took longer is marked as a timeout. It stops nothing.
        failed_statuses: Answers that count as failed.
    """

    max_body_bytes: int = 1024 * 1024
    max_held_bytes: int = 64 * 1024 * 1024
    champion_timeout_s: float = 30.0
    failed_statuses: tuple[int, ...] = (429, *range(500, 600))


@dataclass(frozen=True, slots=True)
class FrontSettings:
    """Everything about one front process.

    Attributes:
        front_id: Unique per process.
        listen_fds: Numbers of inherited descriptors that listen.
        tls: None to speak plain HTTP.
        max_connections: Clients at once; further ones are answered 503.
        page_path: Where the counters are.
        add_request_id: Whether answers carry `X-Harness-Request-Id`.
        link: Where copies go; None where nothing is mirrored or kept.
        is_ingress: Whether clients are mirrors that send copies: they are answered at once, and
            the champion is asked by the mirror process.
    """

    front_id: str
    listen_fds: tuple[int, ...]
    upstream: Upstream
    page_path: str
    tls: ListeningTls | None = None
    limits: RequestLimits = field(default_factory=RequestLimits)
    timeouts: Timeouts = field(default_factory=Timeouts)
    copying: Copying = field(default_factory=Copying)
    max_connections: int = 10_000
    add_request_id: bool = False
    link: LinkSettings | None = None
    is_ingress: bool = False

    def to_mapping(self) -> dict[str, Any]:
        """The settings as JSON has them."""
        return asdict(self)

    def to_json(self) -> str:
        return json.dumps(self.to_mapping())

    @classmethod
    def from_json(cls, text: str) -> FrontSettings:
        """The settings back from their text.

        Examples:
            >>> settings = FrontSettings("f1", (3,), Upstream("127.0.0.1", 80), "/x.page")
            >>> FrontSettings.from_json(settings.to_json()) == settings
            True
        """
        return cls.from_mapping(json.loads(text))

    @classmethod
    def from_mapping(cls, raw: Mapping[str, Any]) -> FrontSettings:
        """The settings from what JSON made of them."""
        copying = raw["copying"]
        statuses = tuple(copying["failed_statuses"])
        tls, link = raw["tls"], raw["link"]
        parts = {
            "listen_fds": tuple(raw["listen_fds"]),
            "upstream": Upstream(**raw["upstream"]),
            "tls": None if tls is None else ListeningTls(**tls),
            "link": None if link is None else LinkSettings.from_json(link),
            "limits": RequestLimits(**raw["limits"]),
            "timeouts": Timeouts(**raw["timeouts"]),
            "copying": Copying(**{**copying, "failed_statuses": statuses}),
        }
        return cls(**{**raw, **parts})
