"""What the synthetic deployments of a scenario really do.

    truth:
      champion:
        latency_s: {kind: lognormal, median: 0.004, sigma: 0.3}
        accuracy: {default: 0.95, mobile: 0.80}
      challenger:
        like: champion
        latency_s: {shift: 0.120}

A side takes over what it is `like` and changes what it names. The harness under test never reads
this file.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from statistics import NormalDist
from types import MappingProxyType
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from harness.errors import ConfigError

CHAMPION = "champion"


@dataclass(frozen=True, slots=True)
class Constant:
    """Every answer takes `value` seconds."""

    value: float

    def at(self, share: float) -> float:
        """The latency below which the given share of answers is, 0 < share < 1."""
        return self.value


@dataclass(frozen=True, slots=True)
class Lognormal:
    """A right-skewed latency with median `median`, in seconds, `sigma` of its logarithm."""

    median: float
    sigma: float

    def at(self, share: float) -> float:
        return self.median * math.exp(self.sigma * NormalDist().inv_cdf(share))


@dataclass(frozen=True, slots=True)
class Shifted:
    """Another latency and `shift` seconds on top."""

    base: Latency
    shift: float

    def at(self, share: float) -> float:
        return self.base.at(share) + self.shift


Latency = Constant | Lognormal | Shifted


@dataclass(frozen=True, slots=True)
class Accuracy:
    """How often an answer is right.

    Attributes:
        default: Share of requests answered right.
        by: Shares for a user or a source by that name; a user's own comes first.
    """

    default: float = 1.0
    by: Mapping[str, float] = field(default_factory=lambda: MappingProxyType({}))

    def of(self, user: str, source: str) -> float:
        return self.by.get(user, self.by.get(source, self.default))


@dataclass(frozen=True, slots=True)
class Behaviour:
    """What one deployment does.

    Attributes:
        own_chance: Share of requests on which being right is this deployment's own luck. On the
            rest it is the request's: the better of two deployments is right wherever the other is.
        fickle_rate: Share of calls answered with another label, by the chance of the call alone:
            the same request may be answered otherwise the next time.
        failure_rate: Share of requests answered with `failure_status`.
        hang_rate: Share of requests never answered.
        disconnect_rate: Share of requests whose connection is closed instead of an answer.
        keys: `as_is`, or `reversed` for the same JSON with its keys in the other order, spaced.
        output_tokens: What each answer says it used; None says nothing.
        capacity: Requests worked on at once; more wait. None is no limit.
        dies_after: The process ends when that many requests have been answered; None never.
    """

    latency_s: Latency = Constant(0.002)
    accuracy: Accuracy = Accuracy()
    own_chance: float = 0.0
    fickle_rate: float = 0.0
    failure_rate: float = 0.0
    failure_status: int = 500
    hang_rate: float = 0.0
    disconnect_rate: float = 0.0
    keys: str = "as_is"
    output_tokens: int | None = None
    capacity: int | None = None
    dies_after: int | None = None


@dataclass(frozen=True, slots=True)
class Truth:
    """What every deployment of a scenario does, and the seed of their chance."""

    seed: int
    behaviours: Mapping[str, Behaviour]


def read_scenario(path: Path) -> dict[str, Any]:
    """The document of a `scenario.yaml`.

    Raises:
        ConfigError: It cannot be read, or is no mapping.
    """
    try:
        document = YAML(typ="safe", pure=True).load(path.read_bytes())
    except (OSError, YAMLError) as exc:
        raise ConfigError(str(path), "", " ".join(str(exc).split())) from exc
    if not isinstance(document, dict):
        raise ConfigError(str(path), "", "is not a mapping")
    return document


def truth_of(path: Path) -> Truth:
    """The truth of a `scenario.yaml`.

    Raises:
        ConfigError: It says something no synthetic deployment can do.
    """
    document = read_scenario(path)
    sides = document.get("truth")
    if not isinstance(sides, dict) or CHAMPION not in sides:
        raise ConfigError(str(path), "truth", f"has no {CHAMPION!r}")
    behaviours: dict[str, Behaviour] = {}
    for name, written in sides.items():
        try:
            behaviours[name] = _behaviour(written or {}, behaviours)
        except (TypeError, ValueError, KeyError) as exc:
            raise ConfigError(str(path), f"truth.{name}", str(exc)) from exc
    return Truth(int(document.get("seed", 0)), behaviours)


def _behaviour(written: Mapping[str, Any], known: Mapping[str, Behaviour]) -> Behaviour:
    given = dict(written)
    like = given.pop("like", None)
    base = Behaviour() if like is None else known[like]
    if unknown := set(given) - {one.name for one in fields(Behaviour)}:
        raise ValueError(f"{sorted(unknown)[0]}: unknown key")
    if "latency_s" in given:
        given["latency_s"] = _latency(given["latency_s"], base.latency_s)
    if "accuracy" in given:
        given["accuracy"] = _accuracy(given["accuracy"])
    if given.get("keys", "as_is") not in ("as_is", "reversed"):
        raise ValueError(f"keys: is {given['keys']!r}, must be as_is or reversed")
    return replace(base, **given)


def _latency(written: Mapping[str, Any], base: Latency) -> Latency:
    match dict(written):
        case {"shift": shift, **rest} if not rest:
            return Shifted(base, float(shift))
        case {"kind": "constant", "value": value, **rest} if not rest:
            return Constant(float(value))
        case {"kind": "lognormal", "median": median, "sigma": sigma, **rest} if not rest:
            return Lognormal(float(median), float(sigma))
    raise ValueError(
        f"latency_s: is {dict(written)}, must be {{shift}}, {{kind: constant, value}} or "
        "{kind: lognormal, median, sigma}"
    )


def _accuracy(written: float | Mapping[str, float]) -> Accuracy:
    if isinstance(written, Mapping):
        by = {str(name): float(share) for name, share in written.items()}
        return Accuracy(by.pop("default", 1.0), by)
    return Accuracy(float(written))
