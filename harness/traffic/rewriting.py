"""Freshen a recorded request where it would no longer be accepted: tokens, ids, timestamps.

A rewritten request goes to the champion too, or the two would not be asked the same. Only what is
named is touched; a body is encoded anew only when something in it changes, and then with its keys
in their order but without its white space.

A template may hold `{now}` (RFC 3339, UTC), `{now_s}`, `{now_ms}` and `{uuid}` (the same for all
deployments of one request). A value that replaces a number stays a number.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import jsonpath
import orjson

from harness.exchange import Headers, Request
from harness.traffic.prompting import PromptChange

_NS_PER_S = 1_000_000_000

UNCHANGED = PromptChange()
"""The prompt as it was asked."""

# Epoch numbers tell their unit by their size: seconds until the year 5138, then milliseconds and so
# on. Each unit is a thousand times the one before it.
_EPOCH_UNITS = ((1e11, 1), (1e14, 1_000), (1e17, 1_000_000), (float("inf"), _NS_PER_S))


@dataclass(frozen=True, slots=True)
class Rewrite:
    """What to freshen in each request.

    Attributes:
        headers: Name and template; replaces a header of that name in its place, or is appended.
        body: JSONPath into the JSON body and template; a path that matches nothing adds nothing.
        shift_times: JSONPaths of times to move by as much as the replay is later than the
            recording: epoch numbers (s, ms, µs, ns) or ISO 8601 text.
        prompt: Another prompt; applied first.
    """

    headers: tuple[tuple[str, str], ...] = ()
    body: tuple[tuple[str, str], ...] = ()
    shift_times: tuple[str, ...] = ()
    prompt: PromptChange = UNCHANGED

    def __post_init__(self) -> None:
        for path in (*(path for path, _ in self.body), *self.shift_times):
            try:
                jsonpath.compile(path)
            except jsonpath.JSONPathError as exc:
                raise ValueError(f"is {path!r}, must be a JSONPath such as $.user: {exc}") from exc

    @property
    def changes_anything(self) -> bool:
        changes = self.headers or self.body or self.shift_times
        return bool(changes) or self.prompt.changes_anything

    def then(self, other: Rewrite) -> Rewrite:
        """This one, and another after it.

        Examples:
            >>> Rewrite(body=(("$.a", "1"),)).then(Rewrite(body=(("$.b", "2"),))).body
            (('$.a', '1'), ('$.b', '2'))
        """
        return Rewrite(
            self.headers + other.headers,
            self.body + other.body,
            self.shift_times + other.shift_times,
            other.prompt if other.prompt.changes_anything else self.prompt,
        )

    def __call__(
        self, request: Request, *, recorded_at_ns: int | None, now_ns: int, seed: str
    ) -> Request:
        """The request to send now.

        Args:
            recorded_at_ns: When it was recorded; times are not shifted where that is unknown.
            now_ns: Now, UTC, in nanoseconds since 1970.
            seed: Makes `{uuid}`: one request's id in this run.
        """
        fill = _Filler(now_ns, seed)
        headers = _with_headers(request.headers, self.headers, fill)
        body = request.body
        if self.body or self.shift_times or self.prompt.changes_anything:
            later_ns = now_ns - recorded_at_ns if recorded_at_ns is not None else 0
            body = self._body(body, fill, later_ns)
        return replace(request, headers=headers, body=body)

    def _body(self, body: bytes, fill: _Filler, later_ns: int) -> bytes:
        try:
            document = orjson.loads(body)
        except orjson.JSONDecodeError:
            return body  # not JSON: there is nothing in it that a path could name
        changed = self.prompt.changes_anything
        if changed:
            document = self.prompt(document)
        for path, template in self.body:
            changed |= _replace_all(document, path, lambda old, t=template: fill.value(t, old))
        if later_ns:
            for path in self.shift_times:
                changed |= _replace_all(document, path, lambda old: _shifted(old, later_ns))
        return orjson.dumps(document) if changed else body


@dataclass(frozen=True, slots=True)
class _Filler:
    now_ns: int
    seed: str

    def text(self, template: str) -> str:
        now = datetime.fromtimestamp(self.now_ns // _NS_PER_S, UTC)
        return (
            template.replace("{now}", now.strftime("%Y-%m-%dT%H:%M:%SZ"))
            .replace("{now_s}", str(self.now_ns // _NS_PER_S))
            .replace("{now_ms}", str(self.now_ns // 1_000_000))
            .replace("{uuid}", str(uuid.uuid5(uuid.NAMESPACE_OID, self.seed)))
        )

    def value(self, template: str, old: Any) -> Any:
        text = self.text(template)
        if isinstance(old, int | float) and not isinstance(old, bool):
            try:
                return orjson.loads(text)
            except orjson.JSONDecodeError:
                return text
        return text


def _with_headers(
    headers: Headers, templates: tuple[tuple[str, str], ...], fill: _Filler
) -> Headers:
    for name, template in templates:
        value = fill.text(template)
        if any(have.lower() == name.lower() for have, _ in headers):
            headers = tuple(
                (have, value if have.lower() == name.lower() else old) for have, old in headers
            )
        else:
            headers = (*headers, (name, value))
    return headers


def _replace_all(document: Any, path: str, new: Any) -> bool:
    """Replace every match of `path` by `new(old)`; whether anything changed."""
    changed = False
    for match in list(jsonpath.finditer(path, document)):
        *parents, last = match.parts
        if match.parent is None:
            continue
        container = document
        for part in parents:
            container = container[part]
        value = new(container[last])
        if value != container[last]:
            container[last] = value
            changed = True
    return changed


def _shifted(old: Any, later_ns: int) -> Any:
    if isinstance(old, bool):
        return old
    if isinstance(old, int | float):
        per_s = next(unit for below, unit in _EPOCH_UNITS if abs(old) < below)
        moved = old + later_ns / _NS_PER_S * per_s
        return round(moved) if isinstance(old, int) else moved
    if isinstance(old, str):
        try:
            moved_at = datetime.fromisoformat(old) + timedelta(microseconds=later_ns // 1000)
        except (ValueError, OverflowError):
            return old
        text = moved_at.isoformat()
        return text.replace("+00:00", "Z") if old.endswith("Z") else text
    return old
