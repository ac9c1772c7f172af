"""Where the requests went, as one line that adds up."""

from __future__ import annotations

from harness.report.numbers import count
from harness.verdict import ChallengerVerdict


def losses_line(verdict: ChallengerVerdict) -> str:
    """The conservation sum of one challenger, for instance
    `1,000 received = 900 paired + 100 lost (sampled_out 100)`.

    Where nobody counted what came in, only what is known.
    """
    lost = sum(verdict.losses.values())
    reasons = ", ".join(
        f"{reason} {count(n)}" for reason, n in sorted(verdict.losses.items(), key=_largest) if n
    )
    lost_text = f"{count(lost)} lost" + (f" ({reasons})" if reasons else "")
    if verdict.received is None:
        return f"{count(verdict.n_pairs)} pairs, {lost_text}"
    paired = verdict.received - lost - verdict.pending
    left = paired - verdict.n_pairs
    out = f", {count(left)} left out (cancelled by the client, or erased)" if left > 0 else ""
    return (
        f"{count(verdict.received)} received = {count(paired)} paired{out} + {lost_text}"
        f"{f' + {count(verdict.pending)} pending' if verdict.pending else ''}"
    )


def _largest(loss: tuple[str, int]) -> tuple[int, str]:
    return -loss[1], loss[0]
