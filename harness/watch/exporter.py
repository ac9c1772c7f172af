"""Spans to a collector, beside the mirror's work: never waited for, never in the way.

What waits is bounded, and what exceeds it is let go and counted; so is what a collector does not
take. A trace is not evidence, and no pair depends on it.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict, deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import aiohttp
import orjson

from harness.pair import Kept
from harness.watch.spans import Span, envelope, spans_of

MOST_WAITING = 8_192
"""Spans, of about 700 bytes each."""

_AT_ONCE = 512
_EVERY_S = 1.0
_ANSWER_WITHIN_S = 5.0
_MOST_REMEMBERED = 16_384


@dataclass(frozen=True, slots=True)
class Collector:
    """Where spans go.

    Attributes:
        url: OTLP over HTTP; `/v1/traces` is added where there is no path.
        headers: Sent along, credentials mostly.
    """

    url: str
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)

    @property
    def traces(self) -> str:
        """Where traces are posted."""
        base = self.url.rstrip("/")
        return base if base.endswith("/v1/traces") else f"{base}/v1/traces"


class Exporter:
    """Takes pairs, gives spans.

    Args:
        failed: Told, in a sentence, when a collector begins to refuse.

    Attributes:
        n_exported: Spans that the collector took.
        n_dropped: Spans that were let go.
    """

    def __init__(
        self, collector: Collector, *, run_id: str, version: str, failed: Callable[[str], None]
    ) -> None:
        self.n_exported = 0
        self.n_dropped = 0
        self._collector = collector
        self._run_id = run_id
        self._version = version
        self._failed = failed
        self._is_failing = False
        self._waiting: deque[Span] = deque()
        self._told: OrderedDict[str, None] = OrderedDict()

    def offer(self, kept: Kept) -> None:
        """Take the spans of a pair; the champion's once, however many pairs it stands in."""
        for span in spans_of(kept, run_id=self._run_id):
            if self._is_told(span["spanId"]):
                continue
            if len(self._waiting) >= MOST_WAITING:
                self.n_dropped += 1
                continue
            self._waiting.append(span)

    async def run(self) -> None:
        """Export until cancelled."""
        async with self._session() as session:
            while True:
                await asyncio.sleep(_EVERY_S)
                await self._export(session)

    async def flush(self) -> None:
        """Export what waits, for the end."""
        async with self._session() as session:
            await self._export(session)

    def _session(self) -> aiohttp.ClientSession:
        limit = aiohttp.ClientTimeout(total=_ANSWER_WITHIN_S)
        return aiohttp.ClientSession(timeout=limit, headers=dict(self._collector.headers))

    async def _export(self, session: aiohttp.ClientSession) -> None:
        while self._waiting:
            spans = [self._waiting.popleft() for _ in range(min(_AT_ONCE, len(self._waiting)))]
            why = await self._post(session, spans)
            if why is None:
                self.n_exported += len(spans)
                self._is_failing = False
                continue
            self.n_dropped += len(spans)
            if not self._is_failing:
                self._failed(f"{self._collector.traces} takes no spans: {why}")
            self._is_failing = True
            return

    async def _post(self, session: aiohttp.ClientSession, spans: list[Span]) -> str | None:
        """Why the collector did not take them; None when it did."""
        body = orjson.dumps(envelope(spans, version=self._version))
        try:
            async with session.post(
                self._collector.traces,
                data=body,
                headers={"Content-Type": "application/json"},
                allow_redirects=False,
            ) as answer:
                return None if answer.status < 300 else f"status {answer.status}"
        except (aiohttp.ClientError, TimeoutError) as exc:
            return str(exc) or type(exc).__name__

    def _is_told(self, span_id: str) -> bool:
        if span_id in self._told:
            return True
        self._told[span_id] = None
        if len(self._told) > _MOST_REMEMBERED:
            self._told.popitem(last=False)
        return False
