"""Plug-ins come through entry points, ours as well as foreign ones."""

import sys

import pytest

from harness import plugins
from harness.errors import PluginError


@pytest.fixture
def installed(tmp_path, monkeypatch):
    """Installs a package with entry points, for one test."""

    def install(name, entries, code=""):
        folder = tmp_path / f"{name}-1.0.dist-info"
        folder.mkdir()
        (folder / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        (folder / "entry_points.txt").write_text(entries)
        (tmp_path / f"{name}.py").write_text(code)
        if str(tmp_path) not in sys.path:
            monkeypatch.syspath_prepend(str(tmp_path))

    return install


def message(call):
    with pytest.raises(PluginError) as caught:
        call()
    return str(caught.value)


@pytest.mark.parametrize("group", [plugins.READERS, plugins.DIALECTS, plugins.COMPARATORS])
def test_our_own_come_through_the_same_door(group):
    """Every entry of ours can be loaded."""
    names = plugins.names(group)

    assert names
    assert all(plugins.load(group, name) is not None for name in names)


def test_a_foreign_one_is_found_and_made(installed):
    """An installed package adds a comparator by naming it."""
    installed(
        "near_words",
        "[harness.comparators]\nnear = near_words:Near\n",
        "class Near:\n    def __init__(self, most=1):\n        self.most = most\n",
    )

    assert "near" in plugins.names(plugins.COMPARATORS)
    assert plugins.make(plugins.COMPARATORS, "near", most=3).most == 3


def test_options_it_does_not_know_are_said(installed):
    """A plug-in's refusal names the options it was given."""
    installed("one", "[harness.comparators]\none = one:One\n", "class One:\n    pass\n")

    assert message(lambda: plugins.make(plugins.COMPARATORS, "one", most=3)) == (
        "harness.comparators: one: refuses its options (most), TypeError: One() takes no arguments"
    )


def test_an_unknown_name_gets_the_nearest():
    """A typo is told from a missing package."""
    assert message(lambda: plugins.load(plugins.COMPARATORS, "structre")) == (
        "harness.comparators: structre: unknown. Did you mean 'structure'?"
    )


def test_an_unknown_group_has_none():
    """Nothing installed is said as such."""
    assert message(lambda: plugins.load("harness.nothing", "x")) == (
        "harness.nothing: x: unknown. Installed are: none"
    )


def test_one_that_cannot_be_imported_says_why(installed):
    """The cause is its author's to fix, so it is named."""
    installed("broken", "[harness.dialects]\nbroken = broken:D\n", "import no_such_module\n")

    assert message(lambda: plugins.load(plugins.DIALECTS, "broken")) == (
        "harness.dialects: broken: cannot be imported, ModuleNotFoundError: No module named "
        "'no_such_module'"
    )


def test_two_of_one_name_are_told_apart(installed):
    """Which one counts must not depend on the order of installation."""
    installed("first", "[harness.dialects]\nmine = first:D\n", "D = 1\n")
    installed("second", "[harness.dialects]\nmine = second:D\n", "D = 2\n")

    assert message(lambda: plugins.load(plugins.DIALECTS, "mine")) == (
        "harness.dialects: mine: is given by first and second. Uninstall one of them"
    )
