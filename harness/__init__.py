"""harness: shadow-deployment and replay testing for ML models and LLM prompts.

Importing this package imports nothing else: the sidecar's front lives in a user's request path and
must not drag in polars, pyarrow, scipy or aiohttp. `harness.open_run` loads them when it is asked
for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from harness.notebook import open_run

__version__ = "0.1.0"
__all__ = ["__version__", "open_run"]


def __getattr__(name: str) -> object:
    if name == "open_run":
        from harness.notebook import open_run

        return open_run
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
