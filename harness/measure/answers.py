"""What the two answers of a pair say, and how they compare: the part of measuring that is per row.

Theory of operation
===================

An answer is in one of four states. It *failed* on the wire (its outcome says so). Its body was *not
kept* whole, by our own doing: then nothing is known, nothing failed, and every value is missing. It
is *undecodable*, or was cut off before its end: a failure. Or it has a value, in which the paths of
the config are looked up.

A path that matches in the champion's answer and not in the challenger's is a failure of the
challenger (`no_output`). One that the champion's answer does not have is no failure of either: a
422 has no label. An output that is there but is no finite number is a failure of the side that sent
it. When both sides refuse a request in the same words and the words are no JSON (an HTML 404),
neither failed: it is an answer, and they agree.

Answers equal byte for byte, status included, are read once and agree without being compared. That
is most of them, and the reason why a run with few differences is measured at the speed of parsing.
"""

from __future__ import annotations

import json
import math
from collections import Counter
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TypeAlias

import orjson

from harness.exchange import Headers
from harness.measure.coverage import Coverage
from harness.measure.spec import Comparing, NumericOutput, ValueSpec
from harness.output import MISSING, Decoded, Found, JsonValue, Undecodable, same_scalar

Raw: TypeAlias = tuple[str, int | None, bytes, bool, Headers]
"""One side as stored: outcome, status, body, whether the body was kept whole, content headers."""

NO_OUTPUT = "no_output"

_MOST_REASONS = 20


@dataclass(slots=True)
class SideColumns:
    """Columns of one side, growing row by row."""

    side: str
    outputs: list[list[float | None]]
    failure: list[str | None] = field(default_factory=list)
    correct: list[bool | None] = field(default_factory=list)
    label: list[str | None] = field(default_factory=list)
    refused: list[bool | None] = field(default_factory=list)
    misformatted: list[bool | None] = field(default_factory=list)
    output_tokens: list[int | None] = field(default_factory=list)


@dataclass(slots=True)
class ComparisonColumns:
    """Columns of one comparison, growing row by row."""

    agree: list[bool | None] = field(default_factory=list)
    distance: list[float | None] = field(default_factory=list)
    paths: list[list[str] | None] = field(default_factory=list)

    def add(self, agree: bool | None, distance: float | None, paths: list[str] | None) -> None:
        self.agree.append(agree)
        self.distance.append(distance)
        self.paths.append(paths)


@dataclass(slots=True)
class _Answer:
    """One answer as read.

    Attributes:
        parts: What each path of the config found, in their order; None when there is nothing to
            look into.
        reason: Why it is undecodable.
        is_refusal: Whether it is undecodable, but not a success by its status.
        refused: Whether the model declined, where the dialect can tell.
        misformatted: Whether it lacks the format that is demanded, where one is.
        output_tokens: As its usage says, where streams are looked at.
    """

    parts: list[Found] | None = None
    failure: str | None = None
    reason: str = ""
    is_refusal: bool = False
    is_success: bool | None = None
    refused: bool | None = None
    misformatted: bool | None = None
    output_tokens: int | None = None


@dataclass(frozen=True, slots=True)
class _Said:
    """What an answer says about the request: JSON text of its label, and its numeric outputs."""

    label: str | None
    correct: bool | None
    numbers: list[float | None]


