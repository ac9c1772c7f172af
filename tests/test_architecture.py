"""The house has floors. These tests are what keeps the stairs one-way."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

HARNESS = Path(__file__).parents[1] / "harness"

GROUND = {
    "exchange", "output", "usage", "pair", "feedback",
    "run", "metric", "verdict", "errors", "ports", "quantity", "value",
}  # fmt: skip
FIRST = {
    "http1", "dialects", "readers", "traffic", "compare", "measure", "stats", "gate", "canary",
    "report",
}  # fmt: skip
HALL = {
    "asking", "cells", "circumstances", "collected", "distributions", "evaluate", "evidence",
    "factors", "footing", "glimpse", "history", "inquiry", "looking", "missing", "noise", "part",
    "plan", "preference", "ranks", "segmentation", "sums", "tipping", "vantage", "waiting",
}  # fmt: skip
SECOND = {"transport", "shadow", "replay", "store", "annotate", "watch", "engines"}
ROOF = {"config", "plugins", "cli", "demo", "notebook", "testing", "__main__", "__init__"}

MAY_IMPORT = {
    **dict.fromkeys(GROUND, GROUND),
    **{room: GROUND | {room} for room in FIRST},
    **dict.fromkeys(HALL, GROUND | FIRST | HALL),
    **{room: GROUND | FIRST | HALL | {room} for room in SECOND},
    **dict.fromkeys(ROOF, GROUND | FIRST | HALL | SECOND | ROOF),
}

# What a pure module has no business with: it is given the time, the seed and the bytes.
WORLDLY = {
    "aiohttp", "asyncio", "io", "logging", "multiprocessing", "os", "random", "ray", "shutil",
    "signal", "socket", "subprocess", "tempfile", "threading", "time",
}  # fmt: skip


def modules() -> list[Path]:
    return sorted(HARNESS.rglob("*.py"))


def room_of(path: Path) -> str:
    return path.relative_to(HARNESS).with_suffix("").parts[0]


def imports_of(path: Path) -> Iterator[tuple[str, int]]:
    """Every imported dotted name and its line, also those inside functions."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}:{node.lineno}: spell imports in full, from the top"
            yield from ((f"{node.module}.{alias.name}", node.lineno) for alias in node.names)


@pytest.mark.parametrize("path", modules(), ids=lambda p: str(p.relative_to(HARNESS)))
def test_imports_only_go_down(path):
    """A room imports its own floor's nouns and the floors below, never a neighbour."""
    allowed = MAY_IMPORT[room_of(path)]
    for name, line in imports_of(path):
        if name.startswith("harness."):
            target = name.split(".")[1]
            assert target in allowed, f"{path}:{line}: {room_of(path)} may not import {target}"


@pytest.mark.parametrize("path", modules(), ids=lambda p: str(p.relative_to(HARNESS)))
def test_ground_and_first_floor_are_pure(path):
    """Nouns and thinking rooms touch no clock, disk, socket, dice or log."""
    if room_of(path) in GROUND | FIRST | HALL:
        for name, line in imports_of(path):
            assert name.split(".")[0] not in WORLDLY, f"{path}:{line}: {name} in a pure module"
