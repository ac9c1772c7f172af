"""A replay to one deployment, pairs stored: the client of `benchmarks.sender` called `replay`.

Everything that `harness replay` does for an entry, once the log is read: the driver, the order of
calls, forwarding, the sender, pairing with a recorded champion, rows, journal, sync and seal.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pyarrow.parquet as pq

from harness.cli.quiet import quiet
from harness.exchange import (
    DeploymentName,
    Exchange,
    Recorded,
    RecordedAnswer,
    Request,
    RequestId,
    Response,
    Timing,
)
from harness.replay.driver import Driver
from harness.replay.party import Entry, Party
from harness.run import Deployment, Role, RunId
from harness.store.background import BackgroundSink
from harness.store.manifest import ChampionAnswers, Manifest, Pacing
from harness.store.writer import RunWriter
from harness.traffic.forwarding import forwarded
from harness.traffic.pacing import ClosedLoop
from harness.transport.clock import MonotonicClock
from harness.transport.sender import HttpSender
from harness.transport.target import Target

OLD, NEW = DeploymentName("old"), DeploymentName("new")


async def replay_and_store(
    port: int, seconds: float, request: Request, connections: int, begin: Callable[[], None]
) -> int:
    """Replay for so long; return how many pairs were stored.

    Args:
        begin: Called when everything is set up. Time counts from there on until the last pair is
            synced and sealed.
    """
    quiet()
    clock = MonotonicClock()
    target = Target(NEW, f"http://127.0.0.1:{port}", timeout_s=5.0, is_challenger=True)
    sender = HttpSender(target, clock)
    await sender.open_connections(connections)
    answer = RecordedAnswer(Response(200, (), request.body, len(request.body)), latency_s=0.001)
    recorded = Recorded("", "line", None, request, answer)

    def entries() -> Iterator[Entry]:
        for i in range(10_000_000):
            yield Entry(f"e{i}", recorded, f"u{i % 1000}", {}, (0,))

    def champion(entry: Recorded, request_id: RequestId) -> Exchange:
        timing = Timing(0, 0.0, 0.0, None, 0.001, 5.0)
        return Exchange(request_id, OLD, answer.outcome, timing, attempts=0)

    with tempfile.TemporaryDirectory() as folder:
        writer = RunWriter.create(Path(folder) / "run", _manifest())
        with BackgroundSink(writer) as sink:
            driver = Driver(
                champion=Party(OLD, None, lambda entry, request_id: entry.request),
                challengers=[
                    Party(
                        NEW,
                        sender,
                        lambda entry, request_id: forwarded(
                            entry.request, request_id, target.destination
                        ),
                    )
                ],
                pacer=ClosedLoop(connections),
                clock=clock,
                sink=sink,
                run_id="r",
                seed=1,
                n_entries=0,
                recorded_champion=champion,
            )
            asyncio.get_running_loop().call_later(seconds, driver.stop)
            begin()
            await driver.run(entries())
        conservation = driver.conservation()[NEW]
        writer.close()
        (part,) = (Path(folder) / "run").rglob("*.parquet")
        n_stored = pq.read_metadata(part).num_rows
    await sender.close()
    clock.close()
    if not n_stored == conservation.paired == conservation.received - conservation.pending:
        raise RuntimeError(
            f"{conservation} and {n_stored} pairs stored: this run counts for nothing"
        )
    return n_stored


def _manifest() -> Manifest:
    return Manifest(
        run_id=RunId("r"),
        name="benchmark",
        config={},
        config_digest="",
        log_digest="",
        deployments=(
            Deployment(OLD, Role.CHAMPION, "", 5.0),
            Deployment(NEW, Role.CHALLENGER, "", 5.0),
        ),
        started_at=datetime.now(UTC),
        seed=1,
        pacing=Pacing.CLOSED,
        champion_answers=ChampionAnswers.RECORDED,
    )
