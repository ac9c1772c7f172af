"""What somebody says later about an answer that users got: a label, a rating, a thumb.

Users saw the champion's answer alone, so that a rating is about that one. A label is about the
request: what the right answer would have been, and both sides are held against it.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class FeedbackKind(StrEnum):
    """What is said."""

    LABEL = "label"  # the right label, any JSON scalar
    RATING = "rating"  # a number, higher is better
    THUMB = "thumb"  # up or down
    REGENERATED = "regenerated"  # the user asked for another answer
    COMPLETED = "completed"  # whether the user's task was done


@dataclass(frozen=True, slots=True)
class Feedback:
    """One thing that was said about one request.

    Attributes:
        about: The request's id, ours or the client's.
        value: JSON text.
        reason: Why, in a word or two: the class of failure; empty where nobody says.
        at_ns: When it was said, UTC, in nanoseconds since 1970.
    """

    about: str
    kind: FeedbackKind
    value: str
    at_ns: int
    reason: str = ""

    @property
    def is_negative(self) -> bool:
        """Whether it says that the answer was no good. A label and a rating do not say so."""
        match self.kind:
            case FeedbackKind.THUMB:
                return self.value == '"down"'
            case FeedbackKind.REGENERATED:
                return self.value == "true"
            case FeedbackKind.COMPLETED:
                return self.value == "false"
            case FeedbackKind.LABEL | FeedbackKind.RATING:
                return False
