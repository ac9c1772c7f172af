"""A small config that is right; a test changes what it is about."""

from pathlib import Path

GOOD = """\
champion:
  name: old
  url: http://127.0.0.1:9101
challengers:
  - name: new
    url: http://127.0.0.1:9102
log: visits.jsonl
output:
  label: $.label
compare:
  - {name: label, path: $.label, as: label}
policy:
  rules:
    - {not_worse: failure_rate, margin: 0.02}
"""


def with_line(before: str, *lines: str, text: str = GOOD) -> str:
    """The text with lines put in front of the first line that starts with `before`."""
    at = text.index(before)
    return text[:at] + "".join(f"{line}\n" for line in lines) + text[at:]


def replaced(old: str, new: str, text: str = GOOD) -> str:
    assert old in text
    return text.replace(old, new, 1)


def with_rule(*rules: str) -> str:
    return GOOD + "".join(f"    - {rule}\n" for rule in rules)


def written(directory: Path, text: str | bytes) -> Path:
    path = directory / "harness.yaml"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path
