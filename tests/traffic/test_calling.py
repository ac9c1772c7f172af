"""Everybody is called first about equally often."""

from collections import Counter

from harness.traffic.calling import call_order


def test_every_deployment_is_first_about_equally_often():
    """Of 3000 entries each of three deployments leads about 1000 (within 5 standard errors)."""
    first = Counter(call_order(3, seed=7, entry_key=f"entry-{i}")[0] for i in range(3000))

    assert all(abs(n - 1000) < 5 * 26 for n in first.values())
    assert set(first) == {0, 1, 2}


def test_the_seed_changes_the_order():
    """Two seeds do not shuffle alike."""
    keys = [f"entry-{i}" for i in range(100)]

    assert [call_order(4, seed=1, entry_key=k) for k in keys] != [
        call_order(4, seed=2, entry_key=k) for k in keys
    ]
