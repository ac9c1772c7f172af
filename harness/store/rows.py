"""Pairs to columns.

This runs for every pair, beside the traffic, so it is written column by column: one comprehension
and one conversion for each, nothing per row. A value that a column cannot hold (a lone surrogate
from a JSON escape, a token count beyond 64 bits) costs that value and not the batch.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from typing import Any

import pyarrow as pa

from harness.errors import StoreError
from harness.exchange import Exchange, Failure, Headers, Response
from harness.pair import Kept, Pair
from harness.store.privacy import Privacy, answer_of, masked_target
from harness.store.schema import HEADERS, SEGMENTS, SIDES

_HEADER = HEADERS.value_type
_UNFIT = (pa.ArrowInvalid, pa.ArrowTypeError, OverflowError, UnicodeError)


def pair_batch(
    pairs: Sequence[Kept], schema: pa.Schema, *, run_id: str, series_name: str, privacy: Privacy
) -> pa.RecordBatch:
    """One row for each pair, in order, bodies included; likewise for what was observed.

    Headers that may not be kept are left out here. Bodies are not: what is computed from them comes
    first, `without_bodies` takes them away afterwards.

    Args:
        schema: What `pair_schema` gave, or `exchange_schema` for what was observed.
        series_name: Goes to the column `challenger`.

    Raises:
        StoreError: For a value that must be there and that no column can hold.
    """
    values = _request_values(pairs, run_id, series_name)
    sides = _exchanges(pairs)
    for side, exchanges in sides.items():
        values |= _side_values(side, exchanges)
    made = {"request_headers": _headers([pair.request.headers for pair in pairs], privacy)}
    for side, exchanges in sides.items():
        answers = map(answer_of, exchanges)
        lists = [None if answer is None else answer.headers for answer in answers]
        made[f"{side}_headers"] = _headers(lists, privacy)
    if SEGMENTS in schema.names:
        made[SEGMENTS] = _segments(pairs, schema.field(SEGMENTS).type)
    arrays = [
        made[field.name] if field.name in made else _array(values[field.name], field)
        for field in schema
    ]
    return pa.RecordBatch.from_arrays(arrays, schema=schema)


def without_bodies(batch: pa.RecordBatch, keep: Sequence[bool]) -> pa.RecordBatch:
    """The batch with the bodies of some rows replaced by their hashes.

    Args:
        keep: For each row whether its bodies stay.
    """
    if all(keep):
        return batch
    changed = {"request_body": _only(batch.column("request_body"), keep)}
    for side in SIDES:
        if f"{side}_body" not in batch.schema.names:
            continue
        bodies = batch.column(f"{side}_body")
        changed[f"{side}_body"] = _only(bodies, keep)
        changed[f"{side}_body_hash"] = pa.array(
            [
                None if stays or not body.is_valid else body_hash(body.as_buffer())
                for body, stays in zip(bodies, keep, strict=True)
            ],
            pa.string(),
        )
    arrays = [changed.get(name, batch.column(name)) for name in batch.schema.names]
    return pa.RecordBatch.from_arrays(arrays, schema=batch.schema)


def body_hash(body: Any) -> str:
    """Hash of a body's bytes (anything with a buffer), as the table holds it."""
    return hashlib.blake2b(body, digest_size=16).hexdigest()


def body_bytes(kept: Kept) -> int:
    """How much the bodies of a pair, or of what was observed, take in memory."""
    n_bytes = len(kept.request.body)
    if (answer := answer_of(kept.champion)) is not None:
        n_bytes += len(answer.body)
    if isinstance(kept, Pair) and (answer := answer_of(kept.challenger)) is not None:
        n_bytes += len(answer.body)
    return n_bytes


def _only(column: pa.Array, keep: Sequence[bool]) -> pa.Array:
    # `take` with a null index gives null: the bytes of what is not kept are not copied along.
    wanted = [row if stays else None for row, stays in enumerate(keep)]
    return column.take(pa.array(wanted, pa.int32()))


def _exchanges(pairs: Sequence[Kept]) -> dict[str, list[Exchange]]:
    """By side; without challengers there is one side."""
    challengers = [pair.challenger for pair in pairs if isinstance(pair, Pair)]
    sides = ([pair.champion for pair in pairs], challengers)
    return {side: found for side, found in zip(SIDES, sides, strict=True) if found}


