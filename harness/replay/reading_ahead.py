"""Entries, read by a thread one batch ahead, so that reading never delays a send."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from itertools import islice

from harness.replay.party import Entry

_BATCH = 256


async def read_ahead(entries: Iterator[Entry]) -> AsyncIterator[list[Entry]]:
    """Batches of entries, in order."""

    def batch() -> list[Entry]:
        return list(islice(entries, _BATCH))

    coming = asyncio.create_task(asyncio.to_thread(batch))
    try:
        while entries_now := await coming:
            coming = asyncio.create_task(asyncio.to_thread(batch))
            yield entries_now
    finally:
        # The thread may be in the middle of a batch: let it finish before the log is closed.
        await asyncio.wait([coming])
