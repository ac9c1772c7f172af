"""Reading a run: what is there is found, what is broken is named."""

import random

import polars as pl
import pyarrow.parquet as pq
import pytest

from harness.errors import StoreError, StoreTooNewError
from harness.exchange import Failure, FailureKind, Request
from harness.pair import Conservation, LossReason
from harness.store.layout import Kind, Series, journal_path, parts_of
from harness.store.reader import StoredRun
from harness.store.schema import pair_schema
from harness.store.writer import RunWriter
from tests.store.builders import NOON, exchange, manifest, pair, pairs, response, written


def first_part(run, challenger="knn"):
    return parts_of(run, Series(challenger))[1]


def middle_of_pages(part, column):
    group = pq.read_metadata(part).row_group(0)
    (chunk,) = (
        chunk
        for chunk in map(group.column, range(group.num_columns))
        if chunk.path_in_schema == column
    )
    return chunk.data_page_offset + chunk.total_compressed_size // 2


def test_a_pair_comes_back_as_it_was(tmp_path):
    """Every field of a pair is in its row, bytes and nanoseconds included."""
    failure = Failure(FailureKind.HTTP_ERROR, "status 503", response(b"\xff\x00", status=503))
    one = pair(
        7,
        cluster_id="u1",
        request=Request("POST", "/p?n=1", (("Accept", "a"), ("accept", "b")), b"\x00\x01"),
        champion_side=exchange("champion", request_id="r7", cost_usd=0.5, input_tokens=3),
        challenger_side=exchange("knn", request_id="r7", outcome=failure, latency_s=0.25),
        segments={"source": "mobile", "tier": None},
        truth="7",
    )

    run = StoredRun.open(written(tmp_path / "run", [one], segments=("source", "tier")))

    (row,) = run.scan("knn").collect().to_dicts()
    assert row["segments"] == {"source": "mobile", "tier": None}
    assert (row["request_body"], row["path"]) == (b"\x00\x01", "/p?n=1")
    assert row["request_headers"] == [
        {"name": "Accept", "value": "a"},
        {"name": "accept", "value": "b"},
    ]
    assert (row["champion_outcome"], row["champion_cost_usd"]) == ("ok", 0.5)
    assert (row["challenger_outcome"], row["challenger_status"]) == ("http_error", 503)
    assert (row["challenger_body"], row["challenger_error"]) == (b"\xff\x00", "status 503")
    assert (row["challenger_latency_s"], row["truth"]) == (0.25, "7")
    assert run.scan("knn").select(pl.col("received_at").dt.epoch("ns")).collect().item() == (
        one.received_at_ns
    )


def test_the_columns_are_those_of_the_schema(tmp_path):
    """Reading gives the columns of the pair table, in its order, also for no rows."""
    run = StoredRun.open(written(tmp_path / "run", pairs([1]), segments=("source",)))

    assert run.scan("knn").collect_schema().names() == pair_schema(["source"]).names
    assert run.scan("nobody").collect_schema() == run.scan("knn").collect_schema()


def test_plain_polars_can_read_the_parts(tmp_path):
    """Nobody needs the harness to look at a run."""
    run = written(tmp_path / "run", [pair(1, challenger="knn"), pair(2, challenger="a/b")])

    rows = pl.read_parquet(run / "pairs/**/*.parquet", hive_partitioning=True)

    assert set(rows["challenger"]) == {"knn", "a/b"}
    assert set(pl.read_parquet(run / "pairs/**/*.parquet")["challenger"]) == {"knn", "a/b"}


def test_rows_that_are_not_sealed_are_read_and_left_alone(tmp_path):
    """Opening a run that is being written shows what is journalled and changes no file."""
    with RunWriter.create(tmp_path / "run", manifest()) as writer:
        writer.append(pairs([1]))
        writer.seal()
        writer.append(pairs([2, 3]))
        writer.acknowledge()
        before = sorted(tmp_path.rglob("*"))

        run = StoredRun.open(tmp_path / "run")

        assert run.scan("knn", ["request_id"]).collect().to_series().to_list() == ["r1", "r2", "r3"]
        assert run.n_pairs("knn") == 3
        assert sorted(tmp_path.rglob("*")) == before


def test_what_was_opened_stays_readable_when_it_is_sealed_meanwhile(tmp_path):
    """A picture of a journal outlives the journal."""
    with RunWriter.create(tmp_path / "run", manifest()) as writer:
        writer.append(pairs([1, 2]))
        writer.acknowledge()
        run = StoredRun.open(tmp_path / "run")

        writer.seal()

        assert [frame.height for frame in run.frames("knn")] == [2]


def test_a_journal_whose_part_exists_is_not_read_twice(tmp_path):
    """After a crash between renaming the part and removing the journal, rows count once."""
    run = tmp_path / "run"
    with RunWriter.create(run, manifest()) as writer:
        writer.append(pairs([1, 2]))
        writer.acknowledge()
        journal = journal_path(run, Series("knn"), 1)
        content = journal.read_bytes()
    journal.write_bytes(content)

    assert StoredRun.open(run).n_pairs("knn") == 2


def test_an_entry_is_complete_with_a_pair_for_every_challenger(tmp_path):
    """Resuming skips what all challengers have, and asks the others again."""
    rows = [*pairs([1, 2], challenger="knn"), *pairs([2, 3], challenger="tree")]
    run = StoredRun.open(written(tmp_path / "run", rows))

    assert run.completed(["knn", "tree"]) == {"e2"}
    assert run.completed(["knn"]) == {"e1", "e2"}
    assert run.completed(["knn", "nobody"]) == set()
    assert run.completed([]) == set()


