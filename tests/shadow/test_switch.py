"""What may be changed while traffic flows."""

import pytest

from harness.shadow.switch import Change, RefusedError, Switch


def test_off_is_a_share_of_nothing_and_on_is_what_it_was():
    """The kill switch forgets no share."""
    switch = Switch(sample=0.25)

    off = switch.apply({"ask": "pause", "by": "me"})
    while_off = switch.ppm
    switch.apply({"ask": "resume"})

    assert off == Change("mirroring", before=True, after=False)
    assert while_off == 0
    assert switch.ppm == 250_000


def test_a_share_can_be_set_while_mirroring_is_off():
    """It counts when mirroring is on again."""
    switch = Switch(sample=1.0, mirroring=False)

    assert switch.apply({"ask": "sample", "rate": 0.5}) == Change("sample", 1.0, 0.5)
    assert switch.ppm == 0


@pytest.mark.parametrize(
    "asked",
    [
        {"ask": "sample", "rate": 1.5},
        {"ask": "sample", "rate": -0.1},
        {"ask": "sample", "rate": float("nan")},
        {"ask": "sample", "rate": True},
        {"ask": "sample"},
        {"ask": "stop"},
        {},
    ],
)
def test_nonsense_changes_nothing(asked):
    """It is refused with a sentence."""
    switch = Switch(sample=0.5)

    with pytest.raises(RefusedError):
        switch.apply(asked)

    assert switch == Switch(sample=0.5)
