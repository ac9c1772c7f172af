"""The live verdict: judges the run that is being written, again and again, beside the traffic.

A process of its own, started by the watch, which gives it the lowest priority. It sees what
survives a crash: sealed parts and the whole batches of the journal. A run may be looked at any
number of times only by a policy that allows for it, so whatever the config says it is judged as
`sequential`; the looks count in no ledger, because nobody decided by them.

It is started with the run's folder, the file to write and the least time between two looks. Its
standard input is a line to the watch: when that ends, it does.
"""

from __future__ import annotations

import json
import os
import select
import sys
import time
from collections.abc import Sequence
from copy import deepcopy
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from harness.cli.judging import judged
from harness.config import Config, restore
from harness.errors import HarnessError, StoreError
from harness.report import json_form
from harness.store.layout import LOSSES, MANIFEST
from harness.store.reader import StoredRun

FORMAT = 1

# Looking may take this share of a core in the long run.
_MOST_SHARE = 0.2
_FIRST_EVERY_S = 2.0


def main(arguments: Sequence[str]) -> int:
    """Look until the watch ends."""
    run, verdict, every_s = Path(arguments[1]), Path(arguments[2]), float(arguments[3])
    looks = Looks(run, verdict)
    pause_s = 0.0
    while not _line_ends_within(pause_s):
        took_s = looks.look(datetime.now(UTC))
        # A young run changes fast: looks come soon at first, and then further and further apart.
        least_s = min(every_s, _FIRST_EVERY_S * max(1, looks.n_verdicts))
        pause_s = max(least_s, took_s / _MOST_SHARE)
    return 0


class Looks:
    """Looks at one run; what they say is kept in a file.

    Args:
        run: Its folder.
        kept: The file: `format`, `at`, `took_s`, `n_looks`, `error` (a sentence, or null) and
            `verdict`, the last that there was.
    """

    def __init__(self, run: Path, kept: Path) -> None:
        self._run = run
        self._kept = kept
        self._n_looks = 0
        self._n_rows = -1
        self._n_verdicts = 0
        self._verdict: dict[str, Any] | None = None

    @property
    def n_verdicts(self) -> int:
        """How many looks came to one."""
        return self._n_verdicts

    def look(self, at: datetime) -> float:
        """Judge what there is, unless it is what was there before; seconds it took."""
        if not all((self._run / name).exists() for name in (MANIFEST, LOSSES)):
            return 0.0  # the mirror has not begun yet, or not said where the requests went
        started_s = time.perf_counter()
        error = None
        try:
            stored = StoredRun.open(self._run)
            n_rows = sum(stored.n_pairs(name) for name in stored.challengers)
            if n_rows in (0, self._n_rows):
                return time.perf_counter() - started_s
            found = judged([stored], always_valid(stored))
            self._verdict = json.loads(json_form.render(found.verdict))
            self._n_rows = n_rows
            self._n_verdicts += 1
        except HarnessError as exc:
            error = str(exc)
        except Exception as exc:  # the process's main loop: the next look may be better
            error = f"{type(exc).__name__}: {exc}"
        took_s = time.perf_counter() - started_s
        self._n_looks += 1
        self._keep(at, took_s, error)
        return took_s

    def _keep(self, at: datetime, took_s: float, error: str | None) -> None:
        content = {
            "format": FORMAT,
            "at": at.isoformat(),
            "took_s": round(took_s, 3),
            "n_looks": self._n_looks,
            "error": error,
            "verdict": self._verdict,
        }
        beside = self._kept.with_name(f".{self._kept.name}.{os.getpid()}")
        beside.write_text(json.dumps(content))
        beside.chmod(0o600)
        beside.replace(self._kept)


def always_valid(run: StoredRun) -> Config:
    """The run's own config, with a policy that may be looked at any time and a ledger of none.

    Raises:
        StoreError: The run has no config.
    """
    document = deepcopy(dict(run.manifest.config))
    if not document.get("policy"):
        raise StoreError(f"{run.path}: has no policy to be judged by. Add one and reload")
    policies = [document["policy"]]
    policies += [one["policy"] for one in document.get("challengers", ()) if one.get("policy")]
    for policy in policies:
        if policy is document["policy"] or "sequential" in policy:
            policy["sequential"] = policy.get("sequential") or True
    for key in ("ledger", "alpha_ledger"):
        document["policy"].pop(key, None)
    return restore(document, path=run.path / "run.json")


def _line_ends_within(pause_s: float) -> bool:
    """Wait; whether the watch is gone."""
    readable, _, _ = select.select([sys.stdin], [], [], pause_s)
    return bool(readable) and not os.read(sys.stdin.fileno(), 1)


if __name__ == "__main__":
    sys.exit(main(sys.argv))
