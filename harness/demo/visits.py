"""Who asks the demo about which image, and when.

The images are real, the users are not: a few of them come often, most come once, and they come in
waves, as people do. Nothing about a user (neither how often they come nor from where) has to do
with how hard the image is, so the demo's segments differ by chance alone.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from harness.demo.dataset import Half

SOURCES = {"mobile": 0.5, "web": 0.35, "scanner": 0.15}
"""Where users come from, with their shares."""

DURATION_S = 90.0
"""From the first request to the last."""

# Visits start as a Poisson process whose rate changes between these two, after exponential stays:
# (visits per second, mean stay in seconds). The busy hours of a day, in small.
_PHASES = ((5.0, 6.0), (9.0, 3.0))
_MEAN_PAUSE_S = 1.0  # between two requests of one visit
_MOST_REQUESTS = 20  # of one visit


@dataclass(frozen=True, slots=True)
class Asked:
    """One request of one user.

    Attributes:
        at_s: Seconds after the first request.
        pixels: 64 whole numbers, 0 to 16.
        label: The digit that the image shows.
    """

    at_s: float
    user: str
    source: str
    pixels: tuple[int, ...]
    label: int


def visits(images: Half, seed: int) -> list[Asked]:
    """Ask about every image once, in the order of time."""
    dice = np.random.default_rng(seed)
    sizes = _visit_sizes(len(images.labels), dice)
    starts = _visit_starts(len(sizes), dice)
    sources = dice.choice(list(SOURCES), size=len(sizes), p=list(SOURCES.values()))
    times: list[float] = []
    visitors: list[int] = []
    for visitor, (start, size) in enumerate(zip(starts, sizes, strict=True)):
        times.extend(start + np.cumsum(dice.exponential(_MEAN_PAUSE_S, size)))
        visitors.extend([visitor] * size)
    order = np.argsort(times, kind="stable")
    at_s = np.asarray(times)[order]
    at_s = (at_s - at_s[0]) * (DURATION_S / (at_s[-1] - at_s[0]))
    shown = dice.permutation(len(images.labels))
    return [
        Asked(
            at_s=float(at),
            user=f"user-{visitors[place]:04d}",
            source=str(sources[visitors[place]]),
            pixels=tuple(int(pixel) for pixel in images.pixels[image]),
            label=int(images.labels[image]),
        )
        for at, place, image in zip(at_s, order, shown, strict=True)
    ]


def _visit_sizes(n_requests: int, dice: np.random.Generator) -> list[int]:
    """How many requests each user makes: four in five make one, few make up to twenty."""
    sizes: list[int] = []
    while n_requests > 0:
        size = min(1 + int(dice.lognormal(-0.9, 1.2)), _MOST_REQUESTS, n_requests)
        sizes.append(size)
        n_requests -= size
    return sizes


def _visit_starts(n_visits: int, dice: np.random.Generator) -> list[float]:
    starts: list[float] = []
    phase_start_s, phase = 0.0, 0
    while len(starts) < n_visits:
        rate_per_s, mean_stay_s = _PHASES[phase]
        stay_s = dice.exponential(mean_stay_s)
        n_started = dice.poisson(rate_per_s * stay_s)
        starts.extend(np.sort(dice.uniform(phase_start_s, phase_start_s + stay_s, n_started)))
        phase_start_s, phase = phase_start_s + stay_s, 1 - phase
    return starts[:n_visits]
