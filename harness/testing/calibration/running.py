"""Running studies, several at once where asked: each in a process of its own."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

from harness.testing.calibration.page import Done
from harness.testing.calibration.study import Effort, Study


def run(study: Study, effort: Effort) -> Done:
    """Run one study; its time is the processor's, whoever else uses the machine."""
    start = time.process_time()
    found = study.run(effort)
    return Done(study, found, time.process_time() - start)


def runs(studies: Sequence[Study], effort: Effort, *, n_jobs: int) -> Iterator[Done]:
    """In the order of the studies, whichever is done first; scenarios have seeds of their own."""
    if n_jobs == 1:
        yield from (run(study, effort) for study in studies)
        return
    # Fresh processes: a fork would take polars' threads along and not their work.
    with ProcessPoolExecutor(n_jobs, mp_context=get_context("spawn")) as pool:
        yield from pool.map(run, studies, [effort] * len(studies))
