"""Our own log: read what was written, exactly."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.exchange import (
    Failure,
    FailureKind,
    Recorded,
    RecordedAnswer,
    Request,
    Response,
)
from harness.readers import instant
from harness.readers.harness_log import READER, HarnessLog, encode
from tests.readers.sources import LOGS, only, read, recorded, rejected, why

MINIMAL = {"method": "POST", "target": "/p"}


def line(**members: object) -> bytes:
    return json.dumps({**MINIMAL, **members}).encode()


byte_text = st.text(
    st.characters(min_codepoint=0x20, max_codepoint=0xFF, exclude_characters="\x7f")
)
tokens = st.from_regex(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,8}", fullmatch=True)
headers = st.lists(st.tuples(tokens, byte_text), max_size=3).map(tuple)
seconds = st.none() | st.floats(0, 1e6)
texts = st.text(st.characters(exclude_categories=["Cs"]))


@st.composite
def responses(draw):
    body = draw(st.binary(max_size=20))
    n_more = draw(st.integers(0, 5))
    return Response(
        draw(st.integers(100, 999)), draw(headers), body, len(body) + n_more, n_more > 0
    )


answers = st.builds(
    RecordedAnswer,
    outcome=responses()
    | st.builds(Failure, st.sampled_from(list(FailureKind)), texts, st.none() | responses()),
    latency_s=seconds,
    first_byte_s=seconds,
)

truths = st.none() | (
    st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | texts
    | st.lists(st.integers() | texts)
).map(lambda value: json.dumps(value, ensure_ascii=False))

entries = st.builds(
    Recorded,
    entry_id=texts,
    position=st.just("line 1"),
    at_ns=st.none() | st.integers(instant.MIN_NS + 10**9, instant.MAX_NS),
    request=st.builds(
        Request,
        method=tokens,
        target=st.text(
            st.characters(min_codepoint=0x21, max_codepoint=0xFF, exclude_categories=["Cc"]),
            min_size=1,
        ),
        headers=headers,
        body=st.binary(max_size=20) | texts.map(str.encode),
    ),
    answer=st.none() | answers,
    cluster_id=st.none() | texts.filter(bool),
    segments=st.dictionaries(texts, texts, max_size=2),
    truth=truths,
)


@given(entries)
def test_writing_and_reading_are_inverse(entry):
    """Times to the nanosecond, bytes that are no text, labels to the digit."""
    written = encode(entry)

    assert written.count(b"\n") == 1
    found = only(read(READER, written))
    # JSON has no two ways to write one label; the reader's is the encoder's for strings
    if entry.truth is not None and json.loads(entry.truth) is not None:
        assert json.loads(found.truth) == json.loads(entry.truth)
        if entry.truth[0] not in '"':
            assert found.truth == entry.truth
    assert (found.entry_id, found.at_ns, found.request) == (
        entry.entry_id,
        entry.at_ns,
        entry.request,
    )
    assert (found.answer, found.cluster_id) == (entry.answer, entry.cluster_id)
    assert found.segments == entry.segments
    assert encode(found) == written


@pytest.mark.parametrize(
    ("text", "truth"),
    [
        ("7", "7"),
        ('"7"', '"7"'),
        ("true", "true"),
        ("null", None),
        ("0.10", "0.10"),
        ("1E2", "1E2"),
        ("18446744073709551616", "18446744073709551616"),
        ("-9223372036854775809", "-9223372036854775809"),
        ("9" * 300, "9" * 300),
        ('{"b": 1, "a": [1.0]}', '{"b": 1, "a": [1.0]}'),
        (r'"\u00e9"', '"é"'),
    ],
)
def test_a_label_keeps_its_digits(text, truth):
    """7 is not "7", and a 65-bit id is not the nearest double."""
    document = line()[:-1] + b', "truth": ' + text.encode() + b"}"

    assert only(read(READER, document)).truth == truth


@pytest.mark.parametrize(
    ("members", "reason"),
    [
        ({"method": None}, "method: is missing"),
        ({"method": 5}, "method: is 5, must be a string"),
        ({"method": "P ST"}, "method: is 'P ST', must be a word such as POST"),
        ({"target": ""}, "target: is '', must be a path without spaces, one character per byte"),
        (
            {"target": "/€"},
            "target: is '/€', must be a path without spaces, one character per byte",
        ),
        (
            {"headers": [["X", "a\r\nB: c"]]},
            "headers: X: must be one line, one character per byte",
        ),
        ({"headers": [["X", "€"]]}, "headers: X: must be one line, one character per byte"),
        ({"headers": [["X:", "a"]]}, "headers: 'X:' is no header name"),
        ({"headers": {"X": "a"}}, "headers: is an object, must be an array"),
        ({"headers": [["X"]]}, "headers: has an array, must be pairs [name, value]"),
        ({"headers": [["X", 1]]}, "headers: has an array, must be pairs [name, value]"),
        ({"body": {"x": 1}}, "body: is an object, must be a string"),
        ({"body_base64": "?"}, "body_base64: not base64: Only base64 data is allowed"),
        ({"format": 2}, "format: is 2, this harness reads 1"),
        ({"id": True}, "id: is true, must be a string"),
        ({"segments": {"a": 1}}, "a: is 1, must be a string"),
        ({"answer": {}}, "answer.status: is missing"),
        ({"answer": {"status": "200"}}, "answer.status: is '200', must be a status such as 200"),
        (
            {"answer": {"outcome": "late"}},
            "answer.outcome: is 'late', must be one of ok, http_error, timeout, connect_error, "
            "disconnected, unreadable, cancelled, shed",
        ),
        (
            {"answer": {"status": 200, "latency_s": -1}},
            "answer.latency_s: is -1, must be 0 or more",
        ),
        (
            {"answer": {"status": 200, "body": "ab", "body_bytes": 1}},
            "answer.body_bytes: is 1, the body has more",
        ),
    ],
)
def test_what_is_wrong_is_said(members, reason):
    """Where, what it is, and what it must be."""
    assert why(read(READER, line(**members))) == reason


def test_a_time_without_a_zone_is_refused():
    """Nobody knows which noon is meant."""
    assert why(read(READER, line(at="2025-06-01T12:00:00"))).startswith("at: is '2025-06-01T12:00")


def test_a_number_is_good_enough_an_id():
    """Scripts write what they have."""
    assert only(read(READER, line(id=12, cluster_id=7))).entry_id == "12"


def test_the_fixture_is_read_with_one_entry_lost():
    """Its fifth line is cut off."""
    found = read(READER, (LOGS / "harness.jsonl").read_bytes())

    assert [entry.entry_id for entry in recorded(found)] == ["a-1", "a-2", "a-3", "a-4", "a-1", ""]
    assert [entry.position for entry in rejected(found)] == ["line 5"]
    assert recorded(found)[0].request.headers[-2:] == (("Accept", "a"), ("accept", "b"))
    assert recorded(found)[2].request.headers[-1] == ("X-Name", "René")


def test_a_line_beyond_the_limit_costs_one_entry():
    """It is rejected by size; the next is read."""
    reader = HarnessLog(max_entry_bytes=200)
    data = line(body="x" * 300) + b"\n" + line(id="b")

    found = read(reader, data)

    assert found[0].position == "line 1"
    assert found[1].entry_id == "b"
