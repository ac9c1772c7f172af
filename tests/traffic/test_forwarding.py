"""What each deployment receives of a request."""

import pytest

from harness.exchange import Request, RequestId
from harness.traffic.forwarding import Destination, forwarded, is_shadow, target_for

CHAMPION = Destination("champion:80")
CHALLENGER = Destination("challenger:81", shadow="knn")
ID = RequestId("r1")


def headers(*fields, to=CHAMPION, body=b""):
    return forwarded(Request("POST", "/p", fields, body), ID, to).headers


def test_the_champion_gets_what_the_client_sent():
    """Nothing is added, moved or changed when nothing has to be."""
    request = Request(
        "POST",
        "/a/../b?x=%2e",
        (
            ("hOST", "api.example"),
            ("Authorization", "Bearer t"),
            ("X-Twice", "1"),
            ("x-twice", "2"),
            ("content-length", "2"),
        ),
        b"hi",
    )

    assert forwarded(request, ID, CHAMPION) == request


def test_a_champion_without_a_host_gets_its_own():
    """HTTP/1.1 needs one, and a log may have lost it."""
    assert headers(("A", "b")) == (("Host", "champion:80"), ("A", "b"))


def test_a_challenger_gets_its_own_host_and_is_told_what_it_is():
    """Host in its place, then the two marks; all else as it was."""
    fields = (("A", "1"), ("hoSt", "api.example"), ("a", "2"))

    assert headers(*fields, to=CHALLENGER) == (
        ("A", "1"),
        ("hoSt", "challenger:81"),
        ("a", "2"),
        ("X-Harness-Shadow", "knn"),
        ("X-Request-Id", "r1"),
    )


def test_a_second_host_does_not_reach_a_challenger():
    """Two Host fields would name the champion to some servers."""
    fields = (("Host", "a"), ("host", "b"))

    assert headers(*fields, to=CHALLENGER)[0] == ("Host", "challenger:81")
    assert [name for name, _ in headers(*fields, to=CHALLENGER)].count("host") == 0


def test_the_clients_own_request_id_is_kept():
    """It is what the client's systems know the request by."""
    sent = dict(headers(("x-request-id", "theirs"), to=CHALLENGER))

    assert sent["x-request-id"] == "theirs"
    assert "X-Request-Id" not in sent


@pytest.mark.parametrize(
    "name",
    ["Authorization", "PROXY-AUTHORIZATION", "cookie", "X-Api-Key", "api-key", "x-goog-api-key"],
)
def test_credentials_go_to_no_challenger(name):
    """However they are spelled."""
    assert name not in dict(headers((name, "secret"), to=CHALLENGER))


def test_a_challenger_may_have_credentials_of_its_own():
    """Those of its config, and never the client's beside them."""
    own = Destination("c:1", shadow="knn", headers=(("Authorization", "Bearer own"),))

    sent = headers(("authorization", "Bearer client"), to=own)

    assert [value for name, value in sent if name.lower() == "authorization"] == ["Bearer own"]


def test_configured_headers_replace_in_place_or_are_added():
    """Case does not matter, duplicates of the replaced one go."""
    to = Destination("c:1", headers=(("X-Model", "b"), ("X-New", "n"), ("x-new", "m")))

    assert headers(("Host", "h"), ("x-model", "a"), ("Z", "z"), ("X-MODEL", "c"), to=to) == (
        ("Host", "h"),
        ("x-model", "b"),
        ("Z", "z"),
        ("X-New", "n"),
        ("x-new", "m"),
    )


def test_tracing_is_passed_on():
    """A challenger's spans belong to the same trace."""
    assert ("traceparent", "00-1") in headers(("traceparent", "00-1"), to=CHALLENGER)


@pytest.mark.parametrize("to", [CHAMPION, CHALLENGER])
def test_hop_by_hop_fields_stay_behind(to):
    """Those of the standard, and those that Connection names."""
    sent = headers(
        ("Connection", "keep-alive, X-Private"),
        ("Keep-Alive", "timeout=5"),
        ("TE", "trailers"),
        ("Upgrade", "h2c"),
        ("Proxy-Connection", "keep-alive"),
        ("x-private", "1"),
        ("connection", "x-more"),
        ("X-More", "2"),
        ("Kept", "3"),
        to=to,
    )

    names = {name.lower() for name, _ in sent}
    assert names - {"host", "x-harness-shadow", "x-request-id"} == {"kept"}


