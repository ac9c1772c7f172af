"""Make text that came from a model, a user or a config harmless where it is shown.

What a challenger answered ends up in a terminal, in a CI log and on a web page. There it may try to
move the cursor, reverse the reading direction, mention people, open a link or give the CI runner a
command. Nothing is dropped silently: a dangerous character is shown as its escape.
"""

from __future__ import annotations

import re
import unicodedata

LONGEST_LINE = 200
"""Characters of foreign text we show in one place; the run keeps the whole."""

# Controls, format characters (bidi, zero width), line and paragraph separators, lone surrogates.
_UNPRINTABLE = frozenset({"Cc", "Cf", "Zl", "Zp", "Cs"})

# CI runners act on lines they read: `::set-output` (GitHub, at the start of a line), `##[command]`
# and `##vso[` (Azure and older GitHub runners, anywhere), `##teamcity[`.
_RUNNER_COMMAND = re.compile(r":(?=:)|#(?=#)")

# All ASCII punctuation but what never means anything in Markdown or HTML. Dot, hyphen and
# underscore are plain inside a word (`latency_s.p95`), unless they make a `www.` link.
_MARKUP = re.compile(r"(?<![^\W_])[._-]|[._-](?![^\W_])|(?<=[wW])\.|[!\"#$&*+:<>@\[\\\]^`{|}~]")


def one_line(text: str, *, longest: int = LONGEST_LINE) -> str:
    """Foreign text as one printable line, for a terminal and as the base of the other forms.

    Line ends and tabs become spaces, other unprintable characters their escape, and what a CI
    runner would take for a command is pulled apart. Longer text ends in an ellipsis.

    Examples:
        >>> one_line("a\\x1b[31mred\\n::set-output name=x::1")
        'a\\\\x1b[31mred : :set-output name=x: :1'
    """
    apart = _RUNNER_COMMAND.sub(
        lambda match: f"{match.group()} ", printable(text, longest=longest + 1)
    )
    return apart if len(apart) <= longest else apart[: longest - 1] + "…"


def printable(text: str, *, longest: int = LONGEST_LINE) -> str:
    """Foreign text as one line of printable characters, for a page that no runner reads.

    It is not escaped: what may be markup where it is shown still has to be.
    """
    # The cut comes first, so that an endless answer costs no more than a line; escapes can only
    # lengthen it, hence the second cut.
    shown = "".join(map(_shown, text[: longest + 1]))
    return shown if len(shown) <= longest else shown[: longest - 1] + "…"


def markdown_code(text: str, *, longest: int = LONGEST_LINE) -> str:
    """Foreign text as a code element that is text and nothing else, also inside a table.

    GitHub neither mentions, nor links, nor renders emoji names inside `<code>`, and every character
    that could be markup is an entity.
    """
    return f"<code>{markdown_text(text, longest=longest)}</code>"


def markdown_text(text: str, *, longest: int = LONGEST_LINE) -> str:
    """Foreign text without markup, for running text and headings."""
    return _MARKUP.sub(_entity, one_line(text, longest=longest))


def _entity(match: re.Match[str]) -> str:
    code = f"&#{ord(match.group())};"
    # An entity alone is a mention again once it is rendered: a zero width space keeps them apart.
    return code + "&#8203;" if match.group() == "@" else code


def _shown(char: str) -> str:
    if char in "\n\r\t\v\f":
        return " "
    code = ord(char)
    # Noncharacters are illegal in XML and mean nothing anywhere.
    is_noncharacter = code & 0xFFFE == 0xFFFE or 0xFDD0 <= code <= 0xFDEF
    if unicodedata.category(char) in _UNPRINTABLE or is_noncharacter:
        return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"
    return char
