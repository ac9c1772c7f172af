"""Run every benchmark once, one after the other: `make bench`. It takes about three minutes.

Each says what it measures, beside what, and what is aimed at. What is compared is CPU time wherever
it can be, because a neighbour on the machine changes that least; what a busy machine spoils all the
same is said at the top.
"""

from __future__ import annotations

import os
import platform
import subprocess
import sys
import time
from importlib import import_module

BENCHMARKS = ("sender", "store", "compare", "gate", "link")


def main() -> int:
    print(_machine())
    failed = [name for name in BENCHMARKS if not _ran(name)]
    if failed:
        print(f"\nfailed: {', '.join(failed)}", file=sys.stderr)
    return 1 if failed else 0


def _machine() -> str:
    n_cores, load = os.cpu_count() or 1, os.getloadavg()[0]
    about = f"Python {platform.python_version()}, {platform.machine()}, {n_cores} cores"
    if load > n_cores / 4:
        return f"{about}. It is busy (load {load:.1f}): trust nothing but the CPU times"
    return about


def _ran(name: str) -> bool:
    module = f"benchmarks.{name}"
    about = (import_module(module).__doc__ or "").partition("\n")[0]
    print(f"\n== {name}: {about}\n", flush=True)
    started_s = time.perf_counter()
    succeeded = subprocess.call([sys.executable, "-m", module]) == 0
    print(f"\n({name} took {time.perf_counter() - started_s:.0f} s)", flush=True)
    return succeeded


if __name__ == "__main__":
    sys.exit(main())
