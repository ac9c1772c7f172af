"""Rankings agree when the same stands on top, in the same order, as far as one looks."""

from __future__ import annotations

import math
from collections.abc import Hashable
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
import orjson

from harness.compare.comparison import SAME, Comparison
from harness.compare.nearness import checked_within, within_reach
from harness.output import JsonValue

Ranking: TypeAlias = dict[Hashable, float]
"""From item to score, the best first; items with the same score are tied."""

By = Literal["overlap", "rbo", "kendall"]

# Kendall's tau looks at every two items; 5,000 of them are 12.5 million.
MOST_ITEMS = 5_000


@dataclass(frozen=True, slots=True)
class SameRanking:
    """Lists of items, the best first, or objects from item to score, the highest the best.

    An item that stands twice counts where it stands first. The distance, 0 to 1, is by

    - `overlap`: 1 minus the share of the first `k` that both have, in any order;
    - `rbo`: 1 minus the extrapolated rank-biased overlap, which weighs the first places most and
      takes lists of different length (Webber, Moffat and Zobel 2010, ACM Transactions on
      Information Systems 28:20, equation 32). `p` is how likely a reader goes on to the next place:
      with 0.9 the first ten have 86 % of the weight;
    - `kendall`: `(1 - tau_b) / 2` of Kendall's rank correlation with ties (Kendall 1945, Biometrika
      33:239): 0.5 for orders that have nothing to do with each other, 1 for opposite ones. An item
      that one side lacks is tied at its end; where all of one side is tied tau is taken to be 0.

    Args:
        k: Only so many places count; None for all.
        p: Persistence for `rbo`, in (0, 1).
        within: Largest distance that agrees, 0 or more.

    Examples:
        >>> SameRanking(k=3)(["a", "b", "c"], ["c", "b", "x"]).distance
        0.33333333333333337
        >>> SameRanking(by="kendall")(["a", "b", "c"], ["c", "b", "a"]).distance
        1.0
    """

    by: By = "overlap"
    k: int | None = None
    p: float = 0.9
    within: float = 0.0

    def __post_init__(self) -> None:
        checked_within(self.within)
        if self.by not in ("overlap", "rbo", "kendall"):
            raise ValueError(f"by is {self.by!r}, must be overlap, rbo or kendall")
        if self.k is not None and self.k < 1:
            raise ValueError(f"k is {self.k}, must be 1 or more")
        if not 0 < self.p < 1:
            raise ValueError(f"p is {self.p:g}, must be between 0 and 1")

    def __call__(self, champion: JsonValue, challenger: JsonValue) -> Comparison:
        one, other = ranking(champion, self.k), ranking(challenger, self.k)
        if one is None or other is None:
            if champion == challenger:
                return SAME
            return Comparison(math.inf, agree=False, note="not two rankings")
        if one == other and [*one] == [*other]:
            return SAME
        if not one or not other:
            return within_reach(1.0, self.within)
        match self.by:
            case "overlap":
                distance = 1.0 - len(one.keys() & other.keys()) / max(len(one), len(other))
            case "rbo":
                distance = 1.0 - rank_biased_overlap([*one], [*other], self.p)
            case "kendall":
                distance = (1.0 - tau_b(one, other)) / 2
        return within_reach(max(distance, 0.0), self.within)


def ranking(value: JsonValue, k: int | None) -> Ranking | None:
    """The first `k` items with their scores, the best first; None for what is no ranking."""
    if isinstance(value, dict):
        scores = [*value.items()]
        if not all(type(score) in (int, float) and score == score for _, score in scores):
            return None
        # Stable, so that ties stay in the order of the answer.
        ordered = sorted(scores, key=lambda item: -item[1])  # type: ignore[operator]
        return {item: float(score) for item, score in ordered[:k]}  # type: ignore[arg-type]
    if not isinstance(value, list):
        return None
    items = dict.fromkeys(_key(item) for item in value)
    return {item: -float(place) for place, item in enumerate([*items][:k])}


def _key(item: JsonValue) -> Hashable:
    """The same for the same JSON value; a text is itself, so that it is a key of an object too."""
    if isinstance(item, str):
        return item
    if isinstance(item, int | float) and not isinstance(item, bool):
        return item if item == item else "NaN"
    return orjson.dumps(item, option=orjson.OPT_SORT_KEYS)


def rank_biased_overlap(one: list[Hashable], other: list[Hashable], p: float) -> float:
    """Extrapolated rank-biased overlap of two lists without ties, neither of them empty; 0 to 1.

    Equation 32 of Webber et al. 2010: the agreement at the end of what is seen of both is taken to
    go on for ever.
    """
    short, long = sorted((one, other), key=len)
    s, length = len(short), len(long)
    seen_short: set[Hashable] = set()
    seen_long: set[Hashable] = set()
    x, x_s, total = 0, 0, 0.0
    for d in range(1, length + 1):
        mine, theirs = short[d - 1] if d <= s else None, long[d - 1]
        x += theirs in seen_short
        seen_long.add(theirs)
        if d <= s:
            x += mine in seen_long
            seen_short.add(mine)
        if d == s:
            x_s = x
        total += x / d * p**d
        if d > s:
            total += x_s * (d - s) / (s * d) * p**d
    return (1 - p) / p * total + ((x - x_s) / length + x_s / s) * p**length


def tau_b(one: Ranking, other: Ranking) -> float:
    """Kendall's tau-b over the items of both; 0 where all items of one side alone are tied.

    Raises:
        ValueError: There are more items than can be looked at two by two.
    """
    items = [*one, *(item for item in other if item not in one)]
    if len(items) > MOST_ITEMS:
        raise ValueError(f"{len(items)} items are more than {MOST_ITEMS}; set k")
    signs = []
    for scores in (one, other):
        # By places, as infinite scores have no difference; what a side lacks stands below all.
        places = {score: place for place, score in enumerate(sorted(set(scores.values())), 1)}
        x = np.array([places[scores[item]] if item in scores else 0 for item in items])
        signs.append(np.sign(x[:, None] - x[None, :])[np.triu_indices(len(x), 1)])
    a, b = signs
    if np.array_equal(a, b):
        return 1.0
    n_untied = math.sqrt(np.count_nonzero(a)) * math.sqrt(np.count_nonzero(b))
    return float(a @ b) / n_untied if n_untied else 0.0
