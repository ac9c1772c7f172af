"""Run the studies, print what breaks its promise, and write the page: `make calibrate`.

    python -m harness.testing.calibration [--smoke] [--only NAME] [--jobs N] [--out PAGE]

Exits with 1 when a promise is broken. Without `--out` nothing is written.
"""

from __future__ import annotations

import argparse
import platform
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import scipy

from harness.testing.calibration import (
    anytime,
    companions,
    coverage,
    decision,
    dropped,
    families,
    gates,
    invariance,
    looks,
    peers,
    power,
    sampling,
    stopping,
    twins,
)
from harness.testing.calibration.figure import svg
from harness.testing.calibration.page import FIGURES, Done, breaches, page
from harness.testing.calibration.running import runs
from harness.testing.calibration.study import FULL, SMOKE, Study

STUDIES = tuple(
    module.STUDY
    for module in (
        gates,
        looks,
        anytime,
        coverage,
        power,
        decision,
        families,
        stopping,
        sampling,
        twins,
        dropped,
        invariance,
        companions,
        peers,
    )
)


def write(done: Sequence[Done], out: Path) -> None:
    """Write the page, and its charts beside it."""
    versions = (
        f"Python {platform.python_version()}, numpy {np.__version__}, scipy {scipy.__version__}"
    )
    figures = out.parent / FIGURES
    figures.mkdir(parents=True, exist_ok=True)
    for one in done:
        for chart in one.found.charts:
            (figures / f"{chart.name}.svg").write_text(svg(chart), encoding="utf-8")
    out.write_text(page(done, versions=versions), encoding="utf-8")


def main(arguments: Sequence[str] | None = None, *, studies: Sequence[Study] = STUDIES) -> int:
    parser = argparse.ArgumentParser(description="Simulate how often the statistics err.")
    parser.add_argument("--smoke", action="store_true", help="a small part of the work")
    parser.add_argument(
        "--only", choices=[study.name for study in studies], help="one study instead of all"
    )
    parser.add_argument("--jobs", type=int, default=1, help="studies at once, in processes")
    parser.add_argument("--out", type=Path, help="the Markdown page to write")
    options = parser.parse_args(arguments)
    asked = [study for study in studies if options.only in (None, study.name)]
    done: list[Done] = []
    for one in runs(asked, SMOKE if options.smoke else FULL, n_jobs=options.jobs):
        done.append(one)
        n_broken, rows = len(breaches([one])), len(one.found.rows)
        print(f"{one.study.title}: {rows} rows, {n_broken} broken, {one.seconds:.0f} s", flush=True)
    for row in breaches(done):
        allowed = row.claim.says(row.n_runs)
        print(f"broken: {row.procedure}: {row.seen:.4g}, {allowed} allowed ({row.scenario})")
    if options.out is not None:
        write(done, options.out)
    return 1 if breaches(done) else 0


if __name__ == "__main__":
    sys.exit(main())
