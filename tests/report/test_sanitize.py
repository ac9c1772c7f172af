from __future__ import annotations

import doctest
import html
import re
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

import harness.report.sanitize
from harness.report.sanitize import markdown_code, markdown_text, one_line

HOSTILE = (
    "\x1b[2J\x1b]0;owned\x07 <script>alert(1)</script> `code` | cell @everyone "
    "![img](http://evil.example/x.png) [link](javascript:alert(1)) \u202egnp.exe\u2066 "
    "\n::set-output name=a::b\r\n##[error]x ##vso[task.setvariable] www.evil.example :tada: "
    "*bold* _it_ ~~x~~ $math$ \\ & \ud800 \x00 \x9b31m \ufeff"
)


def test_examples_in_the_docstrings_are_true():
    """What the page shows is what comes out."""
    assert doctest.testmod(harness.report.sanitize).failed == 0


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain text, 7 €, naïve 漢字", "plain text, 7 €, naïve 漢字"),
        ("a\nb\tc", "a b c"),
        ("\x1b[31mred", "\\x1b[31mred"),
        ("\u202eevil", "\\u202eevil"),
        ("\x9b31m", "\\x9b31m"),
        ("\ud800", "\\ud800"),
        ("\n::set-output name=a::b", " : :set-output name=a: :b"),
        ("##[error]", "# #[error]"),
        ("x" * 300, "x" * 199 + "…"),
    ],
)
def test_a_line_is_printable_and_gives_no_commands(text, shown):
    """Ordinary text stays; the rest is seen instead of obeyed."""
    assert one_line(text) == shown


@given(st.text(st.characters(codec=None)) | st.text(":# \n"))
def test_whatever_comes_in_one_short_printable_line_comes_out(text):
    """For any string at all, lone surrogates included."""
    line = one_line(text, longest=80)

    assert len(line) <= 80
    assert all(unicodedata.category(char) not in {"Cc", "Cf", "Cs", "Zl", "Zp"} for char in line)
    assert "::" not in line
    assert "##" not in line
    line.encode()


@given(st.text(st.characters(codec=None)) | st.just(HOSTILE))
def test_markdown_code_is_text_and_nothing_else(text):
    """No markup character is left, and what is rendered reads as the line it was."""
    code = markdown_code(text)

    inner = code.removeprefix("<code>").removesuffix("</code>")
    assert re.search(r"[<>`|@\[\]*\\~$:!{}\"\^+]", inner) is None
    assert re.search(r"#(?!\d)|&(?!#\d+;)", inner) is None
    assert "www." not in inner.lower()
    assert html.unescape(inner).replace("\u200b", "") == one_line(text)


@pytest.mark.parametrize(
    ("text", "escaped"),
    [
        ("latency_s.p95", "latency_s.p95"),
        ("_x_", "&#95;x&#95;"),
        ("1. a", "1&#46; a"),
        ("- a", "&#45; a"),
        ("@someone", "&#64;&#8203;someone"),
        ("www.evil.example", "www&#46;evil.example"),
    ],
)
def test_words_stay_readable_in_the_source(text, escaped):
    """Dots, hyphens and underscores inside a word are plain, anywhere else they are not."""
    assert markdown_text(text) == escaped
