from __future__ import annotations

import pytest

from harness.errors import UsageError
from harness.gate.exit_code import HoldAs, exit_code
from harness.verdict import ChallengerVerdict, Decision, Verdict


def verdict(run: Decision, **challengers: Decision) -> Verdict:
    judged = tuple(ChallengerVerdict(name, d, "", 1, 1) for name, d in challengers.items())
    return Verdict(("r1",), "d", run, judged)


@pytest.mark.parametrize(
    ("decision", "code"), [("promote", 0), ("reject", 10), ("hold", 11), ("invalid", 12)]
)
def test_each_decision_has_its_number(decision, code):
    """The numbers of the contract, on which pipelines act."""
    assert exit_code(verdict(Decision(decision))) == code


def test_a_named_challenger_counts_alone():
    """`--challenger b` is about b, whatever the run says."""
    both = verdict(Decision.PROMOTE, a=Decision.PROMOTE, b=Decision.REJECT)

    assert exit_code(both) == 0
    assert exit_code(both, challenger="b") == 10


def test_an_unknown_challenger_is_a_usage_error():
    """Never a quiet 0; the message names those there are."""
    with pytest.raises(UsageError) as caught:
        exit_code(verdict(Decision.PROMOTE, a=Decision.PROMOTE), challenger="z")

    assert str(caught.value) == "--challenger z: not in this run, which has 'a'. Name one of these"


@pytest.mark.parametrize(("hold_as", "code"), [(None, 11), (HoldAs.PASS, 0), (HoldAs.FAIL, 10)])
def test_hold_can_be_mapped_for_two_coloured_systems(hold_as, code):
    """Only a hold is mapped."""
    assert exit_code(verdict(Decision.HOLD), hold_as=hold_as) == code
    assert exit_code(verdict(Decision.REJECT), hold_as=hold_as) == 10
    assert exit_code(verdict(Decision.INVALID), hold_as=hold_as) == 12
