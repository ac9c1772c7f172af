"""Run every benchmark once, one after the other: `make bench`."""

from __future__ import annotations

import subprocess
import sys

BENCHMARKS = ("sender", "store", "compare", "gate")


def main() -> int:
    failed = 0
    for name in BENCHMARKS:
        print(f"\n== {name} ==", flush=True)
        failed += subprocess.call([sys.executable, "-m", f"benchmarks.{name}"]) != 0
    return failed


if __name__ == "__main__":
    sys.exit(main())
