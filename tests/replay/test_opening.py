"""Finding a log's files, telling its format, decompressing it."""

from __future__ import annotations

import gzip
import hashlib
import os
import tracemalloc

import pytest
import zstandard

from harness.errors import LogError, PluginError
from harness.replay.opening import open_log
from tests.readers.sources import LOGS, READERS

LINE = b'{"method":"GET","target":"/","id":"%d"}\n'
LOG = b"".join(LINE % i for i in range(2000))


def content(log) -> bytes:
    return b"".join(chunk for source in log.sources() for chunk in source.chunks)


def opened(*paths, **options):
    return open_log(paths, READERS, **options)


@pytest.fixture
def folder(tmp_path):
    return tmp_path


ZSTD = zstandard.ZstdCompressor().compress


@pytest.mark.parametrize(
    "compressed",
    [
        LOG,
        gzip.compress(LOG),
        # rotated and appended: one member after the other, and padding
        gzip.compress(LOG[:1000]) + gzip.compress(LOG[1000:]),
        gzip.compress(LOG) + b"\0" * 512,
        ZSTD(LOG),
        ZSTD(LOG[:1000]) + ZSTD(LOG[1000:]),
        # a skippable frame, as parallel compressors write
        b"\x28\xb5\x2f\xfd" + ZSTD(LOG)[4:] + b"\x50\x2a\x4d\x18\x04\0\0\0abcd",
        # no size in its head
        zstandard.ZstdCompressor(write_content_size=False).compress(LOG),
    ],
    ids=["plain", "gzip", "members", "padded", "zstd", "frames", "skippable", "unsized"],
)
def test_compression_is_told_by_content(folder, compressed):
    """The name may say anything; the digest is of what was compressed."""
    path = folder / "log.txt"
    path.write_bytes(compressed)

    log = opened(path)

    assert log.format_name == "harness"
    assert content(log) == LOG
    assert log.digest == hashlib.sha256(LOG).hexdigest()
    assert log.damage == []


