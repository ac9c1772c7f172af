"""Where the entries of a log wait to be walked through: a SQLite database that leaves nothing.

Its file is unlinked as soon as it is open, so that nothing is left however the process ends. An
entry is one row, packed; an answer that stands apart is one row under its id, whichever comes
first.

Ids are looked up by a 64-bit hash of theirs, which makes the index a fifth of the size; that two
ids share one is a matter of one in a million for ten million entries, and is taken for a repeated
id: the entries stay, under keys by place.
"""

from __future__ import annotations

import hashlib
import sqlite3
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from harness.errors import LogError
from harness.exchange import LateAnswer, Recorded, RecordedAnswer
from harness.replay.packing import pack, pack_late, unpack, unpack_late, unpack_stray

_ROWS_AT_ONCE = 500
_BYTES_AT_ONCE = 4 * 1024 * 1024
_CACHE_KIB = 64 * 1024

_SCHEMA = """
    CREATE TABLE entry (place INTEGER PRIMARY KEY, sort_ns INTEGER, id INTEGER, answered INTEGER,
                        packed BLOB);
    CREATE INDEX entry_by_time ON entry (sort_ns);
    CREATE INDEX entry_by_id ON entry (id) WHERE id IS NOT NULL;
    CREATE TABLE answer (id INTEGER PRIMARY KEY, packed BLOB);
    CREATE TABLE other (id INTEGER, by TEXT, packed BLOB, PRIMARY KEY (id, by)) WITHOUT ROWID;
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
_STRAY = """
    SELECT packed FROM answer WHERE NOT EXISTS (SELECT 1 FROM entry WHERE entry.id = answer.id)
"""
_N_OTHERS = """
    SELECT by, count(*), sum(EXISTS (SELECT 1 FROM entry WHERE entry.id = other.id))
    FROM other GROUP BY by ORDER BY by
"""

_IN_ORDER = """
    SELECT entry.packed, repeated.id IS NULL AND entry.id IS NOT NULL, entry.place,
           CASE WHEN repeated.id IS NULL AND NOT answered THEN answer.packed END
    FROM entry LEFT JOIN repeated USING (id) LEFT JOIN answer USING (id)
    ORDER BY entry.sort_ns, entry.place LIMIT -1 OFFSET ?
