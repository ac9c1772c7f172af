"""A run: all pairs collected under one config."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import NewType

from harness.exchange import DeploymentName

RunId = NewType("RunId", str)

FORMAT = 1
"""Version of the layout of a run on disk and of what stands in `run.json`."""


class Role(StrEnum):
    """What a deployment is in a run."""

    CHAMPION = "champion"
    CHALLENGER = "challenger"
    REPEAT = "repeat"


@dataclass(frozen=True, slots=True)
class Deployment:
    """One server under comparison, as a stored run names it.

    Attributes:
        where: Its URL or command, secrets masked.
    """

    name: DeploymentName
    role: Role
    where: str
    timeout_s: float