@pytest.mark.parametrize("compress", [gzip.compress, ZSTD], ids=["gzip", "zstd"])
def test_a_compressed_log_that_is_cut_off_gives_what_it_has(folder, compress):
    """What is lost at its end is told: nothing vanishes."""
    path = folder / "log.gz"
    noise = b"".join(LINE % (i * 7919**5) for i in range(20_000))
    compressed = compress(noise)
    path.write_bytes(compressed[: len(compressed) * 3 // 4])

    log = opened(path)
    found = content(log)

    assert 0 < len(found) < len(noise)
    assert noise.startswith(found)
    assert [(d.position, d.why.endswith("stream is cut off")) for d in log.damage] == [
        (str(path), True)
    ]


@pytest.mark.parametrize("compress", [gzip.compress, ZSTD], ids=["gzip", "zstd"])
def test_a_compressed_log_that_is_damaged_gives_what_it_has(folder, compress):
    """Bytes overwritten in the middle end it there."""
    path = folder / "log.gz"
    noise = b"".join(LINE % (i * 7919**5) for i in range(20_000))
    compressed = bytearray(compress(noise))
    middle = len(compressed) // 2
    compressed[middle : middle + 40] = b"\xff" * 40
    path.write_bytes(compressed)

    log = opened(path)
    found = content(log)

    assert len(found) > 1000
    assert found[:1000] == noise[:1000]
    assert [d.position for d in log.damage] == [str(path)]
    assert "stream is " in log.damage[0].why


def test_a_compressed_log_of_which_nothing_is_left_is_said(folder):
    """It is damaged and not empty."""
    path = folder / "log.gz"
    path.write_bytes(gzip.compress(LOG)[:10])

    with pytest.raises(LogError) as caught:
        opened(path)

    assert str(caught.value) == f"{path}: the gzip stream is cut off. Export it again"


def test_a_decompression_bomb_is_refused_in_bounded_memory(folder):
    """A few kilobytes that stand for a gigabyte are refused, not unpacked."""
    path = folder / "bomb.zst"
    with path.open("wb") as file, zstandard.ZstdCompressor(level=19).stream_writer(file) as out:
        out.write(LOG)
        for _ in range(300):
            out.write(bytes(1_000_000))

    tracemalloc.start()
    try:
        with pytest.raises(LogError, match=r"decompresses to more than 1000 times its size"):
            sum(len(chunk) for source in opened(path).sources() for chunk in source.chunks)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert peak < 150_000_000


def test_a_folder_is_read_in_the_order_of_numbers(folder):
    """Part 10 comes after part 9; hidden, marked and empty files are no part."""
    for i in (10, 9, 1):
        (folder / f"part_{i}.jsonl").write_bytes(LINE % i)
    (folder / ".hidden").write_bytes(b"x")
    (folder / "_SUCCESS").write_bytes(b"x")
    (folder / "part_11.jsonl").write_bytes(b"")

    log = opened(folder)

    assert content(log) == LINE % 1 + LINE % 9 + LINE % 10


def test_chunks_are_found_by_the_name_that_was_asked_for(folder):
    """`gor --output-file name.gor` writes name_0.gor and so on."""
    for i in (0, 1):
        (folder / f"name_{i}.gor").write_bytes(b"1 a%d 5 5\nGET / HTTP/1.1\r\n\r\n" % i)
    (folder / "name_x.gor").write_bytes(b"something else")

    log = opened(folder / "name.gor")

    assert [path.name for path in log.files] == ["name_0.gor", "name_1.gor"]


def test_a_batch_is_a_folder_or_its_files():
    """Input, output and errors belong together."""
    assert len(opened(LOGS / "openai-batch").files) == 3
    assert (
        opened(
            LOGS / "openai-batch" / "input.jsonl", LOGS / "openai-batch" / "output.jsonl"
        ).format_name
        == "openai-batch"
    )


def test_captures_of_two_variants_are_not_one_log(folder):
    """Champion and shadow variant have captured the same requests."""
    for variant in ("AllTraffic", "shadow"):
        hour = folder / "digits" / variant / "2025" / "06" / "01" / "12"
        hour.mkdir(parents=True)
        (hour / "a.jsonl").write_bytes(b'{"captureData":{}}\n')

    with pytest.raises(LogError) as caught:
        opened(folder)

    assert str(caught.value) == (
        f"{folder}: holds captures of 2 variants ({folder}/digits/AllTraffic, "
        f"{folder}/digits/shadow). Name the folder of the champion's; `harness import` takes "
        f"another's with --challenger"
    )
    assert opened(folder / "digits" / "shadow").format_name == "sagemaker"


KNOWN = (
    "envoy-tap, goreplay, har, harness, inference-events, langfuse, litellm, nginx, openai-batch, "
    "sagemaker"
)


@pytest.mark.parametrize(
    ("files", "options", "message"),
    [
        ({}, {}, "{0}: holds no files. Name the log's file, or a folder with its files"),
        (
            {"a": b"\x89PNG\r\n\x1a\n"},
            {},
            "{0}/a: is in none of the formats known ("
            + KNOWN
            + "). Name it with --format if it is "
            "damaged at its beginning, or export it in one of these",
        ),
        (
            {"a": LOG},
            {"format": "hra"},
            "{0}: format 'hra' is unknown. Known are: " + KNOWN,
        ),
        (
            {"a": LOG, "b": b'{"captureData":{}}'},
            {},
            "{0}/b: is sagemaker, {0}/a is harness; a log has one format. "
            "Name the files that belong together",
        ),
        (
            {"a": b'{"method":"GET","target":"/","captureData":{}}'},
            {},
            "{0}/a: could be harness or sagemaker. Name one with --format",
        ),
        ({"a": gzip.compress(b"")}, {}, "{0}/a: is empty. Name a log with at least one entry"),
    ],
)
def test_what_is_wrong_is_said(folder, files, options, message):
    """Where, what it is, what is known, and what to do."""
    for name, data in files.items():
        (folder / name).write_bytes(data)

    with pytest.raises(LogError) as caught:
        opened(folder, **options)

    assert str(caught.value) == message.format(folder)


def test_a_file_that_is_not_there_is_said(folder):
    """Also where its folder is not there."""
    with pytest.raises(LogError) as caught:
        opened(folder / "no" / "log.har")

    assert str(caught.value) == (
        f"{folder}/no/log.har: no such file. Name a log: a file, or a folder with its files"
    )


def test_an_empty_file_is_said(folder):
    """A log with nothing in it is no log."""
    path = folder / "log.jsonl"
    path.touch()

    with pytest.raises(LogError, match="is empty"):
        opened(path)


def test_a_format_that_is_named_is_taken(folder):
    """Whatever its beginning looks like."""
    path = folder / "log"
    path.write_bytes(b"damaged\n" + LOG)

    assert opened(path, format="nginx").format_name == "nginx"


def test_a_pipe_is_said_to_be_none(folder):
    """Its format could not be told without losing its beginning."""
    path = folder / "pipe"
    os.mkfifo(path)

    with pytest.raises(LogError, match="is no file, and is read twice"):
        opened(path)


def test_a_reader_that_raises_is_named(folder):
    """Whose it is to put right."""

    class Raising:
        resolution_ns = 1

        def sniff(self, head):
            raise IndexError("no line")

    path = folder / "log"
    path.write_bytes(LOG)

    with pytest.raises(PluginError) as caught:
        open_log([path], {"mine": Raising()})

    assert str(caught.value) == "harness.readers: mine: raised IndexError while sniffing: no line"
