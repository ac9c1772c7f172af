"""Only what is named is freshened, and for every deployment alike."""

import orjson
import pytest

from harness.exchange import Request
from harness.traffic.rewriting import Rewrite

HOUR_NS = 3600 * 1_000_000_000
RECORDED_NS = 1_750_000_000 * 1_000_000_000
BODY = b'{"b": 1,  "at": 1750000000, "at_ms": 1750000000000, "day": "2025-06-15T15:06:40Z"}'


def rewritten(rewrite, body=BODY, headers=(("X-Token", "old"), ("Accept", "*/*"))):
    request = Request("POST", "/v1", headers, body)
    return rewrite(request, recorded_at_ns=RECORDED_NS, now_ns=RECORDED_NS + HOUR_NS, seed="r1")


def test_a_header_is_replaced_where_it_stands():
    """Order and the name's own case stay; a new one is appended."""
    rewrite = Rewrite(headers=(("x-token", "fresh"), ("X-Sent", "{now}")))

    assert rewritten(rewrite).headers == (
        ("X-Token", "fresh"),
        ("Accept", "*/*"),
        ("X-Sent", "2025-06-15T16:06:40Z"),
    )


def test_an_untouched_body_keeps_every_byte():
    """A path that matches nothing changes nothing, not even white space."""
    assert rewritten(Rewrite(body=(("$.nothing", "x"),), shift_times=("$.no",))).body == BODY


def test_times_move_by_as_much_as_the_replay_is_later():
    """Seconds, milliseconds and ISO text move by the same hour."""
    body = rewritten(Rewrite(shift_times=("$.at", "$.at_ms", "$.day"))).body

    assert orjson.loads(body) == {
        "b": 1,
        "at": 1750003600,
        "at_ms": 1750003600000,
        "day": "2025-06-15T16:06:40Z",
    }


def test_a_number_stays_a_number():
    """`{now_ms}` in the place of a number is a number, in the place of a text it is text."""
    body = rewritten(Rewrite(body=(("$.at_ms", "{now_ms}"), ("$.day", "{now_s}")))).body

    assert orjson.loads(body)["at_ms"] == 1750003600000
    assert orjson.loads(body)["day"] == "1750003600"


def test_all_deployments_of_a_request_get_the_same_id():
    """`{uuid}` depends on the request alone."""
    rewrite = Rewrite(headers=(("Idempotency-Key", "{uuid}"),))

    assert rewritten(rewrite) == rewritten(rewrite)


def test_what_is_not_json_passes_unchanged():
    """A path cannot name anything in a binary body."""
    assert rewritten(Rewrite(body=(("$.a", "x"),)), body=b"\x00\xff").body == b"\x00\xff"


def test_a_bad_path_is_refused_when_it_is_configured():
    """Not at the first request."""
    with pytest.raises(ValueError, match=r"is '\$\[', must be a JSONPath"):
        Rewrite(shift_times=("$[",))
