"""Write a run: pairs go to journals, are acknowledged when synced, and sealed to parts in time."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Self

import pyarrow as pa

from harness.errors import UsageError
from harness.exchange import DeploymentName
from harness.pair import Conservation, Kept, LossReason, Pair
from harness.store import disk
from harness.store.layout import JOURNAL, LOCK, Kind, Series, parts_of, series_in
from harness.store.lock import Lock
from harness.store.losses import write_losses
from harness.store.manifest import Manifest, Status, read_manifest, write_manifest
from harness.store.parts import part_rows
from harness.store.portion import Measure, Portion, Writing
from harness.store.privacy import Privacy
from harness.store.recovery import recover
from harness.store.rows import body_bytes
from harness.store.sealing import Checkpoint, no_checkpoint, seal

PAIRS_PER_BATCH = 1_000
BYTES_PER_BATCH = 32 << 20
PAIRS_PER_PART = 100_000
BYTES_PER_PART = 256 << 20
"""A part is sealed when its journal has this much: a part is what a reader holds in memory."""


_Sides = tuple[DeploymentName, DeploymentName | None]


class RunWriter:
    """The one writer of a run. Use `create` or `resume`; a context manager closes it.

    `append` only gathers; a disk is touched when a batch is full, or to acknowledge. When the disk
    is full, what could not be written stays gathered: make room and acknowledge again.

    Attributes:
        n_unredacted: Pairs that were appended and not kept, because what must not be kept could
            not be taken out, by challenger.
    """

    def __init__(
        self,
        run: Path,
        manifest: Manifest,
        lock: Lock,
        *,
        privacy: Privacy,
        measure: Measure | None,
        pairs_per_part: int,
        checkpoint: Checkpoint,
    ) -> None:
        self.run = run
        self.manifest = manifest
        self.n_found = _rows_found(run)
        self.n_unredacted: dict[str, int] = {}
        self._lock = lock
        self._writing = Writing(run, manifest.run_id, manifest.segments, privacy, measure)
        self._pairs_per_part = pairs_per_part
        self._checkpoint = checkpoint
        self._portions: dict[Series, Portion] = {}
        self._gathered: dict[_Sides, list[Kept]] = {}
        self._n_gathered = self._n_gathered_bytes = 0
        self._n_written = self._n_acknowledged = 0
        # pyarrow imports pandas, where it is installed, at its first conversion: 0.2 s that would
        # otherwise fall into the middle of the traffic.
        pa.array([])

    @classmethod
    def create(
        cls,
        run: Path,
        manifest: Manifest,
        *,
        privacy: Privacy | None = None,
        measure: Measure | None = None,
        pairs_per_part: int = PAIRS_PER_PART,
        checkpoint: Checkpoint = no_checkpoint,
    ) -> Self:
        """Start a run in a folder that is not there yet or empty.

        Args:
            measure: Needed where bodies are not all kept and values are to be had.
            checkpoint: Told each step of sealing; for tests that crash there.

        Raises:
            UsageError: When something is in the folder already.
        """
        if disk.is_taken(run, but=LOCK):
            raise UsageError(
                f"{run}: is there already and not empty. "
                f"Resume the run in it with --resume, or name another folder"
            )
        privacy = privacy or Privacy()
        disk.make_folder(run)
        lock = Lock(run)
        try:
            manifest = dataclasses.replace(manifest, keep_bodies=privacy.keep_bodies)
            write_manifest(run, manifest)
            disk.make_folder(run / JOURNAL)
            return cls(
                run,
                manifest,
                lock,
                privacy=privacy,
                measure=measure,
                pairs_per_part=pairs_per_part,
                checkpoint=checkpoint,
            )
        except BaseException:
            lock.release()
            raise

    @classmethod
    def resume(
        cls,
        run: Path,
        *,
        privacy: Privacy | None = None,
        measure: Measure | None = None,
        pairs_per_part: int = PAIRS_PER_PART,
        checkpoint: Checkpoint = no_checkpoint,
    ) -> Self:
        """Go on with a run, whatever ended it: what a crash left is sealed first.

        Raises:
            StoreError: When it is not a run, or another process is writing to it.
        """
        manifest = read_manifest(run)
        lock = Lock(run)
        try:
            recover(run, checkpoint)
            disk.make_folder(run / JOURNAL)
            manifest = dataclasses.replace(manifest, status=Status.RUNNING, finished_at=None)
            write_manifest(run, manifest)
            return cls(
                run,
                manifest,
                lock,
                privacy=privacy or Privacy(keep_bodies=manifest.keep_bodies),
                measure=measure,
                pairs_per_part=pairs_per_part,
                checkpoint=checkpoint,
            )
        except BaseException:
            lock.release()
            raise

    @property
    def n_acknowledged(self) -> int:
        """Pairs of this writer that survive a crash."""
        return self._n_acknowledged

    def append(self, pairs: Sequence[Kept]) -> None:
        """Take pairs; a pair whose sides are one deployment is a repeat of it.

        What was observed of a champion alone goes to a table of its own.

        Raises:
            StoreFullError: When a batch was full and the disk too.
        """
        if self._writing.privacy.redact is not None:
            pairs = self._redacted(pairs)
        gathered = self._gathered
        for pair in pairs:
            sides = _sides(pair)
            if sides not in gathered:
                gathered[sides] = []
            gathered[sides].append(pair)
        self._n_gathered += len(pairs)
        self._n_gathered_bytes += sum(map(body_bytes, pairs))
        if self._n_gathered >= PAIRS_PER_BATCH or self._n_gathered_bytes >= BYTES_PER_BATCH:
            self._write_gathered()

    def acknowledge(self) -> int:
        """Write and sync all that was appended; seal journals that are long enough.

        Returns:
            How many pairs of this writer survive a crash.

        Raises:
            StoreFullError: When there is no room. What was acknowledged before stays.
        """
        self._write_gathered()
        for portion in self._portions.values():
            portion.sync()
        self._n_acknowledged = self._n_written
        for series, portion in list(self._portions.items()):
            if portion.n_rows >= self._pairs_per_part or portion.n_bytes >= BYTES_PER_PART:
                self._seal(series)
        return self._n_acknowledged

    def seal(self) -> None:
        """Acknowledge, and turn every journal into a part."""
        self.acknowledge()
        for series in list(self._portions):
            self._seal(series)

    def record_losses(self, conservation: Mapping[str, Conservation]) -> None:
        """Write down where requests went so far, so that a crash does not take the counts along.

        What this writer did not keep because redaction failed is moved from pairs to losses.
        """
        write_losses(
            self.run,
            {name: self._without_unredacted(name, one) for name, one in conservation.items()},
        )

    def finish(
        self,
        conservation: Mapping[str, Conservation],
        *,
        at: datetime,
        status: Status = Status.FINISHED,
    ) -> None:
        """Seal everything, write the counts of the whole run and its end, and close.

        Args:
            conservation: By challenger, of all sessions together; `n_found` says what was there.
        """
        self.seal()
        self.record_losses(conservation)
        self.manifest = dataclasses.replace(self.manifest, status=status, finished_at=at)
        write_manifest(self.run, self.manifest)
        self.close()

    def close(self) -> None:
        """Seal what there is and let go of the run. Doing it twice is fine."""
        try:
            self.seal()
        finally:
            self._abandon()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        exc: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if kind is None:
            self.close()
        else:
            self._abandon()

    def _abandon(self) -> None:
        """Leave the run as a crash would; `resume` finds what was written."""
        for portion in self._portions.values():
            portion.close()
        self._portions = {}
        self._gathered = {}
        self._lock.release()

    def _redacted(self, pairs: Sequence[Kept]) -> list[Kept]:
        """Pairs as they may be kept; those that must not be are counted."""
        kept: list[Kept] = []
        for pair in pairs:
            redacted = self._writing.privacy.redacted(pair)
            if redacted is not None:
                kept.append(redacted)
                continue
            series = _series(*_sides(pair))
            if series.kind is not Kind.REPEATS:
                self.n_unredacted[series.name] = self.n_unredacted.get(series.name, 0) + 1
        return kept

    def _without_unredacted(self, name: str, counts: Conservation) -> Conservation:
        n = self.n_unredacted.get(name, 0)
        if n == 0:
            return counts
        lost = counts.losses.get(LossReason.UNREDACTED, 0) + n
        return dataclasses.replace(
            counts,
            paired=counts.paired - n,
            losses={**counts.losses, LossReason.UNREDACTED: lost},
        )

    def _write_gathered(self) -> None:
        if self._n_gathered == 0:
            return
        n_bytes_each = self._n_gathered_bytes // self._n_gathered + 1
        at_once = min(PAIRS_PER_BATCH, BYTES_PER_BATCH // n_bytes_each + 1)
        for sides, pairs in self._gathered.items():
            while pairs:
                chunk = pairs[:at_once]
                self._portion(_series(*sides)).append(chunk)
                del pairs[:at_once]
                self._n_written += len(chunk)
        self._n_gathered = self._n_gathered_bytes = 0

    def _portion(self, series: Series) -> Portion:
        portion = self._portions.get(series)
        if portion is None:
            number = max(parts_of(self.run, series), default=0) + 1
            portion = Portion(self._writing, series, number)
            self._portions[series] = portion
        return portion

    def _seal(self, series: Series) -> None:
        portion = self._portions[series]
        seal(self.run, series, portion.number, self._checkpoint)
        # Not before: when there is no room for the part, the journal goes on.
        portion.close()
        del self._portions[series]


def _sides(pair: Kept) -> _Sides:
    challenger = pair.challenger.deployment if isinstance(pair, Pair) else None
    return pair.champion.deployment, challenger


def _series(champion: DeploymentName, challenger: DeploymentName | None) -> Series:
    if challenger is None:
        return Series(champion, Kind.EXCHANGES)
    return Series(challenger, Kind.REPEATS if champion == challenger else Kind.PAIRS)


def _rows_found(run: Path) -> dict[str, int]:
    """Pairs that are there already, by challenger; what was observed alone, by champion."""
    return {
        series.name: sum(map(part_rows, parts_of(run, series).values()))
        for series in series_in(run)
        if series.kind is not Kind.REPEATS
    }
