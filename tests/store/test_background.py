"""Writing in a thread: nothing is lost, and what goes wrong is heard of."""

import threading

import polars as pl
import pytest

from harness.errors import StoreError, StoreFullError
from harness.store.background import BackgroundSink
from harness.store.layout import Series, journal_path, parts_of
from harness.store.writer import RunWriter
from tests.store.builders import manifest, pairs


@pytest.fixture
def writer(tmp_path):
    with RunWriter.create(tmp_path / "run", manifest()) as writer:
        yield writer


class StuckWriter(RunWriter):
    """A writer whose disk takes nothing until `go` is set; `reached` says that it was tried."""

    go: threading.Event
    reached: threading.Event

    def append(self, pairs):
        self.reached.set()
        self.go.wait()
        super().append(pairs)


class FullWriter(RunWriter):
    """A writer whose disk is full."""

    def append(self, pairs):
        raise StoreFullError("no room")


class BrokenWriter(RunWriter):
    """A writer with a bug."""

    def append(self, pairs):
        raise AttributeError("no such thing")


def test_acknowledging_waits_for_everything_that_was_appended(writer):
    """What `acknowledge` returns is in the journal at that moment."""
    with BackgroundSink(writer, interval_s=60) as sink:
        for start in range(0, 100, 10):
            sink.append(pairs(range(start, start + 10)))

        assert sink.acknowledge() == 100
        assert journal_path(writer.run, Series("knn"), 1).stat().st_size > 100 * 100


def test_closing_drains(writer):
    """Everything appended before `close` is written, in order."""
    sink = BackgroundSink(writer, interval_s=60)
    sink.append(pairs(range(50)))

    sink.close()

    writer.seal()
    (part,) = parts_of(writer.run, Series("knn")).values()
    assert pl.read_parquet(part)["request_id"].to_list() == [f"r{i}" for i in range(50)]


def test_pairs_are_acknowledged_without_being_asked(writer):
    """At the interval the thread syncs by itself."""
    with BackgroundSink(writer, interval_s=0.001) as sink:
        sink.append(pairs(range(3)))

        deadline = threading.Event()
        while sink.n_acknowledged < 3:
            assert not deadline.wait(0.001)


def test_appending_does_not_wait_for_a_stuck_disk(tmp_path):
    """Up to the bound pairs are taken while the disk takes none; then there is no room."""
    stuck = StuckWriter.create(tmp_path / "run", manifest())
    stuck.go, stuck.reached = threading.Event(), threading.Event()
    with BackgroundSink(stuck, interval_s=0, most_waiting=1000) as sink:
        sink.append(pairs([0]))
        stuck.reached.wait()
        sink.append(pairs(range(1, 900)))

        assert not sink.has_room
        stuck.go.set()
        assert sink.acknowledge() == 900
    stuck.close()


def test_at_the_bound_appending_waits(tmp_path):
    """Beyond the bound nothing is thrown away: the caller waits until there is room."""
    stuck = StuckWriter.create(tmp_path / "run", manifest())
    stuck.go, stuck.reached = threading.Event(), threading.Event()
    with BackgroundSink(stuck, interval_s=0, most_waiting=10) as sink:
        caller = threading.Thread(target=lambda: [sink.append(pairs([n])) for n in range(50)])
        caller.start()
        caller.join(timeout=0.05)

        assert caller.is_alive()
        stuck.go.set()
        caller.join()
        assert sink.acknowledge() == 50
    stuck.close()


@pytest.mark.parametrize("act", ["append", "acknowledge", "close"])
def test_a_full_disk_is_heard_of_at_the_next_call(tmp_path, act):
    """The thread's error surfaces wherever the caller comes by."""
    full = FullWriter.create(tmp_path / "run", manifest())
    sink = BackgroundSink(full, interval_s=0)
    sink.append(pairs([1]))
    sink._thread.join()

    with pytest.raises(StoreFullError, match="no room"):
        sink.append(pairs([2])) if act == "append" else getattr(sink, act)()


def test_a_bug_in_the_thread_does_not_vanish(tmp_path):
    """Anything unexpected is raised too, naming the run."""
    sink = BackgroundSink(BrokenWriter.create(tmp_path / "run", manifest()), interval_s=0)
    sink.append(pairs([1]))

    with pytest.raises(StoreError, match=r"run: cannot be written: AttributeError"):
        sink.close()


def test_a_closed_sink_takes_nothing(writer):
    """Appending after `close` is an error and not a silent loss."""
    sink = BackgroundSink(writer)
    sink.close()

    with pytest.raises(StoreError, match="is closed"):
        sink.append(pairs([1]))
