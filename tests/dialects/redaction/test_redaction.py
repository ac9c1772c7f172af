"""A pair as it may be kept: every place in it, in every form that bodies have."""

import doctest
import gzip
import json
from dataclasses import replace
from urllib.parse import quote

import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.compare.structure import SameStructure
from harness.dialects.json_predict import JsonPredict
from harness.dialects.redaction import numbers, pseudonym, stream
from harness.dialects.redaction.redaction import Redaction, check
from harness.exchange import Failure, FailureKind, Request
from harness.output import Undecodable
from harness.testing.builders import JSON_HEADERS, exchange, pair, request, response
from tests.dialects.redaction.texts import TOKEN, card_of

ADDRESS = "ann@example.com"
CARD = card_of("4" + "1" * 14)
ALL = Redaction(("email", "card", "iban", "jwt", "key", "$.user.name", "$.customer"), b"for a test")
FORM = (("Content-Type", "application/x-www-form-urlencoded"),)
TEXT = (("Content-Type", "text/plain"),)
EVENTS = (("Content-Type", "text/event-stream"),)


def kept(body, headers=JSON_HEADERS, redaction=ALL):
    """The champion's answer as it is kept."""
    return redaction(
        pair(champion=exchange(outcome=response(body, headers=headers)))
    ).champion.outcome


ANN = ALL(pair(asked=request(b"{}", headers=(("From", ADDRESS),)))).request.headers[0][1]
"""What stands for the address wherever it stood."""


@pytest.mark.parametrize(
    ("headers", "body", "expected"),
    [
        (JSON_HEADERS, f'{{"a":  "to {ADDRESS}", "b": 1.0}}', f'{{"a":  "to {ANN}", "b": 1.0}}'),
        # escapes hide nothing, and what was escaped stays readable
        (JSON_HEADERS, r'["x\n ann\u0040example.com"]', rf'["x\n {ANN}"]'),
        # keys too; repeated ones stay repeated
        (JSON_HEADERS, f'{{"{ADDRESS}": 1, "{ADDRESS}": 2}}', f'{{"{ANN}": 1, "{ANN}": 2}}'),
        # cut off in the middle, without a path that could name something in it
        (TEXT, f'["{ADDRESS}", "{ADDRESS}', f'["{ANN}", "{ANN}'),
        (TEXT, f"dear {ADDRESS},\nbye", f"dear {ANN},\nbye"),
        (EVENTS, f'data: ["{ADDRESS}"]\n\ndata: [DONE]\n', f'data: ["{ANN}"]\n\ndata: [DONE]\n'),
        (FORM, "to=ann%40example.com&n=a+b", f"to={quote(ANN)}&n=a+b"),
    ],
)  # fmt: skip
def test_finds_are_replaced_where_they_stand(headers, body, expected):
    """Nothing else of a body changes."""
    kinds = Redaction(("email", "card"), b"for a test")

    assert kept(body.encode(), headers, kinds).body.decode() == expected


def test_numbers_of_cards_become_strings():
    """A card's number is one without quotes too; a score with as many digits is none."""
    found = json.loads(kept(f'{{"card": {CARD}, "score": 0.{CARD}}}'.encode()).body)

    assert found["card"].startswith("[card:")
    assert found["score"] == float(f"0.{CARD}")


@pytest.mark.parametrize(
    ("headers", "body"),
    [
        (JSON_HEADERS, '{"user": {"name": "Ann", "n": 1}}'),
        (JSON_HEADERS, '{"user": {"name": ["Ann", {"also": "Ann"}], "n": 1}}'),
        (EVENTS, 'data: {"user": {"name": "Ann"}}\n\n'),
        (JSON_HEADERS, '{"user": {"name": "Ann"}}\n\n{"user": {"name": "Ann"}}\n'),
        (FORM, "customer=Ann&n=1"),
        (FORM, "payload=%7B%22customer%22%3A+%22Ann%22%7D"),
        # nobody can tell where the member stands, so nothing is kept
        (JSON_HEADERS, '{"user": {"name": "Ann'),
        (JSON_HEADERS, '{\n "user": {\n  "name": "Ann",\n  "n": nothing}}'),
    ],
)
def test_a_member_named_by_a_path_is_replaced_whatever_it_holds(headers, body):
    """Scalars below it one by one, in each of several documents; the structure stays."""
    assert b"Ann" not in kept(body.encode(), headers).body


def test_what_a_path_took_out_is_taken_out_elsewhere():
    """Cluster, external id, segments and truth joined rows before; they still do."""
    body = b'{"user": {"name": "Ann"}, "customer": 17}'
    segments = {"who": "Ann", "tier": "gold", "none": None}
    one = replace(
        pair(asked=request(body), cluster_id="17", segments=segments, truth='"Ann"'),
        external_id="Ann",
    )

    found = ALL(one)

    name = json.loads(found.request.body)["user"]["name"]
    assert name.startswith("[value:")
    assert found.external_id == found.segments["who"] == json.loads(found.truth) == name
    assert found.cluster_id == json.loads(found.request.body)["customer"]
    assert found.segments["tier"] == "gold"
    assert found.segments["none"] is None


