"""Everything the harness raises on purpose, sorted by who can put it right.

A deployment that misbehaves is not in this list: that is a `harness.exchange.Failure`, and it is
data. A message has four parts: where, what is wrong (with the value), what is allowed, what to do.
"""

from __future__ import annotations


class HarnessError(Exception):
    """Base class. Catch this to catch everything the harness raises on purpose."""


class UsageError(HarnessError):
    """The command was called in a way it cannot run. Whoever typed it can put it right."""


class ConfigError(HarnessError):
    """The config says something we cannot run. Its author can put it right."""

    def __init__(
        self, path: str, key: str, problem: str, remedy: str = "", *, line: int | None = None
    ) -> None:
        where = f"{path}:{line}" if line is not None else path
        what = f"{where}: {key}: {problem}" if key else f"{where}: {problem}"
        super().__init__(f"{what}. {remedy}" if remedy else what)
        self.path = path
        self.key = key
        self.line = line


class LogError(HarnessError):
    """A recorded log cannot be used. Whoever exported it can put it right."""


class PluginError(HarnessError):
    """A plug-in cannot be loaded or broke its promise. Its author can put it right."""

    def __init__(self, group: str, name: str, problem: str) -> None:
        super().__init__(f"{group}: {name}: {problem}")


class UnreachableError(HarnessError):
    """A deployment could not be reached at all before the start. Nothing has been written."""


class StoreError(HarnessError):
    """A run on disk cannot be used as it is."""


class StoreTooNewError(StoreError):
    """The run was written by a later harness than this one."""

    def __init__(self, path: str, found: int, known: int) -> None:
        super().__init__(
            f"{path}: written with store format {found}, this harness reads up to {known}. "
            f"Upgrade the harness, or evaluate with the version named in run.json."
        )


class StoreFullError(StoreError):
    """The machine could not write, mostly for a full disk. What was acknowledged stays."""
