"""Where things stand in a run's folder.

A *series* is what is written one row after the other: the pairs of one challenger, the repeats of
one deployment, or the exchanges of a champion without challengers. Its name comes from a config and
may hold anything, so on disk it is quoted as in a URL: a challenger `a/b` is the folder
`challenger=a%2Fb`, which readers of partitioned Parquet turn back.

Rows of a series come in numbered portions. Portion 7 is a journal first and a part later; the
shared number is what tells recovery that a journal has been sealed already.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from urllib.parse import quote, unquote

from harness.errors import StoreError
from harness.store import disk

MANIFEST = "run.json"
LOSSES = "losses.json"
LOCK = "writer.lock"
JOURNAL = "journal"
VALUES = "values"
VERDICTS = "verdicts"
LOOKS = "looks"

_MOST_QUOTED_BYTES = 180  # a file name may have 255; key, number and suffix need their part


class Kind(Enum):
    """What a series holds. The value is its folder and the key of its partition."""

    PAIRS = ("pairs", "challenger")
    REPEATS = ("repeats", "of")
    EXCHANGES = ("exchanges", "champion")

    @property
    def folder(self) -> str:
        return self.value[0]

    @property
    def key(self) -> str:
        return self.value[1]


@dataclass(frozen=True, slots=True, order=True)
class Series:
    """The rows of one challenger, of one deployment asked twice, or of a champion alone.

    Attributes:
        name: Of the challenger, of the deployment that was repeated, or of the champion.
    """

    name: str
    kind: Kind = Kind.PAIRS

    @property
    def partition(self) -> str:
        """The name of its folder, for instance `challenger=digits-knn`.

        Raises:
            StoreError: For a name that no file system takes.
        """
        quoted = quote(self.name, safe="", errors="surrogatepass")
        if not self.name or len(quoted) > _MOST_QUOTED_BYTES:
            raise StoreError(
                f"{self.name[:40]!r}: a deployment's name has {len(quoted)} bytes on disk, "
                f"1 to {_MOST_QUOTED_BYTES} are possible. Give it a shorter name"
            )
        return f"{self.kind.key}={quoted}"


def series_of(given: str | Series) -> Series:
    """A plain name means the challenger's pairs."""
    return given if isinstance(given, Series) else Series(given)


def part_path(run: Path, series: Series, number: int) -> Path:
    return run / series.kind.folder / series.partition / f"part-{number:06d}.parquet"


def journal_path(run: Path, series: Series, number: int) -> Path:
    return run / JOURNAL / f"{series.partition}.{number:06d}.arrow"


def value_journal_path(run: Path, series: Series, number: int) -> Path:
    return run / JOURNAL / f"{series.partition}.{number:06d}.values"


def value_part_path(run: Path, series: Series, number: int, digest: str) -> Path:
    return run / VALUES / digest / series.partition / f"part-{number:06d}.parquet"


def parts_of(run: Path, series: Series) -> dict[int, Path]:
    """The sealed parts of a series, by number.

    Raises:
        StoreError: For a Parquet file there that is not one of ours.
    """
    folder = run / series.kind.folder / series.partition
    return {_part_number(path): path for path in disk.files_in(folder, ".parquet")}


def journals_of(run: Path) -> dict[tuple[Series, int], Path]:
    """The journals that have not been removed yet, oldest first."""
    found = {_journal_of(path): path for path in disk.files_in(run / JOURNAL, ".arrow")}
    return dict(sorted(found.items(), key=lambda item: (item[0][0].name, item[0][1])))


def series_in(run: Path) -> set[Series]:
    """Every series with a folder of parts or a journal."""
    found = {series for series, _ in journals_of(run)}
    for kind in Kind:
        folder = run / kind.folder
        if folder.is_dir():
            found |= {_series(path.name, path) for path in folder.iterdir() if path.name[0] != "."}
    return found


def _part_number(path: Path) -> int:
    digits = path.name.removeprefix("part-").removesuffix(".parquet")
    if not (path.name.startswith("part-") and digits.isascii() and digits.isdigit()):
        raise _foreign(path, "part-000001.parquet")
    return int(digits)


def _journal_of(path: Path) -> tuple[Series, int]:
    partition, _, digits = path.name.removesuffix(".arrow").rpartition(".")
    if not (digits.isascii() and digits.isdigit()):
        raise _foreign(path, "challenger=NAME.000001.arrow")
    return _series(partition, path), int(digits)


def _series(partition: str, path: Path) -> Series:
    key, _, quoted = partition.partition("=")
    for kind in Kind:
        if key == kind.key and quoted:
            return Series(unquote(quoted, errors="surrogatepass"), kind)
    raise _foreign(path, "challenger=NAME")


def _foreign(path: Path, expected: str) -> StoreError:
    return StoreError(
        f"{path}: is not a file of a run, which would be called like {expected}. "
        f"Move it out of the run's folder"
    )
