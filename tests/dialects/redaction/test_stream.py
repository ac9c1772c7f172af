"""Texts that come in pieces."""

import json
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.dialects.redaction.kinds import FINDERS, without
from harness.dialects.redaction.pseudonym import Pseudonyms
from harness.dialects.redaction.redaction import Redaction
from harness.dialects.redaction.stream import spread
from harness.testing.builders import exchange, pair, response
from tests.dialects.redaction.texts import TOKEN, card_of

KINDS = tuple(FINDERS)
PSEUDONYMS = Pseudonyms(b"for a test")
ADDRESS = "ann@example.com"
EVENTS = (("Content-Type", "text/event-stream"),)


def openai(piece, index=0):
    return {"id": "c1", "choices": [{"index": index, "delta": {"content": piece}}]}


def anthropic(piece, index=0):
    delta = {"type": "text_delta", "text": piece}
    return {"type": "content_block_delta", "index": index, "delta": delta}


def stream(events, end="\n\n"):
    lines = [f"data: {json.dumps(event)}{end}" for event in events]
    return "".join([*lines, f"data: [DONE]{end}"]).encode()


def kept(body):
    redaction = Redaction(("email", "card"), b"for a test")
    answer = exchange(outcome=response(body, headers=EVENTS))
    return redaction(pair(champion=answer)).champion.outcome.body


def events_of(body):
    lines = body.decode().split("\n")
    return [json.loads(line[6:]) for line in lines if line.startswith("data: {")]


@pytest.mark.parametrize("event", [openai, anthropic])
@pytest.mark.parametrize("end", ["\n\n", "\r\n\r\n"])
def test_an_address_spelled_over_several_events_is_found(event, end):
    """As many events as before; who joins them reads the pseudonym of the whole address."""
    pieces = ["Write to an", "n@", "exam", "ple.com", " today"]

    body = kept(stream(map(event, pieces), end))

    whole = "".join(map(str, (json.dumps(one) for one in events_of(body))))
    assert len(events_of(body)) == len(pieces)
    assert "ple.com" not in whole
    assert without(ADDRESS, ("email",), PSEUDONYMS) in whole
    assert body.endswith(f"data: [DONE]{end}".encode())
    assert kept(body) == body


def test_texts_that_are_written_at_once_are_told_apart():
    """Pieces of two choices alternate; each is a text of its own."""
    halves = [("ann@exam", 0), ("bob@exam", 1), ("ple.com", 0), ("ple.org", 1)]

    body = kept(stream(openai(piece, index) for piece, index in halves)).decode()

    for address in (ADDRESS, "bob@example.org"):
        assert without(address, ("email",), PSEUDONYMS) in body


def test_a_stream_without_finds_stays_byte_for_byte():
    """Events that repeat an id do not make a number of it."""
    events = [{"id": "41111111", "choices": [{"delta": {"content": "a"}}]}] * 4

    assert kept(stream(events)) == stream(events)


@settings(deadline=None)
@given(
    st.lists(st.sampled_from([ADDRESS, card_of("4" + "1" * 14), TOKEN, " and ", "1", "x", "@"])),
    st.lists(st.integers(0, 60), max_size=6),
)
def test_pieces_join_to_what_the_whole_text_would_be(parts, cuts):
    """However a text is cut, what is left of it is the same."""
    text = "".join(parts)
    at = sorted({0, len(text), *(cut for cut in cuts if cut < len(text))})
    pieces = [text[one:other] for one, other in pairwise(at)]

    for kind in KINDS:
        found = spread(pieces, (kind,), PSEUDONYMS)

        assert len(found) == len(pieces)
        assert "".join(found) == "".join(spread([text], (kind,), PSEUDONYMS))
