"""Exchanges as spans."""

import pytest

from harness.exchange import FailureKind
from harness.testing.builders import exchange, failure, pair, request
from harness.testing.clock import NOON_NS
from harness.watch.spans import context_of, envelope, spans_of

TRACE, CLIENT = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"


def asked(traceparent):
    return request(headers=(("Traceparent", traceparent), ("X-User", "ann@example.com")))


def facts(span):
    return {one["key"]: next(iter(one["value"].values())) for one in span["attributes"]}


def test_both_sides_are_children_of_the_clients_span_and_linked():
    """In the client's trace; the challenger's points at the champion's."""
    one = pair(
        asked=asked(f"00-{TRACE}-{CLIENT}-01"),
        challenger=exchange("r1", "challenger", outcome=failure(FailureKind.TIMEOUT)),
        champion=exchange("r1", "champion", wait_s=0.25, latency_s=0.5),
    )

    champion, challenger = spans_of(one, run_id="run")

    for span in (champion, challenger):
        assert (span["traceId"], span["parentSpanId"], span["kind"]) == (TRACE, CLIENT, 3)
    assert challenger["links"] == [{"traceId": TRACE, "spanId": champion["spanId"]}]
    assert champion["spanId"] != challenger["spanId"]
    assert champion["startTimeUnixNano"] == str(NOON_NS + 250_000_000)
    assert champion["endTimeUnixNano"] == str(NOON_NS + 750_000_000)
    assert (champion["name"], challenger["name"]) == ("champion champion", "challenger challenger")
    assert (champion["status"], challenger["status"]["code"]) == ({"code": 1}, 2)
    assert facts(champion)["http.response.status_code"] == "200"
    assert facts(challenger)["harness.outcome"] == "timeout"


def test_nothing_of_the_content_is_in_a_span():
    """Neither body nor target, header or cluster."""
    one = pair(asked=asked(f"00-{TRACE}-{CLIENT}-01"), cluster_id="ann@example.com")

    text = str(envelope(spans_of(one, run_id="run"), version="1"))

    assert "ann@" not in text
    assert one.request.target not in text


@pytest.mark.parametrize(
    ("traceparent", "expected"),
    [
        (f"00-{TRACE}-{CLIENT}-01", (TRACE, CLIENT)),
        (f"cc-{TRACE}-{CLIENT}-03-later", (TRACE, CLIENT)),
        (f"00-{TRACE}-{CLIENT}-00", None),  # the client does not trace it
        ("garbage", ""),
        (f"00-{'0' * 32}-{CLIENT}-01", ""),
        (f"00-{TRACE}-{'0' * 16}-01", ""),
        (f"00-{TRACE.upper()}-{CLIENT}-01", ""),
    ],
)
def test_whose_trace_it_is(traceparent, expected):
    """A damaged field counts as none, and the request has a trace of its own."""
    found = context_of((("traceparent", traceparent),), "r1")

    if expected is None:
        assert found is None
    elif expected:
        assert (found.trace_id, found.parent_id) == expected
    else:
        assert found == context_of((), "r1")
        assert (len(found.trace_id), found.parent_id) == (32, "")


def test_what_was_asked_twice_has_a_span_of_its_own():
    """The second question to the champion is not taken for the first."""
    first, second = spans_of(pair(challenger=exchange("r1", "champion")), run_id="run")

    assert second["name"] == "repeat champion"
    assert first["spanId"] != second["spanId"]