def test_connection_cannot_remove_what_a_message_needs():
    """A client that names Host or Content-Length there would unframe the request."""
    fields = (("Host", "h"), ("Connection", "Host, Content-Length"), ("Content-Length", "2"))

    assert headers(*fields, body=b"hi") == (("Host", "h"), ("Content-Length", "2"))


@pytest.mark.parametrize(
    ("fields", "body", "framing"),
    [
        # the body is kept decoded: the length takes the coding's place
        ((("Transfer-Encoding", "chunked"), ("A", "b")), b"hey", ("Content-Length", "3")),
        ((("Transfer-Encoding", "chunked"), ("A", "b")), b"", ("Content-Length", "0")),
        # both: smuggling in the recording ends here
        (
            (("transfer-encoding", "chunked"), ("content-length", "9")),
            b"x",
            ("Content-Length", "1"),
        ),
        ((("content-LENGTH", "9"), ("A", "b")), b"hey", ("content-LENGTH", "3")),
        ((("Content-Length", "3"), ("content-length", "4")), b"hey", ("Content-Length", "3")),
    ],
)
def test_framing_fits_the_body(fields, body, framing):
    """One Content-Length, true, where the recorded framing stood."""
    sent = headers(("Host", "h"), *fields, body=body)

    assert sent[1] == framing
    assert [n.lower() for n, _ in sent if n.lower() in ("content-length", "transfer-encoding")] == [
        "content-length"
    ]


def test_a_body_without_a_length_gets_one():
    """At the end, where it disturbs nothing."""
    assert headers(("Host", "h"), body=b"hey") == (("Host", "h"), ("Content-Length", "3"))


def test_no_body_no_length():
    """A GET stays a GET."""
    assert headers(("Host", "h")) == (("Host", "h"),)


def test_nobody_is_asked_to_continue():
    """The body is sent at once; other expectations stay."""
    assert headers(("Host", "h"), ("Expect", "100-Continue")) == (("Host", "h"),)
    assert headers(("Host", "h"), ("Expect", "x")) == (("Host", "h"), ("Expect", "x"))


@pytest.mark.parametrize(
    ("target", "prefix", "path", "expected"),
    [
        ("/a/../b%2f?x=1?y", "", None, "/a/../b%2f?x=1?y"),
        ("/predict?x=1", "/v2", None, "/v2/predict?x=1"),
        ("/predict?x=1", "", "/new", "/new?x=1"),
        ("/predict?x=1", "/v2", "/new", "/v2/new?x=1"),
        ("/predict", "", "/new", "/new"),
        ("?x=1", "/v2", None, "/v2?x=1"),
        ("", "/v2", None, "/v2"),
        ("predict", "/v2", None, "/v2/predict"),
        ("*", "/v2", "/new", "*"),
        # as a forward proxy records it
        ("http://api.example/p?x=/1", "", None, "/p?x=/1"),
        ("HTTPS://api.example?x=/1", "/v2", None, "/v2/?x=/1"),
        ("http://api.example", "", None, "/"),
        # not absolute form: a path that looks like it
        ("//http://x", "", None, "//http://x"),
    ],
)
def test_the_target_is_joined_to_the_base(target, prefix, path, expected):
    """Base path before, path replaced where configured, query and escapes untouched."""
    assert target_for(target, Destination("h", path_prefix=prefix, path=path)) == expected


def test_a_mirrored_request_is_known():
    """In any case of the name, so that it is never mirrored again."""
    mirrored = forwarded(Request("GET", "/"), ID, CHALLENGER)

    assert is_shadow(mirrored)
    assert is_shadow(Request("GET", "/", (("x-harness-SHADOW", ""),)))
    assert not is_shadow(Request("GET", "/", (("X-Harness", "1"),)))


@pytest.mark.parametrize("name", ["Content-Length", "transfer-encoding", "Connection"])
def test_a_config_cannot_break_framing(name):
    """The message says which field and why."""
    with pytest.raises(ValueError, match=f"{name} cannot be set"):
        Destination("h", headers=((name, "1"),))
