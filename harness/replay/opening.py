"""Find a log's files, tell its format, and give out its content decompressed, a piece at a time.

A log is a file, several files, or a folder: GoReplay writes `name_0.gor, name_1.gor`, SageMaker a
tree by the hour, a batch has an input, an output and an error file. Whether a file is compressed
is told by its first bytes, not by its name. Nothing is ever held whole, and what decompresses to a
thousand times its size is refused.

What was compressed and is cut off gives what could be decompressed, and an entry in `damage`.
"""

from __future__ import annotations

import hashlib
import re
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import zstandard

from harness.errors import LogError, PluginError
from harness.exchange import Rejected
from harness.ports import Reader, Source

_CHUNK_BYTES = 256 * 1024
_HEAD_BYTES = 64 * 1024

_GZIP = b"\x1f\x8b"
_ZSTD = b"\x28\xb5\x2f\xfd"

# A zstd block of a few bytes may stand for 128 KiB: what goes in at once bounds what comes out.
_ZSTD_INPUT_BYTES = 1024
_ZSTD_MAX_WINDOW_BYTES = 128 * 1024 * 1024

# gzip cannot do better than 1032:1, on zeros. Logs of one line over and over reach some hundreds.
_MAX_RATIO = 1000
_RATIO_COUNTS_FROM_BYTES = 256 * 1024 * 1024

_BY_THE_HOUR = re.compile(r"(.*)/\d{4}/\d\d/\d\d/\d\d/[^/]*")
_GOR_CHUNK = re.compile(r"_\d+")


@dataclass(slots=True)
class OpenLog:
    """A log whose files and format are known, to be read once.

    Attributes:
        where: Its path or paths, for messages.
        files: In the order they are read.
        damage: What is wrong with files as a whole, known after reading.
    """

    where: str
    format_name: str
    reader: Reader
    files: tuple[Path, ...]
    damage: list[Rejected] = field(default_factory=list)
    _sha256: hashlib._Hash = field(default_factory=hashlib.sha256)

    def sources(self) -> Iterator[Source]:
        """The files' content, one file after the other.

        Raises:
            LogError: While it is read: a file cannot be read, or is a decompression bomb.
        """
        for path in self.files:
            chunks = self._digested(_content(path, self.damage))
            yield Source(str(path), chunks)
            for _ in chunks:
                pass  # a reader may stop early; the digest is of the whole

    @property
    def digest(self) -> str:
        """SHA-256 (hex) of the decompressed files one after the other, once all are read."""
        return self._sha256.hexdigest()

    def _digested(self, chunks: Iterator[bytes]) -> Iterator[bytes]:
        for chunk in chunks:
            self._sha256.update(chunk)
            yield chunk


def open_log(
    paths: Sequence[Path], readers: Mapping[str, Reader], *, format: str | None = None
) -> OpenLog:
    """Find the files of a log and tell its format by content.

    Args:
        paths: Files and folders; in folders all files count that are not hidden and not empty.
        readers: Formats by name.
        format: Take this one, whatever the content looks like.

    Raises:
        LogError: No such file, an empty one, or none or more than one format fits.
        PluginError: A reader raised instead of telling.
    """
    where = ", ".join(map(str, paths))
    if format is not None and format not in readers:
        raise LogError(f"{where}: format {format!r} is unknown. Known are: {_known(readers)}")
    files = tuple(file for path in paths for file in _files(path))
    if not files:
        raise LogError(f"{where}: holds no files. Name the log's file, or a folder with its files")
    _refuse_several_deployments(where, files)
    if format is None:
        format = _common_format(files, readers)
    return OpenLog(where, format, readers[format], files)


def _files(path: Path) -> list[Path]:
    try:
        if path.is_dir():
            return sorted(filter(_counts, path.rglob("*")), key=_natural)
        if path.is_file():
            return [path]
        if path.exists():
            raise LogError(f"{path}: is no file, and is read twice. Save it to a file first")
        chunks = [
            file
            for file in path.parent.glob(f"{_escaped(path.stem)}_*{_escaped(path.suffix)}")
            if _GOR_CHUNK.fullmatch(file.stem.removeprefix(path.stem))
        ]
    except OSError as exc:
        raise _unreadable(path, exc) from exc
    if not chunks:
        raise LogError(f"{path}: no such file. Name a log: a file, or a folder with its files")
    return sorted(chunks, key=_natural)


def _counts(path: Path) -> bool:
    return path.is_file() and not path.name.startswith((".", "_")) and path.stat().st_size > 0


def _natural(path: Path) -> list[tuple[int, int, str]]:
    """Sort key by which `x_10` comes after `x_9`."""
    parts = re.split(r"(\d+)", str(path))
    return [(0, int(part), "") if part.isdecimal() else (1, 0, part) for part in parts]


def _escaped(text: str) -> str:
    return re.sub(r"([*?[])", r"[\1]", text)


def _refuse_several_deployments(where: str, files: Sequence[Path]) -> None:
    """A tree by the hour under more than one folder holds every request more than once."""
    matches = (_BY_THE_HOUR.fullmatch(file.as_posix()) for file in files)
    folders = sorted({match[1] for match in matches if match is not None})
    if len(folders) > 1:
        raise LogError(
            f"{where}: holds captures of {len(folders)} variants ({', '.join(folders)}). "
            f"Name the folder of the champion's; `harness import` takes another's with --challenger"
        )


