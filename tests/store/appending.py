"""A process that appends numbered pairs and says what was acknowledged, until it is killed.

    python -m tests.store.appending RUN [STEP]

With a step it kills itself there: at the first seal after 40 pairs.
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

from harness.store.manifest import read_manifest
from harness.store.reader import StoredRun
from harness.store.writer import RunWriter
from tests.store.builders import manifest, pair


def main(folder: str, step: str = "") -> None:
    run = Path(folder)

    def die(reached: str) -> None:
        if reached == step:
            os.kill(os.getpid(), signal.SIGKILL)

    writer = (
        RunWriter.resume(run, pairs_per_part=40, checkpoint=die)
        if (run / "run.json").exists()
        else RunWriter.create(run, manifest(), pairs_per_part=40, checkpoint=die)
    )
    assert read_manifest(run).run_id == manifest().run_id
    number = StoredRun.open(run).n_pairs("knn")
    while True:
        for _ in range(7):
            writer.append([pair(number)])
            number += 1
        writer.acknowledge()
        print(number, flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
