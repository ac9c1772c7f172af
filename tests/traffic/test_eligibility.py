"""What may be mirrored at all."""

import pytest

from harness.traffic.eligibility import Eligibility

HOST = (b"Host", b"api.example")


@pytest.mark.parametrize(
    ("method", "target", "allowed"),
    [
        (b"POST", b"/v1/predict", True),
        (b"POST", b"/v1/predict?user=7", True),
        (b"GET", b"/v1/predict", False),
        (b"post", b"/v1/predict", False),
        (b"POST", b"/admin", False),
        # The query is no part of the path, and a pattern is of the whole path.
        (b"POST", b"/admin?x=/v1/predict", False),
        (b"POST", b"/x/v1/predict", False),
        (b"POST", b"/health", True),
        (b"POST", b"/healthz", False),
    ],
)
def test_methods_and_paths_have_to_be_named(method, target, allowed):
    """Everything else stays with the champion."""
    eligibility = Eligibility(methods=("POST",), paths=("/v1/*", "/health"))

    assert eligibility.allows(method, target, [HOST]) is allowed


def test_without_patterns_every_path_is_allowed():
    """Paths are a choice that need not be made."""
    assert Eligibility(methods=("GET",)).allows(b"GET", b"/\xff%2e?", [HOST])


@pytest.mark.parametrize("name", [b"X-Harness-Shadow", b"x-harness-shadow"])
def test_a_copy_is_not_copied_again(name):
    """Two sidecars cannot mirror each other without end."""
    headers = [HOST, (name, b"knn")]

    assert not Eligibility(methods=("GET",)).allows(b"GET", b"/", headers)


def test_a_websocket_is_not_mirrored():
    """An upgrade that servers ignore, as curl's to HTTP/2, is an ordinary request."""
    get = Eligibility(methods=("GET",))

    assert not get.allows(b"GET", b"/", [HOST, (b"Upgrade", b"WebSocket")])
    assert get.allows(b"GET", b"/", [HOST, (b"Upgrade", b"h2c")])


def test_a_pattern_is_literal_but_for_its_stars():
    """Characters that mean something to a matcher mean themselves."""
    eligibility = Eligibility(methods=("GET",), paths=("/v1.0/(a)*",))

    assert eligibility.allows(b"GET", b"/v1.0/(a)/b", [])
    assert not eligibility.allows(b"GET", b"/v1x0/a", [])
