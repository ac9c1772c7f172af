"""What is served and mirrored live, and what of it is kept."""

from __future__ import annotations

from ipaddress import ip_address
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from harness.config.problems import BadValueError
from harness.config.redacting import Redact
from harness.config.secret import Secret
from harness.config.section import (
    Flag,
    Headers,
    PositiveDuration,
    Section,
    Share,
    Size,
    Text,
    Url,
    Whole,
)

REPLAY_KEYS = ("keep_bodies", "redact", "retention")
"""Keys of `capture` that a replay uses; the others are for live traffic."""

_MOST_FRONTS = 64


def _address(value: str) -> str:
    host, colon, port = value.rpartition(":")
    if not colon or not host or not (port.isascii() and port.isdigit() and int(port) < 65536):
        raise BadValueError("is {value}, must be an address and port such as 127.0.0.1:8080")
    return value


def _pattern(value: str) -> str:
    if not value.startswith("/"):
        raise BadValueError("is {value}, must be a path such as /v1/*")
    return value


Address = Annotated[str, AfterValidator(_address)]
PathPattern = Annotated[str, AfterValidator(_pattern)]
Method = Annotated[str, Field(pattern=r"^[A-Z]+$")]


class Retention(Section):
    """When stored runs are pruned."""

    max_bytes: Size | None = Field(default=None, description="Oldest runs go beyond that size.")
    max_age_s: PositiveDuration | None = Field(
        default=None, alias="max_age", description="Runs older than that go."
    )


class Certificate(Section):
    """What users' connections are encrypted with."""

    certificate: Text = Field(
        description="File (PEM) with the certificate and its chain, relative to the config."
    )
    key: Text = Field(description="File (PEM) with its private key, relative to the config.")


class Collector(Section):
    """Where spans of champion and challengers are sent."""

    url: Url = Field(
        description="OTLP over HTTP, JSON; `/v1/traces` is added where it is not named."
    )
    headers: Headers = Field(default_factory=dict, description="Sent along, as references.")


class Limits(Section):
    """How much one client may take. Beyond that it is refused, and the champion not asked."""

    head_bytes: Size = Field(
        default=32 * 1024, alias="head", description="Live: request line and headers, together."
    )
    headers: Whole = Field(
        default=128, ge=1, le=10_000, description="Live: how many headers a request may have."
    )
    target_bytes: Size = Field(
        default=8 * 1024, alias="target", description="Live: path and query of a request."
    )
    body_bytes: Size | None = Field(
        default=None,
        alias="body",
        description="Live: a request's body; no limit unless given: it is passed on as it comes.",
    )
    head_time_s: PositiveDuration = Field(
        default=20.0, alias="head_time", description="Live: to send request line and headers."
    )
    body_time_s: PositiveDuration = Field(
        default=15.0,
        alias="body_time",
        description="Live: how often a body, and a client that reads its answer, is looked at: 240 "
        "bytes a second have to move.",
    )
    idle_s: PositiveDuration = Field(
        default=75.0, alias="idle", description="Live: between two requests of a connection."
    )
    upstream_idle_s: PositiveDuration = Field(
        default=300.0,
        alias="upstream_idle",
        description="Live: longest silence of the champion within an exchange.",
    )
    connections: Whole = Field(
        default=10_000,
        ge=1,
        le=1_000_000,
        description="Live: open connections of clients, for each front process.",
    )


