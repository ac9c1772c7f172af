"""Every scenario ends as it says it must, through the real program."""

from pathlib import Path

import pytest

from harness.testing.scenario import folders, read, run

SCENARIOS = Path(__file__).parents[1] / "scenarios"


@pytest.mark.process
@pytest.mark.parametrize("folder", folders([SCENARIOS]), ids=lambda folder: folder.name)
def test_a_scenario_ends_as_it_must(folder):
    """Decision, findings, checks and counts are those of the known truth."""
    result = run(read(folder))

    assert result.problems == ()


def test_every_scenario_is_in_the_table():
    """`scenarios/README.md` has a row for each, with its expected decision."""
    table = (SCENARIOS / "README.md").read_text()
    rows = {
        cells[1].strip().partition("](")[0].lstrip("["): cells[3].strip()
        for cells in (line.split("|") for line in table.splitlines() if line.startswith("| ["))
    }

    assert rows == {folder.name: read(folder).expect.decision for folder in folders([SCENARIOS])}
