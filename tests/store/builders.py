"""Ordinary pairs, of which a test overrides what it is about."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from harness.exchange import (
    DeploymentName,
    Exchange,
    Headers,
    Outcome,
    Request,
    RequestId,
    Response,
    Timing,
)
from harness.pair import Pair
from harness.run import Deployment, Role, RunId
from harness.store.manifest import Manifest
from harness.store.writer import RunWriter

NOON_NS = 1_735_732_800_000_000_000
NOON = datetime(2025, 1, 1, 12, tzinfo=UTC)
JSON: Headers = (("Content-Type", "application/json"),)


def response(
    body: bytes = b'{"label": 7}', *, status: int = 200, headers: Headers = JSON
) -> Response:
    return Response(status, headers, body, len(body))


def exchange(
    deployment: str = "champion",
    *,
    request_id: str = "r1",
    outcome: Outcome | None = None,
    latency_s: float = 0.1,
    **others: Any,
) -> Exchange:
    """A successful exchange, answered in 100 ms."""
    timing = Timing(NOON_NS, 0.001, 0.0005, latency_s / 2, latency_s, timeout_s=2.0)
    given = {"timing": timing, **others}
    return Exchange(
        RequestId(request_id), DeploymentName(deployment), outcome or response(), **given
    )


def pair(
    number: int = 1,
    *,
    challenger: str = "knn",
    cluster_id: str | None = None,
    external_id: str | None = None,
    request: Request | None = None,
    champion_side: Exchange | None = None,
    challenger_side: Exchange | None = None,
    **others: Any,
) -> Pair:
    """The pair of request `r<number>`, entry `e<number>`; both sides answered alike."""
    request_id = f"r{number}"
    return Pair(
        request_id=RequestId(request_id),
        external_id=external_id,
        entry_key=f"e{number}",
        received_at_ns=NOON_NS + number,
        cluster_id=cluster_id or request_id,
        cluster_known=cluster_id is not None,
        request=request or Request("POST", "/predict", JSON, b'{"x": %d}' % number),
        content_hash=f"{number:032x}",
        champion=champion_side or exchange("champion", request_id=request_id),
        challenger=challenger_side or exchange(challenger, request_id=request_id),
        **others,
    )


def pairs(numbers: Sequence[int], **others: Any) -> list[Pair]:
    return [pair(number, **others) for number in numbers]


def manifest(**others: Any) -> Manifest:
    """A run of a champion and the challenger `knn`, started at noon."""
    given: dict[str, Any] = {
        "run_id": RunId("20250101T120000Z-digits-ab12cd"),
        "name": "digits",
        "config": {"champion": {"name": "champion"}},
        "config_digest": "c0ffee",
        "log_digest": "106",
        "deployments": (
            Deployment(DeploymentName("champion"), Role.CHAMPION, "http://127.0.0.1:1", 2.0),
            Deployment(DeploymentName("knn"), Role.CHALLENGER, "http://127.0.0.1:2", 2.0),
        ),
        "started_at": NOON,
        "seed": 1,
    }
    return Manifest(**(given | others))


def written(folder: Path, rows: Sequence[Pair], **others: Any) -> Path:
    """A finished run with these pairs in one part for each challenger."""
    with RunWriter.create(folder, manifest(**others)) as writer:
        writer.append(rows)
    return folder


def all_bytes(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file())
