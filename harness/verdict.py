"""Estimates, findings and what the gate says about a run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum


@dataclass(frozen=True, slots=True)
class Tuning:
    """How an always-valid bound was tuned: once, at its burn-in, and the same at every look since.

    Attributes:
        r: Tuning number of the normal mixture, in units of the variance of the score.
        n_pairs: Pairs seen at the burn-in.
        n_clusters: Clusters seen at the burn-in.
    """

    r: float
    n_pairs: int
    n_clusters: int


@dataclass(frozen=True, slots=True)
class Memory:
    """What a rule that may be looked at any time keeps from one look to the next.

    Attributes:
        e_harm: The largest e-value any look has seen against "harm is the margin or less". An alarm
            that was raised stays raised.
        tuning: None before the burn-in, and where bets are placed, which need none.
    """

    e_harm: float = 1.0
    tuning: Tuning | None = None


@dataclass(frozen=True, slots=True)
class Estimate:
    """How much worse the challenger is on one metric, with its uncertainty.

    Attributes:
        champion: The champion's own value, in the metric's unit; None for a pair metric.
        harm: Challenger minus champion, turned so that positive is worse; relative change where
            `relative`.
        harm_low: One-sided bound at `1 - confidence`: harm is above it.
        harm_high: One-sided bound at `1 - confidence`: harm is below it. Together with `harm_low`
            an interval at `2 * confidence - 1`.
        null: The harm against which the p-values test: the rule's margin, in the unit of `harm`.
        p_value: One-sided, of "harm is `null` or more"; small means surely below.
        p_harm: One-sided, of "harm is `null` or less"; small means surely above.
        method: For instance `paired t, CR2`.
        estimand: `pair-weighted` throughout, said because heavy users weigh more in it.
        df: Degrees of freedom of the reference distribution; None for a normal or exact one.
        deff: Variance over what independent pairs would have given.
        n_left_out: Pairs without a value on both sides.
        detectable: The smallest true harm below the margin that this much data would have
            resolved with 80 % power, as a distance from `null`; None when it has no meaning.
        warnings: What a reader of the interval should know, one sentence each.
        e_value: Evidence against "harm is `null` or more" at this look, where any number of looks
            is allowed; None where one look was planned. `p_value` is then its inverse, at most 1.
        memory: Kept for the next look; `p_harm` is then the inverse of its `e_harm`.
        clusters_enough: With so many clusters in all the e-value would likely settle the rule; None
            where no realistic number would, or one look was planned.
    """

    metric: str
    unit: str
    champion: float | None
    challenger: float | None
    harm: float
    harm_low: float
    harm_high: float
    confidence: float
    null: float
    p_value: float
    p_harm: float
    method: str
    n_pairs: int
    n_clusters: int
    n_left_out: int = 0
    relative: bool = False
    estimand: str = "pair-weighted"
    df: float | None = None
    deff: float | None = None
    detectable: float | None = None
    warnings: tuple[str, ...] = ()
    e_value: float | None = None
    memory: Memory | None = None
    clusters_enough: int | None = None


@dataclass(frozen=True, slots=True)
class Unavailable:
    """A metric that could be computed but must not be judged, and why.

    Attributes:
        reason: One sentence, for instance `7 clusters are too few, 8 are needed`.
        clusters_missing: How many more would do, where that can be said.
        certain_harm: No interval can be given and still the challenger is surely worse: for
            instance its p95 lies beyond the timeout and the champion's does not.
        memory: As an `Estimate`'s: not lost because a look has nothing to say.
    """

    metric: str
    unit: str
    reason: str
    champion: float | None = None
    challenger: float | None = None
    n_pairs: int = 0
    n_clusters: int = 0
    n_left_out: int = 0
    clusters_missing: int | None = None
    certain_harm: bool = False
    memory: Memory | None = None


class Status(StrEnum):
    """What a rule found."""

    PASS = "pass"
    FAIL = "fail"
    INCONCLUSIVE = "inconclusive"
    NO_DATA = "no_data"


class FindingRole(StrEnum):
    """What weight a finding has: a guardrail must pass, one primary must improve."""

    GUARDRAIL = "guardrail"
    PRIMARY = "primary"
    SECONDARY = "secondary"
    DIAGNOSTIC = "diagnostic"


class Decision(StrEnum):
    """What to do with a challenger."""

    PROMOTE = "promote"
    HOLD = "hold"
    REJECT = "reject"
    INVALID = "invalid"


@dataclass(frozen=True, slots=True)
class Finding:
    """One rule's result, as the verdict stores it. Fields are those of the contract.

    Attributes:
        rule: The rule as a policy would say it, `not_worse latency_s.p95`.
        sentence: What was seen, for a person.
        margin: What `harm_high` has to be below, in the unit of `harm`: the margin of a
            `not_worse`, `-by` of an `improves`, the value of an `at_most`, minus the value of an
            `at_least`.
        p_value: One-sided, of "harm is `margin` or more"; small speaks for passing.
        p_harm: One-sided, of "harm is `margin` or less"; small speaks for failing.
        segment: The part of the traffic it is about, `source=mobile`; None is all of it. `margin`
            is then the rule's times the factor of the scan, and `pass` is "not surely harmed".
        p_adjusted: After Holm: `p_harm` over the guardrails, or `p_value` over the primaries. Of a
            part: `p_harm` after the scan's own correction; None where that works on e-values.
        missing_share: Share of the pairs that have no value for the rule and were left out; a
            failed answer is missing only where nothing says what it counts as.
        missing_harm_low: The least harm there could be had every missing pair been seen, by the
            bounds of what a pair can do (Manski); None where there are none, or nothing is missing.
        missing_harm_high: The greatest, likewise.
        tipping_point: The mean harm among the missing pairs at which the status would turn: a
            `pass` at or above it, a `fail` at or below. None where nothing is missing, the rule is
            open, its statistic is no plain mean, or values are missing by design.
        harm_both_answered: The harm among pairs that neither side failed, for the reader: it leaves
            out just what may be the challenger's fault. None where none failed.
        method_link: Page and heading of the repository that explain the method; None for one that
            a plug-in brought, and where there is no interval.
        e_value: Of an always-valid rule: evidence for passing at this look; `1 / (1 - confidence)`
            is needed. At most 1e300.
        memory: Of an always-valid rule: what its next look needs.
    """

    rule: str
    role: FindingRole
    metric: str
    unit: str
    status: Status
    sentence: str
    segment: str | None = None
    method: str | None = None
    method_link: str | None = None
    estimand: str | None = None
    champion: float | None = None
    challenger: float | None = None
    harm: float | None = None
    harm_low: float | None = None
    harm_high: float | None = None
    confidence: float | None = None
    margin: float | None = None
    relative: bool = False
    p_value: float | None = None
    p_harm: float | None = None
    p_adjusted: float | None = None
    e_value: float | None = None
    df: float | None = None
    deff: float | None = None
    n_pairs: int = 0
    n_clusters: int = 0
    n_left_out: int = 0
    detectable: float | None = None
    clusters_missing: int | None = None
    warnings: tuple[str, ...] = ()
    memory: Memory | None = None
    missing_share: float = 0.0
    missing_harm_low: float | None = None
    missing_harm_high: float | None = None
    tipping_point: float | None = None
    harm_both_answered: float | None = None


@dataclass(frozen=True, slots=True)
class ValidityCheck:
    """Whether a run can be evidence at all. A failed one makes it invalid.

    Attributes:
        value: What was seen, in the check's own unit; None when it could not be seen.
        limit: What is allowed.
    """

    check: str
    status: Status
    value: float | None
    limit: float | None
    sentence: str = ""


@dataclass(frozen=True, slots=True)
class Disagreement:
    """One pair on which the two differ, for a person to look at.

    Attributes:
        size: What the list is sorted by, larger is worse.
        paths: JSON paths that differ, or names of comparisons.
        champion: One line of what it answered.
    """

    request_id: str
    size: float
    paths: tuple[str, ...]
    champion: str
    challenger: str


@dataclass(frozen=True, slots=True)
class PathDifference:
    """How often one JSON path differs between the two answers."""

    comparison: str
    path: str
    n_differ: int
    share: float


@dataclass(frozen=True, slots=True)
class SegmentEstimate:
    """One metric within one segment; described, not judged. `harm` is as in `Estimate`."""

    segment: str
    metric: str
    unit: str
    champion: float | None
    challenger: float | None
    harm: float | None
    harm_low: float | None
    harm_high: float | None
    n_pairs: int
    n_clusters: int
    relative: bool = False


@dataclass(frozen=True, slots=True)
class JudgeReport:
    """How far a judge can be trusted, and what it said.

    Attributes:
        n_judged: Pairs with a preference, those with the same text on both sides among them.
        n_missing: Pairs without one: not asked, no readable answer, or a side failed.
        n_same: Pairs whose answers are the same text, which need no judge.
        n_better: Of the judged, those where the challenger's answer was preferred.
        n_worse: The same for the champion's.
        consistency: Share of the pairs judged twice whose two orders agree; None without any.
        position_bias: Mean preference for whatever came first, -1 to +1, with its interval at the
            policy's confidence; None where too little is known.
        agreement: Cohen's kappa with the first judge's preferences; None for that one.
    """

    judge: str
    n_judged: int
    n_missing: int
    n_same: int
    n_better: int
    n_worse: int
    preference: float | None
    consistency: float | None
    position_bias: float | None
    bias_low: float | None = None
    bias_high: float | None = None
    agreement: float | None = None


class RouteTo(StrEnum):
    """Who may answer a part of the traffic."""

    CHALLENGER = "challenger"
    CHAMPION = "champion"
    OPEN = "open"


@dataclass(frozen=True, slots=True)
class Route:
    """Whom a part of the traffic may be sent to, by cost and guardrails; see `gate.routing`.

    Attributes:
        cost_change: Of the first rule on cost, challenger over champion minus 1; None where a side
            has none.
    """

    segment: str
    to: RouteTo
    reason: str
    n_pairs: int
    n_clusters: int
    cost_change: float | None = None


@dataclass(frozen=True, slots=True)
class Reweighted:
    """A rule's harm for the traffic mix of production, from the harm within each value.

    Attributes:
        harm: None, like its bounds, where it cannot be estimated; `warnings` say why.
        status: What the rule would have found by it alone.
        warnings: One sentence each: too few clusters where production has traffic, or another
            status than in the mix that was replayed.
    """

    harm: float | None = None
    harm_low: float | None = None
    harm_high: float | None = None
    status: Status | None = None
    method: str | None = None
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SegmentContrast:
    """How one rule's harm differs between the values of one segment, and adds up to the whole.

    Attributes:
        segment: The segment, `source`.
        n_parts: Values with enough clusters to be compared.
        residual: Overall harm minus the weighted sum of the harms within each value, in the unit
            of the harm; zero but for rounding where `adds_up` is None. None for quantiles.
        adds_up: Why the parts need not make the whole; None where they have to.
        reversal: How the whole points another way than its parts, in one sentence.
        method: `Cochran's Q`, or `Wald, joint` where clusters have pairs in several values.
        statistic: Of the test that all values have the same harm, with `df`.
        p_heterogeneity: Its p-value; small means the values do not respond alike.
        p_interaction: Small means some values gain while others are harmed.
        reweighted: None where the config gives no `weights` for the segment.
    """

    segment: str
    rule: str
    metric: str
    n_parts: int
    residual: float | None = None
    adds_up: str | None = None
    reversal: str | None = None
    method: str | None = None
    statistic: float | None = None
    df: int | None = None
    p_heterogeneity: float | None = None
    p_interaction: float | None = None
    reweighted: Reweighted | None = None


@dataclass(frozen=True, slots=True)
class PartMemory:
    """What the next look needs of one rule within one part; `memory` as in `Finding`."""

    segment: str
    rule: str
    memory: Memory


@dataclass(frozen=True, slots=True)
class SegmentScan:
    """What a search through the parts of the traffic for hidden harm did.

    Attributes:
        n_tested: Hypotheses: a guardrail in a part with 30 clusters or more.
        n_too_small: Guardrails in parts that could not be tested.
        n_left_out: Hypotheses beyond the most that are scanned, those of the smallest parts.
        false_share: The share of false finds that is accepted, on average.
        method: `Benjamini-Hochberg`, or `e-BH` where the run may be looked at any time.
        margin_factor: In a part a harm is held against the rule's margin times this.
        protected: Parts in which a find rejects.
        flagged: Finds, as `not_worse accuracy in source=mobile`; the findings have the numbers.
        memories: Where the run may be looked at any time: of every part and rule.
    """

    n_tested: int
    n_too_small: int
    n_left_out: int
    false_share: float
    method: str
    margin_factor: float
    protected: tuple[str, ...] = ()
    flagged: tuple[str, ...] = ()
    contrasts: tuple[SegmentContrast, ...] = ()
    memories: tuple[PartMemory, ...] = ()


@dataclass(frozen=True, slots=True)
class Arm:
    """One side's distributions, for the reader: described, not judged.

    Attributes:
        horizon_s: The smaller of both sides' timeouts; None where one is not known.
        restricted_mean_s: Mean time to an answer, counted up to `horizon_s`: a failure never
            answers, and a request that the client or harness gave up on counts as far as it got
            (Kaplan & Meier). `restricted_se_s` is its standard error, as if pairs were independent.
        n_given_up: Requests given up on, known for so long and no longer. They are in no rule.
    """

    deployment: str
    outcomes: Mapping[str, int]
    latency_s: Mapping[str, float | None]
    cost_usd: float | None = None
    horizon_s: float | None = None
    restricted_mean_s: float | None = None
    restricted_se_s: float | None = None
    n_given_up: int = 0


@dataclass(frozen=True, slots=True)
class OrderEffect:
    """One side's median latency when it was asked first, and when it was not; failures aside.

    A side that is faster when asked later profits from what the other one warmed up.

    Attributes:
        first_s: None when it never was, or failed each time; `later_s` likewise.
        p_value: Two-sided, of no difference; None where too few were asked first, or later.
    """

    side: str
    first_s: float | None
    later_s: float | None
    n_first: int
    n_later: int
    p_value: float | None = None


@dataclass(frozen=True, slots=True)
class Circumstances:
    """How the pairs came to be, for the reader: nothing here is judged.

    Attributes:
        n_duplicates: Pairs left out because id and content stood before; `losses` have them too.
        n_repeated_content: Pairs whose content stood before, under whatever id: health checks, say.
        n_retried: By side, exchanges that took more than one attempt.
        order_effects: Champion first; empty where the order of calls was not ours.
    """

    n_duplicates: int = 0
    n_repeated_content: int = 0
    n_retried: Mapping[str, int] = field(default_factory=dict)
    order_effects: tuple[OrderEffect, ...] = ()


@dataclass(frozen=True, slots=True)
class NoiseFloor:
    """One comparison, on the requests that the champion was asked twice: described, not judged.

    Attributes:
        raw: Share on which champion and challenger disagree.
        floor: Share on which the champion disagrees with itself.
        challenger_floor: Share on which the challenger disagrees with itself; None where it was not
            asked twice.
        excess: `raw - floor`; where both were asked twice, twice the mean disagreement between an
            answer of the one and one of the other, less both floors: 0 only where the two answer
            alike.
        excess_low: One-sided bound; None where there are too few clusters for one, or the run may
            be looked at any time.
        p_swap: Exact, one-sided, of "the challenger is just another answer of the champion".
        signal_share: Share of what the champion agrees with itself on that the challenger changes.
    """

    comparison: str
    raw: float
    floor: float
    challenger_floor: float | None
    excess: float
    excess_low: float | None
    excess_high: float | None
    p_swap: float
    signal_share: float
    n_pairs: int
    n_clusters: int


@dataclass(frozen=True, slots=True)
class ChallengerVerdict:
    """What the gate says about one challenger.

    Attributes:
        baseline: `champion`, `recorded`, or live `repeat`: what it was held against, in time.
        p_value: The largest p-value that promotion hangs on; None when a rule has none.
        p_adjusted: The same after Holm over the challengers of the run.
        received: Requests that came in: `received = paired + sum(losses) + pending`; None where
            nobody counted.
        losses: Requests that gave no pair, by reason.
        noise_floor: None where the champion was not asked twice.
        pending: Requests neither paired nor lost when the run was judged.
        next_steps: What to do now, one sentence each.
        segment_scan: None where the policy does not ask for one.
        unchecked: Checks that do not apply to this run, and why.
        circumstances: None where nobody looked.
        routes: Whom each part may be sent to; empty where no rule is about cost.
        judges: What each judge said, and how far it can be trusted.
    """

    challenger: str
    decision: Decision
    reason: str
    n_pairs: int
    n_clusters: int
    baseline: str = "champion"
    p_value: float | None = None
    p_adjusted: float | None = None
    findings: tuple[Finding, ...] = ()
    validity: tuple[ValidityCheck, ...] = ()
    losses: Mapping[str, int] = field(default_factory=dict)
    segments: tuple[SegmentEstimate, ...] = ()
    noise_floor: tuple[NoiseFloor, ...] | None = None
    disagreements: tuple[Disagreement, ...] = ()
    paths: tuple[PathDifference, ...] = ()
    arms: tuple[Arm, ...] = ()
    next_steps: tuple[str, ...] = ()
    received: int | None = None
    pending: int = 0
    segment_scan: SegmentScan | None = None
    unchecked: Mapping[str, str] = field(default_factory=dict)
    circumstances: Circumstances | None = None
    routes: tuple[Route, ...] = ()
    judges: tuple[JudgeReport, ...] = ()


@dataclass(frozen=True, slots=True)
class FactorEffect:
    """What one level of a factor does on average over the other factors; described, not judged.

    Attributes:
        against: The factor's first level, the champion's own.
        harm: Level minus first level, turned so that positive is worse; None, like its one-sided
            bounds, where it cannot be estimated.
        p_value: Two-sided, of no effect; for itself alone.
        n_pairs: Requests with a value of every combination.
    """

    factor: str
    level: str
    against: str
    metric: str
    unit: str
    harm: float | None
    harm_low: float | None
    harm_high: float | None
    p_value: float | None
    n_pairs: int
    n_clusters: int


@dataclass(frozen=True, slots=True)
class LedgerUse:
    """Which of the gate runs against one log a verdict is.

    Attributes:
        file: The name of the ledger's file.
        number: From 1; the same run judged again by the same policy keeps its number.
        alpha: One-sided error of each rule in this run; of the strictest challenger's policy.
    """

    file: str
    number: int
    alpha: float


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the gate says about a run (or several, pooled).

    Attributes:
        ledger: None where the policy keeps none.
        effects: What each factor of a grid of prompts does; empty without a grid.
    """

    run_ids: tuple[str, ...]
    policy_digest: str
    decision: Decision
    challengers: tuple[ChallengerVerdict, ...]
    versions: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    ledger: LedgerUse | None = None
    effects: tuple[FactorEffect, ...] = ()
    format: int = 1

    def of(self, challenger: str) -> ChallengerVerdict:
        """The verdict on one challenger; KeyError names those there are."""
        for verdict in self.challengers:
            if verdict.challenger == challenger:
                return verdict
        raise KeyError(f"{challenger!r}: not one of {_names(self.challengers)}")


def _names(challengers: Sequence[ChallengerVerdict]) -> str:
    return ", ".join(repr(verdict.challenger) for verdict in challengers) or "none"
