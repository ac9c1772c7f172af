"""Words and signs for statuses and decisions; colour only ever repeats them."""

from __future__ import annotations

from harness.verdict import Decision, Status

STATUS_SIGNS = {
    Status.PASS: "✓",
    Status.FAIL: "✗",
    Status.INCONCLUSIVE: "?",
    Status.NO_DATA: "–",
}

STATUS_WORDS = {
    Status.PASS: "pass",
    Status.FAIL: "fail",
    Status.INCONCLUSIVE: "open",  # short, and what the reasons say
    Status.NO_DATA: "no data",
}

DECISION_SIGNS = {
    Decision.PROMOTE: "✓",
    Decision.HOLD: "?",
    Decision.REJECT: "✗",
    Decision.INVALID: "!",
}
