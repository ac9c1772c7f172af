"""Entries as bytes and back."""

from __future__ import annotations

import pytest

from harness.exchange import (
    Failure,
    FailureKind,
    LateAnswer,
    Recorded,
    RecordedAnswer,
    Request,
    Response,
)
from harness.replay.packing import pack, pack_late, unpack

BARE = Recorded("a", "line 1", None, Request("GET", "/"))
OK = RecordedAnswer(Response(200, (("A", "b"), ("a", "c")), b"\xff", 9, truncated=True), 0.1)


@pytest.mark.parametrize(
    "entry",
    [
        BARE,
        Recorded(
            "", "", 2**63 - 1, Request("P", "/é", (("X", "é"),), b"\0"), OK, "u", {"s": "t"}, "7"
        ),
        *(
            Recorded("a", "line 1", 0, BARE.request, RecordedAnswer(Failure(kind, "why", kept)))
            for kind in FailureKind
            for kept in (None, OK.outcome)
        ),
    ],
)
def test_packing_and_unpacking_are_inverse(entry):
    """Types included: a failure's kind is one again."""
    assert unpack(pack(entry), None) == entry


def test_a_late_answer_is_unpacked_into_its_request():
    """Its own latency is kept; another request does not get it."""
    late = pack_late(LateAnswer("a", "line 2", OK, at_ns=5))

    assert unpack(pack(BARE), late).answer == OK
    assert unpack(pack(Recorded("b", "", None, BARE.request)), late).answer is None