class Capture(Section):
    """What is served, mirrored and kept. A replay uses `REPLAY_KEYS` alone."""

    mode: Literal["proxy", "ingress"] = Field(
        default="proxy",
        description="Live: `proxy` stands before the champion; `ingress` takes copies from someone "
        "else's mirror, answers them 204 and asks champion and challengers itself.",
    )
    listen: Address = Field(
        default="127.0.0.1:8080", description="Live: where users' requests, or copies, arrive."
    )
    admin: Address = Field(
        default="127.0.0.1:9900", description="Live: health, metrics, dashboard."
    )
    admin_token: Secret | None = Field(
        default=None,
        repr=False,
        description="Live: what may switch mirroring off and change the share, as a reference. "
        "Needed where `admin` is not on loopback.",
    )
    tls: Certificate | None = Field(
        default=None, description="Live: certificate for `listen`; without it, plain HTTP."
    )
    fronts: Whole = Field(
        default=1,
        ge=1,
        le=_MOST_FRONTS,
        description="Live: processes that serve users; one core each is what they can use.",
    )
    runtime_dir: Text | None = Field(
        default=None,
        description="Live: folder for sockets and counters, relative to the config; shared where "
        "front and mirror are two containers. A fresh one in memory unless given.",
    )
    sample: Share = Field(
        default=1.0, description="Live: share of requests that is mirrored, sticky by cluster."
    )
    methods: tuple[Method, ...] = Field(
        default=("GET", "HEAD"),
        description="Live: what may be mirrored. Inference by POST has to be named.",
    )
    paths: tuple[PathPattern, ...] = Field(
        default=(),
        description="Live: paths that may be mirrored, `*` for any text; none given is all.",
    )
    max_body_bytes: Size = Field(
        default=1024 * 1024, alias="max_body", description="Live: larger bodies are not mirrored."
    )
    link_buffer_bytes: Size = Field(
        default=8 * 1024 * 1024,
        alias="link_buffer",
        description="Live: copies that wait for the mirror, for each front; what exceeds it is "
        "shed and counted.",
    )
    capture_memory_bytes: Size = Field(
        default=64 * 1024 * 1024,
        alias="capture_memory",
        description="Live: copies of requests and answers that are on their way, for each front "
        "and in the mirror; what exceeds it is shed and counted.",
    )
    mirror_priority: Literal["idle", "normal"] = Field(
        default="idle",
        description="Live: `idle` lets the mirror run only where no other process wants to, so "
        "that users come first; on a machine that is never idle it then mirrors little.",
    )
    drain_s: PositiveDuration = Field(
        default=30.0,
        alias="drain",
        description="Live: how long open exchanges may take to end when harness stops or reloads.",
    )
    limits: Limits = Field(default_factory=Limits, description="Live: what a client may take.")
    keep_bodies: Literal["all", "differing", "none"] = Field(
        default="all", description="Which bodies are stored; hashes and compared values always are."
    )
    otlp: Collector | None = Field(
        default=None, description="Live: where spans are sent; traces follow `traceparent`."
    )
    redact: Redact | None = Field(
        default=None, description="What is taken out of pairs before they are written."
    )
    retention: Retention | None = Field(default=None, description="When stored runs are pruned.")
    add_request_id: Flag = Field(
        default=False, description="Live: whether answers carry X-Harness-Request-Id."
    )

    @model_validator(mode="after")
    def _admin_is_guarded(self) -> Capture:
        if self.admin_token is None and not is_loopback(self.admin):
            raise BadValueError(
                "is reachable from elsewhere, and there is no `admin_token`",
                "Add `admin_token: ${env:HARNESS_ADMIN_TOKEN}`, or keep it on 127.0.0.1",
                key=("admin",),
            )
        return self

    @model_validator(mode="after")
    def _ports_differ(self) -> Capture:
        if self.admin == self.listen and not self.admin.endswith(":0"):
            raise BadValueError(
                "is {value}, which `listen` takes", "Give each its own port", key=("admin",)
            )
        return self

    @model_validator(mode="after")
    def _adds_to_answers_of_its_own(self) -> Capture:
        if self.mode == "ingress" and self.add_request_id:
            raise BadValueError(
                "has no answer to be added to: nobody waits for one in `ingress` mode",
                "Remove it",
                key=("add_request_id",),
            )
        return self


def host_and_port(address: str) -> tuple[str, int]:
    """Both parts of an address; brackets around IPv6 are taken off.

    Examples:
        >>> host_and_port("[::1]:8080")
        ('::1', 8080)
    """
    host, _, port = address.rpartition(":")
    return host.removeprefix("[").removesuffix("]"), int(port)


def is_loopback(address: str) -> bool:
    """Whether only this machine reaches an address."""
    host, _ = host_and_port(address)
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
