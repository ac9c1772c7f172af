"""How fast answers are compared and tabulated, beside DeepDiff in the same run.

    python -m benchmarks.compare [--pairs 20000]

Prints pairs per CPU second for 1 KB of compact JSON, as most servers write it, parsing included.
Absolute figures depend on the machine and on what else it does; the ratios to DeepDiff are what
carries over.
"""

from __future__ import annotations

import argparse
import json
import random
import time
from collections.abc import Callable, Sequence

import polars as pl
from deepdiff import DeepDiff

from harness.compare.structure import SameStructure
from harness.dialects.json_predict import JsonPredict
from harness.dialects.paths import JsonPath
from harness.measure.spec import Comparing, ValueSpec
from harness.measure.values import tabulate

DIFFERING_SHARE = 0.05
N_DEEPDIFF = 100

Pair = tuple[bytes, bytes]


def answer(rng: random.Random) -> dict[str, object]:
    """An answer of a prediction service: nested, numbers, text, 1 KB."""
    return {
        "id": f"req-{rng.randrange(10**9)}",
        "model": "classifier-3",
        "label": rng.choice(["cat", "dog", "bird"]),
        "scores": {f"class_{i}": rng.random() for i in range(10)},
        "items": [
            {"id": i, "name": f"item {i}", "price": round(rng.random() * 100, 2), "tags": ["a"]}
            for i in range(12)
        ],
        "meta": {"region": "eu-1", "cached": False, "note": None},
    }


def bodies(n_pairs: int, differing_share: float) -> list[Pair]:
    """Pairs of answers; those that differ do so in a label, a score and a price."""
    rng = random.Random(1)
    pairs = []
    for _ in range(n_pairs):
        champion = answer(rng)
        text = json.dumps(champion, separators=(",", ":")).encode()
        if rng.random() >= differing_share:
            pairs.append((text, text[:10] + text[10:]))  # equal, and not the same object
            continue
        challenger = json.loads(text)
        challenger["label"] = "fish"
        challenger["scores"]["class_3"] += 0.1
        challenger["items"][7]["price"] += 1
        pairs.append((text, json.dumps(challenger, separators=(",", ":")).encode()))
    return pairs


def rate(compare: Callable[[bytes, bytes], object], pairs: Sequence[Pair]) -> float:
    """Pairs per CPU second, best of three rounds."""
    best = float("inf")
    for _ in range(3):
        started = time.process_time()
        for champion, challenger in pairs:
            compare(champion, challenger)
        best = min(best, time.process_time() - started)
    return len(pairs) / best


def tabulated_rate(pairs: Sequence[Pair]) -> float:
    """Pairs per CPU second of the whole value table: decode, label, structure comparison."""
    n = len(pairs)
    side: dict[str, tuple[object, pl.DataType | type[pl.DataType]]] = {
        "outcome": ("ok", pl.String),
        "status": (200, pl.Int16),
        "latency_s": (0.1, pl.Float64),
        "first_byte_s": (0.1, pl.Float64),
        "wait_s": (0.0, pl.Float64),
        "sender_lag_s": (0.0, pl.Float64),
        "timeout_s": (1.0, pl.Float64),
        "attempts": (1, pl.Int32),
        "call_order": (0, pl.Int8),
        "body_bytes": (1100, pl.Int64),
        "truncated": (False, pl.Boolean),
        "input_tokens": (None, pl.Int64),
        "output_tokens": (None, pl.Int64),
        "cost_usd": (None, pl.Float64),
    }
    headers = [[{"name": "Content-Type", "value": "application/json"}]] * n
    columns: dict[str, pl.Series] = {
        name: pl.Series([f"{name}-{i}" for i in range(n)])
        for name in ("request_id", "cluster_id", "content_hash")
    }
    columns["truth"] = pl.Series(['"cat"'] * n)
    for position, name in enumerate(("champion", "challenger")):
        for column, (value, dtype) in side.items():
            columns[f"{name}_{column}"] = pl.Series([value] * n, dtype=dtype)
        columns[f"{name}_headers"] = pl.Series(headers)
        columns[f"{name}_body"] = pl.Series([pair[position] for pair in pairs])
    spec = ValueSpec(
        open_loop=True,
        decode=JsonPredict().decode,
        label=JsonPath("$.label"),
        comparisons=(
            Comparing("body", JsonPath("$"), SameStructure(ignore=("$.id",)), keeps_paths=True),
        ),
    )
    table = pl.DataFrame(columns)
    started = time.process_time()
    tabulate(table, spec)
    return n / (time.process_time() - started)


def main() -> None:
    """Print one line per way of comparing."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, default=20_000)
    n_pairs = parser.parse_args().pairs

    decode, structure = JsonPredict().decode, SameStructure()
    mostly_equal = bodies(n_pairs, DIFFERING_SHARE)
    all_different = bodies(n_pairs // 4, 1.0)

    def bytes_first(champion: bytes, challenger: bytes) -> object:
        if champion == challenger:
            return None
        return structure(decode(champion, ()), decode(challenger, ()))

    def ours(champion: bytes, challenger: bytes) -> object:
        return structure(decode(champion, ()), decode(challenger, ()))

    def deepdiff(champion: bytes, challenger: bytes) -> object:
        return DeepDiff(json.loads(champion), json.loads(challenger))

    their_rate = rate(deepdiff, all_different[:N_DEEPDIFF])
    lines = {
        "structure, 5 % differ, bytes first": (rate(bytes_first, mostly_equal), 100_000),
        "structure, all differ": (rate(ours, all_different), 40_000),
        "value table, 5 % differ": (tabulated_rate(mostly_equal), None),
        "value table, all differ": (tabulated_rate(all_different), None),
        "DeepDiff, all differ": (their_rate, None),
    }
    for name, (per_s, aim) in lines.items():
        aimed = "" if aim is None else f"   aim: {aim:,}"
        print(
            f"{name:<36} {per_s:>9,.0f} pairs/s {per_s / their_rate:>6,.0f} times DeepDiff{aimed}"
        )


if __name__ == "__main__":
    main()
