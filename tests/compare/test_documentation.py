"""The page on comparators says what there is, and its plug-in works."""

import re
import sys
from dataclasses import fields
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from harness import plugins
from harness.cli.meaning import value_spec
from harness.config.comparison import KINDS
from harness.config.loading import restore
from harness.measure.values import tabulate
from tests.measure.tables import pairs

PAGE = (Path(__file__).parents[2] / "docs" / "comparators.md").read_text()
ROWS = {
    kind: (distance, options)
    for kind, distance, options in re.findall(
        r"^\| `(\w+)` \| [^|]* \| ([^|]*) \| ([^|]*) \|$", PAGE, re.MULTILINE
    )
    if kind != "as"  # the head
}
# An option of the config that the comparator is not told of: see `harness.cli.meaning`.
BEFORE = {"structure": {"volatile"}}


def test_our_comparators_are_those_that_the_config_knows():
    """One list for the schema, one for the plug-ins."""
    ours = [
        entry.name
        for entry in plugins.entry_points(group=plugins.COMPARATORS)
        if entry.value.startswith("harness.")
    ]

    assert {*KINDS} == {*ours} == {*ROWS}


@pytest.mark.parametrize("kind", KINDS)
def test_every_option_is_listed(kind):
    """The page's are those of the code."""
    made = plugins.load(plugins.COMPARATORS, kind)
    options = {field.name for field in fields(made) if field.init}

    assert {*re.findall(r"`(\w+)`", ROWS[kind][1])} == options | BEFORE.get(kind, set())


@pytest.mark.parametrize("kind", ["ranking", "text"])
def test_every_way_is_listed(kind):
    """Each `by` has its distance on the page."""
    made = plugins.load(plugins.COMPARATORS, kind)

    for word in re.findall(r"`(\w+)`", ROWS[kind][0]):
        if word not in ("by", "k", "p"):
            made(by=word)


@pytest.mark.parametrize("text", re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL))
def test_the_examples_of_the_page_load(text):
    """Each is a part of a config, and its comparators can be made."""
    part = YAML(typ="safe").load(text)
    rules = [{"at_most": "failure_rate", "value": 0.1}, *part.pop("policy", {}).get("rules", ())]
    config = restore(
        {
            "champion": {"name": "a", "url": "http://127.0.0.1:1"},
            "challengers": [{"name": "b", "url": "http://127.0.0.1:2"}],
            "policy": {"rules": rules},
            **part,
        },
        path="harness.yaml",
    )

    spec = value_spec(config, open_loop=False)

    assert len(spec.comparisons) == len(part.get("compare", ()))
    assert len(config.metrics_for("b")) == len(rules)


def test_the_plug_in_of_the_page_works(tmp_path, monkeypatch):
    """As it stands there: written into a package, and named in a config."""
    code = re.search(r"```python\n(.*?)```", PAGE, re.DOTALL)[1]
    options = re.search(r"`(\{name: trend.*?\})`", PAGE)[1]
    (tmp_path / "my_package.py").write_text(code)
    info = tmp_path / "my_package-1.dist-info"
    info.mkdir()
    info.joinpath("METADATA").write_text("Name: my-package\nVersion: 1\n")
    entry = re.search(r"```toml\n(.*?)```", PAGE, re.DOTALL)[1]
    section = entry.replace("[project.entry-points.", "[").replace('"', "")
    info.joinpath("entry_points.txt").write_text(section)
    monkeypatch.syspath_prepend(tmp_path)
    assert options == "{name: trend, path: $.change, as: sign, zero: 0.01}"
    compare = [{"name": "trend", "path": "$.change", "as": "sign", "zero": 0.01}]
    config = restore(
        {"champion": {"name": "a", "url": "http://127.0.0.1:1"}, "compare": compare},
        path="harness.yaml",
    )
    rows = [
        {"champion_body": b'{"change": 0.5}', "challenger_body": b'{"change": 2.5}'},
        {"champion_body": b'{"change": 0.005}', "challenger_body": b'{"change": 2.5}'},
    ]

    found = tabulate(pairs(*rows), value_spec(config, open_loop=False)).values

    assert found["trend.agree"].to_list() == [True, False]
    monkeypatch.delitem(sys.modules, "my_package")
