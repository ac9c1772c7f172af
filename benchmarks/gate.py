"""How long the gate takes on the values of one and of ten million pairs, and with how much memory,
and how much longer where it also writes a page.

    python -m benchmarks.gate [N_PAIRS...]

The policy is a typical one: failures, accuracy, p95, relative cost, disagreement; ten segments; a
cluster for every ten pairs. Values are read from Parquet as `harness gate` reads them. Each size
runs in a process of its own, so that its peak memory is its own. Beside it, in the same run, the
time in which this machine merely decodes the columns that were read: the limit.
"""

from __future__ import annotations

import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import polars as pl

from harness.collected import Collected
from harness.distributions import distributions, quantile_curves
from harness.evaluate import evaluate
from harness.gate.policy import AtMost, Margin, NotWorse, Policy
from harness.measure import catalog
from harness.measure.browsing import Choice, browse
from harness.measure.specimens import disagreeing, failing, typical
from harness.pair import Conservation
from harness.report.material import Dossier, Field, Material
from harness.report.page import render
from harness.testing.pairs import Population, value_table
from harness.verdict import Verdict

SIZES = (1_000_000, 10_000_000)
PART = 1_000_000
SEGMENTS = {"region": {f"r{i}": 0.1 for i in range(10)}}
POLICY = Policy(
    (
        NotWorse("failure_rate", Margin(0.005)),
        NotWorse("accuracy", Margin(0.005)),
        NotWorse("latency_s.p95", Margin(0.1, relative=True)),
        NotWorse("cost_usd.mean", Margin(0.05, relative=True)),
        AtMost("label.disagreement_rate", 0.2),
    )
)


def main(arguments: list[str]) -> int:
    if arguments[:1] == ["--measure"]:
        _measure(Path(arguments[1]))
        return 0
    for n_pairs in [int(text) for text in arguments] or SIZES:
        with tempfile.TemporaryDirectory() as folder:
            _write(Path(folder), n_pairs)
            print(f"{n_pairs:,} pairs", flush=True)
            subprocess.run(
                [sys.executable, "-m", "benchmarks.gate", "--measure", folder], check=True
            )
    return 0


def _write(folder: Path, n_pairs: int) -> None:
    size = min(PART, n_pairs)
    population = Population(n_clusters=max(1, size // 10), segments=SEGMENTS)
    for part in range(n_pairs // size):
        table = value_table(size, seed=part, population=population).with_columns(
            cluster_id=pl.format("{}-{}", pl.lit(part), "cluster_id"),
            request_id=pl.format("{}-{}", pl.lit(part), "request_id"),
        )
        table.write_parquet(folder / f"part-{part:06d}.parquet", compression="zstd")


def _measure(folder: Path) -> None:
    values = pl.scan_parquet(folder / "*.parquet")
    n_pairs = values.select(pl.len()).collect().item()
    started_s = time.perf_counter()
    columns = [name for name in values.collect_schema().names() if name != "request_id"]
    values.select(columns).select(pl.all().null_count()).collect()
    decoding_s = time.perf_counter() - started_s
    metrics = tuple(
        catalog.resolve(rule.metric, outputs={}, comparisons=["label"]) for rule in POLICY.rules
    )
    collected = Collected(
        challenger="new",
        champion="old",
        values=values,
        conservation=Conservation(n_pairs, n_pairs),
        policy=POLICY,
        metrics=metrics,
        comparisons=("label",),
    )
    started_s = time.perf_counter()
    verdict = evaluate([collected], run_ids=["r"], policy_digest="d", confidence=0.95, versions={})
    gate_s = time.perf_counter() - started_s
    peak_gb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    print(
        f"  gate {gate_s:.1f} s, peak {peak_gb:.2f} GB, decision {verdict.decision}; "
        f"decoding alone {decoding_s:.1f} s ({gate_s / decoding_s:.1f}x); target 10 s, aim 4 s, "
        f"1.5 GB for 10 million"
    )
    started_s = time.perf_counter()
    n_bytes = len(_page(collected, verdict).encode())
    page_s = time.perf_counter() - started_s
    print(
        f"  page {page_s:.1f} s more, {n_bytes:,} bytes; target 10 s for 10 million, 1 MB for any"
    )


def _page(one: Collected, verdict: Verdict) -> str:
    """All that `-o report.html` asks of the values."""
    chosen = [*typical(one.values, one.comparisons)]
    browse(one.values, one.comparisons, Choice(most=14))
    browse(one.values.filter(pl.col("request_id").is_in(chosen)), one.comparisons, Choice())
    shares = disagreeing(one.values, one.comparisons)
    material = Material(
        distributions=distributions(one),
        curves=quantile_curves(one),
        fields=tuple(Field(name, n, n / n_all) for name, (n, n_all) in shares.items()),
        outcomes=failing(one.values),
    )
    return render(verdict, Dossier({one.challenger: material}))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