"""


@dataclass(frozen=True, slots=True)
class Held:
    """One entry that the spool holds, with the answer that stood apart where it has none.

    Attributes:
        place: Where it stood among the entries of the log, from 0.
        has_own_id: Whether the log gives it an id, and no other entry the same.
    """

    recorded: Recorded
    place: int
    has_own_id: bool


@dataclass(frozen=True, slots=True)
class OtherAnswers:
    """How many answers of another deployment there are.

    Attributes:
        n_to_a_request: Those to a request of the log; the rest answer nothing that is there.
    """

    by: str
    n: int
    n_to_a_request: int


@dataclass(slots=True)
class Spool:
    """Entries and answers, added in any order; walked through when all are there."""

    _database: sqlite3.Connection
    _n_entries: int = 0
    _sort_ns: int = -(2**63)
    _rows: list[tuple[Any, ...]] = field(default_factory=list)
    _answers: list[tuple[int, bytes]] = field(default_factory=list)
    _others: list[tuple[int, str, bytes]] = field(default_factory=list)
    _n_bytes: int = 0

    @classmethod
    def new(cls, folder: Path) -> Spool:
        """An empty one, that is gone when it is closed, or when the process is.

        Raises:
            LogError: The folder cannot hold it.
        """
        try:
            with tempfile.NamedTemporaryFile(dir=folder, prefix=".corpus-", suffix=".db") as file:
                # Walks may be taken on in a thread; they never run at the same time as another.
                database = sqlite3.connect(file.name, isolation_level=None, check_same_thread=False)
                # No journal: a spool that is not whole is never read. Memory for what SQLite would
                # else put in files of its own, which are not ours to place.
                database.executescript(
                    f"PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA locking_mode = "
                    f"EXCLUSIVE; PRAGMA temp_store = MEMORY; PRAGMA cache_size = -{_CACHE_KIB}; "
                    f"BEGIN;{_SCHEMA}"
                )
                return cls(database)
        except (OSError, sqlite3.Error) as exc:
            raise LogError(
                f"{folder}: cannot hold the spool of a log: {exc}. "
                f"Name a folder that can be written"
            ) from exc

    def add(self, entry: Recorded) -> None:
        if entry.at_ns is not None:
            self._sort_ns = entry.at_ns
        entry_id = _hashed(entry.entry_id) if entry.entry_id else None
        answered = entry.answer is not None
        packed = pack(entry)
        self._rows.append((self._n_entries, self._sort_ns, entry_id, answered, packed))
        self._n_entries += 1
        self._flush_at(len(packed))

    def add_answer(self, late: LateAnswer) -> None:
        """Take an answer that stands apart; of two by one deployment to one id the first stays."""
        packed = pack_late(late)
        if late.by:
            self._others.append((_hashed(late.entry_id), late.by, packed))
        else:
            self._answers.append((_hashed(late.entry_id), packed))
        self._flush_at(len(packed))

    def complete(self) -> None:
        """Say that all is there. What counts, and walks, comes after it."""
        self.flush()
        self._database.executescript(_REPEATED)

    @property
    def n_duplicates(self) -> int:
        """Entries whose id stands more than once."""
        return self._count(_N_DUPLICATES)

    @property
    def n_joined(self) -> int:
        """Answers that stood apart and have found their entry."""
        return self._count(_N_JOINED)

    @property
    def n_orphans(self) -> int:
        """Answers that stood apart and belong to no entry."""
        return self._count(_N_ORPHANS)

    def other_answers(self) -> tuple[OtherAnswers, ...]:
        """What there is of other deployments than the champion, by name."""
        self.flush()
        return tuple(OtherAnswers(*row) for row in self._database.execute(_N_OTHERS))

    def entries(self, start: int = 0) -> Iterator[Held]:
        """Walk through the entries in the order of time."""
        for packed, by_id, place, answer in self._database.execute(_IN_ORDER, (start,)):
            yield Held(unpack(packed, answer), place, bool(by_id))

    def other_answers_to(self, entry: Recorded) -> dict[str, RecordedAnswer]:
        """What other deployments answered to it, by name."""
        rows = self._database.execute(
            "SELECT by, packed FROM other WHERE id = ?", (_hashed(entry.entry_id),)
        )
        answers = {by: unpack_late(packed, entry) for by, packed in rows}
        return {by: answer for by, answer in answers.items() if answer is not None}

    def stray_answers(self) -> Iterator[LateAnswer]:
        """Answers to no entry, without times: only their request would make a latency of them."""
        for (packed,) in self._database.execute(_STRAY):
            yield unpack_stray(packed)

    def close(self) -> None:
        self._database.close()

    def flush(self) -> None:
        self._database.executemany("INSERT INTO entry VALUES (?, ?, ?, ?, ?)", self._rows)
        self._database.executemany("INSERT OR IGNORE INTO answer VALUES (?, ?)", self._answers)
        self._database.executemany("INSERT OR IGNORE INTO other VALUES (?, ?, ?)", self._others)
        self._rows.clear()
        self._answers.clear()
        self._others.clear()
        self._n_bytes = 0

    def _flush_at(self, n_bytes: int) -> None:
        """Flush when rows, or bytes with these, are enough."""
        self._n_bytes += n_bytes
        n_rows = len(self._rows) + len(self._answers) + len(self._others)
        if n_rows >= _ROWS_AT_ONCE or self._n_bytes >= _BYTES_AT_ONCE:
            self.flush()

    def _count(self, query: str) -> int:
        (count,) = self._database.execute(query).fetchone()
        return int(count)


def _hashed(entry_id: str) -> int:
    digest = hashlib.blake2b(entry_id.encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return int.from_bytes(digest, "big", signed=True)
