"""A log made ready to be replayed: joined, in the order of time, in bounded memory.

Theory of operation
===================

A log is read once, from its first byte to its last, into a spool on disk. Then:

- Entries come in the order of time, and in the file's where times are equal. An entry without a
  time stays behind the one before it in the file. A log without any times keeps its order.
- A late answer belongs to the one request with its id that has no answer of its own. Where an id
  stands more than once nobody can tell which request was answered: such answers are left out, as
  are the second of two and those that answer nothing, and all are counted.
- An entry's key is the log's own id where that is unique, else the log's digest and the entry's
  place in it: the same log gives the same keys.

A log may hold what another deployment answered to the same requests, or such answers are added from
a log of their own. A replay has no use for them; `pairs` walks through entries with all that is
known of them.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Self

from harness.errors import HarnessError, LogError, PluginError, StoreFullError
from harness.exchange import LateAnswer, Recorded, RecordedAnswer, Rejected
from harness.ports import Reader, Source
from harness.replay.opening import OpenLog, open_log
from harness.replay.spool import Held, OtherAnswers, Spool

MAX_REJECTED_RATE = 0.05
"""Above this share of unreadable entries a log is refused: what is left may not be typical."""

_N_SHOWN = 10


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of a corpus.

    Attributes:
        key: Identity within the log, the same whenever that log is read.
        index: Its place in the order of time, from 0.
    """

    key: str
    recorded: Recorded
    index: int


@dataclass(frozen=True, slots=True)
class Answered:
    """An entry with what other deployments than the champion answered to it.

    Attributes:
        by: The answers by deployment. Empty where the id stands more than once: nobody can tell
            which of the requests was answered.
        id_is_repeated: Whether it does.
    """

    entry: Entry
    by: Mapping[str, RecordedAnswer]
    id_is_repeated: bool


@dataclass(frozen=True, slots=True)
class Contents:
    """What a log holds.

    Attributes:
        digest: SHA-256 (hex) of its content, decompressed.
        n_rejected: Entries that could not be read.
        first_rejections: The first ten of them.
        n_with_answer: Entries whose recorded answer is known, joined ones included.
        n_duplicates: Entries whose id stands more than once.
        n_late_answers: Answers that stood apart from their request.
        n_answers_left_out: Of those, how many belong to no request, to one that has an answer, or
            to an id that stands more than once.
        n_orphans: Of those left out, how many belong to no request.
        first_at_ns: Time of the earliest entry; None in a log without times.
        resolution_ns: How fine the format's times are; 0 for one without.
    """

    where: str
    format_name: str
    digest: str
    n_entries: int
    n_rejected: int
    first_rejections: tuple[Rejected, ...]
    n_with_answer: int
    n_with_truth: int
    n_duplicates: int
    n_late_answers: int
    n_answers_left_out: int
    n_orphans: int
    first_at_ns: int | None
    last_at_ns: int | None
    resolution_ns: int


class Corpus:
    """A log, ready to be walked through any number of times. Close it to free its spool."""

    def __init__(self, spool: Spool, contents: Contents) -> None:
        self._spool = spool
        self.contents = contents

    @classmethod
    def build(
        cls,
        paths: Sequence[Path],
        readers: Mapping[str, Reader],
        *,
        format: str | None = None,
        spool_dir: Path,
        max_rejected_rate: float = MAX_REJECTED_RATE,
        needs_requests: bool = True,
    ) -> Corpus:
        """Read a log.

        Args:
            paths: Files and folders that make up the log.
            readers: Formats by name; the log's is told by content unless `format` names it.
            spool_dir: Where the spool is; it takes about as much room as the log, decompressed.
            max_rejected_rate: Largest share of unreadable entries, 0 to 1, that is put up with.
            needs_requests: False for a log that is read for its answers.

        Raises:
            LogError: It cannot be opened, holds nothing that is needed, or too much that cannot be
                read.
            PluginError: The reader raised instead of telling what it could not read.
            StoreFullError: There is no room for the spool.
        """
        log = open_log(paths, readers, format=format)
        spool = Spool.new(spool_dir)
        try:
            filling = _Filling(spool, shows_file=len(log.files) > 1)
            for source in log.sources():
                filling.take(source.name, _promised(log, source))
            for rejected in log.damage:
                filling.reject(rejected)
            contents = filling.finish(log)
            _refuse_damaged(contents, max_rejected_rate)
            _refuse_empty(contents, needs_requests=needs_requests)
        except sqlite3.Error as exc:
            spool.close()
            raise StoreFullError(
                f"{spool_dir}: cannot hold the spool of {log.where}: {exc}. Make room for as much "
                f"as the log has, decompressed"
            ) from exc
        except BaseException:
            spool.close()
            raise
        return cls(spool, contents)

    @property
    def n_entries(self) -> int:
        return self.contents.n_entries

    @property
    def n_rejected(self) -> int:
        return self.contents.n_rejected

    @property
    def first_rejections(self) -> tuple[Rejected, ...]:
        return self.contents.first_rejections

    @property
    def digest(self) -> str:
        return self.contents.digest

    @property
    def has_times(self) -> bool:
        return self.contents.first_at_ns is not None

    @property
    def first_at_ns(self) -> int | None:
        return self.contents.first_at_ns

    @property
    def last_at_ns(self) -> int | None:
        return self.contents.last_at_ns

    @property
    def resolution_ns(self) -> int:
        return self.contents.resolution_ns

    @property
    def format_name(self) -> str:
        return self.contents.format_name

    @property
    def n_with_answer(self) -> int:
        return self.contents.n_with_answer

    @property
    def n_with_truth(self) -> int:
        return self.contents.n_with_truth

    @property
    def duplicates(self) -> int:
        return self.contents.n_duplicates

    def entries(self, skip: Collection[str] = (), *, start: int = 0) -> Iterator[Entry]:
        """Walk through the log in the order of time.

        Entries are fetched one by one: no step takes long or holds more than one. Walks do not
        disturb each other.

        Args:
            skip: Keys of entries to pass over.
            start: Index to begin at.
        """
        for index, held in enumerate(self._spool.entries(start), start=start):
            key = self._key(held)
            if key not in skip:
                yield Entry(key, held.recorded, index)

    @property
    def other_answers(self) -> tuple[OtherAnswers, ...]:
        """The deployments besides the champion whose answers are there."""
        return self._spool.other_answers()

    def add_answers(self, by: str, corpus: Corpus) -> None:
        """Take the answers of another log as another deployment's, joined by id.

        An id that stands more than once in that log answers nothing. Answers whose request is not
        in that log count too: the request is in this one.
        """
        for held in corpus._spool.entries():
            one = held.recorded
            if held.has_own_id and one.answer is not None:
                self._spool.add_answer(LateAnswer(one.entry_id, one.position, one.answer, by=by))
        for late in corpus._spool.stray_answers():
            self._spool.add_answer(replace(late, by=by))
        self._spool.flush()

    def answered(self) -> Iterator[Answered]:
        """Walk through the log in the order of time, with what everybody answered."""
        for index, held in enumerate(self._spool.entries()):
            entry = Entry(self._key(held), held.recorded, index)
            known = self._spool.other_answers_to(held.recorded) if held.has_own_id else {}
            repeated = not held.has_own_id and bool(held.recorded.entry_id)
            yield Answered(entry, known, repeated)

    def _key(self, held: Held) -> str:
        if held.has_own_id:
            return held.recorded.entry_id
        return f"{self.digest[:32]}:{held.place}"

    def close(self) -> None:
        """Free the spool. Walks that are under way end with an error."""
        self._spool.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()


