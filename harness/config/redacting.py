"""What is taken out of pairs before they are kept."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from harness.config.problems import BadValueError, nearest
from harness.config.secret import Secret
from harness.config.section import Section
from harness.dialects.redaction.kinds import KINDS
from harness.dialects.redaction.redaction import check


def _redactable(value: str) -> str:
    try:
        check(value)
    except ValueError as exc:
        remedy = "" if value.startswith("$") else nearest(value, KINDS)
        raise BadValueError(str(exc), remedy) from exc
    return value


class Redact(Section):
    """What is taken out, of requests and of all answers alike, before anything is written."""

    headers: Literal["allow-list"] = Field(
        default="allow-list", description="Headers are kept by name, never credentials."
    )
    body: tuple[Annotated[str, AfterValidator(_redactable)], ...] = Field(
        default=(),
        description=f"Kinds ({', '.join(KINDS)}) and JSONPaths of members, in bodies, targets, "
        "headers and ids.",
    )
    key: Secret | None = Field(
        default=None,
        repr=False,
        description="Under which pseudonyms are made, as a reference. Without it every start of "
        "harness has a key of its own, so that runs and replicas cannot be joined.",
    )
