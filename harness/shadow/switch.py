"""What may be changed while traffic flows: whether it is mirrored, and which share of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

PPM = 1_000_000


class RefusedError(ValueError):
    """A change that makes no sense; one sentence for whoever asked."""


@dataclass(frozen=True, slots=True)
class Change:
    """What was changed.

    Attributes:
        what: `mirroring` or `sample`.
    """

    what: str
    before: bool | float
    after: bool | float


@dataclass(slots=True)
class Switch:
    """The kill switch and the share.

    Attributes:
        sample: Share of the requests that is mirrored while mirroring is on, 0 to 1.
    """

    sample: float
    mirroring: bool = True

    @property
    def ppm(self) -> int:
        """What the fronts are told: off is a share of nothing."""
        return round(self.sample * PPM) if self.mirroring else 0

    def apply(self, asked: Mapping[str, Any]) -> Change:
        """Do what was asked: `pause`, `resume`, or `sample` with a `rate`.

        Raises:
            RefusedError: It was something else, or the rate is none.
        """
        match asked:
            case {"ask": "pause"}:
                return self._turn(on=False)
            case {"ask": "resume"}:
                return self._turn(on=True)
            case {"ask": "sample", "rate": int() | float() as rate} if not isinstance(rate, bool):
                if not 0 <= rate <= 1:
                    raise RefusedError(f"a share is 0 to 1, and {rate:g} is not")
                before, self.sample = self.sample, float(rate)
                return Change("sample", before, self.sample)
        raise RefusedError("known are pause, resume, sample with a rate, reload and status")

    def _turn(self, *, on: bool) -> Change:
        before, self.mirroring = self.mirroring, on
        return Change("mirroring", before, on)
