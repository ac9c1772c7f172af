"""What to do about a verdict that is not yet a promotion."""

from __future__ import annotations

import math
from collections.abc import Sequence

from harness.pair import Conservation, LossReason
from harness.verdict import Finding, Status, ValidityCheck

# What gives a rule its evidence, by the stem or the statistic of its metric.
EVIDENCE = {
    "cost_usd": "give champion and challenger a `price`",
    "accuracy": "give `output.label` and `truth`",
    "format_violation_rate": "say under `answer_format` what answers have to look like",
    "refusal_rate": "choose a `dialect` whose answers say when a model declined",
    "negative_flip_rate": "give `output.label` and `truth`",
    "latency_s": "measure both sides (`champion_answers: live`), or accept the log's with "
    "`baseline: recorded`",
    "first_byte_s": "measure both sides (`champion_answers: live`), or accept the log's with "
    "`baseline: recorded`",
    **dict.fromkeys(
        (
            "first_token_s",
            "token_gap_s",
            "token_gap_p95_s",
            "token_gap_max_s",
            "stalled_s",
            "tokens_per_s",
        ),
        "ask for streams, and measure both sides (`champion_answers: live`)",
    ),
    "input_tokens": "choose a `dialect` whose answers say their usage",
    "output_tokens": "choose a `dialect` whose answers say their usage",
    "output": "check the path under `output`",
    "excess": "ask the champion twice with `repeat: {rate: 0.10}`",
}

REMEDIES = {
    "pairs": "See under losses why no request was paired",
    "conservation": "Run it again: requests vanished uncounted, which is a fault of the harness",
    "pairing_rate": "See under losses what was lost, and why",
    "champion_answered": "Check the champion's `url`, credentials and `rewrite`",
    "duplicate_request_ids": "Run it again into a fresh directory with `--run DIR`",
    "negative_latencies": "Correct the log's times, or leave them out",
    "schedule_lag_p99_s": "Replay slower (`pacing`) or on a less busy machine",
    "sampling_ratio": "Find out what else decides which requests are asked: a filter, or a restart "
    "with another share",
    "missing_by_side": "Find out why one side leaves out what the other says",
    "missing_at_random": "Find out why just these values are missing before trusting the others",
    "labels_everywhere": "Get labels for these requests too, or judge without accuracy: their "
    "absence favours a side",
    "call_order": "Run it again: the side called first may have warmed a cache for the other",
}

LOSS_REMEDIES = {
    LossReason.MIRROR_DOWN: "Find out in the sidecar's log why the mirror was down, and give it "
    "the memory and CPU it needs",
    LossReason.FRONT_DOWN: "Find out in the sidecar's log why a front was down",
    LossReason.SHED_LINK: "Give the mirror more CPU, or mirror less (`capture.sample`)",
    LossReason.TOO_LARGE: "Raise `capture.max_body`",
    LossReason.UNREDACTED: "Look under `capture.redact`: what could not be redacted is not kept",
    LossReason.NO_CHAMPION_ANSWER: "Find out why the log lacks answers of the champion",
    LossReason.NO_CHALLENGER_ANSWER: "Find out why the log lacks answers of the challenger",
    LossReason.REPEATED_ID: "Give each request of the log an id of its own",
}
"""What to do about most of what was lost, where that made a run no evidence."""


def for_invalid(validity: Sequence[ValidityCheck], conservation: Conservation) -> tuple[str, ...]:
    """A remedy for each failed check."""
    remedies = {**REMEDIES, **_of_losses(conservation)}
    return tuple(
        f"{remedies[check.check]}."
        for check in validity
        if check.status is not Status.PASS and check.check in remedies
    )


def _of_losses(conservation: Conservation) -> dict[str, str]:
    counted = {
        reason: n for reason, n in conservation.losses.items() if n and reason in LOSS_REMEDIES
    }
    if not counted:
        return {}
    return {"pairing_rate": LOSS_REMEDIES[max(counted, key=lambda reason: counted[reason])]}


def for_rejected() -> tuple[str, ...]:
    return ("Look at the worst pairs with `harness show RUN`.",)


def for_open(findings: Sequence[Finding]) -> tuple[str, ...]:
    """What each rule that has not passed still needs."""
    steps = (
        _step(finding)
        for finding in findings
        if finding.status in {Status.INCONCLUSIVE, Status.NO_DATA}
    )
    return tuple(dict.fromkeys(steps))  # a part that is too small is so for every rule


def title_of(finding: Finding) -> str:
    """The rule, and the part of the traffic it was asked of where that is not all."""
    return f"{finding.rule} in {finding.segment}" if finding.segment else finding.rule


def _step(finding: Finding) -> str:
    if finding.status is Status.NO_DATA:
        return f"{title_of(finding)}: {_evidence_for(finding.metric)}."
    if finding.segment is not None and finding.clusters_missing is not None:
        more = _more(finding)
        return f"{finding.segment}: {more} needed to protect it; {_how_to_get_more(finding)}."
    if finding.harm is None or finding.margin is None:
        return f"{title_of(finding)}: {_before_judging(finding)}."
    if finding.clusters_missing is None:
        return (
            f"{title_of(finding)}: no realistic amount of data would settle it at this margin; "
            "reconsider the margin before the next run, not after it."
        )
    how = "" if finding.harm < finding.margin else ", as a fail by the looks of it"
    return (
        f"{title_of(finding)}: about {_more(finding)} would settle it{how}; "
        f"{_how_to_get_more(finding)}."
    )


def _how_to_get_more(finding: Finding) -> str:
    """A run that may be looked at any time may also just go on."""
    longer = "use a longer log (`--log FILE`)"
    return longer if finding.memory is None else f"let the run go on, or {longer}"


def _before_judging(finding: Finding) -> str:
    """An estimate could not be made at all; the finding's sentence says why."""
    if finding.clusters_missing is None:
        return finding.sentence
    return f"{_more(finding)} needed before it can be judged; {_how_to_get_more(finding)}"


def _more(finding: Finding) -> str:
    clusters = finding.clusters_missing or 0
    if finding.n_clusters in {0, finding.n_pairs}:
        return _count(clusters, "more pair")
    pairs = math.ceil(clusters * finding.n_pairs / finding.n_clusters)
    return f"{_count(clusters, 'more cluster')} ({_count(pairs, 'pair')})"


def _count(n: int, noun: str) -> str:
    return f"{n:,} {noun}" if n == 1 else f"{n:,} {noun}s"


def _evidence_for(metric: str) -> str:
    stem, _, statistic = metric.partition(".")
    if statistic in EVIDENCE:
        return EVIDENCE[statistic]
    return EVIDENCE.get(stem, "no pair had a value on both sides; check the paths in the config")
