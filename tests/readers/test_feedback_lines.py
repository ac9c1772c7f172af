"""Feedback as lines of JSON."""

import pytest

from harness.exchange import Rejected
from harness.feedback import Feedback, FeedbackKind
from harness.readers.feedback_lines import read_feedback

AT = b'"at": "1970-01-01T00:00:01Z"'


@pytest.mark.parametrize(
    ("said", "kind", "value", "is_negative"),
    [
        (b'"label": "spam"', FeedbackKind.LABEL, '"spam"', False),
        (b'"label": 7', FeedbackKind.LABEL, "7", False),
        (b'"rating": 4.5', FeedbackKind.RATING, "4.5", False),
        (b'"thumb": "down"', FeedbackKind.THUMB, '"down"', True),
        (b'"thumb": "up"', FeedbackKind.THUMB, '"up"', False),
        (b'"regenerated": true', FeedbackKind.REGENERATED, "true", True),
        (b'"completed": false', FeedbackKind.COMPLETED, "false", True),
    ],
)
def test_each_kind_is_read(said, kind, value, is_negative):
    """One thing a line; whether it is negative follows from what it says."""
    (found,) = read_feedback([b'{"id": "e1", ' + AT + b", " + said + b', "reason": "a  b"}', b"\n"])

    assert found == Feedback("e1", kind, value, 1_000_000_000, "a b")
    assert found.is_negative is is_negative


@pytest.mark.parametrize(
    "line",
    [
        b"{",
        b"[]",
        b'{"id": "e1", "label": "x"}',
        b'{"id": "e1", "at": "yesterday", "label": "x"}',
        b'{"id": 7, ' + AT + b', "label": "x"}',
        b'{"id": "", ' + AT + b', "label": "x"}',
        b"{" + AT + b', "label": "x"}',
        b'{"id": "e1", ' + AT + b"}",
        b'{"id": "e1", ' + AT + b', "label": "x", "thumb": "up"}',
        b'{"id": "e1", ' + AT + b', "label": {"a": 1}}',
        b'{"id": "e1", ' + AT + b', "label": null}',
        b'{"id": "e1", ' + AT + b', "rating": true}',
        b'{"id": "e1", ' + AT + b', "thumb": ["up"]}',
        b'{"id": "e1", ' + AT + b', "completed": "yes"}',
    ],
)
def test_what_cannot_be_read_is_counted_and_named(line):
    """One bad line costs one line."""
    good = b'{"id": "e1", ' + AT + b', "thumb": "up"}'

    rejected, found = read_feedback([line, good])

    assert isinstance(rejected, Rejected)
    assert rejected.position == "line 1"
    assert isinstance(found, Feedback)
