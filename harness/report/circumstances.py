"""How the pairs came to be, where a reader should know: a few lines, or none."""

from __future__ import annotations

from collections.abc import Iterator

from harness.quantity import say
from harness.report import numbers
from harness.verdict import Arm, ChallengerVerdict, OrderEffect

SURE = 0.001
SLOWER = 0.05
"""A side whose median moves by less with the order of calls is not worth a line."""

MANY = 0.01
"""Share of repeated content from which it says something about the traffic."""


def circumstance_lines(verdict: ChallengerVerdict) -> Iterator[tuple[str, str]]:
    """Headings and lines on order, repeated content, retries and what was given up on."""
    seen = verdict.circumstances
    if seen is not None:
        yield from (("order", _order(effect)) for effect in seen.order_effects if _matters(effect))
        if seen.n_repeated_content > MANY * verdict.n_pairs:
            share = numbers.share(seen.n_repeated_content / verdict.n_pairs)
            yield "content", f"{share} of the requests repeat one that came before"
        retried = ", ".join(
            f"{side} {numbers.count(n)}" for side, n in sorted(seen.n_retried.items()) if n
        )
        if retried:
            yield "retried", f"took more than one attempt: {retried}"
    match verdict.arms:
        case [champion, challenger] if champion.n_given_up or challenger.n_given_up:
            yield "given up", _given_up(champion, challenger)
        case _:
            pass


def _given_up(champion: Arm, challenger: Arm) -> str:
    counts = f"{numbers.count(champion.n_given_up)} → {numbers.count(challenger.n_given_up)}"
    if champion.restricted_mean_s is None or challenger.restricted_mean_s is None:
        return counts
    means = " → ".join(say(arm.restricted_mean_s, "s") for arm in (champion, challenger))
    return f"{counts}; mean time up to {say(champion.horizon_s, 's')} with these: {means}"


def _matters(effect: OrderEffect) -> bool:
    first, later = effect.first_s, effect.later_s
    if first is None or later is None or effect.p_value is None or later <= 0:
        return False
    return effect.p_value < SURE and abs(first / later - 1) > SLOWER


def _order(effect: OrderEffect) -> str:
    return (
        f"{effect.side}'s p50 is {say(effect.first_s, 's')} when asked first, "
        f"{say(effect.later_s, 's')} when asked later (p = {numbers.p_value(effect.p_value)})"
    )
