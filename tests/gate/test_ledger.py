"""How often a corpus has been used, and what that leaves of the error."""

import math

import pytest

from harness.gate.ledger import Use, alpha_of, number_of


def use(run, *, corpus="log", policy="p"):
    return Use((corpus,), (run,), policy)


def test_runs_against_one_log_are_counted_from_one():
    """Each new run, and each new policy for an old one, is another look."""
    entered = [use("a"), use("b"), use("b", policy="q")]

    assert number_of(use("a"), []) == 1
    assert number_of(use("c"), entered) == 4


def test_judged_again_a_run_keeps_its_number():
    """The same run by the same policy asks nothing new."""
    entered = [use("a"), use("b"), use("c")]

    assert [number_of(use(run), entered) for run in "abc"] == [1, 2, 3]


def test_another_log_has_a_count_of_its_own():
    """One file can keep the books of several logs."""
    entered = [use("a"), use("b", corpus="other"), use("c")]

    assert number_of(use("d"), entered) == 3
    assert number_of(use("d", corpus="other"), entered) == 2
    assert number_of(use("d", corpus="fresh"), entered) == 1


def test_pooled_runs_use_every_log_they_came_from():
    """Order does not matter."""
    pooled = Use(("log", "other"), ("a", "b"), "p")

    assert number_of(pooled, [use("x"), use("y", corpus="other"), use("z", corpus="no")]) == 3
    assert number_of(Use(("other", "log"), ("b", "a"), "p"), [pooled]) == 1
    assert number_of(use("c", corpus="other"), [pooled]) == 2


@pytest.mark.parametrize("alpha", [0.05, 0.01])
def test_all_runs_together_keep_the_error(alpha):
    """However many there are, their errors add up to no more than alpha."""
    total = math.fsum(alpha_of(alpha, number) for number in range(1, 200_001))

    assert 0.9999 * alpha < total < alpha
