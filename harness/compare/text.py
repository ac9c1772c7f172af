"""Texts agree when they say the same in the same words, as strictly as one wants."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from rapidfuzz.distance import Levenshtein

from harness.compare.comparison import SAME, Comparison
from harness.compare.nearness import checked_within, within_reach
from harness.compare.wording import shown
from harness.output import JsonValue

By = Literal["exact", "normalized", "words", "word_set", "edit", "length"]

_WORD = re.compile(r"\w+")


@dataclass(frozen=True, slots=True)
class SameText:
    """Two texts, by one of several distances, all 0 to 1.

    - `exact`: 0 or 1.
    - `normalized`: 0 or 1 after compatibility forms (Unicode NFKC), case and runs of white space
      are made alike.
    - `words`: 1 minus F1 of the words both have, each as often as it stands (as for SQuAD:
      Rajpurkar et al. 2016, EMNLP).
    - `word_set`: 1 minus the share of all different words that both have (Jaccard 1912, New
      Phytologist 11:37).
    - `edit`: insertions, deletions and substitutions of characters (Levenshtein 1966, Soviet
      Physics Doklady 10:707) by the length of the longer text.
    - `length`: 1 minus the shorter's number of characters by the longer's.

    `words`, `word_set` and `edit` are of the normalized texts. Words are runs of letters and
    digits; for writing without spaces between words `edit` is the better choice. Texts of nothing
    but other characters have no words: two such agree where they are the same normalized.

    Args:
        within: Largest distance that agrees, 0 or more.

    Examples:
        >>> SameText(by="normalized")("Yes,  sure", "yes, sure").agree
        True
        >>> SameText(by="words", within=0.2)("the red car", "the blue car").distance
        0.33333333333333337
    """

    by: By = "exact"
    within: float = 0.0

    def __post_init__(self) -> None:
        checked_within(self.within)
        if self.by not in _DISTANCES:
            raise ValueError(f"by is {self.by!r}, must be one of {', '.join(_DISTANCES)}")

    def __call__(self, champion: JsonValue, challenger: JsonValue) -> Comparison:
        if type(champion) is type(challenger) and champion == challenger:
            return SAME
        note = f"{shown(champion)} -> {shown(challenger)}"
        if not (isinstance(champion, str) and isinstance(challenger, str)):
            return Comparison(1.0, agree=False, note=note)
        return within_reach(_DISTANCES[self.by](champion, challenger), self.within, note)


def normalized(text: str) -> str:
    """The text without differences of form, case and white space."""
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


def _by_normalized(one: str, other: str) -> float:
    return float(normalized(one) != normalized(other))


def _by_words(one: str, other: str) -> float:
    here, there = Counter(_words(one)), Counter(_words(other))
    if not here and not there:
        return _by_normalized(one, other)
    return 1.0 - 2 * (here & there).total() / (here.total() + there.total())


def _by_word_set(one: str, other: str) -> float:
    here, there = set(_words(one)), set(_words(other))
    if not here and not there:
        return _by_normalized(one, other)
    return 1.0 - len(here & there) / len(here | there)


def _words(text: str) -> list[str]:
    return _WORD.findall(normalized(text))


def _by_edit(one: str, other: str) -> float:
    return Levenshtein.normalized_distance(normalized(one), normalized(other))


def _by_length(one: str, other: str) -> float:
    return 1.0 - min(len(one), len(other)) / max(len(one), len(other))


_DISTANCES: dict[str, Callable[[str, str], float]] = {
    "exact": lambda _one, _other: 1.0,  # equal ones never get here
    "normalized": _by_normalized,
    "words": _by_words,
    "word_set": _by_word_set,
    "edit": _by_edit,
    "length": _by_length,
}
