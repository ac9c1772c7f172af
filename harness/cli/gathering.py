"""What the pairs of stored runs tell of how they came to be, for a verdict to take into account."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import polars as pl

from harness.exchange import FailureKind
from harness.pair import Conservation, LossReason
from harness.store.reader import StoredRun

_SIDES = ("champion", "challenger")
_CANCELLED = FailureKind.CANCELLED.value


@dataclass(frozen=True, slots=True)
class Gathered:
    """How the pairs of one challenger were gathered, over all runs.

    Attributes:
        clustered: Whether some request said whose it was, by the config or the log.
        sampled_share: Which share of the requests was drawn; None where it was changed on the way.
        n_retried: By side, exchanges that took more than one attempt.
        given_up: Outcome and latency of pairs of which a side was given up on; None without any.
    """

    clustered: bool
    sampled_share: float | None
    n_retried: Mapping[str, int]
    given_up: pl.DataFrame | None


def gathered(runs: Sequence[StoredRun], challenger: str) -> Gathered:
    """Look through the pair tables of all runs."""
    outcomes = [f"{side}_{name}" for side in _SIDES for name in ("outcome", "latency_s")]
    attempts = [f"{side}_attempts" for side in _SIDES]
    pairs = pl.concat(
        [
            run.scan(challenger, ["cluster_known", "sampled_prob", *attempts, *outcomes])
            for run in runs
        ]
    )
    seen, given_up = pl.collect_all(
        [
            pairs.select(
                clustered=pl.col("cluster_known").any(),
                least=pl.col("sampled_prob").min(),
                most=pl.col("sampled_prob").max(),
                **{side: (pl.col(f"{side}_attempts") > 1).sum() for side in _SIDES},
            ),
            pairs.filter(_is_given_up()).select(outcomes),
        ]
    )
    row = seen.row(0, named=True)
    share = 1.0 if row["least"] is None else row["least"]
    return Gathered(
        clustered=bool(row["clustered"]),
        sampled_share=share if row["most"] in (None, share) else None,
        n_retried={side: row[side] for side in _SIDES},
        given_up=None if given_up.is_empty() else given_up,
    )


def duplicates(run: StoredRun, challenger: str) -> pl.Series:
    """Request ids of pairs that repeat the id and the content of an earlier one in the same run.

    Somebody sent the very same request again, or the log has it twice. The same id with other
    content is another request with a careless id.
    """
    if not run.manifest.n_repeated_ids:
        return pl.Series("request_id", [], dtype=pl.String)
    same = ["external_id", "content_hash"]
    columns = ["request_id", "received_at", *same, *(f"{side}_outcome" for side in _SIDES)]
    return (
        run.scan(challenger, columns)
        .filter(pl.col("external_id").is_not_null(), ~_is_given_up())
        .sort("received_at", "request_id")
        .filter(~pl.struct(same).is_first_distinct())
        .select("request_id")
        .collect()
        .to_series()
    )


def without_duplicates(conservation: Conservation, n_duplicates: int) -> Conservation:
    """Their pairs stay stored and count as lost: nothing is counted twice."""
    if not n_duplicates:
        return conservation
    losses = dict(conservation.losses)
    losses[LossReason.DUPLICATE] = losses.get(LossReason.DUPLICATE, 0) + n_duplicates
    return replace(conservation, paired=conservation.paired - n_duplicates, losses=losses)


def _is_given_up() -> pl.Expr:
    return pl.any_horizontal(pl.col(f"{side}_outcome") == _CANCELLED for side in _SIDES)
