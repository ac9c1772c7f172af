"""GoReplay captures and their traps."""

from __future__ import annotations

import pytest

from harness.exchange import LateAnswer
from harness.readers.goreplay import READER, SEPARATOR, GoReplay
from tests.readers.sources import LOGS, late, only, read, recorded, rejected

T = 1_748_779_200_000_000_000
GET = b"GET /p HTTP/1.1\r\nHost: x\r\n\r\n"
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


def capture(*records: bytes) -> bytes:
    return SEPARATOR.join(records) + SEPARATOR


def answer_to(request_line: bytes, response_line: bytes) -> LateAnswer:
    return only(late(read(READER, capture(request_line + b"\n" + GET, response_line + b"\n" + OK))))


def test_the_fixture():
    """Out of order, chunked, gzip, truncated, a separator in a body, a replay's answer, no end."""
    found = read(READER, (LOGS / "goreplay.gor").read_bytes())

    requests = {entry.entry_id[-1]: entry.request for entry in recorded(found)}
    assert sorted(requests) == list("012347")
    assert requests["0"].target == "/v1/predict?x=%2e%2e/"
    assert requests["0"].headers[1] == ("user-AGENT", "probe/1.0")
    assert requests["1"].body == b'{"pixels":[0,3,16]}'
    assert SEPARATOR in requests["4"].body
    assert requests["7"].body == b""
    assert [entry.position for entry in rejected(found)] == ["record 10", "record 11"]
    answers = {entry.entry_id[-1]: entry.answer.outcome for entry in late(found) if not entry.by}
    assert sorted(answers) == list("0136")
    assert [entry.entry_id[-1] for entry in late(found) if entry.by == "replayed"] == ["0"]
    assert answers["1"].body.startswith(b"\x1f\x8b")
    assert answers["3"].truncated
    assert answers["0"].body == b'{"label":7}'


def test_the_fixture_of_an_older_version():
    """40-digit ids, three fields for a request, the latency itself, one below zero."""
    found = read(READER, (LOGS / "goreplay-0.16.gor").read_bytes())

    assert len(recorded(found)) == 2
    assert [entry.answer.latency_s for entry in late(found)] == [0.022, None, 0.005]
    assert [entry.position for entry in rejected(found)] == ["record 6"]


@pytest.mark.parametrize(
    ("request_line", "response_line", "latency_s", "last_ns", "first_ns"),
    [
        # since 1.2: both numbers of an answer are its own
        (b"1 a %d 10" % T, b"2 a %d 500" % (T + 900), None, T + 1400, T + 900),
        (b"1 a %d 0" % T, b"2 a %d 0" % (T + 900), None, T + 900, T + 900),
        (b"1 a %d 10" % T, b"2 a %d -7" % (T + 900), None, T + 900, T + 900),
        # up to 1.1: the last number is the latency
        (b"1 a %d" % T, b"2 a %d 500" % (T + 900), 5e-7, None, T + 900),
        (b"1 a %d" % T, b"2 a %d -3265695" % T, None, None, T),
        (b"1 a %d" % T, b"2 a %d 0" % T, None, None, T),
        # the first versions: nothing but the latency
        (b"1 a %d" % T, b"2 a 22000000", 0.022, None, None),
        # only a time stamp
        (b"1 a %d" % T, b"2 a %d" % (T + 900), None, T + 900, None),
        # later versions add a service's name
        (b"1 a %d 10 shop" % T, b"2 a %d 5 shop" % (T + 900), None, T + 905, T + 900),
    ],
)
def test_what_the_numbers_of_an_answer_mean(
    request_line, response_line, latency_s, last_ns, first_ns
):
    """It depends on whether requests have a duration of their own; and 0 is no latency."""
    found = answer_to(request_line, response_line)

    assert found.answer.latency_s == latency_s
    assert (found.at_ns, found.first_byte_at_ns) == (last_ns, first_ns)


def test_without_a_request_before_it_an_answers_number_is_not_guessed():
    """The same number is the latency in one version and the transfer time in another."""
    found = only(late(read(READER, capture(b"2 a %d 500\n" % T + OK))))

    assert (found.answer.latency_s, found.at_ns) == (None, None)


