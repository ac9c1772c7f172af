"""A secret of our own: something long and random, given as a reference."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator

from harness.config.problems import BadValueError
from harness.config.references import is_reference
from harness.config.section import Reference

_LEAST_CHARACTERS = 16


def _no_literal(value: Any) -> Any:
    if isinstance(value, str) and not is_reference(value):
        raise BadValueError("holds the secret itself", "Write ${env:NAME} or ${file:PATH}")
    return value


def _long_enough(value: str) -> str:
    if len(value) < _LEAST_CHARACTERS and not is_reference(value):
        raise BadValueError(
            f"is shorter than {_LEAST_CHARACTERS} characters",
            "Make one with `openssl rand -hex 24`",
        )
    return value


# Validators that look before run from the last to the first: the literal is seen unresolved.
Secret = Annotated[Reference, BeforeValidator(_no_literal), AfterValidator(_long_enough)]
