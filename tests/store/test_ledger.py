"""The ledger on disk: appended whole, never twice, never by two at once."""

import json
import os
import threading
from datetime import UTC, datetime

import pytest

from harness.errors import StoreError, StoreTooNewError
from harness.gate.ledger import Use, number_of
from harness.store.ledger import Entry, held

NOON = datetime(2025, 6, 1, 12, tzinfo=UTC)


def entry(run="a", *, number=1, policy="p"):
    return Entry(
        use=Use(("log",), (run,), policy),
        number=number,
        alpha=0.05,
        config_digest="c0ffee",
        decision="hold",
        at=NOON,
    )


@pytest.fixture
def path(tmp_path):
    return tmp_path / "ledger.jsonl"


def test_what_is_entered_is_there_the_next_time(path):
    """Every field comes back."""
    with held(path) as ledger:
        assert ledger.entries == ()
        ledger.append(entry("a"))
    with held(path) as ledger:
        ledger.append(entry("b", number=2))

    with held(path) as ledger:
        assert ledger.entries == (entry("a"), entry("b", number=2))
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_run_is_entered_once_for_each_policy(path):
    """Judging it again adds nothing; judging it by another policy does."""
    for policy in ("p", "p", "q"):
        with held(path) as ledger:
            ledger.append(entry(policy=policy))

    assert len(path.read_text().splitlines()) == 2


def test_lines_are_for_people_and_scripts_too(path):
    """One JSON object a line."""
    with held(path) as ledger:
        ledger.append(entry())

    assert json.loads(path.read_text()) == {
        "format": 1,
        "number": 1,
        "at": "2025-06-01T12:00:00+00:00",
        "corpora": ["log"],
        "run_ids": ["a"],
        "config_digest": "c0ffee",
        "policy_digest": "p",
        "alpha": 0.05,
        "decision": "hold",
    }


def test_a_line_cut_off_by_a_crash_is_not_counted_and_goes(path):
    """It was never acknowledged; the lines before it stay."""
    with held(path) as ledger:
        ledger.append(entry("a"))
        ledger.append(entry("b", number=2))
    path.write_bytes(path.read_bytes()[:-20])

    with held(path) as ledger:
        assert [one.use.run_ids for one in ledger.entries] == [("a",)]
        ledger.append(entry("c", number=2))

    with held(path) as ledger:
        assert [one.use.run_ids for one in ledger.entries] == [("a",), ("c",)]


@pytest.mark.parametrize("line", ["no JSON", "[]", '{"format": 1}', "7"])
def test_a_damaged_line_is_named(path, line):
    """Leaving it out would make the count too small without anybody knowing."""
    with held(path) as ledger:
        ledger.append(entry())
    path.write_text(path.read_text() + line + "\n")

    with pytest.raises(StoreError, match="line 2: is no entry of a ledger"), held(path):
        pass


def test_a_later_format_asks_for_an_upgrade(path):
    """Not guessed at."""
    path.write_text('{"format": 2}\n')

    with pytest.raises(StoreTooNewError), held(path):
        pass


def test_a_ledger_that_cannot_be_written_is_said(tmp_path):
    """Before anything is judged."""
    with pytest.raises(StoreError, match="cannot open"), held(tmp_path / "no" / "ledger.jsonl"):
        pass


def test_a_full_disk_leaves_the_ledger_as_it_was(path, monkeypatch):
    """Half a line is taken back."""
    with held(path) as ledger:
        ledger.append(entry("a"))
        whole, write = path.read_bytes(), os.write

        def full(fd, content):
            write(fd, content[:10])
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(os, "write", full)
        with pytest.raises(StoreError, match="cannot append"):
            ledger.append(entry("b"))

    assert path.read_bytes() == whole


def test_no_two_gate_runs_take_one_number(path):
    """Eight at once: whoever holds the ledger reads and appends before the next one reads."""

    def judge(run):
        with held(path) as ledger:
            asked = Use(("log",), (run,), "p")
            number = number_of(asked, [one.use for one in ledger.entries])
            ledger.append(entry(run, number=number))

    threads = [threading.Thread(target=judge, args=(f"r{i}",)) for i in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    with held(path) as ledger:
        assert [one.number for one in ledger.entries] == list(range(1, 9))
