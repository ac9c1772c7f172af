"""nginx access logs and their traps."""

from __future__ import annotations

import json

import pytest

from harness.exchange import Failure, FailureKind, Recorded, Response
from harness.readers.nginx import READER, Names, Nginx
from tests.readers.sources import LOGS, only, read, recorded, rejected, why

T = 1_748_779_200_000_000_000


def line(**values: object) -> bytes:
    usual = {
        "msec": "1748779200.500",
        "request_time": "0.200",
        "request_method": "GET",
        "request_uri": "/p?a=%2e",
        "status": "200",
        "body_bytes_sent": "2",
    }
    kept = {name: value for name, value in {**usual, **values}.items() if value is not None}
    return json.dumps(kept, ensure_ascii=False).encode()


def read_one(**values: object) -> Recorded:
    found = only(read(READER, line(**values)))
    assert isinstance(found, Recorded), found
    return found


def test_the_fixture():
    """Upstream lists, no upstream, a client that left, bytes that are no UTF-8, other escaping."""
    found = read(READER, (LOGS / "nginx.jsonl").read_bytes())

    good = recorded(found)
    assert [entry.entry_id[-1:] for entry in good] == ["1", "2", "3", "4", "6", ""]
    assert [entry.position for entry in rejected(found)] == ["line 5", "line 7", "line 8"]
    assert rejected(found)[2].why.endswith("the log_format must say escape=json")
    assert good[0].at_ns == T + 100_000_000
    assert good[0].request.headers == (
        ("Host", "digits.example"),
        ("X-User-Id", "u-1"),
        ("Content-Type", "application/json"),
        ("Content-Length", "19"),
    )
    assert good[1].answer.latency_s == 0.018
    assert good[2].answer.latency_s is None
    assert good[3].answer.outcome.kind == FailureKind.CANCELLED
    assert good[4].request.body == b'{"n":"\xe9"}'


@pytest.mark.parametrize(
    ("values", "at_ns"),
    [
        ({}, T + 300_000_000),
        ({"msec": 1748779200.5, "request_time": 0.2}, T + 300_000_000),
        ({"request_time": None}, T + 500_000_000),
        ({"msec": None, "time_iso8601": "2025-06-01T14:00:01+02:00"}, T + 800_000_000),
        ({"msec": None}, None),
        ({"msec": "-"}, None),
    ],
)
def test_a_request_began_before_its_line_was_written(values, at_ns):
    """nginx logs the end; the start is that much earlier, exactly."""
    assert read_one(**values).at_ns == at_ns


@pytest.mark.parametrize(
    ("upstream", "latency_s"),
    [
        ("0.150", 0.150),
        # tried on two servers, then redirected inside: the total
        ("0.100, 0.020 : 0.003", 0.123),
        ("-, 0.020", 0.020),
        # no upstream was asked: what there is
        ("-", 0.200),
        ("", 0.200),
        (None, 0.200),
        # below the resolution: known to be short, not known how short
        ("0.000", None),
        (0.15, 0.15),
    ],
)
def test_latency_is_the_upstreams(upstream, latency_s):
    """A slow client is not the champion's doing."""
    assert read_one(upstream_response_time=upstream).answer.latency_s == latency_s


def test_the_first_byte_is_the_upstreams_header():
    """Summed over attempts, too."""
    assert read_one(upstream_header_time="0.1, 0.02").answer.first_byte_s == 0.12


@pytest.mark.parametrize(
    ("values", "body"),
    [
        ({"request_body": "hi"}, b"hi"),
        ({"request_body": "é", "content_length": "2"}, "é".encode()),
        ({"request_body": 'a\u0001\n"\\', "content_length": 5}, b'a\x01\n"\\'),
        ({"request_body": "-", "content_length": "0"}, b""),
        ({"request_body": "", "content_length": ""}, b""),
    ],
)
def test_a_body_is_what_was_sent(values, body):
    """Escapes are undone, and the length agrees."""
    found = read_one(request_method="POST", **values)

    assert found.request.body == body
    assert ("Content-Length", str(len(body))) in found.request.headers


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        (
            {"request_method": "POST", "content_length": "9"},
            "request_body: has 0 bytes, the request had 9: nginx logs what is in memory, raise "
            "client_body_buffer_size",
        ),
        ({"request_method": "POST"}, "request_body: a POST without one; log $request_body"),
        ({"status": "ok"}, "status: is 'ok', must be a status such as 200"),
        ({"msec": "yesterday"}, "msec: is 'yesterday', must be seconds, as in 0.123"),
        ({"msec": None, "time_iso8601": "x"}, "time_iso8601: is 'x', must be a date and time with"),
        ({"msec": "999999999999"}, "is 999999999998800000000 ns since 1970"),
        ({"request_time": "-1"}, "request_time: is '-1', must be seconds, as in 0.123"),
        ({"upstream_response_time": "fast"}, "upstream_response_time: is 'fast'"),
        ({"body_bytes_sent": "2e9"}, "body_bytes_sent: is '2e9', must be a number of bytes"),
        ({"request_uri": None}, "method: is '', must be a word such as POST"),
        ({"request_uri": "/a b"}, "target: is '/a b'"),
        ({"request_uri": ["/a"]}, "request_uri: is an array, must be a string or a number"),
        ({"http_x": True}, "http_x: is true, must be a string or a number"),
    ],
)
def test_what_is_wrong_is_said(values, reason):
    """Where, what it is, and what it must be."""
    assert why(read(READER, line(**values))).startswith(reason)


@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        ("200", Response(200, n_body_bytes=2, truncated=True)),
        ("502", Response(502, n_body_bytes=2, truncated=True)),
        ("499", Failure(FailureKind.CANCELLED, "the client left before the answer (499)")),
        ("000", Failure(FailureKind.DISCONNECTED, "nginx logged no status")),
    ],
)
def test_an_answer_has_no_body(status, outcome):
    """nginx does not log it; that it was longer is said."""
    assert read_one(status=status).answer.outcome == outcome


def test_the_request_line_will_do():
    """Many logs have nothing else."""
    found = read_one(request_method=None, request_uri=None, request="GET /a?b HTTP/1.1")

    assert (found.request.method, found.request.target) == ("GET", "/a?b")


def test_bytes_stay_bytes():
    """A line that is no UTF-8 keeps its bytes, in bodies and in header fields."""
    data = line(request_method="POST", request_body="@", http_x_name="@").replace(b"@", b"\xe9\xff")

    found = only(read(READER, data))

    assert found.request.body == b"\xe9\xff"
    assert ("X-Name", "\xe9\xff") in found.request.headers


def test_characters_beyond_a_byte_are_bytes_in_headers():
    """nginx wrote UTF-8; on the wire these were two bytes."""
    assert ("X-Name", "Ã©") in read_one(http_x_name="é").request.headers


def test_names_of_ones_own():
    """A log format is its author's."""
    names = Names(
        msec="ts", request_method="verb", request_uri="uri", status="code",
        headers={"user": "X-User-Id"},
    )  # fmt: skip
    reader = Nginx(names)
    data = b'{"ts": 1748779200.5, "verb": "GET", "uri": "/p", "code": 200, "user": "u-1"}'

    found = only(read(reader, data))

    assert reader.sniff(data + b"\n")
    assert not READER.sniff(data + b"\n")
    assert found.at_ns == T + 500_000_000
    assert found.request.headers == (("X-User-Id", "u-1"),)
