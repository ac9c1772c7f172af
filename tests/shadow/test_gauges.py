"""Pages of counters in shared memory."""

import os
import signal
import subprocess
import sys

import pytest

from harness.shadow import buckets
from harness.shadow.gauges import Page, PageError


def test_a_reader_sees_what_the_writer_counted(tmp_path):
    """Counts are there for a second mapping of the file, by name."""
    written = Page.create(tmp_path / "front.page", ["received", "answered"])
    read = Page.open(tmp_path / "front.page")

    written.begin()
    written.cells[written.index("received")] += 3
    written.cells[written.index("answered")] += 2
    written.end()

    assert read.snapshot() == {"received": 3, "answered": 2}


def test_a_counter_named_later_reaches_readers_that_were_there_before(tmp_path):
    """Names may be added while a page is being read."""
    written = Page.create(tmp_path / "mirror.page", ["stored"], spare=2)
    read = Page.open(tmp_path / "mirror.page")
    assert read.snapshot() == {"stored": 0}

    written.cells[written.add("front.1-77.resolved")] += 5

    assert written.add("front.1-77.resolved") == 1
    assert read.snapshot() == {"stored": 0, "front.1-77.resolved": 5}


def test_a_page_without_spare_cells_refuses_another_name(tmp_path):
    """The size of a page is decided when it is made."""
    page = Page.create(tmp_path / "front.page", ["received"])

    with pytest.raises(PageError, match="no room for a counter 'more'"):
        page.add("more")


def test_two_counters_of_one_name_are_refused(tmp_path):
    """One of them would never be seen."""
    with pytest.raises(PageError, match="two counters of one name"):
        Page.create(tmp_path / "front.page", ["received", "received"])


@pytest.mark.parametrize("content", [b"", b"something else", bytes(200)])
def test_another_file_is_no_page(tmp_path, content):
    """What is not a page is named, not read."""
    (tmp_path / "front.page").write_bytes(content)

    with pytest.raises(PageError, match=r"front\.page"):
        Page.open(tmp_path / "front.page")


def test_readers_cannot_write(tmp_path):
    """Only the one who made a page counts on it."""
    Page.create(tmp_path / "front.page", ["received"])
    read = Page.open(tmp_path / "front.page")

    with pytest.raises(TypeError):
        read.cells[0] = 1


def test_a_writer_that_stands_still_in_the_middle_holds_no_reader_up(tmp_path):
    """An odd sequence number for good costs some tries, then what stands there is taken."""
    written = Page.create(tmp_path / "front.page", ["received", "answered"])

    written.begin()
    written.cells[0] += 1
    read = Page.open(tmp_path / "front.page")

    assert read.snapshot() == {"received": 1, "answered": 0}
    assert read.n_half_told == 1


WRITER = """
import sys
from pathlib import Path
from harness.shadow.gauges import Page
page = Page.create(Path(sys.argv[1]), ["first", "second"])
print("up", flush=True)
while True:
    page.begin()
    page.cells[0] += 1
    page.cells[1] += 1
    page.end()
    sum(range(1000))
"""


@pytest.mark.process
def test_what_one_event_changes_is_seen_together(tmp_path):
    """A snapshot that tells an event by halves is known to: the writer stood still for long."""
    path = tmp_path / "front.page"
    writer = subprocess.Popen([sys.executable, "-c", WRITER, str(path)], stdout=subprocess.PIPE)
    assert writer.stdout is not None
    writer.stdout.readline()
    page = Page.open(path)

    snapshots = [page.snapshot()]
    while len(snapshots) < 1000 or snapshots[-1]["first"] < 1000:
        snapshots.append(page.snapshot())
    os.kill(writer.pid, signal.SIGKILL)
    writer.wait()
    writer.stdout.close()

    torn = [one for one in snapshots if one["first"] != one["second"]]
    assert len(torn) <= page.n_half_told < len(snapshots) // 2
    assert page.snapshot()["first"] >= snapshots[-1]["first"]


def test_durations_stand_in_the_bucket_whose_bound_they_do_not_pass(tmp_path):
    """A row counts each duration once, and adds them up."""
    page = Page.create(tmp_path / "front.page", ["received", *buckets.cell_names("latency_us")])
    first = page.index(buckets.first_cell("latency_us"))

    for duration_us in (-5, 100, 101, 999_999_999_999):
        buckets.observe(page.cells, first, duration_us)
    row = buckets.histogram(page.snapshot(), "latency_us")

    assert row.cumulative[:2] == (2, 3)
    assert row.cumulative[-2:] == (3, 4)
    assert row.count == 4
    assert row.sum_us == 201 + 999_999_999_999


def test_rows_of_several_pages_add_up():
    """All fronts together, and none of them."""
    one = buckets.Histogram((1, 2, 4), 10)

    assert buckets.added([one, one]) == buckets.Histogram((2, 4, 8), 20)
    assert buckets.added([]).count == 0


def test_bounds_ascend_from_a_tenth_of_a_millisecond_to_five_minutes():
    """The range in which answers are told apart."""
    bounds = buckets.BOUNDS_US

    assert list(bounds) == sorted(set(bounds))
    assert (bounds[0], bounds[-1]) == (100, 330_000_000)
