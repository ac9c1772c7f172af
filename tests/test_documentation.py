"""What the documents say can be done, can be done."""

import json
import re
import shlex
import subprocess
import sys
from contextlib import redirect_stdout
from functools import cache
from io import StringIO
from pathlib import Path

import pytest

from harness import plugins
from harness.cli import COMMANDS, main
from harness.config.rules import VERBS
from harness.measure import catalog

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
README = (ROOT / "README.md").read_text()
PROGRAM = [sys.executable, "-m", "harness"]


def commands_in(text):
    """Every `harness ...` of a page, in code spans and in code blocks, without placeholders."""
    spans = re.findall(r"`(harness [^`\n]+)`", text)
    lines = re.findall(r"^\s*(?:\$ )?(?:\.venv/bin/)?(harness [a-z].*)$", text, re.MULTILINE)
    return [command for command in spans + lines if command.split()[1] in COMMANDS]


def run(*words, cwd=ROOT, timeout=120):
    return subprocess.run(
        [*PROGRAM, *map(str, words)], cwd=cwd, capture_output=True, text=True, timeout=timeout
    )


@cache
def help_of(*words):
    """What `--help` says, asked in this process: importing the program is what takes time."""
    with redirect_stdout(StringIO()) as said, pytest.raises(SystemExit):
        main([*words, "--help"])
    return said.getvalue()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page):
    """A relative link names a file that is there."""
    for target in re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", page.read_text()):
        if "://" not in target:
            assert (page.parent / target).exists(), f"{page.name}: {target}"


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_is_in_the_readme_and_shows_an_example(name):
    """Nobody has to guess what there is."""
    assert f"harness {name}" in README
    assert "Example: harness" in help_of(name)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_options_that_are_shown_exist(page):
    """Every --option behind a `harness` command on a page is one of that command's."""
    for command in commands_in(page.read_text()):
        words = command.split()
        known = help_of(words[1])
        if words[1] == "runs":
            known += help_of("runs", "prune") + help_of("runs", "erase")
        for option in (word for word in words if word.startswith("--")):
            assert option.partition("=")[0] in known, f"{page.name}: {command}"


def test_every_kind_of_rule_and_metric_is_documented():
    """The config's page has every verb and every metric's stem."""
    text = (ROOT / "docs" / "config.md").read_text()

    stems = {name.partition(".")[0] for name in catalog.names((), ())}
    for word in {*VERBS, *stems}:
        assert word in text, word


@pytest.mark.parametrize("group", [plugins.READERS, plugins.DIALECTS, plugins.COMPARATORS])
def test_every_plug_in_of_ours_is_documented(group):
    """Its name stands somewhere in the documents."""
    text = "".join(page.read_text() for page in PAGES)

    for name in plugins.names(group):
        assert name in text, name


@pytest.fixture(scope="module")
def replayed(tmp_path_factory):
    """What `make replay` runs, once, in a folder of its own."""
    folder = tmp_path_factory.mktemp("readme")
    ended = run("replay", ROOT / "harness.yaml", "--run", "runs/demo", "--json", cwd=folder)
    return folder, ended


@pytest.mark.process
def test_the_bundled_models_are_told_apart(replayed):
    """Really better, really worse, really slow, and too close to call: on real answers."""
    _, ended = replayed
    verdict = json.loads(ended.stdout)
    seen = {one["challenger"]: one for one in verdict["challengers"]}
    statuses = {
        name: {finding["rule"]: finding["status"] for finding in one["findings"]}
        for name, one in seen.items()
    }

    assert statuses["digits-knn"]["improves accuracy"] == "pass"
    assert seen["digits-logreg-weak"]["decision"] == "reject"
    assert statuses["digits-logreg-weak"]["not_worse accuracy"] == "fail"
    assert seen["digits-gradient-boosting"]["decision"] == "reject"
    assert statuses["digits-gradient-boosting"]["not_worse latency_s.p95"] == "fail"
    assert statuses["digits-logreg-strong"]["improves accuracy"] == "inconclusive"
    assert sum(one["n_pairs"] for one in seen.values()) == 4 * 879


@pytest.mark.process
@pytest.mark.timeout(300)  # some thirty commands, each of which loads the statistics
def test_the_readmes_commands_run(replayed):
    """Those that read a run, a log or a config, with the placeholders filled in."""
    folder, _ = replayed
    filled = {
        "RUN": "runs/demo",
        "harness.yaml": str(ROOT / "harness.yaml"),
        "access.har": str(ROOT / "fixtures/logs/digits.jsonl"),
        "traffic.gor": str(ROOT / "fixtures/logs/digits.jsonl"),
        "runs/A": "runs/demo",
        "runs/B": "runs/demo",
        "ID": "u1",
        "NAME": "digits-knn",
    }
    ran = 0
    for command in commands_in(README):
        words = [filled.get(word, word) for word in shlex.split(command)[1:]]
        if words[0] in {"replay", "demo", "shadow"} or "my.yaml" in words:
            continue  # the first has run above, the others run until they are stopped
        if words[0] in {"annotate", "feedback"}:
            continue  # they need a judge and a file of labels, and have tests of their own
        if len(words) == 1 and words != ["runs"]:
            continue  # a name in a sentence
        if words[:1] == ["gate"] and words.count("runs/demo") == 2:
            words.remove("runs/demo")
        ended = run(*words, cwd=folder)
        ran += 1
        assert ended.returncode in {0, 10, 11}, f"{command}: {ended.stderr}"
    assert ran >= 6
