"""Which metrics there are, and what a name means."""

from types import SimpleNamespace

import pytest

from harness.measure.catalog import clashes, names, resolve
from harness.metric import Better, Exceedance, Mean, Metric, Quantile, Rate, Sides, Unit

OUTPUTS = {"score": SimpleNamespace(better=Better.HIGHER, worst=0.0)}
COMPARISONS = ("label", "body")


def find(name, limit=None):
    return resolve(name, limit=limit, outputs=OUTPUTS, comparisons=COMPARISONS)


@pytest.mark.parametrize(
    ("metric", "limit"),
    [
        (
            Metric(
                "latency_s.mean", "latency_s", Mean(), Unit.SECONDS, Better.LOWER, positive=True
            ),
            None,
        ),
        (
            Metric(
                "first_byte_s.p99.9",
                "first_byte_s",
                Quantile(0.999),
                Unit.SECONDS,
                Better.LOWER,
                positive=True,
            ),
            None,
        ),
        (
            # a share has no relative margin
            Metric(
                "latency_s.exceedance", "latency_s", Exceedance(0.3), Unit.FRACTION, Better.LOWER
            ),
            0.3,
        ),
        (
            Metric(
                "cost_usd.p50", "cost_usd", Quantile(0.5), Unit.USD, Better.LOWER, positive=True
            ),
            None,
        ),
        (
            Metric(
                "input_tokens.mean",
                "input_tokens",
                Mean(),
                Unit.TOKENS,
                Better.LOWER,
                positive=True,
            ),
            None,
        ),
        (Metric("failure_rate", "failed", Rate(), Unit.FRACTION, Better.LOWER), None),
        (
            Metric("failure_rate.timeout", "failure.timeout", Rate(), Unit.FRACTION, Better.LOWER),
            None,
        ),
        (
            Metric(
                "failure_rate.no_output", "failure.no_output", Rate(), Unit.FRACTION, Better.LOWER
            ),
            None,
        ),
        (Metric("accuracy", "correct", Rate(), Unit.FRACTION, Better.HIGHER), None),
        (
            Metric(
                "negative_flip_rate",
                "negative_flip",
                Rate(),
                Unit.FRACTION,
                Better.LOWER,
                Sides.PAIR,
            ),
            None,
        ),
        (
            Metric(
                "output.score", "output.score", Mean(), Unit.SCORE, Better.HIGHER, worst=0.0
            ),
            None,
        ),
        (
            Metric(
                "output.score.p95",
                "output.score",
                Quantile(0.95),
                Unit.SCORE,
                Better.HIGHER,
                worst=0.0,
            ),
            None,
        ),
        (
            Metric(
                "label.disagreement_rate",
                "label.agree",
                Rate(),
                Unit.FRACTION,
                Better.LOWER,
                Sides.PAIR,
            ),
            None,
        ),
        (
            Metric(
                "body.mean", "body.distance", Mean(), Unit.DISTANCE, Better.LOWER, Sides.PAIR
            ),
            None,
        ),
    ],
    ids=lambda value: getattr(value, "name", ""),
)  # fmt: skip
def test_a_name_finds_its_metric(metric, limit):
    """Quantity, statistic, unit and direction follow from the name."""
    assert find(metric.name, limit) == metric


def test_every_known_name_is_found():
    """The list shown in messages and in the documentation is true."""
    for name in names(OUTPUTS, COMPARISONS):
        limit = 1.0 if name.endswith(".exceedance") else None
        assert find(name, limit).name == name


@pytest.mark.parametrize(
    ("name", "limit", "message"),
    [
        (
            "latency_s",
            None,
            "is 'latency_s', which needs a statistic: mean, p50 to p99.9, exceedance "
            "(with `limit`)",
        ),
        (
            "latency_s.max",
            None,
            "is 'latency_s.max', but 'max' is no statistic: mean, p50 to p99.9, exceedance "
            "(with `limit`)",
        ),
        (
            "latency_s.p0",
            None,
            "is 'latency_s.p0', but 'p0' is no statistic: mean, p50 to p99.9, exceedance "
            "(with `limit`)",
        ),
        (
            "latency_s.exceedance",
            None,
            "is 'latency_s.exceedance', which needs a `limit`: the share above it is counted",
        ),
        (
            "latency_s.mean",
            0.3,
            "has a limit, but latency_s.mean takes none: only `.exceedance` does",
        ),
        ("accuracy", 0.3, "has a limit, but accuracy takes none: only `.exceedance` does"),
        (
            "label.excess",
            None,
            "is 'label.excess', which needs to know how often the champion disagrees with itself. "
            "Ask it twice with `repeat: {rate: 0.10}`, or use label.disagreement_rate",
        ),
        (
            "label",
            None,
            "is 'label', but a comparison has the statistics disagreement_rate, mean and, with "
            "`repeat`, excess",
        ),
    ],
)
def test_what_cannot_be_meant_is_explained(name, limit, message):
    """The message says what is wrong and what would be right."""
    with pytest.raises(ValueError, match=r".") as raised:
        find(name, limit)

    assert str(raised.value) == message


@pytest.mark.parametrize(
    ("name", "near"),
    [
        ("acuracy", "accuracy"),
        ("latency.p95", "latency_s.p95"),
        ("failure_rate.timeouts", "failure_rate.timeout"),
        ("failure_rate.cancelled", None),
        ("output.other", None),
    ],
)
def test_an_unknown_metric_names_its_neighbour(name, near):
    """The nearest known name is suggested, and all are listed."""
    with pytest.raises(ValueError, match="which is not a metric of this config") as raised:
        find(name)

    assert near is None or f"Did you mean {near!r}?" in str(raised.value)
    assert str(raised.value).endswith(", ".join(names(OUTPUTS, COMPARISONS)))


def test_clashing_names_are_found():
    """A name must mean one thing."""
    assert clashes(["score"], ["label", "body"]) == ()
    assert clashes(["a.b"], ["body", "body", "accuracy"]) == (
        "comparison 'body' is defined twice",
        "comparison 'accuracy' has the name of a built-in metric",
        "the name 'a.b' contains a dot, which separates a metric from its statistic",
    )
