"""What a base URL means, and which ones we cannot use."""

import pytest

from harness.traffic.forwarding import Destination
from harness.transport.target import Endpoint, Target


@pytest.mark.parametrize(
    ("url", "endpoint"),
    [
        ("http://127.0.0.1:9101", Endpoint(False, "127.0.0.1", 9101, "127.0.0.1:9101", "", True)),
        ("https://api.example", Endpoint(True, "api.example", 443, "api.example", "", False)),
        ("http://h:80/v1/", Endpoint(False, "h", 80, "h", "/v1", False)),
        ("https://h:80/a/b", Endpoint(True, "h", 80, "h:80", "/a/b", False)),
        ("http://[::1]:81", Endpoint(False, "::1", 81, "[::1]:81", "", True)),
        ("http://bücher.example", Endpoint(False, "xn--bcher-kva.example", 80,
                                           "xn--bcher-kva.example", "", False)),
    ],
)  # fmt: skip
def test_a_base_url_is_taken_apart(url, endpoint):
    """Into where to connect, what to call it in Host, and what goes before each path."""
    assert Endpoint.of(url) == endpoint


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("127.0.0.1:9101", "is no http:// or https:// URL"),
        ("ftp://h", "is no http:// or https:// URL"),
        ("http://", "is no http:// or https:// URL with a host"),
        ("http://h:port", "is no URL"),
        ("http://h:99999", "is no URL"),
        ("http://user:pass@h", "credentials do not belong into the URL"),
        ("http://h/p?key=1", "has a query or fragment"),
        ("http://" + "a" * 70, "is no host name"),
    ],
)
def test_other_urls_are_refused_with_a_reason(url, why):
    """Before anything is sent."""
    with pytest.raises(ValueError, match=why):
        Endpoint.of(url)


def test_a_refused_url_does_not_print_its_password():
    """Messages end up in logs."""
    with pytest.raises(ValueError, match="credentials") as caught:
        Endpoint.of("http://user:hunter2@h")

    assert "hunter2" not in str(caught.value)


def test_a_challenger_is_marked_and_a_champion_is_not():
    """What forwarding does with a request follows from this."""
    options = {"base_url": "http://h:81/v1", "timeout_s": 1.0, "path": "/p"}

    challenger = Target("knn", is_challenger=True, headers=(("A", "b"),), **options)

    assert challenger.destination == Destination("h:81", "/v1", "/p", (("A", "b"),), "knn")
    assert Target("c", **options).destination == Destination("h:81", "/v1", "/p")
