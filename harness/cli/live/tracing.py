"""Spans of what the mirror saw, where the config names a collector."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import AsyncExitStack

import harness
from harness.config import Config
from harness.pair import Kept
from harness.shadow.logs import Log
from harness.shadow.mirror import LiveSink
from harness.watch.exporter import Collector, Exporter


class Traced:
    """A sink that shows pairs to an exporter on their way to another sink."""

    def __init__(self, sink: LiveSink, exporter: Exporter) -> None:
        self._sink = sink
        self._exporter = exporter

    @property
    def n_acknowledged(self) -> int:
        return self._sink.n_acknowledged

    def append(self, pairs: Sequence[Kept]) -> None:
        self._sink.append(pairs)
        for pair in pairs:
            self._exporter.offer(pair)


def traced(
    sink: LiveSink, config: Config, run_id: str, log: Log, stack: AsyncExitStack
) -> LiveSink:
    """The sink itself, or one that exports spans until the stack is left."""
    otlp = config.capture.otlp
    if otlp is None:
        return sink
    exporter = Exporter(
        Collector(otlp.url, otlp.headers),
        run_id=run_id,
        version=harness.__version__,
        failed=lambda why: log.warning("spans_refused", why),
    )
    exporting = asyncio.create_task(exporter.run())
    stack.push_async_callback(_finish, exporter, exporting)
    return Traced(sink, exporter)


async def _finish(exporter: Exporter, exporting: asyncio.Task[None]) -> None:
    exporting.cancel()
    await asyncio.wait([exporting])
    await exporter.flush()