def _request_values(pairs: Sequence[Kept], run_id: str, series_name: str) -> dict[str, list[Any]]:
    requests = [pair.request for pair in pairs]
    return {
        "request_id": [pair.request_id for pair in pairs],
        "external_id": [pair.external_id for pair in pairs],
        "entry_key": [pair.entry_key for pair in pairs],
        "run_id": [run_id] * len(pairs),
        "challenger": [series_name] * len(pairs),
        "received_at": [pair.received_at_ns for pair in pairs],
        "cluster_id": [pair.cluster_id for pair in pairs],
        "cluster_known": [pair.cluster_known for pair in pairs],
        "sampled_prob": [pair.sampled_prob for pair in pairs],
        "content_hash": [pair.content_hash for pair in pairs],
        "method": [request.method for request in requests],
        "path": [masked_target(request.target) for request in requests],
        "request_body": [request.body for request in requests],
        "request_body_bytes": [len(request.body) for request in requests],
        "truth": [pair.truth for pair in pairs],
    }


def _side_values(side: str, exchanges: list[Exchange]) -> dict[str, list[Any]]:
    answers = [answer_of(exchange) for exchange in exchanges]
    timings = [exchange.timing for exchange in exchanges]
    failures = [
        outcome if isinstance(outcome := exchange.outcome, Failure) else None
        for exchange in exchanges
    ]
    values: dict[str, list[Any]] = {
        "outcome": ["ok" if failure is None else failure.kind.value for failure in failures],
        "error": [None if failure is None else failure.detail for failure in failures],
        **_answer_values(answers),
        "latency_s": [None if timing is None else timing.latency_s for timing in timings],
        "first_byte_s": [None if timing is None else timing.first_byte_s for timing in timings],
        "chunk_at_s": [None if timing is None else timing.chunk_at_s or None for timing in timings],
        "wait_s": [None if timing is None else timing.wait_s for timing in timings],
        "sender_lag_s": [None if timing is None else timing.sender_lag_s for timing in timings],
        "timeout_s": [None if timing is None else timing.timeout_s for timing in timings],
        "attempts": [exchange.attempts for exchange in exchanges],
        "call_order": [exchange.call_order for exchange in exchanges],
        "input_tokens": [exchange.input_tokens for exchange in exchanges],
        "output_tokens": [exchange.output_tokens for exchange in exchanges],
        "cost_usd": [exchange.cost_usd for exchange in exchanges],
        "model_version": [exchange.model_version for exchange in exchanges],
    }
    return {f"{side}_{name}": column for name, column in values.items()}


def _answer_values(answers: list[Response | None]) -> dict[str, list[Any]]:
    return {
        "status": [None if answer is None else answer.status for answer in answers],
        "body": [None if answer is None else answer.body for answer in answers],
        "body_bytes": [None if answer is None else answer.n_body_bytes for answer in answers],
        "body_hash": [None] * len(answers),
        "truncated": [answer is not None and answer.truncated for answer in answers],
    }


def _segments(pairs: Sequence[Kept], kind: pa.StructType) -> pa.Array:
    members = [
        _array([pair.segments.get(member.name) for pair in pairs], member) for member in kind
    ]
    return pa.StructArray.from_arrays(members, fields=list(kind))


def _headers(lists: Iterable[Headers | None], privacy: Privacy) -> pa.Array:
    """Header lists as one column, without those that may not be kept.

    Servers and clients say much the same every time, so each different list is looked through once.
    """
    places: dict[Headers | None, int] = {}
    rows = [places.setdefault(headers, len(places)) for headers in lists]
    return _different_headers(list(places), privacy).take(pa.array(rows, pa.int32()))


def _different_headers(lists: Sequence[Headers | None], privacy: Privacy) -> pa.Array:
    flat: list[tuple[str, str]] = []
    ends = [0]
    for headers in lists:
        if headers:
            flat += privacy.keep(headers)
        ends.append(len(flat))
    fields = list(_HEADER)
    names, values = [name for name, _ in flat], [value for _, value in flat]
    members = [_array(names, fields[0]), _array(values, fields[1])]
    return pa.ListArray.from_arrays(
        pa.array(ends, pa.int32()),
        pa.StructArray.from_arrays(members, fields=fields),
        type=HEADERS,
        mask=pa.array([headers is None for headers in lists]) if None in lists else None,
    )


def _array(values: list[Any], field: pa.Field) -> pa.Array:
    try:
        return pa.array(values, field.type)
    except _UNFIT:
        return pa.array([_fitting(value, field) for value in values], field.type)


def _fitting(value: Any, field: pa.Field) -> Any:
    """The value, or what comes closest and can be held: text escaped, an unknown number null."""
    for attempt in (_unchanged, _escaped, _unknown):
        candidate = attempt(value)
        if candidate is None and not field.nullable:
            break
        try:
            pa.array([candidate], field.type)
        except _UNFIT:
            continue
        return candidate
    raise StoreError(
        f"{field.name}: is {value!r:.80}, which a column of {field.type} cannot hold. "
        f"Leave this request out of the log"
    )


def _unchanged(value: Any) -> Any:
    return value


def _escaped(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-8", "backslashreplace").decode()
    if isinstance(value, dict):
        return {name: _escaped(member) for name, member in value.items()}
    return value


def _unknown(value: Any) -> None:
    return None
