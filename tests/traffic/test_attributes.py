"""Where a request says who sent it."""

import jsonpath
import pytest

from harness.exchange import Request
from harness.traffic.attributes import attribute


def compiled(text):
    path = jsonpath.compile(text)

    def find(document):
        match = path.match(document)
        if match is None:
            raise LookupError(text)
        return match.obj

    return find


REQUEST = Request(
    "POST",
    "/v1/predict?user=u%201&user=u2",
    (("X-User-Id", " ann "), ("Cookie", "a=1; session=s%2B7")),
    b'{"user": {"id": 12345678901234567890}, "name": "ben", "tags": ["x"], "none": null}',
)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("header:x-user-id", "ann"),
        ("header:absent", None),
        ("cookie:session", "s+7"),
        ("cookie:absent", None),
        # the first of several counts
        ("query:user", "u 1"),
        ("query:absent", None),
        ("$.name", "ben"),
        # beyond 64 signed bits, exact
        ("$.user.id", "12345678901234567890"),
        # containers and null are no values
        ("$.tags", None),
        ("$.none", None),
        ("$.absent", None),
    ],
)
def test_an_attribute_is_found_where_it_was_named(text, value):
    """Header, cookie, query or body."""
    assert attribute(text, compiled).of(REQUEST) == value


def test_a_body_that_is_no_json_has_no_attributes():
    """It is a request without the attribute, not an error."""
    request = Request("POST", "/", (), b"\xff")

    assert attribute("$.name", compiled).of(request) is None


@pytest.mark.parametrize("text", ["user", "header:", "body:x", ""])
def test_a_place_that_does_not_exist_is_refused(text):
    """The message names what is allowed."""
    with pytest.raises(ValueError, match="must be header:NAME, cookie:NAME, query:NAME"):
        attribute(text, compiled)


@pytest.mark.parametrize(
    ("text", "bucket"),
    [
        ("$.name", "below 4"),
        # characters, not bytes
        ("$.umlaut", "below 4"),
        ("$.four", "4 to 9.5"),
        ("$.long", "from 9.5"),
        # a number is its own size; the lower edge belongs to its bucket
        ("$.n", "4 to 9.5"),
        ("$.big", "from 9.5"),
        ("header:x-user-id", "below 4"),
        # what has no size is in no bucket
        ("$.yes", None),
        ("$.tags", None),
        ("$.absent", None),
    ],
)
def test_a_size_falls_into_a_bucket(text, bucket):
    """Text counts its characters, a number is its own size."""
    body = (
        '{"name": "ben", "umlaut": "äöü", "four": "four", "long": "0123456789", "n": 4, '
        '"big": 9.5, "yes": true, "tags": ["x"]}'
    )
    request = Request("POST", "/", (("X-User-Id", "ann"),), body.encode())

    assert attribute(text, compiled, (4, 9.5)).of(request) == bucket
