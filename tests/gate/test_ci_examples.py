"""The ready pipelines in docs/ci do what they say, with a stand-in for the `harness` command."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from harness.gate.exit_code import EXIT_CODES
from harness.verdict import Decision

CI = Path(__file__).parents[2] / "docs" / "ci"
GITHUB = YAML(typ="safe").load((CI / "github-actions.yml").read_text())
GITLAB = YAML(typ="safe").load((CI / "gitlab-ci.yml").read_text())


def stand_in(folder: Path, code: int, decision: str | None) -> dict[str, str]:
    """An environment in which `harness` writes a verdict, if any, and exits with `code`."""
    verdict = json.dumps({"decision": decision})
    write = f"echo '{verdict}' > verdict.json; echo '## summary' > verdict.md" if decision else ":"
    command = folder / "harness"
    command.write_text(f"#!/bin/sh\n{write}\nexit {code}\n")
    command.chmod(0o755)
    return {
        "PATH": f"{folder}:/usr/local/bin:/usr/bin:/bin",
        "GITHUB_OUTPUT": str(folder / "output"),
        "GITHUB_STEP_SUMMARY": str(folder / "summary"),
    }


@pytest.mark.process
@pytest.mark.parametrize(
    ("code", "decision"),
    [(code, str(decision)) for decision, code in EXIT_CODES.items()] + [(0, "hold"), (2, None)],
)
def test_the_github_step_hands_on_code_and_decision(tmp_path, code, decision):
    """The step ends as harness did; the decision is the verdict's own, also where 0 is a hold."""
    (step,) = [step for step in GITHUB["jobs"]["gate"]["steps"] if step.get("id") == "gate"]
    env = stand_in(tmp_path, code, decision)

    done = subprocess.run(
        ["bash", "-e", "-c", step["run"].replace("python -c", "python3 -c")],
        cwd=tmp_path,
        env=env,
        check=False,
        capture_output=True,
        timeout=30,
    )

    assert done.returncode == code
    assert (tmp_path / "output").read_text() == f"decision={decision or 'none'}\n"
    assert (tmp_path / "summary").exists() == (decision is not None)


def test_a_canary_starts_on_promote_alone():
    """By the decision, not by the colour of the gate."""
    assert GITHUB["jobs"]["canary"]["if"] == "needs.gate.outputs.decision == 'promote'"
    assert 'if decision == "promote"' in GITLAB["canary"]["script"][0]


def test_gitlab_warns_on_hold_alone():
    """11 is orange; reject and invalid stop the pipeline."""
    assert GITLAB["pre-canary"]["allow_failure"] == {"exit_codes": [EXIT_CODES[Decision.HOLD]]}


def test_the_verdict_is_kept_whatever_it_is():
    """A red gate is exactly when somebody wants to read it."""
    (upload,) = [
        step for step in GITHUB["jobs"]["gate"]["steps"] if "upload" in step.get("uses", "")
    ]

    assert upload["if"] == "always()"
    assert GITLAB["pre-canary"]["artifacts"]["when"] == "always"
    assert GITLAB["pre-canary"]["artifacts"]["reports"] == {"junit": "verdict.xml"}


def test_the_table_of_codes_is_complete():
    """Each decision's code stands in the page beside the files."""
    page = (CI / "README.md").read_text()

    for decision, code in EXIT_CODES.items():
        assert f"| {code} | {decision}" in page


@pytest.mark.process
@pytest.mark.parametrize(("decision", "starts"), [("promote", True), ("hold", False)])
def test_the_gitlab_canary_asks_for_the_decision(tmp_path, decision, starts):
    """An orange gate reaches the canary's job, which then stops by itself."""
    (tmp_path / "verdict.json").write_text(json.dumps({"decision": decision}))
    ask = GITLAB["canary"]["script"][0].replace("python -", "python3 -")

    done = subprocess.run(
        ["sh", "-e", "-c", ask], cwd=tmp_path, check=False, capture_output=True, timeout=30
    )

    assert (done.returncode == 0) == starts
