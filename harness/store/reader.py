"""Read a run, also one that is being written or was left by a crash.

Opening takes a picture: the parts and journals there are at that moment, with their row counts.
Nothing is written or put in order; that is for whoever resumes the run. Journals are looked at
before parts, so that a portion that is sealed in between is seen once, as a part.

polars ends the process' patience with a panic when a Parquet file is broken, so pyarrow looks at
every footer first, and at every page where rows are read part by part.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl
import pyarrow as pa

from harness.errors import StoreError
from harness.pair import Conservation
from harness.run import Role
from harness.store.arrow import frame_of
from harness.store.journal import journal_batches
from harness.store.layout import (
    Kind,
    Series,
    journals_of,
    parts_of,
    series_in,
    series_of,
)
from harness.store.losses import read_losses
from harness.store.manifest import Manifest, read_manifest
from harness.store.parts import part_rows, part_schema, read_part
from harness.store.portion import schema_of


@dataclass(frozen=True, slots=True)
class Sealed:
    """A portion that is a part."""

    number: int
    path: Path
    n_rows: int

    def read(self, columns: Sequence[str] | None = None) -> pl.DataFrame:
        """Rows, with the check sums of the pages verified."""
        return frame_of(read_part(self.path, columns))


@dataclass(frozen=True, slots=True)
class Unsealed:
    """A portion that is still a journal, as far as it was written when the run was opened."""

    number: int
    rows: pa.Table

    @property
    def n_rows(self) -> int:
        return int(self.rows.num_rows)

    def read(self, columns: Sequence[str] | None = None) -> pl.DataFrame:
        return frame_of(self.rows if columns is None else self.rows.select(list(columns)))


StoredPortion = Sealed | Unsealed


class StoredRun:
    """A run on disk, as it was when it was opened.

    Where a method takes a challenger's name, a `Series` names repeats as well.

    Attributes:
        path: Its folder.
        manifest: What `run.json` says.
    """

    def __init__(
        self,
        path: Path,
        manifest: Manifest,
        portions: Mapping[Series, tuple[StoredPortion, ...]],
        conservation: Mapping[str, Conservation],
    ) -> None:
        self.path = path
        self.manifest = manifest
        self._portions = portions
        self._conservation = conservation

    @classmethod
    def open(cls, path: Path) -> StoredRun:
        """Look at everything there is, and at the footer of every part.

        Raises:
            StoreTooNewError: When a later harness wrote the run.
            StoreError: When this is not a run, or a file of it is damaged or foreign.
        """
        manifest = read_manifest(path)
        unsealed = _unsealed(path)
        portions: dict[Series, tuple[StoredPortion, ...]] = {}
        for series in sorted(series_in(path), key=lambda one: (one.kind.name, one.name)):
            needed = set(schema_of(series.kind, manifest.segments).names)
            sealed = [_sealed(*part, needed) for part in parts_of(path, series).items()]
            numbers = {part.number for part in sealed}
            open_ones = [one for one in unsealed.get(series, []) if one.number not in numbers]
            portions[series] = (*sealed, *open_ones)
        return cls(path, manifest, portions, read_losses(path))

    @property
    def challengers(self) -> tuple[str, ...]:
        """In the order of the config; then those with pairs that the config does not name."""
        named = self.manifest.named(Role.CHALLENGER)
        found = (series.name for series in self._portions if series.kind is Kind.PAIRS)
        return tuple(dict.fromkeys((*named, *found)))

    @property
    def repeats(self) -> tuple[Series, ...]:
        """The deployments that were asked twice."""
        return tuple(series for series in self._portions if series.kind is Kind.REPEATS)

    @property
    def observed(self) -> Series | None:
        """The champion's exchanges, where it had no challengers."""
        alone = (series for series in self._portions if series.kind is Kind.EXCHANGES)
        return next(alone, None)

    @property
    def segments(self) -> tuple[str, ...]:
        return self.manifest.segments

    def portions(self, of: str | Series) -> tuple[StoredPortion, ...]:
        """What its rows stand in, oldest first; nothing for a challenger without pairs."""
        return self._portions.get(series_of(of), ())

    def parts(self, of: str | Series) -> tuple[Path, ...]:
        """The sealed parts, oldest first."""
        return tuple(one.path for one in self.portions(of) if isinstance(one, Sealed))

    def n_pairs(self, of: str | Series) -> int:
        return sum(one.n_rows for one in self.portions(of))

    def scan(self, of: str | Series, columns: Sequence[str] | None = None) -> pl.LazyFrame:
        """All its rows, oldest part first, not read until they are asked for.

        Args:
            columns: Names of the pair table; None for all.
        """
        portions = self.portions(of)
        paths = [one.path for one in portions if isinstance(one, Sealed)]
        frames = [one.read().lazy() for one in portions if isinstance(one, Unsealed)]
        if paths:
            # Not by pattern: a run's path may have brackets and stars in it.
            frames.insert(0, pl.scan_parquet(paths, glob=False, hive_partitioning=False))
        if not frames:
            schema = schema_of(series_of(of).kind, self.segments)
            frames = [frame_of(schema.empty_table()).lazy()]
        rows = pl.concat(frames)
        return rows if columns is None else rows.select(columns)

    def frames(
        self, of: str | Series, columns: Sequence[str] | None = None
    ) -> Iterator[pl.DataFrame]:
        """Its rows part by part, check sums verified, one part in memory at a time.

        Raises:
            StoreError: Naming the part that is damaged.
        """
        return (one.read(columns) for one in self.portions(of))

    def conservation(self, challenger: str) -> Conservation | None:
        """Where its requests went; None when nobody wrote it down, as in a run that crashed."""
        return self._conservation.get(challenger)

    def completed(self, challengers: Iterable[str] | None = None) -> set[str]:
        """Keys of the log entries that have a pair for every one of these challengers.

        Args:
            challengers: None for those of the run; with no challenger at all nothing is complete.
        """
        names = self.challengers if challengers is None else tuple(challengers)
        done = [self.entries_of(name) for name in names]
        return set.intersection(*done) if done else set()

    def entries_of(self, challenger: str) -> set[str]:
        """Keys of the log entries that have a pair for this challenger."""
        keys = (frame["entry_key"] for frame in self.frames(challenger, ["entry_key"]))
        return {key for column in keys for key in column}

    def spent_usd(self, deployment: str) -> float:
        """What its answers cost, so far as that is known; repeats included.

        One answer of the champion stands in the pairs of several challengers and counts once: it
        is told by its request, its latency and its place among the calls.
        """
        spent = 0.0
        if deployment in self.manifest.named(Role.CHAMPION):
            among = [*map(Series, self.challengers), Series(deployment, Kind.REPEATS)]
            among += [self.observed] if self.observed else []
            answers = pl.concat([self._answers(series) for series in among])
            spent += _sum(answers.unique(), "champion_cost_usd")
        for kind in (Kind.PAIRS, Kind.REPEATS):
            spent += _sum(self.scan(Series(deployment, kind)), "challenger_cost_usd")
        return spent

    def find(self, request_id: str) -> pl.DataFrame:
        """The rows of one request, one for each challenger, or the champion's alone."""
        return self._rows(pl.col("request_id") == request_id)

    def find_like(self, text: str) -> pl.DataFrame:
        """The rows of all requests that this can mean.

        Those with this id; where there is none, those that the log knows by it; where there is
        none either, those whose id begins with it.
        """
        for meaning in (
            pl.col("request_id") == text,
            pl.col("external_id") == text,
            pl.col("request_id").str.starts_with(text),
        ):
            rows = self._rows(meaning)
            if not rows.is_empty():
                break
        return rows

    def _rows(self, wanted: pl.Expr) -> pl.DataFrame:
        names: list[str | Series] = [*self.challengers] or [self.observed or Series("")]
        among = [self.scan(name) for name in names]
        return pl.concat([rows.filter(wanted) for rows in among]).collect()

    def _answers(self, series: Series) -> pl.LazyFrame:
        return self.scan(
            series,
            ["request_id", "champion_latency_s", "champion_call_order", "champion_cost_usd"],
        )


def _sum(rows: pl.LazyFrame, column: str) -> float:
    return float(rows.select(pl.col(column).sum()).collect().item())


def _unsealed(run: Path) -> dict[Series, list[Unsealed]]:
    found: dict[Series, list[Unsealed]] = {}
    for (series, number), path in journals_of(run).items():
        if not path.exists():
            continue  # sealed since the folder was listed: its part will be seen
        batches = list(journal_batches(path))
        if batches:
            found.setdefault(series, []).append(Unsealed(number, pa.Table.from_batches(batches)))
    return found


def _sealed(number: int, path: Path, needed: set[str]) -> Sealed:
    n_rows = part_rows(path)
    missing = needed.difference(part_schema(path).names)
    if missing:
        raise StoreError(
            f"{path}: is not a part of a run: it has no column {min(missing)!r}. "
            f"Move it out of the run's folder"
        )
    return Sealed(number, path, n_rows)
