"""What judges said of the pairs, and how far they can be trusted.

A judge is asked in both orders (`harness.annotate.judge`). Of each pair there is its preference,
-1 for the champion's answer to +1 for the challenger's, and how much it preferred whatever it was
shown first. An honest judge's mean of the latter is 0; one that says `first` of everything
contradicts itself on every pair, so that its preferences come to ties and decide nothing.

References:
    Zheng et al. (2023), NeurIPS (judges and the position of answers). Cohen (1960), Educational and
    Psychological Measurement 20:37 (kappa).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl

from harness.part import clusters_of
from harness.stats.agreement import kappa
from harness.stats.mean import mean_bound
from harness.verdict import Estimate, JudgeReport


def columns_of(judge: str) -> tuple[str, ...]:
    """The columns that a judge adds to the value table: preference, first slot, the same text."""
    return tuple(f"{judge}.{name}" for name in ("preference", "first_slot", "same"))


def judge_reports(
    values: pl.LazyFrame, judges: Sequence[str], *, confidence: float
) -> tuple[JudgeReport, ...]:
    """A report for each judge that was asked.

    Args:
        values: The value table with the columns of `columns_of`.
    """
    known = values.collect_schema().names()
    asked = [judge for judge in judges if f"{judge}.preference" in known]
    return tuple(
        _report(values, judge, asked[0] if judge != asked[0] else None, confidence)
        for judge in asked
    )


def _report(
    values: pl.LazyFrame, judge: str, reference: str | None, confidence: float
) -> JudgeReport:
    names = columns_of(judge)
    found = values.select(pl.col(names[0]), pl.col(names[1]), pl.col(names[2])).collect()
    preference, slot = found[names[0]], found[names[1]].cast(pl.Float64)
    asked = slot.drop_nulls()
    bias = mean_bound(
        slot.fill_null(float("nan")).to_numpy(),
        clusters_of(values),
        null=0.0,
        confidence=confidence,
        metric=names[1],
        unit="preference",
        bounded=True,
        reach=1.0,
    )
    mean = preference.mean()
    return JudgeReport(
        judge=judge,
        n_judged=preference.count(),
        n_missing=preference.null_count(),
        n_same=int(found[names[2]].sum()),
        n_better=int((preference > 0).sum()),
        n_worse=int((preference < 0).sum()),
        preference=float(mean) if isinstance(mean, float) else None,
        consistency=float((asked == 0).sum()) / len(asked) if len(asked) else None,
        position_bias=bias.harm if isinstance(bias, Estimate) else None,
        bias_low=bias.harm_low if isinstance(bias, Estimate) else None,
        bias_high=bias.harm_high if isinstance(bias, Estimate) else None,
        agreement=None if reference is None else _agreement(values, judge, reference),
    )


def _agreement(values: pl.LazyFrame, judge: str, reference: str) -> float | None:
    """Kappa of better, tie and worse between two judges, on the pairs that both judged."""
    both = (
        values.select(
            pl.col(f"{reference}.preference").sign().alias("one"),
            pl.col(f"{judge}.preference").sign().alias("other"),
        )
        .drop_nulls()
        .collect()
    )
    table = np.zeros((3, 3))
    for one, other in both.iter_rows():
        table[int(one) + 1, int(other) + 1] += 1
    # Where one of them always says the same, agreement beyond chance has no meaning.
    if (table.sum(axis=0) > 0).sum() < 2 or (table.sum(axis=1) > 0).sum() < 2:
        return None
    return kappa(table, confidence=0.95).value
