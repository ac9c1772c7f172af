"""Run scenarios through the real program and compare what it concludes with what is true.

    python -m harness.testing.scenario scenarios

A scenario is a folder: `harness.yaml`, an ordinary config whose `command:` starts synthetic
deployments, and `scenario.yaml`, which says what traffic there is, what the deployments really do
and what must come out. The log is generated from the seed into a temporary folder, where the run
goes too. Paths in a scenario's config start from the folder above `scenarios`, where the program
is started.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from harness.errors import ConfigError, HarnessError
from harness.testing import looks
from harness.testing.looks import Looks
from harness.testing.traffic import Traffic, log_of
from harness.testing.truth import read_scenario

_PATIENCE_S = 60.0

EXIT_CODES = {"promote": 0, "reject": 10, "hold": 11, "invalid": 12}


@dataclass(frozen=True, slots=True)
class Expectation:
    """What must come out; what is left empty is not looked at.

    Attributes:
        findings: Rule to status, for instance `not_worse accuracy` to `fail`; of a part of the
            traffic `not_worse accuracy in source=mobile`.
        validity: Check to status.
        losses: Reason to number of requests.
        note: A part of what some note of the verdict must say.
        looks: What is said when the run is looked at while it grows; None looks at its end alone.
    """

    decision: str
    findings: Mapping[str, str] = field(default_factory=dict)
    validity: Mapping[str, str] = field(default_factory=dict)
    losses: Mapping[str, int] = field(default_factory=dict)
    n_pairs: int | None = None
    note: str = ""
    looks: Looks | None = None


@dataclass(frozen=True, slots=True)
class Scenario:
    """One claim with known truth.

    Attributes:
        cut_off_bytes: How much of the log's end is missing.
    """

    folder: Path
    seed: int
    traffic: Traffic
    expect: Expectation
    cut_off_bytes: int = 0

    @property
    def name(self) -> str:
        return self.folder.name

    def log(self) -> bytes:
        whole = log_of(self.traffic, self.seed)
        return whole[: len(whole) - self.cut_off_bytes]


@dataclass(frozen=True, slots=True)
class Result:
    """What the program concluded.

    Attributes:
        problems: How it differs from what must come out, one sentence each; empty when it does not.
    """

    scenario: str
    expected: str
    decision: str
    problems: tuple[str, ...]
    duration_s: float


def read(folder: Path) -> Scenario:
    """Read a scenario's folder.

    Raises:
        ConfigError: `scenario.yaml` says something that is not known here.
    """
    path = folder / "scenario.yaml"
    document = read_scenario(path)
    try:
        scenario = Scenario(
            folder=folder,
            seed=document["seed"],
            traffic=Traffic(**document["traffic"]),
            expect=_expectation(document["expect"]),
            **document.get("log", {}),
        )
    except KeyError as exc:
        raise ConfigError(str(path), str(exc.args[0]), "is missing") from exc
    except TypeError as exc:
        raise ConfigError(str(path), "", str(exc)) from exc
    if document.get("name") != folder.name:
        raise ConfigError(str(path), "name", f"is {document.get('name')!r}, not the folder's")
    if scenario.expect.decision not in EXIT_CODES:
        raise ConfigError(
            str(path),
            "expect.decision",
            f"is {scenario.expect.decision!r}, must be one of {', '.join(EXIT_CODES)}",
        )
    return scenario


def _expectation(written: Mapping[str, Any]) -> Expectation:
    at_looks = written.get("looks")
    return Expectation(**{**written, "looks": Looks(**at_looks) if at_looks else None})


def run(scenario: Scenario) -> Result:
    """Replay the scenario's log and compare the verdict with what must come out."""
    start_s = time.monotonic()
    with tempfile.TemporaryDirectory(prefix=f"harness-{scenario.name}-") as scratch:
        ended = _replay(scenario, Path(scratch))
        decision, problems = _judged(scenario.expect, ended)
        if scenario.expect.looks is not None:
            config = scenario.folder / "harness.yaml"
            problems += looks.problems(scenario.expect.looks, Path(scratch) / "run", config)
    return Result(
        scenario.name,
        scenario.expect.decision,
        decision,
        tuple(problems),
        time.monotonic() - start_s,
    )


