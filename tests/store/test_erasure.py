"""One user's rows are taken out of everything a run has."""

import orjson
import polars as pl
import pytest

from harness.errors import StoreError
from harness.exchange import Request
from harness.store.erasure import erase_cluster
from harness.store.manifest import read_manifest
from harness.store.portion import Measure
from harness.store.privacy import KeepBodies, Privacy
from harness.store.reader import StoredRun
from harness.store.values import values
from harness.store.verdicts import read_verdict, write_verdict
from harness.store.writer import RunWriter
from tests.store.builders import all_bytes, exchange, manifest, pair, written


def build(frame):
    return frame.select("request_id", "cluster_id", pl.col("request_body").alias("said"))


def of_user(number, user, **others):
    said = f"said-by-{user}-{number}".encode()
    request = Request("POST", "/", (), said)
    return pair(number, cluster_id=user, request=request, **others)


def ids(frame):
    return frame.collect()["request_id"].to_list()


PAIRS = [of_user(1, "alice"), of_user(2, "bob"), of_user(3, "alice"), of_user(4, "carol")]


def test_one_user_goes_and_the_others_stay(tmp_path):
    """Pairs, values and verdict examples; the count is written down."""
    run = written(tmp_path / "run", PAIRS)
    values(StoredRun.open(run), "knn", "d1", build)
    examples = [{"request_id": name} for name in ("r1", "r2")]
    verdict = {"challengers": [{"challenger": "knn", "disagreements": examples}]}
    write_verdict(run, "p1", orjson.dumps(verdict))

    assert erase_cluster(run, "alice") == 2

    stored = StoredRun.open(run)
    assert ids(stored.scan("knn")) == ["r2", "r4"]
    assert ids(values(stored, "knn", "d1", build)) == ["r2", "r4"]
    (left,) = read_verdict(run, "p1")["challengers"]
    assert left["disagreements"] == [{"request_id": "r2"}]
    assert read_manifest(run).n_erased == 2
    assert b"alice" not in all_bytes(run)


def test_rows_in_a_journal_go_too(tmp_path):
    """What a crash left unsealed is sealed and then erased."""
    writer = RunWriter.create(tmp_path / "run", manifest())
    writer.append(PAIRS)
    writer.acknowledge()
    writer._abandon()

    erase_cluster(tmp_path / "run", "alice")

    assert ids(StoredRun.open(tmp_path / "run").scan("knn")) == ["r2", "r4"]
    assert list((tmp_path / "run" / "journal").iterdir()) == []


def test_every_challenger_and_repeat_is_searched(tmp_path):
    """A user's requests went to all of them."""
    repeat = of_user(1, "alice", challenger_side=exchange("champion", request_id="r1"))
    run = written(
        tmp_path / "run", [of_user(1, "alice"), of_user(1, "alice", challenger="tree"), repeat]
    )

    assert erase_cluster(run, "alice") == 3

    assert b"alice" not in all_bytes(run)


def test_annotations_and_feedback_go_with_their_requests(tmp_path):
    """Whatever table knows the request by one of its ids."""
    run = written(tmp_path / "run", [of_user(1, "alice", challenger="knn"), *PAIRS[1:]])
    for folder, ids_there in (("annotations/judge", ["r1", "r2"]), ("feedback", ["r2", "r3"])):
        (run / folder).mkdir(parents=True)
        frame = pl.DataFrame({"request_id": ids_there, "note": ["a", "b"]})
        frame.write_parquet(run / folder / "part-000001.parquet")

    erase_cluster(run, "alice")

    for folder in ("annotations/judge", "feedback"):
        assert pl.read_parquet(run / folder / "part-000001.parquet")["request_id"].to_list() == [
            "r2"
        ]


def test_an_external_id_does_not_take_another_users_pair_along(tmp_path):
    """External ids are the client's choice; two users may have had the same."""
    rows = [of_user(1, "alice", external_id="same"), of_user(2, "bob", external_id="same")]
    run = written(tmp_path / "run", rows)

    assert erase_cluster(run, "alice") == 1

    assert ids(StoredRun.open(run).scan("knn")) == ["r2"]


def test_values_that_cannot_be_computed_again_are_filtered(tmp_path):
    """Where bodies were not kept, the others' values are still there afterwards."""
    privacy = Privacy(keep_bodies=KeepBodies.NONE)
    measure = Measure("d1", build)
    with RunWriter.create(tmp_path / "run", manifest(), privacy=privacy, measure=measure) as writer:
        writer.append(PAIRS)

    erase_cluster(tmp_path / "run", "alice")

    left = values(StoredRun.open(tmp_path / "run"), "knn", "d1", build).collect()
    assert left["said"].to_list() == [b"said-by-bob-2", b"said-by-carol-4"]


def test_a_user_that_is_not_there_changes_nothing(tmp_path):
    """No part is written anew."""
    run = written(tmp_path / "run", PAIRS)
    before = all_bytes(run)

    assert erase_cluster(run, "mallory") == 0

    assert all_bytes(run) == before


def test_a_run_that_is_being_written_is_left_alone(tmp_path):
    """Erasing needs the run to itself."""
    with (
        RunWriter.create(tmp_path / "run", manifest()),
        pytest.raises(StoreError, match="another process is writing"),
    ):
        erase_cluster(tmp_path / "run", "alice")
