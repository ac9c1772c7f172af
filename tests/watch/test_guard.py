"""Who may ask the admin port what."""

import pytest

from harness.watch.guard import Guard

TOKEN = "t" * 24
BEARER = {"Authorization": f"Bearer {TOKEN}"}
LOCAL = {"Host": "127.0.0.1:9900"}
INSIDE, OUTSIDE = Guard(TOKEN, is_loopback=True), Guard(TOKEN, is_loopback=False)


def status(refusal):
    return None if refusal is None else refusal.status


def test_a_port_beyond_loopback_needs_a_token():
    """It is not started otherwise."""
    with pytest.raises(ValueError, match="needs a token"):
        Guard(None, is_loopback=False)


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("127.0.0.1:9900", None),
        ("127.0.0.1", None),
        ("localhost:9900", None),
        ("LocalHost.", None),
        ("[::1]:9900", None),
        ("10.1.2.3:9900", None),  # an address is nobody's page
        ("evil.example:9900", 421),
        ("127.0.0.1.evil.example", 421),
        ("localhost.evil.example", 421),
        ("", 421),
        ("evil.example:127.0.0.1", 421),
    ],
)
def test_a_name_that_a_page_could_have_is_refused(host, expected):
    """Its owner could have pointed it here; whoever knows the token may use any name."""
    headers = {"Host": host}

    assert status(INSIDE.probe(headers)) == expected
    assert status(INSIDE.read(headers)) == expected
    assert INSIDE.read(headers | BEARER) is None


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        ({"Origin": "http://127.0.0.1:9900"}, None),
        ({"Origin": "https://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Sec-Fetch-Site": "same-origin"}, None),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
    ],
)
def test_pages_of_other_origins_are_refused_even_with_the_token(sent, expected):
    """A browser says where a request comes from."""
    assert status(INSIDE.read(LOCAL | sent)) == expected
    assert status(INSIDE.change(LOCAL | sent | BEARER)) == expected


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        ({}, 401),
        ({"Authorization": "Bearer"}, 401),
        ({"Authorization": "Bearer " + TOKEN[:-1]}, 401),
        ({"Authorization": "Bearer " + TOKEN + "t"}, 401),
        ({"Authorization": "Bearer \udcff"}, 401),
        ({"Authorization": "Basic " + TOKEN}, 401),
        ({"Authorization": "bearer " + TOKEN}, None),
    ],
)
def test_changes_need_the_token(sent, expected):
    """The whole of it, as a bearer token."""
    assert status(INSIDE.change(LOCAL | sent)) == expected


def test_without_a_token_nothing_can_be_changed():
    """Reading stays possible on loopback."""
    guard = Guard(None, is_loopback=True)

    assert status(guard.change(LOCAL | BEARER)) == 403
    assert guard.read(LOCAL) is None


def test_beyond_loopback_probes_alone_need_no_token():
    """An orchestrator has none; metrics and status show more."""
    headers = {"Host": "10.0.0.7:9900"}

    assert OUTSIDE.probe(headers) is None
    assert status(OUTSIDE.read(headers)) == 401
    assert OUTSIDE.read(headers | BEARER) is None
