"""Values beside the pairs: computed once, again when they have to be."""

import polars as pl
import pytest

from harness.errors import StoreError
from harness.exchange import Failure, FailureKind
from harness.store.layout import Series, parts_of, value_journal_path, value_part_path
from harness.store.portion import Measure
from harness.store.privacy import KeepBodies, Privacy
from harness.store.reader import StoredRun
from harness.store.recovery import recover
from harness.store.values import digests, missing, values
from harness.store.writer import RunWriter
from tests.store.builders import exchange, manifest, pair, pairs, response

DIGEST = "d1"
KNN = Series("knn")


def build(frame):
    """Length of the challenger's body; a cancelled pair has no values."""
    return frame.filter(pl.col("challenger_outcome") != "cancelled").select(
        "request_id",
        "cluster_id",
        (pl.col("challenger_body") == b'{"label": 7}').alias("label.agree"),
        pl.lit("x").alias("challenger_label"),
    )


class Counting:
    """`build`, counting how often it is called."""

    def __init__(self):
        self.n_calls = 0

    def __call__(self, frame):
        self.n_calls += 1
        return build(frame)


def in_parts(run, *batches, **others):
    """A run with one part for each batch of pairs."""
    with RunWriter.create(run, manifest(), **others) as writer:
        for batch in batches:
            writer.append(batch)
            writer.seal()
    return run


def ids(frame):
    return frame.collect()["request_id"].to_list()


def test_values_are_computed_once_for_each_part(tmp_path):
    """The second look reads what the first has written."""
    run = StoredRun.open(in_parts(tmp_path / "run", pairs([1, 2]), pairs([3])))
    counting = Counting()

    first = ids(values(run, "knn", DIGEST, counting))
    second = ids(values(run, "knn", DIGEST, counting))

    assert first == second == ["r1", "r2", "r3"]
    assert counting.n_calls == 2
    assert digests(run.path) == (DIGEST,)


def test_a_new_part_costs_only_its_own_values(tmp_path):
    """After resuming, the parts that were there keep their values."""
    run = in_parts(tmp_path / "run", pairs([1]))
    values(StoredRun.open(run), "knn", DIGEST, build)
    with RunWriter.resume(run) as writer:
        writer.append(pairs([2]))
    counting = Counting()

    found = ids(values(StoredRun.open(run), "knn", DIGEST, counting))

    assert (found, counting.n_calls) == (["r1", "r2"], 1)


def test_another_digest_has_values_of_its_own(tmp_path):
    """Evaluating in another way neither uses nor replaces what is there."""
    run = StoredRun.open(in_parts(tmp_path / "run", pairs([1])))
    values(run, "knn", DIGEST, build)

    values(run, "knn", "d2", build)

    assert digests(run.path) == (DIGEST, "d2")


@pytest.mark.parametrize("damage", ["cut off", "empty", "gone", "of other pairs"])
def test_values_that_cannot_be_used_are_computed_again(tmp_path, damage):
    """They are derived: damage costs time and no error."""
    run = StoredRun.open(in_parts(tmp_path / "run", pairs([1, 2]), pairs([3])))
    values(run, "knn", DIGEST, build)
    path, other = (value_part_path(run.path, KNN, number, DIGEST) for number in (1, 2))
    match damage:
        case "cut off":
            path.write_bytes(path.read_bytes()[:-9])
        case "empty":
            path.write_bytes(b"")
        case "gone":
            path.unlink()
        case "of other pairs":
            path.write_bytes(other.read_bytes())

    assert [part.number for part in missing(run, "knn", DIGEST)] == [1]
    assert ids(values(run, "knn", DIGEST, build)) == ["r1", "r2", "r3"]


def test_rows_that_are_not_sealed_have_values_too(tmp_path):
    """Of a run that is being written nothing is missing, and no file appears for its journal."""
    with RunWriter.create(tmp_path / "run", manifest()) as writer:
        writer.append(pairs([1]))
        writer.seal()
        writer.append(pairs([2]))
        writer.acknowledge()
        run = StoredRun.open(tmp_path / "run")

        found = ids(values(run, "knn", DIGEST, build))

        assert found == ["r1", "r2"]
        assert len(list(run.path.glob("values/**/*.parquet"))) == 1


def test_a_challenger_without_pairs_has_no_values_but_their_columns(tmp_path):
    """What reads values finds the same columns, and no rows."""
    run = StoredRun.open(in_parts(tmp_path / "run", pairs([1])))

    nobody = values(run, "nobody", DIGEST, build)

    assert nobody.collect_schema() == values(run, "knn", DIGEST, build).collect_schema()
    assert nobody.collect().height == 0


def test_a_damaged_part_of_pairs_is_named(tmp_path):
    """Values are not made up from a broken part."""
    path = in_parts(tmp_path / "run", pairs(range(50)))
    run = StoredRun.open(path)
    part = parts_of(path, KNN)[1]
    part.write_bytes(b"PAR1" + bytes(part.stat().st_size - 4))

    with pytest.raises(StoreError, match=r"part-000001\.parquet: is damaged"):
        values(run, "knn", DIGEST, build)


KEPT_OUT = {
    "privacy": Privacy(keep_bodies=KeepBodies.NONE),
    "measure": Measure(DIGEST, build),
}


@pytest.mark.parametrize("is_sealed", [True, False])
def test_where_bodies_are_not_kept_values_are_computed_before_they_go(tmp_path, is_sealed):
    """The values know what the bodies said, and nobody else does."""
    other = pair(2, challenger_side=exchange("knn", outcome=response(b"other")))
    cancelled = Failure(FailureKind.CANCELLED, "client left")
    left = pair(3, challenger_side=exchange("knn", outcome=cancelled))
    with RunWriter.create(tmp_path / "run", manifest(), **KEPT_OUT) as writer:
        writer.append([pair(1), other, left])
        writer.seal() if is_sealed else writer.acknowledge()
        run = StoredRun.open(tmp_path / "run")

        found = values(run, "knn", DIGEST, build).collect()

    assert found.select("request_id", "label.agree").rows() == [("r1", True), ("r2", False)]


def test_where_bodies_are_gone_other_values_cannot_be_computed(tmp_path):
    """One sentence says which values there are, and why there will be no others."""
    run = StoredRun.open(in_parts(tmp_path / "run", pairs([1]), **KEPT_OUT))

    with pytest.raises(StoreError, match=r"has no values d2 \(there: d1\).* keep_bodies: none"):
        values(run, "knn", "d2", build)


def test_a_crash_between_values_and_pairs_leaves_values_of_pairs_only(tmp_path):
    """Values are journalled first; those whose pairs did not follow are left out on recovery."""
    run = tmp_path / "run"
    writer = RunWriter.create(run, manifest(), **KEPT_OUT)
    writer.append(pairs([1]))
    writer.acknowledge()
    pairs_journal = next((run / "journal").glob("*.arrow"))
    before = pairs_journal.read_bytes()
    writer.append(pairs([2]))
    writer.acknowledge()
    pairs_journal.write_bytes(before)
    writer._abandon()

    recover(run)

    assert ids(values(StoredRun.open(run), "knn", DIGEST, build)) == ["r1"]
    assert not value_journal_path(run, KNN, 1).exists()
