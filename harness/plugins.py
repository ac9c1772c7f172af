"""Roof: plug-ins, found through the entry points of installed packages.

Our own readers, dialects and comparators come through the same groups: the door we use is the door
that works. A group's entries are looked up when asked for, and one is imported when it is used.
"""

from __future__ import annotations

from difflib import get_close_matches
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from harness.errors import PluginError

READERS = "harness.readers"
DIALECTS = "harness.dialects"
COMPARATORS = "harness.comparators"


def names(group: str) -> tuple[str, ...]:
    """Names of all plug-ins of a group, sorted."""
    return tuple(sorted({entry.name for entry in entry_points(group=group)}))


def load(group: str, name: str) -> Any:
    """What a plug-in's entry point names: a reader, or a factory.

    Raises:
        PluginError: There is none of that name, two packages give one, or it cannot be imported.
    """
    found = _found(group, name)
    try:
        return found.load()
    except Exception as exc:
        # A plug-in is foreign code: whatever it does while it is imported is its author's to fix.
        raise PluginError(group, name, f"cannot be imported, {_said(exc)}") from exc


def make(group: str, name: str, **options: Any) -> Any:
    """A configured plug-in, from a factory.

    Raises:
        PluginError: See `load`; or the factory refuses the options.
    """
    factory = load(group, name)
    if not callable(factory):
        raise PluginError(group, name, f"is {type(factory).__name__}, must be callable")
    try:
        return factory(**options)
    except Exception as exc:
        given = ", ".join(sorted(options)) or "none"
        raise PluginError(group, name, f"refuses its options ({given}), {_said(exc)}") from exc


def _found(group: str, name: str) -> EntryPoint:
    candidates = list(entry_points(group=group, name=name))
    # An editable install and its source can both tell of one and the same entry.
    if len({entry.value for entry in candidates}) > 1:
        packages = " and ".join(sorted({_package(entry) for entry in candidates}))
        raise PluginError(group, name, f"is given by {packages}. Uninstall one of them")
    if candidates:
        return candidates[0]
    known = names(group)
    close = get_close_matches(name, known, n=1)
    if close:
        raise PluginError(group, name, f"unknown. Did you mean {close[0]!r}?")
    raise PluginError(group, name, f"unknown. Installed are: {', '.join(known) or 'none'}")


def _package(entry: EntryPoint) -> str:
    return entry.dist.name if entry.dist is not None else entry.value


def _said(exc: Exception) -> str:
    text = " ".join(str(exc).split())
    return f"{type(exc).__name__}: {text}" if text else type(exc).__name__