def post(body: bytes, length: int | None = None) -> bytes:
    n_bytes = len(body) if length is None else length
    return (
        b"1 %d %d 1\nPOST /p HTTP/1.1\r\nContent-Length: %d\r\n\r\n" % (n_bytes, T, n_bytes) + body
    )


@pytest.mark.parametrize(
    "body",
    [
        b"a" + SEPARATOR + b"b",
        SEPARATOR,
        SEPARATOR * 3,
        # a capture within a capture
        capture(b"1 x %d 1\n" % T + GET, b"2 x %d 1\n" % T + OK),
        b"1 x %d 1\n" % T + GET + SEPARATOR + b"1 y %d 1\n" % T + GET,
    ],
)
@pytest.mark.parametrize("chunk_bytes", [1, 64, 100_000])
def test_a_body_may_hold_the_separator(body, chunk_bytes):
    """Its length says what belongs to it."""
    data = capture(post(body), b"1 z %d 1\n" % T + GET)

    found = read(READER, data, chunk_bytes=chunk_bytes)

    assert [entry.request.body for entry in found] == [body, b""]


def test_a_chunked_answer_may_hold_the_separator():
    """What does not start like a record belongs to the unfinished one before."""
    body = b"ab" + SEPARATOR + b"cd"
    answer = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%b\r\n0\r\n\r\n"
    data = capture(b"2 a %d 1\n" % T + answer % (len(body), body), b"1 z %d 1\n" % T + GET)

    found = read(READER, data)

    assert found[0].answer.outcome.body == body
    assert found[1].entry_id == "z"


@pytest.mark.parametrize("n_bytes", range(len(SEPARATOR)))
def test_the_last_separator_may_be_missing_or_half_there(n_bytes):
    """A capture that was stopped still gives its last record."""
    data = b"1 a %d 1\n" % T + GET + SEPARATOR + post(b"hi") + SEPARATOR[:n_bytes]

    assert [entry.request.body for entry in read(READER, data)] == [b"", b"hi"]


def test_a_cut_off_request_costs_one_entry():
    """Asked again it would hang; the next one is read."""
    found = read(READER, capture(post(b"abc", 400), b"1 z %d 1\n" % T + GET))

    assert rejected(found)[0].why == "body is cut off after 3 bytes"
    assert recorded(found)[0].entry_id == "z"


def test_a_record_beyond_the_limit_costs_one_entry():
    """It is rejected by size and not held."""
    reader = GoReplay(max_entry_bytes=500)

    found = read(reader, capture(post(b"x" * 1000), b"1 z %d 1\n" % T + GET))

    assert [type(entry).__name__ for entry in found] == ["Rejected", "Recorded"]


def test_separators_without_end_are_quick():
    """An answer that is nothing but separators is one answer, in one pass."""
    data = b"2 a %d 1\nHTTP/1.1 200 OK\r\n\r\n" % T + SEPARATOR * 100_000

    found = read(READER, data, chunk_bytes=65_536)

    assert len(only(found).answer.outcome.body) == 99_999 * len(SEPARATOR)


def test_sniffing_passes_over_a_damaged_beginning():
    """A rotated capture may begin in the middle of a record."""
    assert READER.sniff(b"ngth: 2\r\n\r\nok" + SEPARATOR + b"1 a %d\n" % T + GET)
    assert not READER.sniff(b"1 a b\n")


@pytest.mark.parametrize(
    ("line", "latency_s"),
    [
        (b"3 a 9000000 %d" % T, 0.009),
        (b"3 a %d 9000000" % T, 0.009),
        (b"3 a 9000000", 0.009),
        (b"3 a -5 %d" % T, None),
        (b"3 a %d" % T, None),
    ],
)
def test_a_replay_target_s_answer_has_the_time_it_took(line, latency_s):
    """Wherever it stands: the order of the two numbers changed between versions."""
    answer = only(late(read(READER, capture(line + b"\n" + OK))))

    assert answer.by == "replayed"
    assert answer.answer.latency_s == latency_s
    assert answer.answer.outcome.body == b"ok"
