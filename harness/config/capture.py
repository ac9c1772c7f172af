"""Keys of the live sidecar, and what of a body is kept."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from harness.config.problems import BadValueError
from harness.config.section import Flag, PositiveDuration, Section, Share, Size

LIVE_KEYS = ("listen", "admin", "sample", "methods", "paths", "max_body", "add_request_id")
"""Keys of `capture` that a replay has no use for."""


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


class Capture(Section):
    """What is mirrored and kept. A replay uses `keep_bodies` and `retention` alone."""

    listen: Address = Field(
        default="127.0.0.1:8080", description="Live: where users' requests arrive."
    )
    admin: Address = Field(
        default="127.0.0.1:9900", description="Live: health, metrics, dashboard."
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
    keep_bodies: Literal["all", "differing", "none"] = Field(
        default="all", description="Which bodies are stored; hashes and compared values always are."
    )
    retention: Retention | None = Field(default=None, description="When stored runs are pruned.")
    add_request_id: Flag = Field(
        default=False, description="Live: whether answers carry X-Harness-Request-Id."
    )