def test_no_place_of_a_pair_is_forgotten():
    """Target, headers, bodies, messages, ids: the address stands in none of them."""
    headers = (("Content-Type", "application/json"), ("X-User", ADDRESS))
    answer = response(f'"{ADDRESS}"'.encode(), headers=headers)
    target = f"/u/ann%40example.com/{ADDRESS}?to=ann%40example.com&t={TOKEN}"
    failure = Failure(FailureKind.HTTP_ERROR, f"said {ADDRESS}", answer)
    one = replace(
        pair(
            asked=Request("POST", target, headers, f'{{"q": "{ADDRESS}"}}'.encode()),
            champion=exchange(outcome=answer), challenger=exchange(outcome=failure),
            cluster_id=ADDRESS, segments={"who": ADDRESS}, truth=f'"{ADDRESS}"',
        ),
        external_id=ADDRESS,
    )  # fmt: skip

    found = ALL(one)

    assert "example.com" not in repr(found).replace("%40", "@")
    assert TOKEN not in repr(found)
    assert found.content_hash != one.content_hash
    assert found.content_hash == ALL(one).content_hash
    assert found.request.target.startswith("/u/%5Bemail%3A")


@pytest.mark.parametrize(
    ("coding", "pack"), [("gzip", gzip.compress), ("zstd", zstandard.compress)]
)
def test_a_compressed_body_is_looked_into(coding, pack):
    """With a find it is kept plain and its headers say so; without one it is kept as it was."""
    headers = (*JSON_HEADERS, ("Content-Encoding", coding), ("Content-Length", "99"))

    found = kept(pack(f'["{ADDRESS}"]'.encode()), headers)
    assert found.body.decode() == f'["{ANN}"]'
    assert found.headers == (*JSON_HEADERS, ("Content-Length", str(len(found.body))))

    clean = pack(b'["nothing"]')
    assert kept(clean, headers).body == clean
    assert kept(clean, headers).headers == headers


@pytest.mark.parametrize("coding", ["br", "gzip"])
def test_a_body_that_cannot_be_looked_into_is_not_kept(coding):
    """It could not be decoded before either, so that the pair counts as it would have."""
    headers = (*JSON_HEADERS, ("Content-Encoding", coding))

    found = kept(f"not {coding} {ADDRESS}".encode(), headers)

    assert found.body == b""
    assert isinstance(JsonPredict().decode(found.body, found.headers), Undecodable)


@pytest.mark.parametrize("charset", ["utf-16", "latin-1", "ascii"])
def test_other_charsets_are_looked_into(charset):
    """And kept in the charset that the headers name."""
    headers = (("Content-Type", f"text/plain; charset={charset}"),)

    found = kept(f"mail {ADDRESS} now".encode(charset), headers)

    assert found.body.decode(charset) == f"mail {ANN} now"


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text()
    | st.sampled_from([ADDRESS, f"call {ADDRESS}", CARD, TOKEN, int(CARD)]),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(st.sampled_from(["user", "name", ADDRESS, "x"]), inner, max_size=3),
    max_leaves=8,
)  # fmt: skip


@settings(deadline=None)
@given(JSON_VALUES, JSON_VALUES, st.booleans())
def test_answers_agree_after_redaction_if_they_agreed_before(champion, challenger, escaped):
    """The same on both sides, so that comparing means what it meant; twice is once."""
    same = SameStructure()
    sides = [json.dumps(one, ensure_ascii=escaped).encode() for one in (champion, challenger)]

    found = [kept(side) for side in sides]

    decoded = [JsonPredict().decode(side, ()) for side in sides]
    redacted = [JsonPredict().decode(one.body, ()) for one in found]
    assert same(*decoded).agree == same(*redacted).agree
    assert [kept(one.body).body for one in found] == [one.body for one in found]


@settings(deadline=None)
@given(st.binary(max_size=300), st.sampled_from([JSON_HEADERS, FORM, TEXT, EVENTS, ()]))
def test_any_bytes_are_kept_or_left_out_but_never_break(body, headers):
    """Bytes that are no text stay as they are where nothing is found in them."""
    found = kept(body, headers).body

    assert found in (body, b"") or b"[" in found or b"%5B" in found


def test_the_examples_are_true():
    """What the docstrings show."""
    modules = [numbers, pseudonym, stream]

    assert [doctest.testmod(module).failed for module in modules] == [0, 0, 0]


@pytest.mark.parametrize("what", ["mail", "$.a[", "", "$"])
def test_what_is_unknown_is_refused(what):
    """A misspelled kind would let its author believe in a protection that is not there."""
    if what == "$":
        check(what)
        return
    with pytest.raises(ValueError, match="is '"):
        check(what)
