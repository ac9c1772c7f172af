"""Where a finding's method is explained: formula, assumptions, when it refuses, whose it is."""

from __future__ import annotations

PAGE = "docs/statistics/methods.md"

# What a method's name begins with or holds; the first that fits, so that the more special is first.
_HEADINGS = (
    ("always valid", "looking-at-any-time"),
    ("post-stratified", "segments"),
    ("binomial quantile bounds", "one-sides-quantile-against-a-limit"),
    ("of quantiles", "quantile-harm"),
    ("Tango score", "proportion-harm"),
    ("Clopper-Pearson", "rates-against-a-limit"),
    ("no difference seen", "mean-harm"),
    ("mean", "mean-harm"),
    ("sign flips", "few-clusters-sign-flips"),
    ("clustered t", "clusters-why-pairs-are-not-the-units"),
)


def link_of(method: str) -> str | None:
    """The page in the repository, with its heading; None for a method that is not one of ours.

    Examples:
        >>> link_of("mean difference, clustered t, CR2")
        'docs/statistics/methods.md#mean-harm'
        >>> link_of("somebody's own")
    """
    for words, heading in _HEADINGS:
        if words in method:
            return f"{PAGE}#{heading}"
    return None
