"""A sidecar that mirrors nothing says why."""

import pytest

from harness.shadow.silence import totals, why_nothing


@pytest.mark.parametrize(
    ("reason", "key"),
    [
        ("ineligible", "capture.methods` (now GET, HEAD)"),
        ("sampled_out", "capture.sample"),
        ("too_large", "capture.max_body"),
        ("shed_link", "capture.link_buffer"),
        ("mirror_down", "no mirror process"),
    ],
)
def test_the_commonest_reason_names_the_key_to_change(reason, key):
    """Whoever reads it knows where to go."""
    counts = {"received": 12, "offered": 0, "sampled_out": 1, "ineligible": 1, reason: 10}

    said = why_nothing(counts, ["GET", "HEAD"])

    assert said.startswith("12 requests were served and none was mirrored; of 10, ")
    assert key in said


@pytest.mark.parametrize(
    "counts",
    [{}, {"received": 0}, {"received": 5, "offered": 1, "ineligible": 4}, {"received": 2}],
)
def test_nothing_is_said_where_nothing_is_wrong(counts):
    """No traffic, some of it mirrored, or all of it still on its way."""
    assert why_nothing(counts, ["GET"]) is None


def test_fronts_are_added_up():
    """A front that counts something more is no trouble."""
    assert totals([{"received": 1}, {"received": 2, "new": 5}]) == {"received": 3, "new": 5}
