"""What computes a verdict, and in which version."""

from __future__ import annotations

import platform
from importlib.metadata import version

import harness


def versions() -> dict[str, str]:
    """Of the harness and of what computes a verdict."""
    libraries = ("numpy", "scipy", "polars", "pyarrow")
    return {
        "harness": harness.__version__,
        "python": platform.python_version(),
        **{name: version(name) for name in libraries},
    }
