"""Feedback as JSON Lines: `{"id": ..., "at": ..., "label": ..., "reason": ...}`.

`id` is the request's, ours or the client's; `at` is RFC 3339. Besides there is one of `label` (any
scalar), `rating` (a number), `thumb` (`up` or `down`), `regenerated` or `completed` (true or
false), and `reason`, a word or two on what was wrong.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import orjson

from harness.exchange import Rejected
from harness.feedback import Feedback, FeedbackKind
from harness.readers import instant

_LONGEST_REASON = 200


def read_feedback(lines: Iterable[bytes]) -> Iterator[Feedback | Rejected]:
    """Read feedback in the order of its lines; empty lines are nothing.

    A line that cannot be read is yielded as `Rejected`: who exported it may have meant others.
    """
    for number, line in enumerate(lines, start=1):
        if line.strip():
            try:
                yield _feedback(orjson.loads(line))
            except (ValueError, TypeError, KeyError) as exc:
                why = f"no {exc}" if isinstance(exc, KeyError) else str(exc)
                yield Rejected(f"line {number}", why[:200])


def _feedback(record: Any) -> Feedback:
    if not isinstance(record, dict):
        raise TypeError("is no JSON object")
    kinds = [kind for kind in FeedbackKind if kind.value in record]
    if len(kinds) != 1:
        known = ", ".join(FeedbackKind)
        raise ValueError(f"says {len(kinds)} things, must be one of {known}")
    about, reason = record["id"], record.get("reason", "")
    if not isinstance(about, str) or not about or not isinstance(reason, str):
        raise TypeError("has an id or a reason that is no text")
    value = record[kinds[0].value]
    if not _fits(kinds[0], value):
        raise ValueError(f"has the {kinds[0]} {str(value)[:40]!r}")
    text = orjson.dumps(value).decode()
    at_ns = instant.parse(record["at"])
    return Feedback(about, kinds[0], text, at_ns, " ".join(reason.split())[:_LONGEST_REASON])


def _fits(kind: FeedbackKind, value: Any) -> bool:
    match kind:
        case FeedbackKind.LABEL:
            return isinstance(value, str | int | float | bool)
        case FeedbackKind.RATING:
            return isinstance(value, int | float) and not isinstance(value, bool)
        case FeedbackKind.THUMB:
            return value in ("up", "down")
        case FeedbackKind.REGENERATED | FeedbackKind.COMPLETED:
            return isinstance(value, bool)
