"""Writing beside an event loop: a thread of its own, so that traffic never waits for a disk.

`append` puts pairs in a queue and returns. The thread takes all that is there, hands it to the
writer, and acknowledges at an interval. What goes wrong on the disk is kept and raised at whoever
calls next: nothing is written after the first error, so that no gap can open unseen.

Taking a pair costs no lock: it is done for each request, and the thread holds the interpreter often
enough. The queue is a deque, whose ends Python moves in one step; of the two counts of bytes each
has one writer. The lock is for those who wait.

The queue is bounded. Who can hold back asks `has_room` before taking on more; who does not is made
to wait at the bound, because losing an answer that was paid for would be worse.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Sequence
from types import TracebackType
from typing import Self

from harness.errors import StoreError
from harness.pair import Kept
from harness.store.rows import body_bytes
from harness.store.writer import RunWriter

ACKNOWLEDGE_EVERY_S = 0.2
MOST_WAITING = 20_000
"""Pairs in the queue at which `append` waits: half a second's work for one core."""
MOST_WAITING_BYTES = 256 << 20
"""Bytes of bodies in the queue at which `append` waits."""


class BackgroundSink:
    """A `PairSink` that writes in a thread. One thread appends; an event loop's is meant.

    Args:
        writer: Used by the thread alone until `close` returns; it is not closed here.
        interval_s: How often what was appended is synced.
        most_waiting: How many pairs may wait for the disk.
    """

    def __init__(
        self,
        writer: RunWriter,
        *,
        interval_s: float = ACKNOWLEDGE_EVERY_S,
        most_waiting: int = MOST_WAITING,
    ) -> None:
        self._writer = writer
        self._interval_s = interval_s
        self._most_waiting = most_waiting
        self._changed = threading.Condition()
        self._queue: deque[tuple[Sequence[Kept], int]] = deque()
        self._n_taken = self._bytes_in = self._bytes_taken = 0
        self._n_appended = self._n_acknowledged = 0
        self._n_wanted = 0
        self._is_idle = self._is_closing = False
        self._error: StoreError | None = None
        self._thread = threading.Thread(target=self._run, name="store", daemon=True)
        self._thread.start()

    @property
    def has_room(self) -> bool:
        """Whether the queue is less than half full; also after an error, which `append` raises."""
        return self._error is not None or not self._is_filled(0.5)

    def _is_filled(self, share: float) -> bool:
        return (
            self._n_appended - self._n_taken >= share * self._most_waiting
            or self._bytes_in - self._bytes_taken >= share * MOST_WAITING_BYTES
        )

    @property
    def n_acknowledged(self) -> int:
        """Pairs that survive a crash, as of the last interval. Never waits."""
        return self._n_acknowledged

    def append(self, pairs: Sequence[Kept]) -> None:
        """Take pairs. Waits only when the queue is full.

        Raises:
            StoreFullError: When an earlier pair could not be written.
            StoreError: Likewise; or when the sink is closed.
        """
        if self._error is not None or self._is_closing or self._is_filled(1):
            self._wait_for_room()
        n_bytes = sum(map(body_bytes, pairs))
        self._bytes_in += n_bytes
        self._n_appended += len(pairs)
        self._queue.append((pairs, n_bytes))
        if self._is_idle:
            with self._changed:
                self._changed.notify_all()

    def _wait_for_room(self) -> None:
        with self._changed:
            while self._is_filled(1) and self._error is None:
                self._changed.wait()
        if self._error is not None:
            raise self._error
        if self._is_closing:
            raise StoreError(f"{self._writer.run}: is closed, no pair can be added")

    def acknowledge(self) -> int:
        """Wait until all that was appended is synced; return how many pairs are in all.

        Raises:
            StoreFullError: When something could not be written.
        """
        with self._changed:
            self._n_wanted = wanted = self._n_appended
            self._changed.notify_all()
            while self._n_acknowledged < wanted and self._error is None:
                self._changed.wait()
            if self._error is not None:
                raise self._error
            return self._n_acknowledged

    def close(self) -> None:
        """Write and sync what waits, and end the thread. Doing it twice is fine.

        Raises:
            StoreFullError: When something could not be written.
        """
        with self._changed:
            self._is_closing = True
            self._changed.notify_all()
        self._thread.join()
        if self._error is not None:
            raise self._error

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        exc: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _run(self) -> None:
        try:
            while self._write_what_waits():
                pass
        except StoreError as exc:
            self._fail(exc)
        except Exception as exc:  # the thread's main loop: whoever calls next has to hear of it
            failure = StoreError(f"{self._writer.run}: cannot be written: {exc!r}")
            failure.__cause__ = exc
            self._fail(failure)

    def _write_what_waits(self) -> bool:
        """Take the queue and write it; False when there is nothing left and no more to come."""
        with self._changed:
            # Idle before the queue is looked at: who appends looks at it after appending.
            self._is_idle = True
            if not self._queue and not self._is_closing:
                self._changed.wait()
            self._is_idle = False
            # Gather for an interval: a sync costs the same for one pair as for a thousand.
            self._changed.wait_for(self._is_in_a_hurry, self._interval_s)
            is_last = self._is_closing
            taken = self._take()
            self._changed.notify_all()
        self._writer.append(taken)
        self._writer.acknowledge()
        with self._changed:
            self._n_acknowledged += len(taken)
            self._changed.notify_all()
        return not is_last

    def _take(self) -> list[Kept]:
        taken: list[Kept] = []
        for _ in range(len(self._queue)):
            pairs, n_bytes = self._queue.popleft()
            taken += pairs
            self._bytes_taken += n_bytes
        self._n_taken += len(taken)
        return taken

    def _is_in_a_hurry(self) -> bool:
        return self._is_closing or self._n_wanted > self._n_acknowledged or not self.has_room

    def _fail(self, error: StoreError) -> None:
        with self._changed:
            self._error = error
            self._changed.notify_all()
