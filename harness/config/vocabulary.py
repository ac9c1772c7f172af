"""The metrics a config's rules can be about: the catalog's, with this config's own names."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from harness.config.problems import BadValueError, nearest
from harness.measure import catalog
from harness.metric import Better, Metric, Unit


@dataclass(frozen=True, slots=True)
class Score:
    """A numeric output, as far as a metric needs to know it."""

    better: Better
    worst: float | None = None


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """The names this config defines.

    Attributes:
        scores: Numeric outputs.
        comparisons: Names of comparisons.
        repeated: Whether the champion is asked twice.
        asked: Who is asked about the answers.
    """

    scores: Mapping[str, Score] = field(default_factory=dict)
    comparisons: tuple[str, ...] = ()
    repeated: bool = False
    asked: catalog.AskedAbout = catalog.NOBODY

    def metric(self, name: str, limit: float | None) -> Metric:
        """The metric of a rule.

        Args:
            limit: In the unit of the quantity.

        Raises:
            BadValueError: There is no such metric, or its limit is missing or senseless.
        """
        known = catalog.names(
            self.scores, self.comparisons, repeated=self.repeated, asked=self.asked
        )
        stems = {one.rpartition(".")[0] or one for one in known}
        if not any(name == stem or name.startswith(f"{stem}.") for stem in stems):
            raise BadValueError("is {value}, not a metric of this config", nearest(name, known))
        try:
            return catalog.resolve(
                name,
                limit=limit,
                outputs=self.scores,
                comparisons=self.comparisons,
                repeated=self.repeated,
                asked=self.asked,
            )
        except ValueError as exc:
            raise BadValueError(str(exc)) from exc


def limit_unit(name: str) -> Unit:
    """The unit of the quantity that a metric is about, which its limit is in."""
    return catalog.QUANTITIES.get(name.partition(".")[0], Unit.SCORE)