def _replay(scenario: Scenario, scratch: Path) -> subprocess.CompletedProcess[str]:
    log = scratch / "log.jsonl"
    log.write_bytes(scenario.log())
    folder = scenario.folder.resolve()
    command = [sys.executable, "-m", "harness", "replay", str(folder / "harness.yaml")]
    return subprocess.run(
        [*command, "--log", str(log), "--run", str(scratch / "run"), "--json"],
        cwd=folder.parent.parent,
        capture_output=True,
        text=True,
        timeout=_PATIENCE_S,
        check=False,
    )


def _judged(expect: Expectation, ended: subprocess.CompletedProcess[str]) -> tuple[str, list[str]]:
    """The decision, and how the verdict differs from the expectation."""
    try:
        verdict = json.loads(ended.stdout)
    except json.JSONDecodeError:
        said = " ".join(ended.stderr.split())[-400:]
        return "none", [f"no verdict, exit code {ended.returncode}: {said}"]
    problems = list(differences(expect, verdict))
    if ended.returncode != EXIT_CODES.get(verdict["decision"]):
        problems.append(f"exit code {ended.returncode} does not say {verdict['decision']}")
    return verdict["decision"], problems


def differences(expect: Expectation, verdict: Mapping[str, Any]) -> Iterator[str]:
    """How a verdict (as JSON) differs from what must come out, one sentence each."""
    (challenger,) = verdict["challengers"]
    if verdict["decision"] != expect.decision:
        reason = challenger["reason"]
        yield f"decision is {verdict['decision']}, must be {expect.decision} ({reason})"
    seen = {_title(one): one for one in challenger["findings"]}
    for rule, status in expect.findings.items():
        yield from _differs(rule, status, seen.get(rule))
    checks = {one["check"]: one for one in challenger["validity"]}
    for check, status in expect.validity.items():
        yield from _differs(check, status, checks.get(check))
    for reason, number in expect.losses.items():
        if challenger["losses"].get(reason, 0) != number:
            yield f"{reason} is {challenger['losses'].get(reason, 0)}, must be {number}"
    if expect.n_pairs not in (None, challenger["n_pairs"]):
        yield f"n_pairs is {challenger['n_pairs']}, must be {expect.n_pairs}"
    if expect.note and not any(expect.note in note for note in verdict["notes"]):
        yield f"no note says {expect.note!r}, there are {verdict['notes']}"


def _title(finding: Mapping[str, Any]) -> str:
    where = f" in {finding['segment']}" if finding["segment"] else ""
    return f"{finding['rule']}{where}"


def _differs(name: str, status: str, found: Mapping[str, Any] | None) -> Iterator[str]:
    if found is None:
        yield f"{name} is not in the verdict"
    elif found["status"] != status:
        yield f"{name} is {found['status']}, must be {status} ({found.get('sentence', '')})"


def folders(paths: Sequence[Path]) -> list[Path]:
    """Scenario folders at or below the given ones, by name."""
    return sorted({found.parent for path in paths for found in path.rglob("scenario.yaml")})


def main(arguments: Sequence[str] | None = None) -> int:
    """Entry point of `python -m harness.testing.scenario`: 0 when all end as they must, else 1."""
    parser = argparse.ArgumentParser(
        prog="python -m harness.testing.scenario",
        description="Run scenarios and compare each verdict with the known truth.",
        epilog="example: python -m harness.testing.scenario scenarios",
    )
    parser.add_argument("paths", type=Path, nargs="+", help="folders of scenarios, or of one")
    try:
        scenarios = [read(folder) for folder in folders(parser.parse_args(arguments).paths)]
    except HarnessError as exc:
        print(exc, file=sys.stderr)
        return 2
    if not scenarios:
        print("no scenario.yaml there", file=sys.stderr)
        return 2
    width = max(len(scenario.name) for scenario in scenarios)
    print(f"{'scenario':{width}}  expected  decision  seconds")
    failed = 0
    for scenario in scenarios:
        result = run(scenario)
        failed += bool(result.problems)
        row = f"{result.scenario:{width}}  {result.expected:8}  {result.decision:8}"
        print(f"{row}  {result.duration_s:7.1f}  {'WRONG' if result.problems else ''}".rstrip())
        for problem in result.problems:
            print(f"{'':{width}}  {problem}")
    print(f"{len(scenarios) - failed} of {len(scenarios)} as they must be")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
