"""What is registered is tested, documented and shown."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

from harness.exchange import Recorded
from harness.readers import harness_log
from tests.readers.sources import FIXTURES, LOGS, READERS, only, read

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "logs.md").read_text()


def test_every_format_is_a_plug_in():
    """Our own formats come through the door that is open to others."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]

    registered = project["entry-points"]["harness.readers"]

    assert set(registered) == set(READERS)
    assert all(value.endswith(":READER") for value in registered.values())


def test_every_format_is_documented_and_has_a_log():
    """A section each, and at least one fixture."""
    assert [name for name in READERS if f"\n## {name}\n" not in PAGE] == []
    assert set(FIXTURES.values()) == set(READERS)


def test_every_fixture_is_explained():
    """What is special in it, for whoever opens it."""
    text = (ROOT / "fixtures" / "README.md").read_text()

    assert [path.name for path in LOGS.iterdir() if path.name not in text] == []


def test_the_documented_line_is_read():
    """Who copies it has a log."""
    (line,) = re.findall(r"^\{\"format\".*$", PAGE, re.MULTILINE)

    found = only(read(harness_log.READER, line.encode()))

    assert isinstance(found, Recorded)
    assert dict(found.request.headers)["Content-Length"] == str(len(found.request.body))


def test_the_documented_nginx_format_is_recognised():
    """Names that the reader does not know would be lost without a word."""
    (block,) = re.findall(r"```nginx\n(.*?)```", PAGE, re.DOTALL)
    line = "".join(re.findall(r"'(.*)'", block))
    values = {"$msec": "1748779200.5", "$status": "200", "$request_time": "0.1"}
    for name in re.findall(r"\$\w+", line):
        line = line.replace(f'"{name}"', f'"{values.get(name, "")}"')
    line = line.replace('"request_method":""', '"request_method":"GET"')
    line = line.replace('"request_uri":""', '"request_uri":"/"')

    assert READERS["nginx"].sniff(line.encode() + b"\n")
    assert isinstance(only(read(READERS["nginx"], line.encode())), Recorded)
