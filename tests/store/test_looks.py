"""What looks leave behind is kept with the run, under the policy and the runs they were about."""

import pytest

from harness.errors import StoreError
from harness.store.looks import looks_name, read_looks, write_looks

ROWS = {"new": [{"rule": "not_worse accuracy", "e_harm": 2.5, "tuning": None}]}


def test_what_was_kept_comes_back(tmp_path):
    """Nothing at the first look; then what was written last, and by no other policy."""
    assert read_looks(tmp_path, "a" * 16) == {}

    write_looks(tmp_path, "a" * 16, {"new": []})
    write_looks(tmp_path, "a" * 16, ROWS)

    assert read_looks(tmp_path, "a" * 16) == ROWS
    assert read_looks(tmp_path, "b" * 16) == {}


def test_pooled_runs_have_looks_of_their_own():
    """One run alone goes by the policy; several by the policy and all of them, in any order."""
    assert looks_name("d", ["one"]) == "d"
    assert looks_name("d", ["one", "two"]) == looks_name("d", ["two", "one"])
    assert looks_name("d", ["one", "two"]) != looks_name("d", ["one", "three"])


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"challengers": '])
def test_a_damaged_file_is_named(tmp_path, content):
    """Where it is, and what removing it costs."""
    write_looks(tmp_path, "d", ROWS)
    (tmp_path / "looks" / "d.json").write_text(content)

    with pytest.raises(StoreError, match=r"looks/d\.json: is damaged .* alarms"):
        read_looks(tmp_path, "d")
