"""What runs are called."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from harness.errors import UsageError
from harness.store.naming import new_run_id, run_folder, run_id_of
from tests.store.builders import NOON

RUNS = Path("runs")


@pytest.mark.parametrize(
    ("name", "slug"),
    [
        ("digits", "digits"),
        ("../../etc", "etc"),
        ("a b/c", "a-b-c"),
        ("-rf", "rf"),
        ("", "run"),
        ("模型", "run"),
        ("x" * 300, "x" * 60),
    ],
)
def test_a_new_id_is_safe_whatever_the_config_is_called(name, slug):
    """Time, name and salt; what cannot stand in an id becomes a dash."""
    found = new_run_id(name, at=NOON, salt="ab12cd")

    assert found == f"20250101T120000Z-{slug}-ab12cd"
    assert run_id_of(found) == found


def test_ids_sort_by_time():
    """A list of folders is a list in order."""
    times = [datetime(2025, 1, 9, tzinfo=UTC), datetime(2025, 1, 10, tzinfo=UTC)]

    earlier, later = (new_run_id("x", at=at, salt="0") for at in times)

    assert earlier < later


BAD_IDS = ["", "../../x", "..", ".hidden", "-rf", "a/b", "a b", "x" * 121, "a\nb", "a\x00", "ü"]


@pytest.mark.parametrize("text", BAD_IDS)
def test_what_could_leave_the_folder_is_no_id(text):
    """Slashes, leading dots and dashes, control characters and 300 characters are refused."""
    with pytest.raises(UsageError, match="is not a run id, which has 1 to 120 letters"):
        run_id_of(text)


def test_a_plain_word_is_an_id_among_the_runs():
    """A user who names a run need not say where runs are."""
    assert run_folder("20250101T120000Z-digits-ab12cd", RUNS) == (
        RUNS / "20250101T120000Z-digits-ab12cd"
    )


@pytest.mark.parametrize("path", ["./x", "../other/run", "/tmp/run", "a b/c", "./-rf", "runs/ü"])
def test_with_a_slash_it_is_a_path(path):
    """A path is used as it is: its user has the rights that the user has."""
    assert run_folder(path, RUNS) == Path(path)


def test_a_folder_that_is_there_is_a_path(tmp_path, monkeypatch):
    """`harness gate results` works in the folder above it."""
    (tmp_path / "my results").mkdir()
    monkeypatch.chdir(tmp_path)

    assert run_folder("my results", RUNS) == Path("my results")


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("", "is empty"),
        ("-rf", "begins with '-' like an option. To mean a folder of that name, write ./-rf"),
        ("--resume", "begins with '-' like an option"),
        ("a\nb", "has control characters in it"),
        ("./a\x00b", "has control characters in it"),
        ("./" + "x" * 300, "has 300 bytes between slashes"),
        ("x" * 300, "has 300 bytes between slashes"),
        ("./" + "x/" * 3000, "6002 in all"),
        ("a b", "is not a run id"),
    ],
)
def test_what_is_neither_path_nor_id_is_refused(given, said):
    """Before a folder is made, and with what is allowed."""
    with pytest.raises(UsageError) as raised:
        run_folder(given, RUNS)

    assert said in str(raised.value)
    assert len(str(raised.value)) < 400
