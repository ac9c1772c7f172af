"""The number a pipeline acts on."""

from __future__ import annotations

from enum import StrEnum

from harness.errors import UsageError
from harness.verdict import Decision, Verdict

EXIT_CODES = {
    Decision.PROMOTE: 0,
    Decision.REJECT: 10,
    Decision.HOLD: 11,
    Decision.INVALID: 12,
}


class HoldAs(StrEnum):
    """What a hold becomes where a CI system knows two colours (`--hold-as`)."""

    PASS = "pass"
    FAIL = "fail"


def exit_code(
    verdict: Verdict, *, challenger: str | None = None, hold_as: HoldAs | None = None
) -> int:
    """0 promote, 10 reject, 11 hold, 12 invalid.

    Args:
        challenger: Whose decision counts (`--challenger`); None is the run's.
        hold_as: `pass` turns a hold into 0, `fail` into the code of a rejection.

    Raises:
        UsageError: No challenger of that name was judged.
    """
    decision = verdict.decision if challenger is None else _decision_on(verdict, challenger)
    match decision, hold_as:
        case Decision.HOLD, HoldAs.PASS:
            return EXIT_CODES[Decision.PROMOTE]
        case Decision.HOLD, HoldAs.FAIL:
            return EXIT_CODES[Decision.REJECT]
        case _:
            return EXIT_CODES[decision]


def _decision_on(verdict: Verdict, challenger: str) -> Decision:
    try:
        return verdict.of(challenger).decision
    except KeyError:
        names = ", ".join(repr(judged.challenger) for judged in verdict.challengers)
        raise UsageError(
            f"--challenger {challenger}: not in this run, which has {names or 'none'}. "
            "Name one of these"
        ) from None
