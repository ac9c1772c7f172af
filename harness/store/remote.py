"""Runs that are kept elsewhere: any place that pyarrow has a file system for.

A run is brought here before it is read: `s3://`, `gs://`, `hdfs://`, `file://`. Sealed parts never
change, so what is here already is not brought again, and values that are computed stay with the
copy. A run that is to be kept elsewhere is written here and sent when it is whole.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import BinaryIO
from urllib.parse import urlsplit

import pyarrow as pa
from pyarrow import fs

from harness.errors import StoreError, UsageError
from harness.store import disk
from harness.store.layout import JOURNAL, LOCK, MANIFEST, Kind

_URI = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")
_CHUNK_BYTES = 4 << 20
_MOST_RETRYING_S = 20


def is_uri(given: str) -> bool:
    """Whether somebody who names a run means one that is kept elsewhere."""
    return _URI.match(given) is not None


def fetch(uri: str, into: Path) -> Path:
    """Bring a run here, or what is new of it.

    Args:
        uri: Of the run's folder. Where it has credentials in it, messages leave them out.
        into: The folder that the run's folder is put in.

    Returns:
        The run's folder here. `run.json` comes last: without it, it is no run yet.

    Raises:
        UsageError: When pyarrow has no file system for the URI.
        StoreError: When there is no run, or it cannot be read.
        StoreFullError: When there is no room here.
    """
    source, root = _file_system(uri)
    files = _files(source, root, uri)
    name = PurePosixPath(root).name
    if MANIFEST not in files or not name:
        raise StoreError(
            f"{shown(uri)}: is not a run: there is no {MANIFEST} in it. Name a run's folder"
        )
    run = into / name
    for relative in sorted(files, key=lambda name: (name == MANIFEST, name)):
        _bring(source, files[relative], run / relative, uri)
    _forget_what_is_gone(run, files)
    return run


def is_run(uri: str) -> bool:
    """Whether there is a run.

    Raises:
        UsageError: When pyarrow has no file system for the URI.
        StoreError: When nobody can tell.
    """
    there, root = _file_system(uri)
    with _translated(uri, "looked at"):
        return bool(there.get_file_info(f"{root}/{MANIFEST}").type == fs.FileType.File)


def send(run: Path, uri: str) -> None:
    """Put a run there, or what is new of it.

    `run.json` comes last: without it, it is no run yet. What is no longer here goes there too.

    Raises:
        UsageError: When pyarrow has no file system for the URI.
        StoreError: When it cannot be written.
    """
    there, root = _file_system(uri)
    known = _files(there, root, uri)
    ours = {
        str(path.relative_to(run)): path
        for path in run.rglob("*")
        if path.is_file() and path.name != LOCK and not path.name.startswith(".")
    }
    with _translated(uri, "written"):
        for relative in sorted(ours, key=lambda name: (name == MANIFEST, name)):
            if not _is_there(ours[relative], known.get(relative)):
                _put(there, ours[relative], f"{root}/{relative}")
        for relative in known.keys() - ours.keys():
            there.delete_file(known[relative].path)


def shown(uri: str) -> str:
    """A URI without credentials."""
    parts = urlsplit(uri)
    host = parts.netloc.rpartition("@")[2]
    return f"{parts.scheme}://{host}{parts.path}"


def _impatient(uri: str) -> str:
    """The URI, and for Google's storage a limit that pyarrow would set at a quarter of an hour."""
    limit = "retry_limit_seconds"
    if not uri.startswith(("gs://", "gcs://")) or f"{limit}=" in uri:
        return uri
    return f"{uri}{'&' if '?' in uri else '?'}{limit}={_MOST_RETRYING_S}"


def _file_system(uri: str) -> tuple[fs.FileSystem, str]:
    try:
        source, root = fs.FileSystem.from_uri(_impatient(uri))
    except (pa.ArrowException, OSError, ValueError, ImportError) as exc:
        raise UsageError(
            f"{shown(uri)}: is not a place that runs can be read from "
            f"({type(exc).__name__}). Name a local folder, or a URI like s3://bucket/runs/ID"
        ) from exc
    return source, root.rstrip("/")


@contextmanager
def _translated(uri: str, doing: str) -> Iterator[None]:
    try:
        yield
    except (pa.ArrowException, OSError) as exc:
        raise StoreError(
            f"{shown(uri)}: cannot be {doing} ({_first_line(exc)}). Check the URI, and the "
            f"credentials in the environment"
        ) from exc


def _files(source: fs.FileSystem, root: str, uri: str) -> dict[str, fs.FileInfo]:
    """The run's files by their place in it."""
    with _translated(uri, "listed"):
        found = source.get_file_info(fs.FileSelector(root, recursive=True, allow_not_found=True))
    return {
        str(PurePosixPath(info.path).relative_to(root)): info
        for info in found
        if info.type == fs.FileType.File
        and info.base_name != LOCK
        and ".." not in PurePosixPath(info.path).parts
    }


def _is_there(path: Path, known: fs.FileInfo | None) -> bool:
    """Whether a sealed part has been sent; anything else may have changed."""
    sealed = path.suffix == ".parquet"
    return sealed and known is not None and known.size == path.stat().st_size


def _put(there: fs.FileSystem, path: Path, to: str) -> None:
    if isinstance(there, fs.LocalFileSystem):  # elsewhere folders are names, and need no making
        there.create_dir(str(PurePosixPath(to).parent), recursive=True)
    with path.open("rb") as file, there.open_output_stream(to) as out:
        while chunk := file.read(_CHUNK_BYTES):
            out.write(chunk)


def _bring(source: fs.FileSystem, info: fs.FileInfo, to: Path, uri: str) -> None:
    if to.suffix == ".parquet" and to.exists() and to.stat().st_size == info.size:
        return
    disk.make_folder(to.parent)
    disk.write_whole(to, lambda file: _copy(source, info.path, file, uri))


def _copy(source: fs.FileSystem, path: str, file: BinaryIO, uri: str) -> None:
    for chunk in _chunks(source, path, uri):
        file.write(chunk)


def _chunks(source: fs.FileSystem, path: str, uri: str) -> Iterator[bytes]:
    with _translated(uri, "read"), source.open_input_stream(path) as stream:
        while chunk := stream.read(_CHUNK_BYTES):
            yield chunk


def _forget_what_is_gone(run: Path, files: dict[str, fs.FileInfo]) -> None:
    """Journals that have been sealed there since the last time, and rows that were taken out."""
    for folder in (JOURNAL, *(kind.folder for kind in Kind)):
        for path in sorted((run / folder).rglob("*")):
            if path.is_file() and str(path.relative_to(run)) not in files:
                disk.remove(path)


def _first_line(exc: BaseException) -> str:
    return (str(exc).splitlines() or [type(exc).__name__])[0]
