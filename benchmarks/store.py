"""How fast and how small pairs are stored, beside JSON Lines.

    python -m benchmarks.store [N_PAIRS]

One core (CPU time of the whole process, so that threads inside the libraries count), medians of
interleaved rounds. A pair has a request body of 0.3 KB and two answers of 1 KB: JSON with words and
numbers, as a model server gives them. JSON Lines is what one would write otherwise: the same
columns by orjson, uncompressed, bodies as text. Trust ratios, not absolutes.
"""

from __future__ import annotations

import random
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

import orjson
import polars as pl
import pyarrow as pa

from harness.exchange import DeploymentName, Exchange, Headers, Request, RequestId, Response, Timing
from harness.pair import Pair
from harness.run import Deployment, Role, RunId
from harness.store.arrow import frame_of
from harness.store.journal import Journal, journal_batches
from harness.store.layout import Series, part_path
from harness.store.manifest import Manifest
from harness.store.parts import write_part
from harness.store.privacy import Privacy
from harness.store.rows import pair_batch
from harness.store.schema import pair_schema
from harness.store.writer import PAIRS_PER_BATCH, RunWriter

ROUNDS = 5
NOON = datetime(2025, 1, 1, 12, tzinfo=UTC)
NOON_NS = int(NOON.timestamp()) * 10**9
SCHEMA = pair_schema(["source"])
WORDS = [f"w{number:x}" * (1 + number % 3) for number in range(2000)]
ASKED: Headers = (
    ("Host", "models.example.com"),
    ("User-Agent", "client/2.1"),
    ("Accept", "application/json"),
    ("Content-Type", "application/json"),
    ("Authorization", "Bearer left-out"),
)
ANSWERED: Headers = (
    ("Server", "uvicorn"),
    ("Date", "Wed, 01 Jan 2025 12:00:00 GMT"),
    ("Content-Type", "application/json"),
)


def text(rng: random.Random, n_bytes: int) -> bytes:
    """A JSON object of about this size: a label, scores, words."""
    scores = [round(rng.random(), 4) for _ in range(10)]
    words: list[str] = []
    while sum(map(len, words)) + len(words) < n_bytes - 150:
        words.append(rng.choice(WORDS))
    label = rng.randrange(10)
    return orjson.dumps(
        {"id": rng.randbytes(8).hex(), "label": label, "scores": scores, "text": " ".join(words)}
    )


def exchange(rng: random.Random, request_id: str, deployment: str, body: bytes) -> Exchange:
    latency_s = rng.lognormvariate(-2.5, 0.4)
    timing = Timing(
        NOON_NS, rng.random() * 1e-3, rng.random() * 1e-4, latency_s * 0.9, latency_s, 2
    )
    return Exchange(
        RequestId(request_id),
        DeploymentName(deployment),
        Response(200, ANSWERED, body, len(body)),
        timing,
        cost_usd=latency_s * 3e-4,
    )


def make_pairs(n_pairs: int, seed: int = 1) -> list[Pair]:
    rng = random.Random(seed)
    pairs = []
    for number in range(n_pairs):
        request_id = rng.randbytes(16).hex()
        champion = text(rng, 1024)
        challenger = champion if rng.random() < 0.5 else text(rng, 1024)
        pairs.append(
            Pair(
                RequestId(request_id),
                None,
                f"e{number}",
                NOON_NS + number * 1_000_003,
                f"user-{rng.randrange(n_pairs // 10)}",
                True,
                Request("POST", "/v1/predict", ASKED, text(rng, 300)),
                rng.randbytes(16).hex(),
                exchange(rng, request_id, "champion", champion),
                exchange(rng, request_id, "challenger", challenger),
                {"source": rng.choice(["web", "mobile"])},
                "7",
            )
        )
    return pairs


def to_batches(pairs: Sequence[Pair]) -> list[pa.RecordBatch]:
    privacy = Privacy()
    return [
        pair_batch(
            pairs[start : start + PAIRS_PER_BATCH],
            SCHEMA,
            run_id="run",
            series_name="challenger",
            privacy=privacy,
        )
        for start in range(0, len(pairs), PAIRS_PER_BATCH)
    ]


