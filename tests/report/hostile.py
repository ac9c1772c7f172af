"""A verdict in which everything a stranger can influence is an attack, and everything is huge."""

from __future__ import annotations

import math
from dataclasses import replace

from harness.verdict import Disagreement, NoiseFloor, PathDifference, SegmentEstimate, Verdict
from tests.report.samples import SAMPLES

ATTACK = (
    "\x1b[2J\x1b]0;owned\x07<script>alert(1)</script> `code` | cell @everyone "
    "![img](http://evil.example/x.png) \u202egnp.exe \n::set-output name=a::b\r\n##[error]x "
    "\ud800\x00]]> <!-- & \" '"
)


def hostile(*, copies: int = 1, size: int = 1) -> Verdict:
    """The `hold` sample with attacks as names and answers, `size` times as long, `copies` rows."""
    (judged,) = SAMPLES["hold"].challengers
    attack = ATTACK * size
    pair = Disagreement(attack, math.inf, (attack,) * copies, attack, attack)
    segment = SegmentEstimate(attack, attack, "score", None, math.nan, math.nan, None, None, 1, 1)
    findings = tuple(
        replace(finding, segment=attack, warnings=(attack,) * min(copies, 100))
        for finding in judged.findings
    )
    challenger = replace(
        judged,
        challenger=attack,
        reason=attack,
        findings=findings * copies,
        disagreements=(pair,) * copies,
        paths=(PathDifference(attack, attack, 1, math.nan),) * copies,
        segments=(segment,) * copies,
        next_steps=(attack,) * copies,
        noise_floor=(NoiseFloor(attack, *([math.nan] * 8), 1, 1),) * copies,
    )
    return replace(SAMPLES["hold"], challengers=(challenger,) * copies, notes=(attack,) * copies)
