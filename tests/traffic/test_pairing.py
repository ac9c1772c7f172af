"""Every leg of every request is settled once, whatever comes in whichever order."""

from collections import Counter

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, rule

from harness.pair import LossReason
from harness.testing.builders import exchange
from harness.traffic.pairing import Key, Matched, Pairing, Unmatched

KEY = Key("front", 1)
CHAMPION = exchange("r1", "champion")
ANSWER = exchange("r1", "knn")


@pytest.fixture
def pairing():
    pairing = Pairing()
    pairing.open(KEY, "request", [0, 1], now_s=10.0, n_bytes=100)
    return pairing


def test_halves_pair_when_the_champion_comes_last(pairing):
    """Challengers that were faster wait for the champion."""
    assert pairing.answered(KEY, 0, ANSWER) == []

    assert pairing.champion(KEY, CHAMPION) == [Matched(KEY, 0, "request", CHAMPION, ANSWER)]
    assert pairing.carried(KEY) == "request"


def test_halves_pair_when_the_champion_comes_first(pairing):
    """Each challenger pairs when it answers; then the request is forgotten with its bytes."""
    assert pairing.champion(KEY, CHAMPION, n_bytes=50) == []

    assert [one.leg for one in pairing.answered(KEY, 1, ANSWER, n_bytes=7)] == [1]
    assert pairing.n_bytes == 157
    assert [one.leg for one in pairing.answered(KEY, 0, ANSWER)] == [0]
    assert (len(pairing), pairing.n_bytes) == (0, 0)


def test_a_lost_champion_settles_every_leg(pairing):
    """An answer that comes afterwards is nothing's half."""
    lost = pairing.lose_champion(KEY, LossReason.SHED_LINK)

    assert lost == [Unmatched(KEY, leg, LossReason.SHED_LINK) for leg in (0, 1)]
    assert pairing.answered(KEY, 0, ANSWER) == []
    assert pairing.champion(KEY, CHAMPION) == []


def test_what_waits_for_a_front_can_be_found(pairing):
    """Where the champion's half is here, nothing is waited for from its front."""
    pairing.champion(KEY, CHAMPION)
    pairing.open(Key("front", 2), "second", [0], now_s=11.0)
    pairing.open(Key("other", 1), "third", [0], now_s=11.0)

    assert pairing.of_front("front") == [(Key("front", 2), "second")]
    assert [one.leg for one in pairing.answered(KEY, 0, ANSWER)] == [0]


def test_what_was_opened_long_ago_can_be_found(pairing):
    """It is given up where it lacks the champion's half."""
    pairing.open(Key("front", 2), "second", [0], now_s=11.0)
    pairing.open(Key("front", 3), "third", [0], now_s=12.0)
    pairing.champion(Key("front", 2), CHAMPION)

    assert pairing.opened_before(12.0) == [(KEY, "request")]


def test_one_leg_can_be_dropped(pairing):
    """A call that was given up leaves the others be."""
    assert len(pairing.drop(KEY, 0, LossReason.INELIGIBLE)) == 1
    assert pairing.drop(KEY, 0, LossReason.INELIGIBLE) == []

    assert [one.leg for one in pairing.abandon(KEY, LossReason.MIRROR_DOWN)] == [1]
    assert pairing.abandon(KEY, LossReason.MIRROR_DOWN) == []


def test_a_number_cannot_be_used_twice(pairing):
    """A front that counts wrongly is seen."""
    with pytest.raises(ValueError, match="request 1 of front front was opened before"):
        pairing.open(KEY, "again", [0], now_s=12.0)


class Traffic(RuleBasedStateMachine):
    """Any order of events, with three legs and two fronts."""

    requests = Bundle("requests")

    def __init__(self):
        super().__init__()
        self.pairing = Pairing()
        self.opened = Counter()
        self.settled = Counter()
        self.n = 0

    def settle(self, ended):
        for one in ended:
            self.settled[one.key, one.leg] += 1

    @rule(target=requests, front=st.sampled_from("ab"), legs=st.sets(st.integers(0, 2)))
    def open(self, front, legs):
        self.n += 1
        key = Key(front, self.n)
        self.pairing.open(key, key, legs, now_s=float(self.n), n_bytes=10)
        self.opened.update((key, leg) for leg in legs)
        return key

    @rule(key=requests, n_bytes=st.integers(0, 99))
    def champion(self, key, n_bytes):
        self.settle(self.pairing.champion(key, CHAMPION, n_bytes=n_bytes))

    @rule(key=requests, leg=st.integers(0, 2), n_bytes=st.integers(0, 99))
    def answered(self, key, leg, n_bytes):
        self.settle(self.pairing.answered(key, leg, ANSWER, n_bytes=n_bytes))

    @rule(key=requests, leg=st.integers(0, 2))
    def drop(self, key, leg):
        self.settle(self.pairing.drop(key, leg, LossReason.INELIGIBLE))

    @rule(key=consumes(requests))
    def lose_champion(self, key):
        self.settle(self.pairing.lose_champion(key, LossReason.SHED_LINK))

    @rule(front=st.sampled_from("ab"))
    def front_gone(self, front):
        for key, _ in self.pairing.of_front(front):
            self.settle(self.pairing.lose_champion(key, LossReason.FRONT_DOWN))

    @rule(ago=st.integers(0, 5))
    def expire(self, ago):
        for key, _ in self.pairing.opened_before(self.n - ago):
            self.settle(self.pairing.lose_champion(key, LossReason.SHED_LINK))

    @invariant()
    def nothing_is_settled_twice_or_out_of_nowhere(self):
        assert all(n == 1 for n in self.settled.values())
        assert not self.settled - self.opened

    @invariant()
    def bytes_are_held_only_for_what_is_open(self):
        assert self.pairing.n_bytes >= 10 * len(self.pairing)
        assert len(self.pairing) or not self.pairing.n_bytes

    def teardown(self):
        for key, _ in self.pairing.everything():
            self.settle(self.pairing.abandon(key, LossReason.MIRROR_DOWN))
        assert self.settled == self.opened
        assert (len(self.pairing), self.pairing.n_bytes) == (0, 0)


TestConservation = Traffic.TestCase
TestConservation.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
