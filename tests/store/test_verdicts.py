"""Verdicts kept with a run."""

import os

import pytest

from harness.errors import StoreError
from harness.store.verdicts import (
    current_verdict,
    latest_verdict,
    read_verdict,
    write_verdict,
)
from tests.store.builders import written


@pytest.fixture
def run(tmp_path):
    return written(tmp_path / "run", [])


def test_each_policy_has_its_verdict(run):
    """A second verdict by one policy replaces the first; another policy's stays."""
    write_verdict(run, "p1", b'{"decision": "hold"}')
    write_verdict(run, "p2", b'{"decision": "reject"}')
    write_verdict(run, "p1", b'{"decision": "promote"}')

    assert read_verdict(run, "p1") == {"decision": "promote"}
    assert read_verdict(run, "p2") == {"decision": "reject"}
    assert read_verdict(run, "p3") is None


def test_the_latest_is_the_one_written_last(run):
    """By the time of writing, whatever the digests are."""
    assert latest_verdict(run) is None
    os.utime(write_verdict(run, "z", b'{"decision": "hold"}'), (1, 1))
    write_verdict(run, "a", b'{"decision": "reject"}')

    assert latest_verdict(run) == {"decision": "reject"}


def test_a_verdict_is_current_until_something_is_written_to_the_run(run):
    """Pairs that came later are not in it."""
    assert current_verdict(run, "p1") is None
    written_ns = write_verdict(run, "p1", b'{"decision": "hold"}').stat().st_mtime_ns

    assert current_verdict(run, "p1") == {"decision": "hold"}

    os.utime(run / "run.json", ns=(written_ns, written_ns + 1))
    assert current_verdict(run, "p1") is None


@pytest.mark.parametrize("content", [b"", b"{", b"[1]"])
def test_a_damaged_verdict_is_named(run, content):
    """One sentence, with what to do."""
    path = write_verdict(run, "p1", b"{}")
    path.write_bytes(content)

    with pytest.raises(StoreError, match=r"p1\.json: is .*judge the run again"):
        read_verdict(run, "p1")


def test_a_digest_never_leaves_the_folder(run):
    """A digest is letters and digits, or we have a bug."""
    with pytest.raises(ValueError, match="must be 1 to 64 letters"):
        write_verdict(run, "../../x", b"{}")
