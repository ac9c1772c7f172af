"""Start the demo's models, each in a process of its own, and stop them again."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from harness.demo.config import name_of
from harness.transport.process import DeploymentProcess


@asynccontextmanager
async def running(models: Iterable[str]) -> AsyncIterator[Mapping[str, str]]:
    """Run the models' servers; gives the URL of each model once all of them answer.

    Raises:
        UnreachableError: One did not come up; with what it printed.
    """
    async with AsyncExitStack() as stack:
        logs = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="harness-demo-")))
        processes = {
            model: await stack.enter_async_context(_process(model, logs)) for model in models
        }
        yield {model: await process.ready() for model, process in processes.items()}


def _process(model: str, logs: Path) -> DeploymentProcess:
    name = name_of(model)
    return DeploymentProcess(
        name,
        [sys.executable, "-m", "harness.demo.digits", model, "--port", "{port}"],
        log=logs / f"{name}.log",
        ready="/healthz",
    )