@dataclass(slots=True)
class _Filling:
    """A spool while it is filled, and what was counted on the way."""

    spool: Spool
    shows_file: bool
    n_entries: int = 0
    n_answered: int = 0
    n_with_truth: int = 0
    n_late: int = 0
    n_rejected: int = 0
    rejections: list[Rejected] = field(default_factory=list)
    first_at_ns: int | None = None
    last_at_ns: int | None = None

    def take(self, name: str, entries: Iterator[Recorded | LateAnswer | Rejected]) -> None:
        for entry in entries:
            match entry:
                case Recorded():
                    self._add(entry)
                case LateAnswer():
                    self.n_late += not entry.by
                    self.spool.add_answer(entry)
                case Rejected(position, why):
                    where = f"{name}: {position}" if self.shows_file else position
                    self.reject(Rejected(where, why))

    def reject(self, rejected: Rejected) -> None:
        self.n_rejected += 1
        if len(self.rejections) < _N_SHOWN:
            self.rejections.append(rejected)

    def finish(self, log: OpenLog) -> Contents:
        self.spool.complete()
        n_joined = self.spool.n_joined if self.n_late else 0
        return Contents(
            where=log.where,
            format_name=log.format_name,
            digest=log.digest,
            n_entries=self.n_entries,
            n_rejected=self.n_rejected,
            first_rejections=tuple(self.rejections),
            n_with_answer=self.n_answered + n_joined,
            n_with_truth=self.n_with_truth,
            n_duplicates=self.spool.n_duplicates,
            n_late_answers=self.n_late,
            n_answers_left_out=self.n_late - n_joined,
            n_orphans=self.spool.n_orphans,
            first_at_ns=self.first_at_ns,
            last_at_ns=self.last_at_ns,
            resolution_ns=log.reader.resolution_ns,
        )

    def _add(self, entry: Recorded) -> None:
        at_ns = entry.at_ns
        if at_ns is not None:
            if self.first_at_ns is None or at_ns < self.first_at_ns:
                self.first_at_ns = at_ns
            if self.last_at_ns is None or at_ns > self.last_at_ns:
                self.last_at_ns = at_ns
        self.n_entries += 1
        self.n_answered += entry.answer is not None
        self.n_with_truth += entry.truth is not None
        self.spool.add(entry)


def _promised(log: OpenLog, source: Source) -> Iterator[Recorded | LateAnswer | Rejected]:
    """What a reader gives. Whatever it raises is its author's to put right."""
    try:
        yield from log.reader.read(source)
    except HarnessError:
        raise  # from the file it reads
    except Exception as exc:
        problem = f"raised {type(exc).__name__} while reading {source.name}: {exc}"
        raise PluginError("harness.readers", log.format_name, problem) from exc


def _refuse_damaged(contents: Contents, max_rejected_rate: float) -> None:
    n_read = contents.n_entries + contents.n_rejected
    if contents.n_rejected > max_rejected_rate * n_read:
        first = contents.first_rejections[0]
        raise LogError(
            f"{contents.where}: {contents.n_rejected} of {n_read} entries could not be read "
            f"(first: {first.position}, {first.why}). Export it again, or raise "
            f"`max_rejected_rate` if that is expected."
        )


def _refuse_empty(contents: Contents, *, needs_requests: bool) -> None:
    if contents.n_entries == 0 and (needs_requests or not contents.n_late_answers):
        answers = f", only {contents.n_late_answers} answers" if contents.n_late_answers else ""
        raise LogError(
            f"{contents.where}: holds no request that could be replayed{answers}. "
            f"Name a log with requests"
        )
