"""How each number on a page comes about, in a few words: what its link leads to.

The page has no external address, so the explanation stands in it; where the repository says more,
its page is named as text.
"""

from __future__ import annotations

from dataclasses import dataclass

PAGE = "docs/statistics/methods.md"


@dataclass(frozen=True, slots=True)
class Method:
    """One explanation.

    Attributes:
        anchor: What links on the page lead to.
        more: Page of the repository, with its heading.
    """

    anchor: str
    title: str
    text: str
    more: str


METHODS = (
    Method(
        "harm",
        "Harm, interval and margin",
        "Harm is challenger minus champion, turned so that positive is worse, whatever the metric. "
        "The interval has two one-sided bounds at the policy's confidence. A rule passes when the "
        "whole interval lies below its margin, fails when the whole of it lies above, and is open "
        "otherwise: then there are too few pairs, or the harm is close to the margin.",
        "docs/verdict.md#one-rule",
    ),
    Method(
        "clusters-why-pairs-are-not-the-units",
        "Pairs and clusters",
        "Both sides answered the same requests, and each difference is taken within a request. "
        "Requests of one user, session or conversation (a cluster) are alike, so that clusters are "
        "the units of evidence: variances are added up by cluster (CR2), with the degrees of "
        "freedom that this leaves (Satterthwaite).",
        f"{PAGE}#clusters-why-pairs-are-not-the-units",
    ),
    Method(
        "mean-harm",
        "Means",
        "The mean of the differences, with a t interval whose variance is added up by cluster. A "
        "margin in percent is about the ratio of both means. Too few or too skewed values give no "
        "interval rather than a wrong one.",
        f"{PAGE}#mean-harm",
    ),
    Method(
        "few-clusters-sign-flips",
        "Few clusters",
        "Where clusters are few, a second test has to agree: were each cluster's total as likely "
        "to have the other sign, how often would the sum be as extreme? The wider bound counts.",
        f"{PAGE}#few-clusters-sign-flips",
    ),
    Method(
        "proportion-harm",
        "Shares on both sides",
        "Accuracy, failures and the like: Tango's score interval for paired shares, with pairs "
        "counted for as much as clusters make them worth (Rao and Scott).",
        f"{PAGE}#proportion-harm",
    ),
    Method(
        "rates-against-a-limit",
        "A rate against a limit",
        "Exact binomial bounds (Clopper and Pearson) on events and pairs, both divided by the "
        "design effect of the clusters.",
        f"{PAGE}#rates-against-a-limit",
    ),
    Method(
        "quantile-harm",
        "Quantiles",
        "The difference of both sides' quantiles, p95 say, not the quantile of differences. Its "
        "spread is read off how steep each distribution is there (Woodruff). A failed request is "
        "infinitely late. The band of a curve holds at each quantile by itself.",
        f"{PAGE}#quantile-harm",
    ),
    Method(
        "one-sides-quantile-against-a-limit",
        "One side's quantile against a limit",
        "Bounds on the share of values beyond the limit say where the quantile can lie.",
        f"{PAGE}#one-sides-quantile-against-a-limit",
    ),
    Method(
        "looking-at-any-time",
        "Looking at any time",
        "The interval holds at every look at once, and so is wider than that of one planned look. "
        "The e-value is the evidence for passing: 20 is enough at a confidence of 95 %. An alarm, "
        "once raised, stays raised.",
        f"{PAGE}#looking-at-any-time",
    ),
    Method(
        "labels-and-noise",
        "Disagreement and the noise floor",
        "The share of pairs on which the two answers differ, by the comparisons of the config. The "
        "noise floor is how often the champion differs from itself when asked twice; what is above "
        "it is the challenger's own.",
        f"{PAGE}#labels-and-noise",
    ),
    Method(
        "segments",
        "Parts of the traffic",
        "The same estimate within each part. A part is flagged when it is surely above its margin, "
        "with the share of false finds held at 10 %. Harm flagged in a part while the whole passes "
        "is masked: the whole hides it. Colour and number of squares say harm in margins.",
        f"{PAGE}#segments",
    ),
    Method(
        "missing-and-censored",
        "Failures, timeouts and missing values",
        "A failed answer counts as the worst there is: wrong, and later than any quantile. What "
        "has no value for a rule is left out of it and counted; the tipping point is the mean harm "
        "among those pairs at which the status would turn.",
        f"{PAGE}#missing-and-censored",
    ),
    Method(
        "planning",
        "Pairs still needed",
        "So many clusters would settle the rule with 80 % power if the harm is what it looks like "
        "now. Where no number is given, no realistic log would do.",
        f"{PAGE}#planning",
    ),
    Method(
        "many-questions",
        "Several goals and challengers",
        "Goals of one policy, and challengers of one run, share the chance of a wrong promotion "
        "(Holm). Guardrails pass without a correction, since a promotion needs all of them.",
        f"{PAGE}#many-questions",
    ),
    Method(
        "requests",
        "Where the requests went",
        "Received is paired plus lost plus pending, and the sum is checked. A loss is nobody's "
        "fault or ours; what is the challenger's fault is a pair with a failed side.",
        "docs/verdict.md#where-the-requests-went",
    ),
    Method(
        "examples",
        "Which pairs are shown",
        "Worst first: pairs that only the challenger failed, then those that only it got wrong, "
        "then the others by distance. Typical are pairs of median size, one for each of the most "
        "frequent ways to differ.",
        "docs/verdict.md#the-page",
    ),
)

_ANCHORS = frozenset(method.anchor for method in METHODS)


def anchor_of(link: str | None) -> str:
    """The explanation on the page for a finding's `method_link`; the general one for another.

    Examples:
        >>> anchor_of("docs/statistics/methods.md#quantile-harm")
        'quantile-harm'
        >>> anchor_of(None)
        'harm'
    """
    heading = (link or "").partition("#")[2]
    return heading if heading in _ANCHORS else "harm"