class AnswerReader:
    """Reads pairs of answers into columns, and counts what it meets."""

    def __init__(self, spec: ValueSpec) -> None:
        self.champion = SideColumns("champion", [[] for _ in spec.outputs])
        self.challenger = SideColumns("challenger", [[] for _ in spec.outputs])
        self.comparisons = [ComparisonColumns() for _ in spec.comparisons]
        self._spec = spec
        self._names = tuple(spec.paths)
        self._finds = tuple(spec.paths.values())
        self._has_label = spec.label is not None
        self._outputs = range(self._has_label, self._has_label + len(spec.outputs))
        self._n_found = [0] * len(self._finds)
        self._n_lacking = [0] * len(self._finds)
        self._counts: Counter[str] = Counter()
        self._undecodable: Counter[str] = Counter()
        self._compare_errors: Counter[str] = Counter()

    def add(self, champion: Raw, challenger: Raw, truth: str | None) -> None:
        """Read one pair.

        Args:
            truth: JSON text of the right label.
        """
        one = self._read(champion)
        other = one if champion == challenger else self._read(challenger)
        if other is not one:
            self._look_for_what_is_lacking(one, other)
        elif one.is_refusal:
            one.failure = None
        self._count_found(one)
        right = self._truth(truth)
        said = self._said(one, right)
        self._add_side(self.champion, one, said)
        self._add_side(self.challenger, other, said if other is one else self._said(other, right))
        self._add_comparisons(one, other)

    def coverage(self) -> Coverage:
        """What was met so far."""
        return Coverage(
            n_not_kept=self._counts["not_kept"],
            n_champion_answers=self._counts["champion_answers"],
            n_with_truth=self._counts["with_truth"],
            n_truth_unreadable=self._counts["truth_unreadable"],
            n_truth_of_other_type=self._counts["truth_of_other_type"],
            found=dict(zip(self._names, self._n_found, strict=True)),
            lacking=dict(zip(self._names, self._n_lacking, strict=True)),
            undecodable=dict(self._undecodable.most_common(_MOST_REASONS)),
            compare_errors=dict(self._compare_errors.most_common(_MOST_REASONS)),
        )

    def _read(self, raw: Raw) -> _Answer:
        outcome, status, body, kept, headers = raw
        if outcome != "ok":
            return _Answer(failure=outcome)
        if not kept:
            self._counts["not_kept"] += 1
            return _Answer()
        is_success = None if status is None else 200 <= status < 300
        decoded = self._decoded(body, headers)
        if isinstance(decoded, Undecodable):
            return _Answer(None, decoded.kind, decoded.reason, is_success is False, is_success)
        parts = [find(decoded) for find in self._finds]
        broken = any(
            parts[i] is not MISSING and _number(parts[i]) is None
            for i, output in zip(self._outputs, self._spec.outputs.values(), strict=True)
            if output.grade is None
        )
        return _Answer(
            parts,
            NO_OUTPUT if broken else None,
            is_success=is_success,
            refused=self._refused(decoded),
            misformatted=self._is_misformatted(parts),
            output_tokens=self._output_tokens(decoded),
        )

    def _decoded(self, body: bytes, headers: Headers) -> Decoded:
        assert self._spec.decode is not None
        try:
            return self._spec.decode(body, headers)
        except Exception as exc:  # a plug-in's fault is a fact about the answer, not a crash
            return Undecodable(f"the dialect broke: {type(exc).__name__}: {exc}")

    def _refused(self, decoded: JsonValue) -> bool | None:
        return None if self._spec.refused is None else self._spec.refused(decoded)

    def _is_misformatted(self, parts: list[Found]) -> bool | None:
        """None also for an answer without the part; see above for when that is a failure."""
        demanded = self._spec.answer_format
        if demanded is None:
            return None
        found = parts[-1]
        return None if found is MISSING else demanded.problem(found) is not None

    def _output_tokens(self, decoded: JsonValue) -> int | None:
        return self._spec.streaming.output_tokens(decoded) if self._spec.streaming else None

    def _look_for_what_is_lacking(self, champion: _Answer, challenger: _Answer) -> None:
        if champion.parts is None or challenger.parts is None:
            return
        for i, part in enumerate(champion.parts):
            if part is not MISSING and challenger.parts[i] is MISSING:
                self._n_lacking[i] += 1
                challenger.failure = NO_OUTPUT

    def _count_found(self, champion: _Answer) -> None:
        if champion.parts is None:
            return
        self._counts["champion_answers"] += 1
        for i, part in enumerate(champion.parts):
            if part is not MISSING:
                self._n_found[i] += 1

    def _truth(self, text: str | None) -> Found:
        if text is None:
            return MISSING
        try:
            truth = _parsed_truth(text)
        except (ValueError, RecursionError):
            self._counts["truth_unreadable"] += 1
            return MISSING
        self._counts["with_truth"] += 1
        return truth

    def _said(self, answer: _Answer, truth: Found) -> _Said:
        label = answer.parts[0] if answer.parts is not None and self._has_label else MISSING
        return _Said(
            label=None if label is MISSING else _json_text(label),
            correct=self._is_correct(answer, label, truth),
            numbers=[
                _graded(answer.parts[i] if answer.parts is not None else MISSING, truth, output)
                for i, output in zip(self._outputs, self._spec.outputs.values(), strict=True)
            ],
        )

    def _add_side(self, columns: SideColumns, answer: _Answer, said: _Said) -> None:
        if answer.reason and answer.failure is not None:
            self._undecodable[f"{columns.side}: {answer.reason}"] += 1
        columns.failure.append(answer.failure)
        columns.label.append(said.label)
        columns.correct.append(said.correct)
        columns.refused.append(answer.refused)
        columns.misformatted.append(answer.misformatted)
        columns.output_tokens.append(answer.output_tokens)
        for column, number in zip(columns.outputs, said.numbers, strict=True):
            column.append(number)

    def _is_correct(self, answer: _Answer, label: Found, truth: Found) -> bool | None:
        """None when the truth or the answer is not known; no label is a wrong one."""
        if truth is MISSING or not self._has_label:
            return None
        if answer.failure is not None or answer.is_refusal:
            return False
        if answer.parts is None:
            return None
        if label is MISSING:
            return False
        if same_scalar(label, truth):
            return True
        if isinstance(label, str) is not isinstance(truth, str) and _bare(label) == _bare(truth):
            self._counts["truth_of_other_type"] += 1
        return False

    def _add_comparisons(self, one: _Answer, other: _Answer) -> None:
        failed = one.failure is not None or other.failure is not None
        for i, (columns, entry) in enumerate(
            zip(self.comparisons, self._spec.comparisons, strict=True), start=self._outputs.stop
        ):
            if not failed and other is one and one.is_refusal:
                columns.add(True, 0.0, [])
            elif failed or one.parts is None or other.parts is None:
                columns.add(None, None, None)
            elif other is one:
                found = one.parts[i] is not MISSING
                columns.add(*((True, 0.0, []) if found else (None, None, None)))
            else:
                columns.add(*self._compared(entry, one, other, one.parts[i], other.parts[i]))

    def _compared(
        self, entry: Comparing, one: _Answer, other: _Answer, champion: Found, challenger: Found
    ) -> tuple[bool | None, float | None, list[str] | None]:
        if challenger is MISSING:
            return None, None, None  # the champion's is missing too, or this were a failure
        if champion is MISSING:
            return False, None, ["$"]
        try:
            comparison = entry.compare(champion, challenger)
        except Exception as exc:  # a plug-in's fault is counted, and its pair has no value
            self._compare_errors[f"{entry.name}: {type(exc).__name__}: {exc}"] += 1
            return None, None, None
        if {one.is_success, other.is_success} == {True, False}:
            return False, comparison.distance, ["status", *comparison.paths]
        return comparison.agree, comparison.distance, list(comparison.paths)


def _graded(found: Found, truth: Found, output: NumericOutput) -> float | None:
    if output.grade is None:
        return _number(found)
    if found is MISSING or truth is MISSING:
        return None
    return _number(output.grade(found, truth))


def _number(found: Found) -> float | None:
    """A finite number; None for anything else."""
    if type(found) is float:
        return found if math.isfinite(found) else None
    if type(found) is not int:
        return None
    try:
        return float(found)
    except OverflowError:  # an integer beyond any float
        return None


@lru_cache(maxsize=4096)  # labels are few and stand in millions of rows
def _parsed_truth(text: str) -> JsonValue:
    truth: JsonValue = json.loads(text)
    return truth


def _json_text(value: Found) -> str:
    if type(value) is str or (type(value) is int and -(2**63) <= value < 2**64):
        return orjson.dumps(value).decode()
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _bare(value: Found) -> str:
    return value if isinstance(value, str) else _json_text(value)
