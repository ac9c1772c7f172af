"""Rows that are not sealed yet: an Arrow IPC stream that grows batch by batch.

A Parquet file has no footer until it is closed, so a killed writer would lose all of it. A stream
can be cut anywhere and read up to its last whole batch. Each batch goes to the file in one write;
if there is no room for all of it the file is cut back, so that later batches follow whole ones. The
end mark of a stream is never written: a journal ends when its rows are in a part.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa

from harness.errors import StoreError
from harness.store import disk


class Journal:
    """The journal that is being written.

    Args:
        path: Must not exist yet.

    Attributes:
        n_rows: Rows written, synced or not.
        n_bytes: Size of the file.
    """

    def __init__(self, path: Path, schema: pa.Schema) -> None:
        self.path = path
        self.schema = schema
        self.n_rows = 0
        self.n_bytes = 0
        with disk.translated(path, "write the journal"):
            self._fd = disk.open_private(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL)
        self._write(schema.serialize())
        with disk.translated(path, "write the journal"):
            disk.sync_folder(path.parent)

    def append(self, batch: pa.RecordBatch) -> None:
        """Write a batch whole or not at all.

        Raises:
            StoreFullError: When there is no room.
        """
        self._write(batch.serialize())
        self.n_rows += batch.num_rows

    def sync(self) -> None:
        """Make what was appended survive a power cut."""
        with disk.translated(self.path, "sync the journal"):
            disk.sync(self._fd)

    def cut(self, n_bytes: int) -> None:
        """Take back what was appended after the file had `n_bytes`."""
        with disk.translated(self.path, "cut the journal"):
            os.ftruncate(self._fd, n_bytes)
            os.lseek(self._fd, n_bytes, os.SEEK_SET)
        self.n_bytes = n_bytes

    def close(self) -> None:
        os.close(self._fd)

    def _write(self, message: pa.Buffer) -> None:
        with disk.translated(self.path, "write the journal"):
            try:
                left = memoryview(message)
                while left:
                    left = left[os.write(self._fd, left) :]
            except OSError:
                self.cut(self.n_bytes)
                raise
        self.n_bytes += message.size


def journal_batches(path: Path) -> Iterator[pa.RecordBatch]:
    """The whole batches of a journal, also of one that is being written or was cut off.

    Rows are mapped, not read: they stay readable when the file is removed meanwhile. Each batch is
    looked through, because a power cut can leave a batch whose length is right and content not.

    Yields:
        Batches up to the first that is cut off or damaged; a crash leaves damage only at the end.
    """
    with disk.translated(path, "read the journal"):
        if path.stat().st_size == 0:
            return
        source = pa.memory_map(str(path))
    try:
        with pa.ipc.open_stream(source) as stream:
            for batch in stream:
                batch.validate(full=True)
                yield batch
    except (pa.ArrowException, OSError):
        # Not an error: this is the end that a crash left. pyarrow says OSError for a short read.
        return


def journal_schema(path: Path) -> pa.Schema | None:
    """The schema of a journal; None when not even that was written before the crash.

    Raises:
        StoreError: When the file is not a journal at all.
    """
    with disk.translated(path, "read the journal"):
        if path.stat().st_size == 0:
            return None
        source = pa.memory_map(str(path))
    try:
        with pa.ipc.open_stream(source) as stream:
            return stream.schema
    except (pa.ArrowException, OSError) as exc:
        if source.size() < 1 << 16 and _begins_like_a_stream(source):
            return None
        raise StoreError(
            f"{path}: is not a journal ({exc}). Move it out of the run's folder"
        ) from exc


def _begins_like_a_stream(source: pa.MemoryMappedFile) -> bool:
    source.seek(0)
    return bytes(source.read(4)) in (b"\xff\xff\xff\xff", b"\xff\xff\xff", b"\xff\xff", b"\xff")
