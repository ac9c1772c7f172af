"""A log made ready to be replayed: joined, in the order of time, in bounded memory.

Theory of operation
===================

A log is read once, from its first byte to its last, into a spool: a SQLite database whose file is
unlinked as soon as it is open, so that nothing is left however the process ends. An entry is one
row, packed; an answer that stands apart is one row under its id, whichever comes first. Then:

- Entries come in the order of time, and in the file's where times are equal. An entry without a
  time stays behind the one before it in the file. A log without any times keeps its order.
- A late answer belongs to the one request with its id that has no answer of its own. Where an id
  stands more than once nobody can tell which request was answered: such answers are left out, as
  are the second of two and those that answer nothing, and all are counted.
- An entry's key is the log's own id where that is unique, else the log's digest and the entry's
  place in it: the same log gives the same keys.

Ids are looked up by a 64-bit hash of theirs, which makes the index a fifth of the size; that two
ids share one is a matter of one in a million for ten million entries, and is taken for a repeated
id: the entries stay, under keys by place.
"""

from __future__ import annotations

import hashlib
import sqlite3
import tempfile
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from harness.errors import HarnessError, LogError, PluginError, StoreFullError
from harness.exchange import LateAnswer, Recorded, Rejected
from harness.ports import Reader, Source
from harness.replay.opening import OpenLog, open_log
from harness.replay.packing import pack, pack_late, unpack

MAX_REJECTED_RATE = 0.05
"""Above this share of unreadable entries a log is refused: what is left may not be typical."""

_N_SHOWN = 10
_ROWS_AT_ONCE = 500
_BYTES_AT_ONCE = 4 * 1024 * 1024
_CACHE_KIB = 64 * 1024

_SCHEMA = """
    CREATE TABLE entry (place INTEGER PRIMARY KEY, sort_ns INTEGER, id INTEGER, answered INTEGER,
                        packed BLOB);
    CREATE INDEX entry_by_time ON entry (sort_ns);
    CREATE INDEX entry_by_id ON entry (id) WHERE id IS NOT NULL;
    CREATE TABLE answer (id INTEGER PRIMARY KEY, packed BLOB);
"""

_REPEATED = """
    CREATE TABLE repeated (id INTEGER PRIMARY KEY);
    INSERT INTO repeated SELECT id FROM entry WHERE id IS NOT NULL GROUP BY id HAVING count(*) > 1;
"""

_N_DUPLICATES = "SELECT count(*) FROM repeated JOIN entry USING (id)"
_N_JOINED = """
    SELECT count(*) FROM answer JOIN entry USING (id)
    WHERE NOT answered AND NOT EXISTS (SELECT 1 FROM repeated WHERE repeated.id = entry.id)
"""
_N_ORPHANS = """
    SELECT count(*) FROM answer WHERE NOT EXISTS (SELECT 1 FROM entry WHERE entry.id = answer.id)
"""

