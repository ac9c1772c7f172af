"""Pairs to columns, odd values included."""

import pytest

from harness.errors import StoreError
from harness.exchange import Failure, FailureKind, Timing
from harness.store.privacy import Privacy
from harness.store.rows import pair_batch
from harness.store.schema import columns, pair_schema
from tests.store.builders import exchange, pair, response


def rows(*pairs, segments=()):
    batch = pair_batch(
        pairs, pair_schema(segments), run_id="run", series_name="knn", privacy=Privacy()
    )
    batch.validate(full=True)
    return batch.to_pylist()


def test_a_side_that_never_answered_has_nulls_and_not_zeros():
    """A timeout has a latency (the time waited) and no status, headers or body."""
    failed = exchange("knn", outcome=Failure(FailureKind.TIMEOUT, "no answer"), latency_s=0.5)

    (row,) = rows(pair(1, challenger_side=failed))

    side = {name: row[f"challenger_{name}"] for name in ("status", "headers", "body", "body_bytes")}
    assert side == dict.fromkeys(side)
    assert (row["challenger_latency_s"], row["challenger_truncated"]) == (0.5, False)


def test_an_empty_body_is_not_a_missing_one():
    """A 204 has a body of no bytes."""
    (row,) = rows(pair(1, challenger_side=exchange("knn", outcome=response(b"", status=204))))

    assert (row["challenger_body"], row["challenger_body_bytes"]) == (b"", 0)


def test_an_exchange_without_times_has_null_times():
    """A recorded answer whose log has no times was not answered in 0 s."""
    (row,) = rows(pair(1, champion_side=exchange(timing=None, attempts=0)))

    timed = ("latency_s", "first_byte_s", "wait_s", "sender_lag_s", "timeout_s", "chunk_at_s")
    assert [row[f"champion_{name}"] for name in timed] == [None] * 6


def test_arrival_times_of_pieces_are_kept():
    """Where a stream's pieces were timed they are a list, otherwise null."""
    timing = Timing(0, 0.0, 0.0, 0.1, 0.3, 2.0, chunk_at_s=(0.1, 0.2))

    (row,) = rows(pair(1, champion_side=exchange(timing=timing)))

    assert (row["champion_chunk_at_s"], row["challenger_chunk_at_s"]) == ([0.1, 0.2], None)


def test_a_segment_that_was_not_configured_is_left_out():
    """Columns follow the config; a request without a configured one has null."""
    (row,) = rows(pair(1, segments={"a": "x", "other": "y"}), segments=["a", "b"])

    assert row["segments"] == {"a": "x", "b": None}


def test_an_odd_value_costs_itself_and_not_the_batch():
    """A lone surrogate is escaped; a number beyond 64 bits is unknown; the neighbours stay."""
    odd = pair(
        1,
        cluster_id="\ud800",
        segments={"a": "\udfff"},
        truth='"\ud800"',
        champion_side=exchange(input_tokens=10**30),
    )

    one, other = rows(odd, pair(2, champion_side=exchange(input_tokens=5)), segments=["a"])

    assert (one["cluster_id"], one["segments"]) == ("\\ud800", {"a": "\\udfff"})
    assert (one["truth"], one["champion_input_tokens"]) == ('"\\ud800"', None)
    assert (other["champion_input_tokens"], other["cluster_id"]) == (5, "r2")


def test_a_value_that_must_be_there_and_cannot_be_held_is_an_error():
    """One sentence with column and value."""
    with pytest.raises(StoreError, match=r"champion_attempts: is 2147483648, which a column of"):
        rows(pair(1, champion_side=exchange(attempts=2**31)))


def test_every_column_says_what_it_means():
    """Unit and meaning travel with the files, in the metadata of each field."""
    for column in columns():
        assert column.meaning.endswith("."), column.name
        assert column.field.metadata[b"meaning"].decode() == column.meaning
        assert column.optional == ("null" in column.meaning.lower()), column.name


@pytest.mark.parametrize("unit", ["s", "usd", "bytes", "tokens"])
def test_a_name_ends_in_its_unit(unit):
    """Seconds are `_s`, dollars `_usd`, and so on."""
    for column in columns():
        if column.unit == unit:
            assert column.name.endswith(f"_{unit}"), column.name
