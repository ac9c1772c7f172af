"""A text that may be JSON, an event stream, lines of JSON, a form, or nothing of the kind.

Finds are replaced where they stand: of a JSON text nothing else changes, neither white space nor
the order or repetition of keys, and what is cut off in the middle is read as far as it goes. Only
where a member is replaced that a path names is the document read and written anew.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from urllib.parse import quote, quote_plus, unquote_to_bytes

from harness.dialects.json_predict import parsed_json
from harness.dialects.redaction.kinds import UnredactableError, has_any, without
from harness.dialects.redaction.members import Member, named_by, replacement
from harness.dialects.redaction.numbers import is_card
from harness.dialects.redaction.pseudonym import Pseudonyms, is_pseudonym
from harness.dialects.redaction.stream import rejoined
from harness.output import JsonValue, Undecodable

FORM = "application/x-www-form-urlencoded"
EVENTS = "text/event-stream"

_LITERAL = re.compile(r'"(?:[^"\\]++|\\.)*+(?:"|\\?\Z)', re.DOTALL)
_INTEGER = re.compile(r"(?<![\w.+-])[0-9]{13,19}(?![\w.])", re.ASCII)
_DATA = "data:"
_SHORTEST_FIND = 6  # a@b.co


@dataclass(slots=True)
class Documents:
    """Takes out of texts what is to be taken out, and remembers which members it replaced.

    Args:
        kinds: Names of `harness.dialects.redaction.kinds`.
        members: Parts of JSON documents, and fields of forms.

    Attributes:
        taken: Texts that stood in members, so that they can be replaced elsewhere too.
    """

    kinds: Sequence[str]
    members: Sequence[Member]
    pseudonyms: Pseudonyms
    taken: set[str] = field(default_factory=set)

    def text(self, text: str) -> str:
        """Without finds of the kinds."""
        if len(text) < _SHORTEST_FIND:
            return text
        return without(text, self.kinds, self.pseudonyms)

    def value(self, text: str) -> str:
        """A value from a member or beside the bodies: without finds, unknown if it was taken."""
        return self._name(text) if text in self.taken else self.text(text)

    def document(self, text: str, media_type: str) -> str:
        """Without finds and named members.

        Raises:
            UnredactableError: It is JSON that cannot be read, and members may stand in it.
        """
        if media_type == FORM:
            return self.form(text)
        if media_type == EVENTS or text.startswith(("data:", "event:")):
            return self._events(text)
        if not (media_type.endswith("json") or text.lstrip()[:1] in ("{", "[", '"')):
            return self.text(text)
        return self._json(text)

    def form(self, text: str) -> str:
        """Fields joined by `&`, as in a body or a query; those without finds stay as written."""
        return "&".join(map(self._field, text.split("&")))

    def path(self, path: str) -> str:
        """Segments of a request's path."""
        if "%" not in path and not has_any(path, self.kinds):
            return path
        return "/".join(self._escaped(segment, self.text, quote) for segment in path.split("/"))

    def _json(self, text: str) -> str:
        if self.members:
            text = self._without_members(text)
        if "\\" not in text and not has_any(text, self.kinds):
            return text
        pieces: list[str] = []
        done = 0
        for literal in _LITERAL.finditer(text):
            pieces += (self._between(text[done : literal.start()]), self._literal(literal[0]))
            done = literal.end()
        pieces.append(self._between(text[done:]))
        return "".join(pieces)

    def _without_members(self, text: str) -> str:
        value = parsed_json(text.encode("utf-8", "surrogateescape"))
        if not isinstance(value, Undecodable):
            return self._written_anew(text, value)
        if '"' not in text:
            return text  # no member can stand in it: `[DONE]`
        lines = text.splitlines()
        if len(lines) > 1 and all(line.lstrip()[:1] in ("", "{", "[") for line in lines):
            return "\n".join(self._without_members(line) if line.strip() else "" for line in lines)
        raise UnredactableError(f"{value.reason}, and a path may name something in it")

    def _written_anew(self, text: str, value: JsonValue) -> str:
        changed = False
        for member in self.members:
            if member.is_in(value):
                value = member.replaced(value, self._scalar)
                changed = True
        return json.dumps(value, separators=(",", ":")) if changed else text

    def _scalar(self, value: JsonValue) -> JsonValue:
        new = replacement(value, self._name)
        if new is not value:
            self.taken.add(named_by(value))
        return new

    def _name(self, text: str) -> str:
        """A pseudonym for the whole text; an address's own where it is nothing but an address."""
        found = self.text(text)
        return found if is_pseudonym(found) else self.pseudonyms("value", text)

    def _literal(self, written: str) -> str:
        """A string of JSON, quotes included; the last one of a text may be cut off."""
        if len(written) < _SHORTEST_FIND:
            return written
        if "\\" not in written:
            return self.text(written)
        is_whole = len(written) > 1 and written.endswith('"')
        try:
            text = json.loads(written if is_whole else f'{written}"', strict=False)
        except ValueError:
            return self.text(written)
        found = self.text(text)
        if found is text:
            return written
        literal = json.dumps(found)
        return literal if is_whole else literal[:-1]

    def _between(self, text: str) -> str:
        """What stands between strings: numbers, and text that is no JSON."""
        if len(text) < _SHORTEST_FIND:
            return text
        if "card" in self.kinds:
            text = _INTEGER.sub(self._integer, text)
        return self.text(text)

    def _integer(self, number: re.Match[str]) -> str:
        return f'"{self.pseudonyms("card", number[0])}"' if is_card(number[0]) else number[0]

    def _events(self, stream: str) -> str:
        """Each event by itself, and before that what several hold together."""
        stream = self._rejoined(stream)
        may_hide = bool(self.members) or has_any(stream, self.kinds)
        if not may_hide and "\\" not in stream:
            return stream
        # There are many, and nearly all say nothing: an escape is what could hide something.
        return "\n".join(
            self._event_line(line) if may_hide or "\\" in line else line
            for line in stream.split("\n")
        )

    def _event_line(self, line: str) -> str:
        if not line.startswith(_DATA):
            return self.text(line)
        content = line.removeprefix(_DATA)
        space = " " if content.startswith(" ") else ""
        return _DATA + space + self.document(content.removeprefix(" "), "")

    def _rejoined(self, stream: str) -> str:
        """A stream of events without finds that several of them hold together."""
        lines = stream.split("\n")
        found = {
            number: parsed_json(line[len(_DATA) :].encode("utf-8", "surrogateescape"))
            for number, line in enumerate(lines)
            if line.startswith(_DATA)
        }
        events = {at: value for at, value in found.items() if not isinstance(value, Undecodable)}
        numbers = list(events)
        for changed in rejoined(list(events.values()), self.kinds, self.pseudonyms):
            at = numbers[changed]
            end = "\r" if lines[at].endswith("\r") else ""
            lines[at] = f"{_DATA} {json.dumps(events[at], separators=(',', ':'))}{end}"
        return "\n".join(lines)

    def _field(self, pair: str) -> str:
        name, equals, value = pair.partition("=")
        plain = _unescaped(name)

        def without_finds(text: str) -> str:
            if any(member.is_in({plain: text}) for member in self.members):
                new = self._scalar(text)
                assert isinstance(new, str)
                return new
            return self.document(text, "")

        new_name = self._escaped(name, self.text, quote_plus)
        return new_name + equals + self._escaped(value, without_finds, quote_plus)

    def _escaped(
        self, text: str, replace: Callable[[str], str], escape: Callable[[bytes], str]
    ) -> str:
        plain = _unescaped(text) if escape is quote_plus else _unquoted(text)
        new = replace(plain)
        return text if new == plain else escape(new.encode("utf-8", "surrogateescape"))


def _unescaped(text: str) -> str:
    return _unquoted(text.replace("+", " "))


def _unquoted(text: str) -> str:
    content = unquote_to_bytes(text.encode("utf-8", "surrogateescape"))
    return content.decode("utf-8", "surrogateescape")
