"""Everybody is visited once per round."""

import pytest

from harness.shadow.front.rounds import Rounds


class Member:
    def __init__(self, rounds=None):
        self.rounds = rounds
        self.visits = []

    def visit(self, now_s):
        self.visits.append(now_s)
        if self.rounds is not None:
            self.rounds.remove(self)


def test_each_member_is_visited_once_in_ten_ticks():
    """However many there are, they are spread over the round."""
    rounds = Rounds()
    members = [Member() for _ in range(25)]
    for member in members:
        rounds.add(member)

    for tick in range(10):
        rounds.tick(float(tick))

    assert [len(member.visits) for member in members] == [1] * 25
    assert max(sum(tick in member.visits for member in members) for tick in range(10)) == 3


def test_who_has_gone_is_visited_no_more():
    """Removing is allowed at any time, in a visit too, and twice."""
    rounds = Rounds()
    leaving, gone = Member(rounds), Member()
    rounds.add(leaving)
    rounds.add(gone)
    rounds.remove(gone)
    rounds.remove(gone)

    for tick in range(30):
        rounds.tick(float(tick))

    assert (len(leaving.visits), gone.visits) == (1, [])


@pytest.mark.parametrize(("shortest_s", "tick_s"), [(20.0, 0.1), (0.4, 0.01), (0.001, 0.002)])
def test_ticks_are_as_fine_as_the_shortest_deadline_needs(shortest_s, tick_s):
    """A round takes a quarter of it, between 20 ms and a second."""
    assert Rounds.tick_s(shortest_s) == pytest.approx(tick_s)
