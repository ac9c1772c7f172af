"""HAR archives and their traps."""

from __future__ import annotations

import json

import pytest

from harness.exchange import Failure, FailureKind, Recorded, Response
from harness.readers.har import READER
from tests.readers.sources import LOGS, only, read, recorded, rejected, why


def entry(**members: object) -> dict:
    return {
        "startedDateTime": "2025-06-01T12:00:00.000Z",
        "time": 30.0,
        "request": {"method": "GET", "url": "https://x.example/p", "headers": []},
        "response": {"status": 200, "headers": [], "content": {"text": "ok"}},
        "timings": {"send": 1, "wait": 20, "receive": 4},
        **members,
    }


def request(**members: object) -> dict:
    return entry(request={"method": "POST", "url": "https://x.example/p", "headers": [], **members})


def response(**members: object) -> dict:
    return entry(response={"status": 200, "headers": [], "content": {}, **members})


def read_one(har_entry: dict) -> Recorded:
    found = only(read(READER, archive(har_entry)))
    assert isinstance(found, Recorded), found
    return found


def archive(*har_entries: dict) -> bytes:
    return json.dumps({"log": {"version": "1.2", "entries": har_entries}}).encode()


def field(name: str, value: str) -> dict:
    return {"name": name, "value": value}


def test_the_fixture():
    """Byte order mark, HTTP/2, base64, status 0, bodies left out, a socket, one damaged entry."""
    found = read(READER, (LOGS / "browser.har").read_bytes())

    assert [e.position for e in rejected(found)] == ["entry 5", "entry 6", "entry 7"]
    good = recorded(found)
    assert len(good) == 7
    assert good[0].request.target == "/v1/predict?x=%2e%2e/&y=a+b"
    assert good[0].request.body.decode() == '{"pixels": [0, 3, 16], "note": "é"}'
    assert [v for n, v in good[0].request.headers if n == "Cookie"] == ["a=1", "b=2"]
    assert good[1].request.headers[0] == ("Host", "h2.example")
    assert good[1].at_ns - good[0].at_ns == 1_377_000_000
    assert good[1].answer.outcome.headers == (("content-type", "application/json"),)
    assert good[2].answer.outcome.body == b"\x89PNG\r\n\x00"


@pytest.mark.parametrize(
    ("url", "target"),
    [
        ("https://x.example", "/"),
        ("https://x.example?a=1", "/?a=1"),
        ("http://u:p@x.example:8080/a/../b?c=%2e#part", "/a/../b?c=%2e"),
        ("HTTPS://x.example/a//b", "/a//b"),
    ],
)
def test_the_target_is_the_urls_own_text(url, target):
    """Nothing is normalised; what a browser keeps to itself is left out."""
    found = read_one(request(url=url))

    assert found.request.target == target
    assert found.request.headers[0][1].startswith("x.example")


@pytest.mark.parametrize(
    ("headers", "post", "body"),
    [
        ([], {"text": '{"a": 1}'}, b'{"a": 1}'),
        ([field("Content-Length", "2")], {"text": "é"}, "é".encode()),
        # some exporters put one character for one byte
        ([field("Content-Length", "1")], {"text": "é"}, b"\xe9"),
        ([field("Content-Length", "3")], {"text": "AAH/", "encoding": "base64"}, b"\x00\x01\xff"),
        ([], {"params": [field("a b", "1&2"), field("c", "é")]}, b"a+b=1%262&c=%C3%A9"),
        ([field("Content-Length", "0")], None, b""),
        ([], None, b""),
    ],
)
def test_a_body_is_what_was_sent(headers, post, body):
    """Its size tells which of the ways to write bytes as text it was."""
    found = read_one(request(headers=headers, postData=post))

    assert found.request.body == body
    lengths = [v for n, v in found.request.headers if n == "Content-Length"]
    assert lengths == [str(len(body))]


@pytest.mark.parametrize(
    ("har_entry", "reason"),
    [
        (
            request(headers=[field("Content-Length", "10")], postData={"mimeType": "x"}),
            "postData: has 0 bytes, the request had 10: the body was not recorded as it was sent",
        ),
        (
            request(postData={"params": [{"name": "f", "fileName": "a.png"}]}),
            "postData: a form with files was recorded without its text",
        ),
        (request(url="data:text/plain,hi"), "url: POST 'data' is no HTTP request"),
        (request(url="https://x.example/ö€"), "target: is "),
        (request(method="CONNECT"), "url: CONNECT "),
        (request(headers=[field("Upgrade", "websocket")]), "is a WebSocket"),
        (entry(_webSocketMessages=[]), "is a WebSocket"),
        (entry(request=None), "request: is missing"),
        (entry(request=[]), "request: is an array, must be an object"),
        (entry(startedDateTime="yesterday"), "startedDateTime: is 'yesterday'"),
        (request(headers=["x"]), "headers: has a string, must be objects"),
        (response(status="ok"), "status: is 'ok'"),
        (response(content={"text": "?", "encoding": "base64"}), "Only base64"),
    ],
)
def test_what_cannot_be_asked_again_is_rejected(har_entry, reason):
    """A request without its body is another request."""
    assert reason in why(read(READER, archive(har_entry)))


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        ("net::ERR_TIMED_OUT", FailureKind.TIMEOUT),
        ("net::ERR_CONNECTION_TIMED_OUT", FailureKind.TIMEOUT),
        ("net::ERR_CONNECTION_REFUSED", FailureKind.CONNECT_ERROR),
        ("NS_ERROR_NET_RESET", FailureKind.DISCONNECTED),
        ("net::ERR_NAME_NOT_RESOLVED", FailureKind.CONNECT_ERROR),
        ("net::ERR_ABORTED", FailureKind.CANCELLED),
        ("net::ERR_INVALID_HTTP_RESPONSE", FailureKind.UNREADABLE),
    ],
)
def test_status_0_is_a_failure(error, kind):
    """What the browser said tells which."""
    found = read_one(response(status=0, _error=error))

    assert found.answer.outcome == Failure(kind, error)


