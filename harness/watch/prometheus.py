"""Metrics in the text format of Prometheus, version 0.0.4."""

from __future__ import annotations

from collections.abc import Iterator
from math import inf

from harness.watch.families import FAMILIES, Family
from harness.watch.histogram import Histogram
from harness.watch.view import View

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
PREFIX = "harness_"


def render(view: View) -> str:
    """All metrics that have something to say."""
    return "".join(f"{line}\n" for family in FAMILIES for line in _lines(family, view))


def _lines(family: Family, view: View) -> Iterator[str]:
    samples = list(family.samples(view))
    if not samples:
        return
    name = PREFIX + family.name
    yield f"# HELP {name} {family.help}"
    yield f"# TYPE {name} {family.kind.value}"
    for values, sample in samples:
        labels = ",".join(
            f'{label}="{_escaped(value)}"'
            for label, value in zip(family.labels, values, strict=True)
        )
        if isinstance(sample, Histogram):
            yield from _histogram_lines(name, labels, sample)
        else:
            yield f"{name}{_braced(labels)} {_number(sample)}"


def _histogram_lines(name: str, labels: str, row: Histogram) -> Iterator[str]:
    before = f"{labels}," if labels else ""
    for bound_s, count in zip(row.bounds_s, row.cumulative, strict=True):
        yield f'{name}_bucket{{{before}le="{_number(bound_s)}"}} {count}'
    yield f"{name}_sum{_braced(labels)} {_number(row.sum_s)}"
    yield f"{name}_count{_braced(labels)} {row.count}"


def _braced(labels: str) -> str:
    return f"{{{labels}}}" if labels else ""


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace("\n", "\\n").replace('"', '\\"')


def _number(value: float) -> str:
    if value == inf:
        return "+Inf"
    if value == -inf:
        return "-Inf"
    return str(int(value)) if value == int(value) and abs(value) < 1e15 else repr(float(value))