def test_the_champions_answer_is_paid_for_once(tmp_path):
    """It stands in each challenger's pair; spending counts it once, and repeats as well."""
    champion = exchange("champion", request_id="r1", cost_usd=1.0)
    again = exchange("champion", request_id="r1", cost_usd=0.25)
    others = [
        exchange(name, request_id="r1", cost_usd=cost) for name, cost in (("a", 2.0), ("b", None))
    ]
    rows = [pair(1, champion_side=champion, challenger_side=other) for other in (*others, again)]

    run = StoredRun.open(written(tmp_path / "run", rows))

    assert run.repeats == (Series("champion", Kind.REPEATS),)
    assert run.spent_usd("champion") == 1.25
    assert (run.spent_usd("a"), run.spent_usd("b"), run.spent_usd("c")) == (2.0, 0.0, 0.0)


def test_a_request_is_found_with_all_its_challengers(tmp_path):
    """`find` gives a row for each challenger, and none for an id nobody has."""
    rows = [pair(n, challenger=name) for n in (1, 2) for name in ("knn", "tree")]
    run = StoredRun.open(written(tmp_path / "run", rows))

    assert run.find("r2")["challenger"].to_list() == ["knn", "tree"]
    assert run.find("r9").height == 0


def test_conservation_is_what_was_written_down(tmp_path):
    """None, and not zero, when a run ended before anybody counted."""
    counts = Conservation(5, 2, {LossReason.SHED_LINK: 2}, pending=1)
    writer = RunWriter.create(tmp_path / "run", manifest())
    assert StoredRun.open(tmp_path / "run").conservation("knn") is None

    writer.finish({"knn": counts}, at=NOON)

    assert StoredRun.open(tmp_path / "run").conservation("knn") == counts


def test_a_folder_without_run_json_is_not_a_run(tmp_path):
    """The message says what to name instead."""
    with pytest.raises(StoreError, match=r"is not a run: there is no run\.json in it\. Name a"):
        StoredRun.open(tmp_path)


def test_a_run_of_a_later_harness_is_refused(tmp_path):
    """With both format numbers and what to do."""
    run = written(tmp_path / "run", pairs([1]), format=7)

    with pytest.raises(StoreTooNewError, match="store format 7, this harness reads up to 1"):
        StoredRun.open(run)


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"{}", b'{"format": "x"}', b"\xff"])
def test_a_damaged_run_json_is_named(tmp_path, content):
    """Whatever stands in it, it is one sentence that names the file."""
    run = written(tmp_path / "run", pairs([1]))
    (run / "run.json").write_bytes(content)

    with pytest.raises(StoreError, match=r"run\.json: is damaged"):
        StoredRun.open(run)


@pytest.mark.parametrize("length", [0, 3, 100, -1, -40])
def test_a_part_that_was_cut_off_is_named(tmp_path, length):
    """A part without its end is found when the run is opened."""
    run = written(tmp_path / "run", pairs(range(20)))
    part = first_part(run)
    part.write_bytes(part.read_bytes()[:length])

    with pytest.raises(StoreError, match=r"part-000001\.parquet: is damaged .*Restore this file"):
        StoredRun.open(run)


def test_a_flipped_bit_is_found_where_rows_are_read(tmp_path):
    """Pages carry check sums; a body that changed on disk is an error and not a different body."""
    noise = random.Random(
        1
    ).randbytes  # stays as it is when compressed, so that only a sum can tell
    sides = [exchange(outcome=response(noise(500))) for _ in range(20)]
    run = written(tmp_path / "run", [pair(n, champion_side=side) for n, side in enumerate(sides)])
    part = first_part(run)
    content = bytearray(part.read_bytes())
    content[middle_of_pages(part, "champion_body")] ^= 0x10
    part.write_bytes(content)

    with pytest.raises(StoreError, match=r"part-000001\.parquet: is damaged"):
        list(StoredRun.open(run).frames("knn"))


def test_a_foreign_parquet_file_is_named(tmp_path):
    """A file that is not a part is not read as one."""
    run = written(tmp_path / "run", pairs([1]))
    pl.DataFrame({"x": [1]}).write_parquet(first_part(run).with_name("part-000002.parquet"))

    with pytest.raises(StoreError, match=r"part-000002\.parquet: is not a part of a run"):
        StoredRun.open(run)


def test_a_file_with_a_foreign_name_is_named(tmp_path):
    """Something else that ends in .parquet is not passed over in silence."""
    run = written(tmp_path / "run", pairs([1]))
    first_part(run).with_name("mine.parquet").write_bytes(b"")

    with pytest.raises(StoreError, match=r"mine\.parquet: is not a file of a run"):
        StoredRun.open(run)


def test_other_files_beside_the_parts_do_not_disturb(tmp_path):
    """A note or a hidden file in the folder is nobody's business."""
    run = written(tmp_path / "run", pairs([1]))
    first_part(run).with_name("NOTES.txt").write_text("mine")
    (run / "pairs" / ".DS_Store").write_bytes(b"\x00")

    assert StoredRun.open(run).n_pairs("knn") == 1


def test_a_text_file_called_journal_is_named(tmp_path):
    """A journal that was never one is an error on resuming, not an empty journal."""
    run = written(tmp_path / "run", pairs([1]))
    journal_path(run, Series("knn"), 2).write_text("hello, I am not a journal")

    with pytest.raises(StoreError, match=r"challenger=knn\.000002\.arrow: is not a journal"):
        RunWriter.resume(run)
