"""Judging what is stored: by its own policy or another, and what cannot be judged."""

import json
import shutil
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest

pytestmark = pytest.mark.process


@pytest.fixture
def stored(harness, serve, log, config):
    """A run of eighty pairs whose challenger is right, and its config."""
    log(), (path := config(serve(), serve()))
    assert harness("replay", path, "--run", "runs/one", "--no-gate").code == 0
    return path


def test_a_run_is_judged_again_without_its_deployments(harness, stored):
    """By path or by id; nothing is asked, and the verdict is kept with the run."""
    by_path, by_id = harness("gate", "runs/one", "--json"), harness("gate", "one", "--json")

    assert (by_path.code, by_id.code) == (0, 0)
    assert by_path.verdict["decision"] == "promote"
    assert by_path.out == by_id.out
    (kept,) = Path("runs/one/verdicts").glob("*.json")
    assert kept.read_text() == by_path.out


def test_another_policy_gives_another_verdict(harness, stored, tmp_path):
    """The pairs stay; a margin nobody can meet with eighty of them holds."""
    stricter = tmp_path / "stricter.yaml"
    stricter.write_text(stored.read_text().replace("margin: 0.1", "margin: 0.001"))

    own, other = harness("gate", "runs/one"), harness("gate", "runs/one", "--config", stricter)

    assert (own.code, other.code) == (0, 11)
    assert len(list(Path("runs/one/verdicts").glob("*.json"))) == 2


def test_a_config_with_another_challenger_is_refused(harness, stored, tmp_path):
    """It names who is in the run."""
    other = tmp_path / "other.yaml"
    other.write_text(stored.read_text().replace("name: new", "name: newer"))

    said = harness("gate", "runs/one", "--config", other)

    assert (said.code, said.out) == (2, "")
    assert said.err == (
        "harness: runs/one: has no challenger 'newer', which the config names; it has new. "
        "Judge it with the config it was run with\n"
    )


@pytest.mark.parametrize(
    ("run", "message"),
    [
        ("nowhere", "runs/nowhere: no such run. `harness runs` lists those in runs/"),
        (".", ".: is not a run: there is no run.json in it. Name a folder that `harness replay`"),
        ("../../x", "../../x: no such run. `harness runs` lists those in runs/"),
        ("a b", "'a b': is not a run id, which has 1 to 120 letters"),
        ("x" * 300, "has 300 bytes between slashes"),
    ],
)
def test_what_is_no_run_is_refused(harness, run, message):
    """Exit 2 and one sentence that says what was expected."""
    said = harness("gate", run)

    assert (said.code, said.out) == (2, "")
    assert message in said.err
    assert said.err.count("\n") == 1


def test_a_damaged_part_is_named(harness, stored):
    """Input that cannot be read: exit 2, and which file it is."""
    (part,) = Path("runs/one/pairs").rglob("*.parquet")
    content = bytearray(part.read_bytes())
    content[100:400] = bytes(300)
    part.chmod(0o600)
    part.write_bytes(content)

    said = harness("gate", "runs/one")

    assert (said.code, said.out) == (2, "")
    assert said.err.startswith(f"harness: {part}: ")
    assert said.err.count("\n") == 1


def test_a_part_cut_short_is_named(harness, stored):
    """As a copy that was interrupted leaves it."""
    (part,) = Path("runs/one/pairs").rglob("*.parquet")
    part.chmod(0o600)
    part.write_bytes(part.read_bytes()[:-50])

    said = harness("gate", "runs/one")

    assert (said.code, said.out) == (2, "")
    assert said.err.startswith(f"harness: {part}: ")


def test_a_manifest_that_is_no_json_is_named(harness, stored):
    """The same for the file that says what a run is."""
    Path("runs/one/run.json").write_text("{")

    said = harness("gate", "runs/one")

    assert said.code == 2
    assert said.err.startswith("harness: runs/one/run.json: ")


def test_a_run_copied_elsewhere_is_still_judged(harness, stored, tmp_path):
    """Nothing in a run depends on where it is."""
    shutil.move("runs/one", tmp_path / "elsewhere [1]")

    assert harness("gate", "./elsewhere [1]").code == 0


def test_a_verdict_goes_to_files_by_suffix(harness, stored):
    """Each is whole and says the same."""
    said = harness("gate", "runs/one", "-o", "v.json", "-o", "v.xml", "-o", "deep/er/v.md")

    assert said.code == 0
    assert json.loads(Path("v.json").read_text())["decision"] == "promote"
    assert ElementTree.parse("v.xml").getroot().get("failures") == "0"
    assert Path("deep/er/v.md").read_text().strip()


def test_a_verdict_goes_to_a_page_with_what_the_run_holds(harness, stored):
    """Distributions, pairs with both answers, the config; and how to make it again."""
    said = harness("gate", "runs/one", "-o", "report.html")

    page = Path("report.html").read_text()
    assert said.code == 0
    assert "PROMOTE" in page
    assert "Latency of both sides" in page
    assert "harness gate runs/one -o report.html" in page
    assert "not_worse" in page.partition("The whole config")[2]


def test_a_file_that_cannot_be_written_is_named(harness, stored):
    """The verdict is lost to nobody: exit 1 says which file, and the run has it."""
    said = harness("gate", "runs/one", "-o", "/proc/v.json")

    assert said.code == 1
    assert said.err.startswith("harness: -o /proc/v.json: cannot be written: ")
    assert "PROMOTE" in said.out
    assert len(list(Path("runs/one/verdicts").glob("*.json"))) == 1


def test_an_unknown_challenger_is_no_verdict(harness, stored):
    """`--challenger` names one of the run's."""
    said = harness("gate", "runs/one", "--challenger", "nobody")

    assert (said.code, said.out) == (2, "")
    assert said.err == (
        "harness: --challenger nobody: not in this run, which has 'new'. Name one of these\n"
    )


def test_one_run_given_twice_is_refused(harness, stored):
    """By whatever names: the same pairs twice are no more evidence."""
    said = harness("gate", "one", "./runs/../runs/one")

    assert (said.code, said.out) == (2, "")
    assert said.err == (
        "harness: runs/../runs/one: is named twice, and its pairs count once. Name it once\n"
    )


def test_colour_is_for_terminals(harness, stored):
    """A pipe gets plain text."""
    assert "\x1b" not in harness("gate", "runs/one").out