def test_status_0_as_mitmproxy_writes_it():
    """Its content is an array then."""
    found = read_one(response(status=0, content=[], _error=None))

    assert isinstance(found.answer.outcome, Failure)


def test_status_0_without_a_word_is_a_lost_connection():
    """It is a failure all the same."""
    found = read_one(response(status=0))

    assert found.answer.outcome == Failure(FailureKind.DISCONNECTED, "no answer")


@pytest.mark.parametrize(
    ("members", "outcome"),
    [
        # decoded text: its coding no longer applies
        (
            {"headers": [field("Content-Encoding", "gzip")], "content": {"text": "ok"}},
            Response(200, (), b"ok", 2),
        ),
        # still coded: it does
        (
            {
                "headers": [field("Content-Encoding", "gzip")],
                "content": {"text": "H4sI", "encoding": "base64"},
            },
            Response(200, (("Content-Encoding", "gzip"),), b"\x1f\x8b\x08", 3),
        ),
        ({"content": {"text": "é", "mimeType": "text/plain"}}, Response(200, (), b"\xc3\xa9", 2)),
        (
            {"content": {"text": "é", "mimeType": "text/plain; charset=ISO-8859-1"}},
            Response(200, (), b"\xe9", 1),
        ),
        (
            {"content": {"text": "€", "mimeType": "text/plain; charset=ISO-8859-1"}},
            Response(200, (), "€".encode(), 3),
        ),
        ({"content": {"text": "a", "mimeType": "a/b; charset=hex"}}, Response(200, (), b"a", 1)),
        # left out, and its size is known
        ({"content": {"size": 5000}}, Response(200, (), b"", 5000, truncated=True)),
        ({"content": {"size": -1}, "status": 204}, Response(204)),
        # "0" of an archive that did not look
        (
            {"content": {"size": 0}, "headers": [field("content-length", "257")]},
            Response(200, (("content-length", "257"),), b"", 257, truncated=True),
        ),
        # the browser stopped reading
        (
            {"content": {"size": 7}, "_error": "net::ERR_ABORTED"},
            Failure(
                FailureKind.CANCELLED, "net::ERR_ABORTED", Response(200, (), b"", 7, truncated=True)
            ),
        ),
        ({"content": None}, Response(200)),
    ],
)
def test_an_answers_body(members, outcome):
    """A body that was left out is not taken for an empty one."""
    assert read_one(response(**members)).answer.outcome == outcome


@pytest.mark.parametrize(
    ("members", "latency_s", "first_byte_s"),
    [
        ({}, 0.025, 0.021),
        # connecting (ssl inside) and queueing are not service
        (
            {"timings": {"blocked": 9, "dns": 8, "connect": 7, "ssl": 6, "send": 1, "wait": 2,
                         "receive": 3}},
            0.006,
            0.003,
        ),
        ({"timings": {"send": -1, "wait": 2, "receive": 3}}, 0.005, 0.002),
        ({"timings": {"blocked": 5, "dns": -1, "connect": 10, "wait": -1}}, 0.015, None),
        ({"timings": None}, 0.030, None),
        ({"timings": None, "time": 0}, None, None),
        ({"timings": None, "time": None}, None, None),
        ({"timings": None, "time": -1}, None, None),
        ({"_fromCache": "memory"}, None, None),
    ],
)  # fmt: skip
def test_latency_is_service_time(members, latency_s, first_byte_s):
    """From the first byte sent to the last received; unknown is None and never zero."""
    answer = read_one(entry(**members)).answer

    assert answer.latency_s == pytest.approx(latency_s)
    assert answer.first_byte_s == pytest.approx(first_byte_s)


def test_an_entry_without_a_time_is_an_entry():
    """It can be paced by rate."""
    assert read_one(entry(startedDateTime=None)).at_ns is None


def test_an_entry_without_an_answer_is_an_entry():
    """The champion can be asked."""
    assert read_one(entry(response=None)).answer is None


def test_damage_costs_one_entry_whatever_its_first_key():
    """The scanner learns how this file's entries begin."""
    entries = [json.dumps({"cache": {"n": i}, **entry()}).encode() for i in range(5)]
    entries[2] = entries[2].replace(b'"method": "GET"', b'"method": "GET')
    data = b'{"log": {"entries": [' + b", ".join(entries) + b"]}}"

    found = read(READER, data)

    assert [type(e).__name__ for e in found] == ["Recorded"] * 2 + ["Rejected"] + ["Recorded"] * 2


def test_an_archive_without_entries_is_told():
    """One finding says that this is none."""
    assert why(read(READER, b'{"log": {"version": "1.2"}}')) == "no log.entries in this file"
