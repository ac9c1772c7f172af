"""A champion without challengers: its exchanges alone, as a run."""

import polars as pl

from harness.exchange import RequestId
from harness.pair import Observed
from harness.run import Role
from harness.store.catalogue import runs_in
from harness.store.erasure import erase_cluster
from harness.store.layout import Kind, Series, parts_of
from harness.store.privacy import KeepBodies, Privacy
from harness.store.reader import StoredRun
from harness.store.writer import RunWriter
from tests.store.builders import exchange, manifest, pair

CHAMPION = Series("champion", Kind.EXCHANGES)


def observed(number, **others):
    """What is kept of the request `r<number>` where nobody else is asked."""
    of = pair(number)
    given = {
        "external_id": None,
        "entry_key": of.entry_key,
        "received_at_ns": of.received_at_ns,
        "cluster_id": of.cluster_id,
        "cluster_known": False,
        "request": of.request,
        "content_hash": of.content_hash,
        "champion": exchange(request_id=f"r{number}"),
    }
    return Observed(RequestId(f"r{number}"), **(given | others))


def alone():
    """The manifest of a run without challengers."""
    deployments = [one for one in manifest().deployments if one.role is Role.CHAMPION]
    return manifest(deployments=tuple(deployments))


def recorded(folder, rows, **others):
    with RunWriter.create(folder, alone(), **others) as writer:
        writer.append(rows)
    return folder


def test_what_is_observed_has_a_table_of_its_own(tmp_path):
    """Only the champion's columns, and nobody by the name of a challenger."""
    run = recorded(tmp_path / "run", [observed(1), observed(2)])

    (part,) = parts_of(run, CHAMPION).values()
    rows = pl.read_parquet(part, hive_partitioning=False)
    assert rows["request_id"].to_list() == ["r1", "r2"]
    assert rows["champion_outcome"].to_list() == ["ok", "ok"]
    assert rows["request_body"][0] == b'{"x": 1}'
    assert not [name for name in rows.columns if name.startswith("challenger")]


def test_a_run_without_challengers_is_read(tmp_path):
    """Nobody to be judged, and every request can be found."""
    run = StoredRun.open(recorded(tmp_path / "run", [observed(1), observed(2)]))

    assert run.challengers == ()
    assert run.observed == CHAMPION
    assert run.n_pairs(CHAMPION) == 2
    assert run.find_like("r2")["champion_status"].to_list() == [200]


def test_a_list_of_runs_counts_what_was_recorded(tmp_path):
    """`harness runs` does not show a recording as empty."""
    recorded(tmp_path / "run", [observed(i) for i in range(3)])

    assert [one.n_pairs for one in runs_in(tmp_path)] == [3]


def test_a_crash_loses_nothing_that_was_acknowledged(tmp_path):
    """Rows in a journal are found by whoever resumes, and counted."""
    writer = RunWriter.create(tmp_path / "run", alone())
    writer.append([observed(1)])
    writer.acknowledge()
    writer.__exit__(RuntimeError, RuntimeError(), None)

    with RunWriter.resume(tmp_path / "run") as resumed:
        assert resumed.n_found == {"champion": 1}
        resumed.append([observed(2)])

    assert StoredRun.open(tmp_path / "run").n_pairs(CHAMPION) == 2


def test_a_user_is_erased_from_a_recording_too(tmp_path):
    """Erasure knows the table."""
    rows = [observed(1, cluster_id="anna"), observed(2, cluster_id="ben")]
    run = recorded(tmp_path / "run", rows)

    assert erase_cluster(run, "anna") == 1
    assert StoredRun.open(run).scan(CHAMPION).collect()["cluster_id"].to_list() == ["ben"]


def test_bodies_can_be_left_out(tmp_path):
    """A hash of the answer's body stays."""
    privacy = Privacy(keep_bodies=KeepBodies.NONE)
    run = recorded(tmp_path / "run", [observed(1)], privacy=privacy)

    (row,) = StoredRun.open(run).scan(CHAMPION).collect().to_dicts()
    assert row["request_body"] is None
    assert row["champion_body"] is None
    assert len(row["champion_body_hash"]) == 32