_IN_ORDER = """
    SELECT entry.packed, repeated.id IS NULL AND entry.id IS NOT NULL, entry.place,
           CASE WHEN repeated.id IS NULL AND NOT answered THEN answer.packed END
    FROM entry LEFT JOIN repeated USING (id) LEFT JOIN answer USING (id)
    ORDER BY entry.sort_ns, entry.place LIMIT -1 OFFSET ?
"""


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

    def __init__(self, spool: sqlite3.Connection, contents: Contents) -> None:
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
    ) -> Corpus:
        """Read a log.

        Args:
            paths: Files and folders that make up the log.
            readers: Formats by name; the log's is told by content unless `format` names it.
            spool_dir: Where the spool is; it takes about as much room as the log, decompressed.
            max_rejected_rate: Largest share of unreadable entries, 0 to 1, that is put up with.

        Raises:
            LogError: It cannot be opened, holds no entry, or too many that cannot be read.
            PluginError: The reader raised instead of telling what it could not read.
            StoreFullError: There is no room for the spool.
        """
        log = open_log(paths, readers, format=format)
        spool = _new_spool(spool_dir)
        try:
            filling = _Filling(spool, shows_file=len(log.files) > 1)
            for source in log.sources():
                filling.take(source.name, _promised(log, source))
            for rejected in log.damage:
                filling.reject(rejected)
            contents = filling.finish(log)
            _refuse_damaged(contents, max_rejected_rate)
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
        rows = self._spool.execute(_IN_ORDER, (start,))
        for index, (packed, by_id, place, answer) in enumerate(rows, start=start):
            recorded = unpack(packed, answer)
            key = recorded.entry_id if by_id else f"{self.digest[:32]}:{place}"
            if key not in skip:
                yield Entry(key, recorded, index)

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

    spool: sqlite3.Connection
    shows_file: bool
    n_entries: int = 0
    n_answered: int = 0
    n_with_truth: int = 0
    n_late: int = 0
    n_rejected: int = 0
    rejections: list[Rejected] = field(default_factory=list)
    first_at_ns: int | None = None
    last_at_ns: int | None = None
    _sort_ns: int = -(2**63)
    _rows: list[tuple[Any, ...]] = field(default_factory=list)
    _answers: list[tuple[int, bytes]] = field(default_factory=list)
    _n_bytes: int = 0

    def take(self, name: str, entries: Iterator[Recorded | LateAnswer | Rejected]) -> None:
        for entry in entries:
            match entry:
                case Recorded():
                    self._add(entry)
                case LateAnswer():
                    self._answer(entry)
                case Rejected(position, why):
                    where = f"{name}: {position}" if self.shows_file else position
                    self.reject(Rejected(where, why))

    def reject(self, rejected: Rejected) -> None:
        self.n_rejected += 1
        if len(self.rejections) < _N_SHOWN:
            self.rejections.append(rejected)

    def finish(self, log: OpenLog) -> Contents:
        self._flush()
        self.spool.executescript(_REPEATED)
        n_joined = self._count(_N_JOINED) if self.n_late else 0
        return Contents(
            where=log.where,
            format_name=log.format_name,
            digest=log.digest,
            n_entries=self.n_entries,
            n_rejected=self.n_rejected,
            first_rejections=tuple(self.rejections),
            n_with_answer=self.n_answered + n_joined,
            n_with_truth=self.n_with_truth,
            n_duplicates=self._count(_N_DUPLICATES),
            n_late_answers=self.n_late,
            n_answers_left_out=self.n_late - n_joined,
            n_orphans=self._count(_N_ORPHANS),
            first_at_ns=self.first_at_ns,
            last_at_ns=self.last_at_ns,
            resolution_ns=log.reader.resolution_ns,
        )

    def _add(self, entry: Recorded) -> None:
        at_ns = entry.at_ns
        if at_ns is not None:
            self._sort_ns = at_ns
            if self.first_at_ns is None or at_ns < self.first_at_ns:
                self.first_at_ns = at_ns
            if self.last_at_ns is None or at_ns > self.last_at_ns:
                self.last_at_ns = at_ns
        self.n_answered += entry.answer is not None
        self.n_with_truth += entry.truth is not None
        entry_id = _hashed(entry.entry_id) if entry.entry_id else None
        answered = entry.answer is not None
        packed = pack(entry)
        self._rows.append((self.n_entries, self._sort_ns, entry_id, answered, packed))
        self.n_entries += 1
        self._flush_at(len(packed))

    def _answer(self, late: LateAnswer) -> None:
        self.n_late += 1
        packed = pack_late(late)
        self._answers.append((_hashed(late.entry_id), packed))
        self._flush_at(len(packed))

    def _flush_at(self, n_bytes: int) -> None:
        """Flush when rows, or bytes with these, are enough."""
        self._n_bytes += n_bytes
        n_rows = len(self._rows) + len(self._answers)
        if n_rows >= _ROWS_AT_ONCE or self._n_bytes >= _BYTES_AT_ONCE:
            self._flush()

    def _flush(self) -> None:
        self.spool.executemany("INSERT INTO entry VALUES (?, ?, ?, ?, ?)", self._rows)
        self.spool.executemany("INSERT OR IGNORE INTO answer VALUES (?, ?)", self._answers)
        self._rows.clear()
        self._answers.clear()
        self._n_bytes = 0

    def _count(self, query: str) -> int:
        (count,) = self.spool.execute(query).fetchone()
        return int(count)


def _new_spool(folder: Path) -> sqlite3.Connection:
    """An empty database that is gone when it is closed, or when the process is."""
    try:
        with tempfile.NamedTemporaryFile(dir=folder, prefix=".corpus-", suffix=".db") as file:
            # Walks may be taken on in a thread; they never run at the same time as another.
            spool = sqlite3.connect(file.name, isolation_level=None, check_same_thread=False)
            # No journal: a spool that is not whole is never read. Memory for what SQLite would
            # else put in files of its own, which are not ours to place.
            spool.executescript(
                f"PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA locking_mode = "
                f"EXCLUSIVE; PRAGMA temp_store = MEMORY; PRAGMA cache_size = -{_CACHE_KIB}; BEGIN;"
                f"{_SCHEMA}"
            )
            return spool
    except (OSError, sqlite3.Error) as exc:
        raise LogError(
            f"{folder}: cannot hold the spool of a log: {exc}. Name a folder that can be written"
        ) from exc


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
    if contents.n_entries == 0:
        answers = f", only {contents.n_late_answers} answers" if contents.n_late_answers else ""
        raise LogError(
            f"{contents.where}: holds no request that could be replayed{answers}. "
            f"Name a log with requests"
        )


def _hashed(entry_id: str) -> int:
    digest = hashlib.blake2b(entry_id.encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return int.from_bytes(digest, "big", signed=True)
