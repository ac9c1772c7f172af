"""Make the demo's log: put made-up users' requests to the real champion, and write both sides down.

    python -m harness.demo.record fixtures/logs/digits.jsonl

Requests are sent at the times of `harness.demo.visits`, over HTTP, to a champion started for it,
so arrival times, answers and latencies are what happened. Users, images and their order are the
same each time; times and latencies are those of the machine it ran on.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import aiohttp
import orjson

from harness.demo.dataset import split
from harness.demo.models import CHAMPION
from harness.demo.server import starting
from harness.demo.visits import Asked, visits
from harness.errors import HarnessError, UnreachableError

VISITS_SEED = 1
TARGET = "/v1/predict"
_HOST = "digits.example"
_TIMEOUT_S = 2.0
_WARM_UP = 20  # asked first and not written down: a server's first answers are its slowest


async def record(asked: Sequence[Asked], url: str) -> list[dict[str, object]]:
    """Send every request at its time; return the exchanges as lines of a harness log.

    Raises:
        UnreachableError: The champion did not answer a request. A log with holes is no fixture.
    """
    timeout = aiohttp.ClientTimeout(total=_TIMEOUT_S)
    async with aiohttp.ClientSession(url, timeout=timeout) as session:
        for request in asked[:_WARM_UP]:
            await _exchange(session, 0, request)
        start_s = time.monotonic()
        sending = []
        for number, request in enumerate(asked, start=1):
            await asyncio.sleep(start_s + request.at_s - time.monotonic())
            sending.append(asyncio.create_task(_exchange(session, number, request)))
        return await asyncio.gather(*sending)


async def _exchange(session: aiohttp.ClientSession, number: int, asked: Asked) -> dict[str, object]:
    body = orjson.dumps({"source": asked.source, "pixels": asked.pixels})
    headers = {
        "Host": _HOST,
        "Content-Type": "application/json",
        "X-User-Id": asked.user,
        "Content-Length": str(len(body)),
    }
    at_ns, sent_s = time.time_ns(), time.perf_counter()
    try:
        async with session.post(TARGET, data=body, headers=headers) as response:
            first_byte_s = time.perf_counter() - sent_s
            answer = await response.read()
            latency_s = time.perf_counter() - sent_s
    except (aiohttp.ClientError, TimeoutError) as exc:
        raise UnreachableError(f"harness.demo.record: request {number}: {exc!r}") from exc
    return {
        "format": 1,
        "id": f"digits-{number:04d}",
        "at": rfc3339(at_ns),
        "method": "POST",
        "target": TARGET,
        "headers": list(headers.items()),
        "body": body.decode(),
        "answer": {
            "outcome": "ok",
            "status": response.status,
            "headers": [
                (name.decode("latin-1"), value.decode("latin-1"))
                for name, value in response.raw_headers
            ],
            "body": answer.decode(),
            "first_byte_s": round(first_byte_s, 6),
            "latency_s": round(latency_s, 6),
        },
        "truth": asked.label,
    }


def rfc3339(at_ns: int) -> str:
    """UTC to the nanosecond, which `datetime` cannot hold."""
    seconds, nanoseconds = divmod(at_ns, 1_000_000_000)
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}.{nanoseconds:09d}Z"


def main(arguments: Sequence[str] | None = None) -> int:
    """Entry point of `python -m harness.demo.record`."""
    parser = argparse.ArgumentParser(
        prog="python -m harness.demo.record",
        description="Record the demo's log: a minute and a half of requests to the champion.",
        epilog="example: python -m harness.demo.record fixtures/logs/digits.jsonl",
    )
    parser.add_argument("out", type=Path, help="the log to write, JSON Lines")
    out: Path = parser.parse_args(arguments).out
    try:
        with starting(CHAMPION) as champion:
            asked = visits(split().asked, VISITS_SEED)
            lines = asyncio.run(record(asked, champion.url()))
    except HarnessError as exc:
        print(exc, file=sys.stderr)
        return 2
    out.write_bytes(b"".join(orjson.dumps(line) + b"\n" for line in lines))
    print(f"{out}: {len(lines)} exchanges with {CHAMPION}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
