"""How often one corpus has been asked, and what that leaves of the error.

Every gate run against the same recorded log uses up some of it. Ten prompts tried against one log
and the best one promoted: that is selection, and the error of a single run does not cover it. A
ledger counts the runs; and where it is asked to, run number `j` gets the error

    alpha * 6 / (pi^2 j^2)

whose sum over all `j` is `alpha`, so that the chance of *any* wrong promotion from this log stays
below it, however often it is used.

References:
    Dwork et al. (2015), Science 349:636, on what reusing a hold-out does.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Use:
    """One gate run against a corpus.

    Attributes:
        corpora: Digests of the logs behind the runs; the run itself where it has no log.
        run_ids: Judged as one.
    """

    corpora: tuple[str, ...]
    run_ids: tuple[str, ...]
    policy_digest: str

    def is_again(self, earlier: Use) -> bool:
        """Whether the same runs are judged by the same policy: nothing new is asked."""
        return (set(self.run_ids), self.policy_digest) == (
            set(earlier.run_ids),
            earlier.policy_digest,
        )

    def shares_corpus(self, earlier: Use) -> bool:
        return not set(self.corpora).isdisjoint(earlier.corpora)


def number_of(use: Use, earlier: Iterable[Use]) -> int:
    """Which gate run against its corpus this is, from 1; judged again it keeps its number.

    Args:
        earlier: In the order they were entered, of any corpus.
    """
    n_before = 0
    for one in earlier:
        if one.shares_corpus(use):
            n_before += 1
            if use.is_again(one):
                return n_before
    return n_before + 1


def alpha_of(alpha: float, number: int) -> float:
    """The error left for run `number` against one corpus.

    Examples:
        >>> [round(alpha_of(0.05, number), 4) for number in (1, 2, 10)]
        [0.0304, 0.0076, 0.0003]
    """
    return alpha * 6 / (math.pi * number) ** 2
