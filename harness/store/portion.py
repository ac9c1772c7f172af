"""The rows of one series that are being journalled, until they are sealed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl
import pyarrow as pa

from harness.errors import PluginError
from harness.pair import Kept
from harness.store.arrow import arrow_of, frame_of
from harness.store.journal import Journal
from harness.store.layout import Kind, Series, journal_path, value_journal_path
from harness.store.privacy import KeepBodies, Privacy
from harness.store.rows import pair_batch, without_bodies
from harness.store.schema import exchange_schema, pair_schema
from harness.store.sealing import DIGEST


@dataclass(frozen=True, slots=True)
class Measure:
    """What is computed from pairs while their bodies are there.

    Attributes:
        digest: Of everything that `build` depends on; names a folder.
        build: Pair rows to value rows, with `request_id` in both and the same columns every time.
    """

    digest: str
    build: Callable[[pl.DataFrame], pl.DataFrame]


@dataclass(frozen=True, slots=True)
class Writing:
    """How a run's rows are made.

    Attributes:
        measure: None where values are computed when somebody asks for them.
    """

    run: Path
    run_id: str
    segments: Sequence[str]
    privacy: Privacy
    measure: Measure | None

    def schema(self, series: Series) -> pa.Schema:
        return schema_of(series.kind, self.segments)

    def batch(self, pairs: Sequence[Kept], series: Series) -> pa.RecordBatch:
        return pair_batch(
            pairs,
            self.schema(series),
            run_id=self.run_id,
            series_name=series.name,
            privacy=self.privacy,
        )


def schema_of(kind: Kind, segments: Sequence[str]) -> pa.Schema:
    """The columns of a series' rows."""
    return exchange_schema(segments) if kind is Kind.EXCHANGES else pair_schema(segments)


class Portion:
    """One numbered portion of a series, with its journal open.

    Attributes:
        number: Of the part that it will be.
    """

    def __init__(self, writing: Writing, series: Series, number: int) -> None:
        self.number = number
        self._writing = writing
        self._series = series
        path = journal_path(writing.run, series, number)
        self._pairs = Journal(path, writing.schema(series))
        self._values: Journal | None = None
        self._is_synced = True

    @property
    def n_rows(self) -> int:
        return self._pairs.n_rows

    @property
    def n_bytes(self) -> int:
        return self._pairs.n_bytes

    def append(self, pairs: Sequence[Kept]) -> None:
        """Write a batch whole or not at all, and its values where bodies are not all kept.

        Raises:
            StoreFullError: When there is no room; neither pairs nor values are then written.
        """
        batch = self._writing.batch(pairs, self._series)
        self._is_synced = False
        privacy, measure = self._writing.privacy, self._writing.measure
        if privacy.keep_bodies is KeepBodies.ALL:
            self._pairs.append(batch)
            return
        kept = without_bodies(batch, [privacy.keeps_bodies_of(pair) for pair in pairs])
        if measure is None or self._series.kind is Kind.EXCHANGES:
            self._pairs.append(kept)
        else:
            self._append_measured(kept, _measured(batch, measure))

    def sync(self) -> None:
        """Make what was appended survive a power cut. Values first: see `harness.store.sealing`."""
        if self._is_synced:
            return
        if self._values is not None:
            self._values.sync()
        self._pairs.sync()
        self._is_synced = True

    def close(self) -> None:
        self._pairs.close()
        if self._values is not None:
            self._values.close()

    def _append_measured(self, pairs: pa.RecordBatch, values: pa.RecordBatch) -> None:
        if self._values is None:
            path = value_journal_path(self._writing.run, self._series, self.number)
            self._values = Journal(path, values.schema)
        if not values.schema.equals(self._values.schema):
            raise PluginError(
                "harness.metrics", "values", "their columns changed from one batch to the next"
            )
        before = self._values.n_bytes
        self._values.append(values)
        try:
            self._pairs.append(pairs)
        except BaseException:
            self._values.cut(before)
            raise


def _measured(batch: pa.RecordBatch, measure: Measure) -> pa.RecordBatch:
    table = arrow_of(measure.build(frame_of(batch))).combine_chunks()
    schema = table.schema.with_metadata({DIGEST: measure.digest.encode()})
    batches = table.to_batches()
    arrays = batches[0].columns if batches else [pa.array([], one.type) for one in schema]
    return pa.RecordBatch.from_arrays(arrays, schema=schema)
