"""No reader raises, whatever a file holds, and each knows its own format."""

from __future__ import annotations

import tracemalloc

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.exchange import LateAnswer, Recorded, Rejected
from harness.readers.har import Har
from harness.readers.harness_log import HarnessLog
from harness.readers.nginx import Nginx
from tests.readers.sources import FIXTURES, LOGS, READERS, read

reader_names = st.sampled_from(sorted(READERS))
fixture_names = st.sampled_from(sorted(FIXTURES))

HOSTILE = {
    "empty": b"",
    "a line feed": b"\n",
    "a byte order mark": b"\xef\xbb\xbf",
    "utf-16": '{"method": "GET", "target": "/"}'.encode("utf-16"),
    "zeros": b"\0" * 10_000,
    "binary": bytes(range(256)) * 50,
    "deep arrays": b"[" * 100_000,
    "deep objects": b'{"a":' * 100_000,
    "deep truth": b'{"method":"GET","target":"/","truth":' + b"[" * 1015 + b"]" * 1015 + b"}",
    "deep after bytes": b'{"request":"\xff' + b'","a":' + b"[" * 100_000,
    "long number": b'{"method":"GET","target":"/","truth":' + b"9" * 100_000 + b"}",
    "not a number": b'{"method":"GET","target":"/","truth":NaN}',
    "infinity": b'{"msec":"Infinity","request":"GET / HTTP/1.1","status":"200"}',
    "keys twice": b'{"method":"GET","method":7,"target":"/","target":"/x"}',
    "lone surrogate": b'{"custom_id":"\\ud800","url":"/","method":"GET"}',
    "a lone brace": b"{",
    "a lone quote": b'"',
}


@pytest.mark.parametrize("name", READERS)
@pytest.mark.parametrize("content", HOSTILE.values(), ids=HOSTILE)
def test_hostile_files_cost_entries_at_most(name, content):
    """Everything that comes out is an entry or a reason."""
    for entry in read(READERS[name], content, chunk_bytes=4096):
        assert isinstance(entry, Recorded | LateAnswer | Rejected)
        assert entry.position


@given(reader_names, st.binary(max_size=300), st.integers(1, 50))
def test_arbitrary_bytes_raise_nothing(name, content, chunk_bytes):
    """Neither when read nor when sniffed."""
    READERS[name].sniff(content)
    read(READERS[name], content, chunk_bytes=chunk_bytes)


@settings(max_examples=200)
@given(fixture_names, st.data())
def test_mutated_logs_raise_nothing(fixture, data):
    """Bytes overwritten, dropped or doubled anywhere."""
    content = bytearray((LOGS / fixture).read_bytes())
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(content)))
        n_bytes = data.draw(st.integers(0, 20))
        content[at : at + n_bytes] = data.draw(
            st.binary(max_size=8)
            | st.sampled_from([b'"', b"{", b"}", b"\\", b"null", b"-1", b"[]"])
        )

    READERS[FIXTURES[fixture]].sniff(bytes(content))
    read(READERS[FIXTURES[fixture]], bytes(content), chunk_bytes=data.draw(st.integers(1, 500)))


@pytest.mark.parametrize("fixture", FIXTURES)
def test_a_log_cut_off_anywhere_keeps_what_came_before(fixture):
    """Entries before the cut are the same, but for at most the last."""
    content = (LOGS / fixture).read_bytes()
    reader = READERS[FIXTURES[fixture]]
    whole = [e for e in read(reader, content) if not isinstance(e, Rejected)]

    for at in range(0, len(content), 7):
        found = [e for e in read(reader, content[:at]) if not isinstance(e, Rejected)]

        n_sure = max(0, len(found) - 1)
        assert found[:n_sure] == whole[:n_sure]


@pytest.mark.parametrize("chunk_bytes", [1, 3, 1 << 20])
@pytest.mark.parametrize("fixture", FIXTURES)
def test_chunks_do_not_matter(fixture, chunk_bytes):
    """However a file comes in, its entries are the same."""
    content = (LOGS / fixture).read_bytes()
    reader = READERS[FIXTURES[fixture]]

    assert read(reader, content, chunk_bytes=chunk_bytes) == read(reader, content)


@pytest.mark.parametrize("fixture", [*FIXTURES, "digits.jsonl"])
def test_each_log_is_recognised_by_its_reader_alone(fixture):
    """By content; also where the head ends inside the first line."""
    content = (LOGS / fixture).read_bytes()
    expected = [FIXTURES.get(fixture, "harness")]

    for n_bytes in (len(content), 65_536, 200):
        head = content[:n_bytes]
        assert [name for name, reader in READERS.items() if reader.sniff(head)] == expected


@pytest.mark.parametrize("content", HOSTILE.values(), ids=HOSTILE)
def test_what_is_no_log_is_recognised_by_none(content):
    """Unless its keys say so."""
    fits = [name for name, reader in READERS.items() if reader.sniff(content)]

    assert len(fits) <= 1
    if b'"' not in content:
        assert fits == []


@pytest.mark.parametrize(
    "reader",
    [HarnessLog(max_entry_bytes=2_000_000), Har(max_entry_bytes=2_000_000),
     Nginx(max_entry_bytes=2_000_000)],
    ids=lambda reader: type(reader).__name__,
)  # fmt: skip
def test_one_endless_entry_is_read_in_bounded_memory(reader):
    """100 MB that never end are told in a sentence, and not held."""
    from harness.ports import Source

    chunk = b'x\\"' * 100_000
    chunks = (
        c for i in range(334) for c in ([b'{"log":{"entries":[{"a":"'] if i == 0 else [chunk])
    )

    tracemalloc.start()
    try:
        found = list(reader.read(Source("x", chunks)))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert [entry.why for entry in found if isinstance(entry, Rejected)]
    assert peak < 12_000_000