def _common_format(files: Sequence[Path], readers: Mapping[str, Reader]) -> str:
    first = _format(files[0], readers)
    for file in files[1:]:
        other = _format(file, readers)
        if other != first:
            raise LogError(
                f"{file}: is {other}, {files[0]} is {first}; a log has one format. "
                f"Name the files that belong together"
            )
    return first


def _format(path: Path, readers: Mapping[str, Reader]) -> str:
    head = b""
    damage: list[Rejected] = []
    for chunk in _content(path, damage):
        head += chunk
        if len(head) >= _HEAD_BYTES:
            break
    if damage and not head:
        raise LogError(f"{path}: {damage[0].why}. Export it again")
    if not head:
        raise LogError(f"{path}: is empty. Name a log with at least one entry")
    found = [name for name in readers if _fits(name, readers[name], head[:_HEAD_BYTES])]
    match found:
        case [name]:
            return name
        case []:
            raise LogError(
                f"{path}: is in none of the formats known ({_known(readers)}). "
                f"Name it with --format if it is damaged at its beginning, or export it in one "
                f"of these"
            )
        case _:
            raise LogError(f"{path}: could be {' or '.join(found)}. Name one with --format")


def _fits(name: str, reader: Reader, head: bytes) -> bool:
    try:
        return reader.sniff(head)
    except Exception as exc:
        # A plug-in is foreign code: whatever it raises is its author's to put right.
        problem = f"raised {type(exc).__name__} while sniffing: {exc}"
        raise PluginError("harness.readers", name, problem) from exc


def _known(readers: Mapping[str, Reader]) -> str:
    return ", ".join(sorted(readers))


def _content(path: Path, damage: list[Rejected]) -> Iterator[bytes]:
    """A file's content, decompressed where it is compressed."""
    pieces = _Pieces(path)
    try:
        first = next(pieces, b"")
        if first.startswith(_GZIP):
            decompressed = _gunzip(first, pieces, damage)
        elif first.startswith(_ZSTD):
            decompressed = _unzstd(first, pieces, damage)
        else:
            yield first
            yield from pieces
            return
        n_bytes = 0
        for chunk in decompressed:
            n_bytes += len(chunk)
            if n_bytes > max(_RATIO_COUNTS_FROM_BYTES, _MAX_RATIO * pieces.n_bytes):
                raise LogError(
                    f"{path}: decompresses to more than {_MAX_RATIO} times its size. "
                    f"Decompress it yourself if that is meant"
                )
            yield chunk
    finally:
        pieces.close()


class _Pieces:
    """A file in pieces, and how much of it has been read."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.n_bytes = 0
        try:
            self._file = path.open("rb")
        except OSError as exc:
            raise _unreadable(path, exc) from exc

    def __iter__(self) -> _Pieces:
        return self

    def __next__(self) -> bytes:
        try:
            piece = self._file.read(_CHUNK_BYTES)
        except OSError as exc:
            raise _unreadable(self.path, exc) from exc
        if not piece:
            raise StopIteration
        self.n_bytes += len(piece)
        return piece

    def close(self) -> None:
        self._file.close()


def _unreadable(path: Path, exc: OSError) -> LogError:
    return LogError(f"{path}: cannot be read: {exc.strerror}. Check its permissions and the disk")


def _gunzip(first: bytes, pieces: _Pieces, damage: list[Rejected]) -> Iterator[bytes]:
    """One gzip member after the other, as rotated and appended logs have them."""
    member = zlib.decompressobj(wbits=31)
    data = first
    try:
        while True:
            while data and not member.eof:
                yield member.decompress(data, _CHUNK_BYTES)
                data = member.unconsumed_tail
            if member.eof:
                data = (member.unused_data or next(pieces, b"")).lstrip(b"\0")  # tapes pad
                member = zlib.decompressobj(wbits=31)
                if not data:
                    data = next(pieces, b"")
                    if not data:
                        return
            else:
                data = next(pieces, b"")
                if not data:
                    damage.append(Rejected(str(pieces.path), "the gzip stream is cut off"))
                    return
    except zlib.error as exc:
        damage.append(Rejected(str(pieces.path), f"the gzip stream is damaged: {exc}"))


def _unzstd(first: bytes, pieces: _Pieces, damage: list[Rejected]) -> Iterator[bytes]:
    """One zstd frame after the other."""
    decompressor = zstandard.ZstdDecompressor(max_window_size=_ZSTD_MAX_WINDOW_BYTES)
    frame = decompressor.decompressobj()
    whole = False
    try:
        for data in _slices(first, pieces):
            while data:
                if whole:
                    frame = decompressor.decompressobj()
                yield frame.decompress(data)
                whole = frame.eof
                data = frame.unused_data if whole else b""
    except zstandard.ZstdError as exc:
        damage.append(Rejected(str(pieces.path), f"the zstd stream is damaged: {exc}"))
        return
    if not whole:
        damage.append(Rejected(str(pieces.path), "the zstd stream is cut off"))


def _slices(first: bytes, pieces: _Pieces) -> Iterator[bytes]:
    data = first
    while data:
        for at in range(0, len(data), _ZSTD_INPUT_BYTES):
            yield data[at : at + _ZSTD_INPUT_BYTES]
        data = next(pieces, b"")
