"""What looks at runs remember, from the runs' folders into values and back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from harness.errors import StoreError
from harness.gate.policy import Policy, Rule
from harness.store.looks import looks_name, read_looks, write_looks
from harness.store.reader import StoredRun
from harness.verdict import ChallengerVerdict, Memory, PartMemory, Tuning, Verdict


class Memories:
    """What earlier looks at the same runs by the same policy have left.

    With several runs judged as one, every run has the same copy, and the first is read.
    """

    def __init__(self, runs: Sequence[StoredRun], policy_digest: str) -> None:
        self._runs = runs
        self._name = looks_name(policy_digest, [run.manifest.run_id for run in runs])
        self._kept = read_looks(runs[0].path, self._name)

    def of(self, challenger: str, policy: Policy) -> Mapping[Rule, Memory]:
        """Per rule; empty where one look is planned.

        Raises:
            StoreError: What was kept does not fit the policy's rules.
        """
        rows = [row for row in self._rows(challenger, policy) if "segment" not in row]
        if not rows:
            return {}
        if [row.get("rule") for row in rows] != [rule.title for rule in policy.rules]:
            raise StoreError(
                f"{self._runs[0].path}: what earlier looks left is about other rules. Remove "
                f"its folder `looks`: their alarms are then forgotten"
            )
        return {rule: _memory(row) for rule, row in zip(policy.rules, rows, strict=True)}

    def within_parts(self, challenger: str, policy: Policy) -> Mapping[tuple[str, str], Memory]:
        """By part of the traffic and title of the rule."""
        return {
            (row["segment"], row["rule"]): _memory(row)
            for row in self._rows(challenger, policy)
            if "segment" in row
        }

    def _rows(self, challenger: str, policy: Policy) -> Sequence[Mapping[str, Any]]:
        return self._kept.get(challenger, []) if policy.sequential else []

    def keep(self, verdict: Verdict) -> None:
        """Keep what this verdict's findings remember; nothing where one look was planned."""
        rows = {
            one.challenger: [
                *(_row(seen.rule, seen.memory) for seen in one.findings if seen.segment is None),
                *({"segment": seen.segment} | _row(seen.rule, seen.memory) for seen in _parts(one)),
            ]
            for one in verdict.challengers
            if any(finding.memory is not None for finding in one.findings)
        }
        if rows:
            for run in self._runs:
                write_looks(run.path, self._name, {**self._kept, **rows})


def _parts(one: ChallengerVerdict) -> Sequence[PartMemory]:
    return one.segment_scan.memories if one.segment_scan else ()


def _row(rule: str, kept: Memory | None) -> dict[str, Any]:
    memory = kept or Memory()
    tuning = memory.tuning
    return {
        "rule": rule,
        "e_harm": memory.e_harm,
        "tuning": tuning
        and {"r": tuning.r, "n_pairs": tuning.n_pairs, "n_clusters": tuning.n_clusters},
    }


def _memory(row: Mapping[str, Any]) -> Memory:
    tuning = row["tuning"]
    return Memory(float(row["e_harm"]), Tuning(**tuning) if tuning else None)
