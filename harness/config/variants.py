"""Several prompts at once: every combination of the levels of a few factors is a challenger.

The first level of each factor is the champion's own and changes nothing, so that the combination of
all first levels is the champion. The others become challengers at its address, named after the
levels in which they differ from it.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import product
from typing import Annotated, Any, TypeGuard

from pydantic import AfterValidator, Field

from harness.config.problems import BadValueError
from harness.config.section import Name, Section

MOST_CHALLENGERS = 31
"""With five factors of two levels: more are too many to judge at one error."""


def _has_levels(factors: dict[str, dict[str, dict[str, Any]]]) -> dict[str, dict[str, Any]]:
    names: set[str] = set()
    n_cells = 1
    for factor, levels in factors.items():
        if len(levels) < 2:
            raise BadValueError("has fewer than two levels", key=(factor,))
        first = next(iter(levels))
        if levels[first]:
            raise BadValueError(
                "changes something, and the first level is the champion's own",
                f"Write `{first}: {{}}`",
                key=(factor, first),
            )
        for level in levels:
            if level in names:
                raise BadValueError("names a level twice", "Name each apart", key=(factor, level))
            names.add(level)
        n_cells *= len(levels)
    if n_cells - 1 > MOST_CHALLENGERS:
        raise BadValueError(f"come to {n_cells - 1} challengers, at most {MOST_CHALLENGERS} go")
    return factors


Factors = Annotated[
    dict[Name, dict[Name, dict[str, Any]]], Field(min_length=1), AfterValidator(_has_levels)
]


class Variants(Section):
    """A grid of prompts."""

    factors: Factors = Field(
        description="Factor to its levels, each a `rewrite`; the first changes nothing: "
        "`{prompt: {long: {}, terse: {system: terse.txt}}}`."
    )
    each: dict[str, Any] = Field(
        default_factory=dict,
        description="Further keys of every challenger of the grid, `budget` for instance.",
    )


def with_variants(document: dict[str, Any]) -> dict[str, Any]:
    """The document with the grid's challengers in it; doing it twice changes nothing more.

    What is not sound in the section is left to its validation.
    """
    section = document.get("variants")
    factors = section.get("factors") if isinstance(section, dict) else None
    challengers = document.get("challengers") or []
    if not _is_grid(factors) or not isinstance(challengers, list):
        return document
    each = section.get("each") if isinstance(section, dict) else None
    known = {one.get("name") for one in challengers if isinstance(one, dict)}
    made = [
        {"name": name, "rewrite": rewrite, **(each if isinstance(each, dict) else {})}
        for name, rewrite in cells(factors)
        if name not in known
    ]
    return {**document, "challengers": [*challengers, *made]}


def cells(factors: Mapping[str, Mapping[str, Any]]) -> list[tuple[str, dict[str, Any]]]:
    """Name and rewrite of every combination but that of all first levels."""
    found = []
    for levels in product(*(list(one) for one in factors.values())):
        name = name_of(levels, factors)
        if name:
            chosen = zip(factors.values(), levels, strict=True)
            found.append((name, _merged(one[level] for one, level in chosen)))
    return found


def name_of(levels: tuple[str, ...], factors: Mapping[str, Mapping[str, Any]]) -> str:
    """The challenger of one combination; empty text for the champion's."""
    firsts = [next(iter(one)) for one in factors.values()]
    return "-".join(level for level, first in zip(levels, firsts, strict=True) if level != first)


def _merged(changes: Any) -> dict[str, Any]:
    """Rewrites one after the other: a later factor's key wins, headers and paths add up."""
    merged: dict[str, Any] = {}
    for change in changes:
        for key, value in change.items():
            both = isinstance(value, dict) and isinstance(merged.get(key), dict)
            merged[key] = {**merged[key], **value} if both else value
    return merged


def _is_grid(factors: Any) -> TypeGuard[dict[str, dict[str, dict[str, Any]]]]:
    return isinstance(factors, dict) and all(map(_are_levels, factors.values()))


def _are_levels(levels: Any) -> bool:
    known = isinstance(levels, dict) and bool(levels)
    return known and all(isinstance(one, dict) for one in levels.values())


_AS_THE_CHAMPION = ("path", "headers", "timeout", "price")


def as_champion(document: dict[str, Any]) -> dict[str, Any]:
    """The document with what challengers without an address take over from the champion.

    Not the price of a named model where the rewrite names another one.
    """
    champion, challengers = document.get("champion"), document.get("challengers")
    if not isinstance(champion, dict) or not isinstance(challengers, list):
        return document
    return {**document, "challengers": [_as(champion, one) for one in challengers]}


def _as(champion: dict[str, Any], challenger: Any) -> Any:
    if not isinstance(challenger, dict) or {"url", "command"} & set(challenger):
        return challenger
    rewrite = challenger.get("rewrite")
    if not isinstance(rewrite, dict) or not rewrite:
        return challenger
    taken = {key: champion[key] for key in _AS_THE_CHAMPION if key in champion}
    if "model" in rewrite and taken.get("price") != "auto":
        taken.pop("price", None)
    return {**taken, **challenger}