def journal(folder: Path, batches: Sequence[pa.RecordBatch]) -> Path:
    path = folder / "rows.arrow"
    path.unlink(missing_ok=True)
    writing = Journal(path, SCHEMA)
    for batch in batches:
        writing.append(batch)
        writing.sync()
    writing.close()
    return path


def json_lines(folder: Path, rows: Sequence[dict[str, object]]) -> Path:
    """The rows as lines; making the dictionaries is not timed, as making the columns is not."""
    path = folder / "rows.jsonl"
    with path.open("wb") as file:
        for row in rows:
            file.write(orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE))
    return path


def with_text(batch: pa.RecordBatch) -> list[dict[str, object]]:
    """Rows as JSON can hold them."""
    frame = frame_of(batch).with_columns(pl.col("received_at").dt.to_string("iso"))
    return [{name: as_text(value) for name, value in row.items()} for row in frame.to_dicts()]


def as_text(value: object) -> object:
    return value.decode("latin-1") if isinstance(value, bytes) else value


def run_of(folder: Path, pairs: Sequence[Pair]) -> Path:
    """The whole way: pairs in, a finished run out."""
    run = folder / "run"
    shutil.rmtree(run, ignore_errors=True)
    sides = (("champion", Role.CHAMPION), ("challenger", Role.CHALLENGER))
    deployments = tuple(Deployment(DeploymentName(n), role, "http://x", 2.0) for n, role in sides)
    manifest = Manifest(
        RunId("run"), "bench", {}, "0", "0", deployments, NOON, 1, segments=("source",)
    )
    with RunWriter.create(run, manifest) as writer:
        for start in range(0, len(pairs), PAIRS_PER_BATCH):
            writer.append(pairs[start : start + PAIRS_PER_BATCH])
            writer.acknowledge()
    return run


def cpu_s(act: Callable[[], object]) -> float:
    started = time.process_time()
    act()
    return time.process_time() - started


def main(n_pairs: int = 20_000) -> None:
    pairs = make_pairs(n_pairs)
    batches = to_batches(pairs)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        part = folder / "part.parquet"
        journalled = journal(folder, batches)
        rows = [row for batch in batches for row in with_text(batch)]
        acts: dict[str, Callable[[], object]] = {
            "pairs to columns": lambda: to_batches(pairs),
            "journal, synced each batch": lambda: journal(folder, batches),
            "seal": lambda: write_part(part, SCHEMA, journal_batches(journalled)),
            "all of it (RunWriter)": lambda: run_of(folder, pairs),
            "JSON Lines (orjson)": lambda: json_lines(folder, rows),
        }
        seconds: dict[str, list[float]] = {title: [] for title in acts}
        for _ in range(ROUNDS):
            for title, act in acts.items():
                seconds[title].append(cpu_s(act))
        report(n_pairs, {title: statistics.median(each) for title, each in seconds.items()})
        sealed = part_path(folder / "run", Series("challenger"), 1).stat().st_size / n_pairs
        lines = (folder / "rows.jsonl").stat().st_size / n_pairs
        print(
            f"bytes per pair: {sealed:,.0f} sealed, {lines:,.0f} as JSON Lines: "
            f"{sealed / lines:.2f} of them   aim: 0.35 or less"
        )


def report(n_pairs: int, seconds: dict[str, float]) -> None:
    print(f"{n_pairs:,} pairs, CPU time, median of {ROUNDS} rounds")
    for title, taken in seconds.items():
        print(
            f"{title:<28} {n_pairs / taken:>10,.0f} pairs/s {taken / n_pairs * 1e6:>8.1f} µs/pair"
        )
    both = seconds["journal, synced each batch"] + seconds["seal"]
    ratio = seconds["JSON Lines (orjson)"] / both
    print(
        f"{'journal and seal':<28} {n_pairs / both:>10,.0f} pairs/s {both / n_pairs * 1e6:>8.1f} "
        f"µs/pair   aim: 100,000; {ratio:.2f} times as fast as JSON Lines"
    )


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
