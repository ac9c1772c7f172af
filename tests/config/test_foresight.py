"""What `check` knows before anything is asked."""

from dataclasses import replace

import pytest

from harness.config import load
from harness.config.foresight import (
    Evidence,
    LogSummary,
    cautions,
    fewest_for_rate,
    foresee,
    n_clusters,
    n_pairs,
    obstacles,
)
from harness.gate.policy import AtMost, Margin, NotWorse
from harness.measure import catalog
from tests.config.writing import GOOD, replaced, with_rule, written

LOG = LogSummary(
    where="visits.jsonl",
    format_name="harness",
    n_entries=1000,
    n_with_answer=1000,
    n_with_latency=1000,
    n_with_truth=1000,
    n_with_cluster=1000,
    n_clusters=400,
    first_at_ns=1_700_000_000_000_000_000,
    last_at_ns=1_700_000_060_000_000_000,
)


@pytest.fixture
def prospects(tmp_path):
    """The evidence of the last rule, and why."""

    def of(text, log=LOG):
        last = foresee(load(written(tmp_path, text)), "new", log)[-1]
        return last.evidence, last.why

    return of


@pytest.fixture
def cautioned(tmp_path):
    def of(text, log=LOG):
        return cautions(load(written(tmp_path, text)), log)

    return of


RECORDED = "champion_answers: recorded\n"


@pytest.mark.parametrize(
    ("rule", "more", "why"),
    [
        # prices are needed on both sides
        ("{not_worse: cost_usd.mean, margin: 5%}", "",
         "no `price` for the champion and the challenger"),
        # recorded numbers come from elsewhere, unless one accepts that
        ("{not_worse: latency_s.p95, margin: 5%}", RECORDED,
         "the champion's was measured elsewhere; `baseline: recorded` accepts it"),
    ],
)  # fmt: skip
def test_a_config_alone_can_rule_out_evidence(prospects, rule, more, why):
    """Known without a log: no data, whatever the deployments do."""
    assert prospects(with_rule(rule) + more, None) == (Evidence.NONE, why)


def test_an_accepted_baseline_is_evidence(prospects):
    """`baseline: recorded` takes the log's latencies, where it has them."""
    text = with_rule("{not_worse: latency_s.p95, margin: 5%}") + RECORDED + "baseline: recorded\n"

    assert prospects(text)[0] is Evidence.POSSIBLE
    assert prospects(text, replace(LOG, n_with_latency=0)) == (
        Evidence.NONE,
        "the log has no latencies",
    )


def test_accuracy_needs_the_truth(prospects):
    """Without a right label in the log nothing can be right or wrong."""
    text = with_rule("{not_worse: accuracy, margin: 0.05}")

    assert prospects(text)[0] is Evidence.POSSIBLE
    assert prospects(text, replace(LOG, n_with_truth=0)) == (
        Evidence.NONE,
        "no entry of the log has the right label in its `truth` field",
    )


@pytest.mark.parametrize(
    ("n_entries", "evidence"),
    [(200, Evidence.POSSIBLE), (199, Evidence.TOO_LITTLE)],
)
def test_a_quantile_needs_values_beyond_it(prospects, n_entries, evidence):
    """p95 needs ten values above it: 200 pairs."""
    log = replace(LOG, n_entries=n_entries, n_with_cluster=n_entries, n_clusters=n_entries)

    assert prospects(with_rule("{not_worse: latency_s.p95, margin: 5%}"), log)[0] is evidence


def test_the_missing_pairs_of_a_quantile_are_named(prospects):
    """The sentence says how many there are, how many are needed and what else would do."""
    assert prospects(with_rule("{not_worse: latency_s.p99.5, margin: 5%}")) == (
        Evidence.TOO_LITTLE,
        "1000 pairs have 5 values beyond the quantile; 2,000 pairs are needed, or a rule on "
        ".exceedance",
    )


@pytest.mark.parametrize(
    ("rule", "n", "evidence"),
    [
        # 0.99 ** 299 < 0.05: so many without a failure show that fewer than 1 % fail
        ("{at_most: failure_rate, value: 0.01}", 299, Evidence.POSSIBLE),
        ("{at_most: failure_rate, value: 0.01}", 298, Evidence.TOO_LITTLE),
        ("{at_least: accuracy, value: 0.99}", 298, Evidence.TOO_LITTLE),
        # Tango without a discordant pair: 1.6449 ** 2 * 0.98 / 0.02 = 132.6
        ("{not_worse: accuracy, margin: 0.02}", 133, Evidence.POSSIBLE),
        ("{not_worse: accuracy, margin: 0.02}", 132, Evidence.TOO_LITTLE),
        # a margin of 0 asks for an improvement: how many show one depends on its size
        ("{not_worse: accuracy, margin: 0}", 20, Evidence.POSSIBLE),
    ],
)
def test_a_rate_needs_enough_to_be_shown_at_all(prospects, rule, n, evidence):
    """Fewer than that cannot pass even if nothing goes wrong."""
    log = replace(LOG, n_clusters=n)

    assert prospects(with_rule(rule), log)[0] is evidence


def test_few_users_are_too_few_for_everything(prospects):
    """Seven users give no interval, however often each has asked."""
    assert prospects(GOOD, replace(LOG, n_clusters=7)) == (
        Evidence.TOO_LITTLE,
        "7 independent users or requests are too few, 8 are needed",
    )


@pytest.mark.parametrize(
    ("repeats", "expected"),
    [
        ("repeat: {rate: 0.01}\n", (Evidence.POSSIBLE, "")),
        (
            "repeat: {rate: 0.005}\n",
            (
                Evidence.TOO_LITTLE,
                "about 5 requests are asked twice, and 8 are needed: raise `repeat`",
            ),
        ),
        (
            "repeat: {rate: 0.1}\nrepeat_challenger: {rate: 0.005}\n",
            (
                Evidence.TOO_LITTLE,
                "about 5 requests are asked twice, and 8 are needed: raise `repeat`",
            ),
        ),
    ],
)
def test_an_excess_needs_requests_that_are_asked_twice(prospects, repeats, expected):
    """Of 1000 requests a half percent is too few; with challengers repeated, theirs count."""
    rule = with_rule("{not_worse: label.excess, margin: 0.02}")

    assert prospects(rule + repeats) == expected


def test_without_a_log_nobody_can_tell(prospects):
    """Not known is not the same as possible."""
    assert prospects(GOOD, None) == (Evidence.UNKNOWN, "")


def test_pairs_are_what_is_left_to_count(tmp_path):
    """Warm-up is not counted; with recorded answers only entries that have one are."""
    config = load(written(tmp_path, GOOD + RECORDED + "warm_up: 20\n"))

    assert n_pairs(config, replace(LOG, n_with_answer=900)) == 880


def test_an_entry_without_a_user_is_its_own(tmp_path):
    """400 users in 900 entries and 100 entries of nobody make 500 clusters."""
    config = load(written(tmp_path, GOOD))

    assert n_clusters(config, replace(LOG, n_with_cluster=900)) == 500


def test_a_recorded_champion_is_said_first(cautioned):
    """The gravest caution stands on top."""
    text = GOOD + RECORDED + "capture: {sample: 0.5}\n"

    said = cautioned(text, replace(LOG, n_rejected=2, first_rejection="line 7, not JSON"))

    assert said[0].startswith("The champion's answers are recorded: rules on latency and cost")
    assert "2 of 1002 entries cannot be read (first: line 7, not JSON)." in said


@pytest.mark.parametrize(
    ("more", "log", "caution"),
    [
        ("", replace(LOG, resolution_ns=10**9),
         "The log's times are whole seconds: requests of one second go out together."),
        ("", replace(LOG, n_with_cluster=0, n_clusters=0),
         "No `cluster` is named: requests are taken to be independent, which makes intervals too "
         "narrow."),
        ("cluster: header:x-user-id\n", replace(LOG, n_with_cluster=0, n_clusters=0),
         "`header:x-user-id` is in no entry: requests are taken to be independent, which makes "
         "intervals too narrow."),
        ("", replace(LOG, n_with_cluster=990),
         "10 of 1000 entries name no user: each is taken for one of its own."),
    ],
)  # fmt: skip
def test_what_is_to_be_known_is_said(cautioned, more, log, caution):
    """Each thing that weakens a run, in a sentence, and nothing else."""
    assert cautioned(GOOD + more, log) == (caution,)


@pytest.mark.parametrize(
    ("more", "log", "obstacle"),
    [
        ("", replace(LOG, first_at_ns=None),
         "The log has no times to keep: replay it with `pacing: {mode: closed, ...}`."),
        ("warm_up: 1000\n", LOG, "Nothing is left after 1000 requests to warm up."),
        ("", replace(LOG, n_rejected=60),
         "More than 5% of the log cannot be read: a replay refuses it."),
        ("", replace(LOG, n_entries=0, n_rejected=3),
         "The log holds no request that can be read (3 that cannot)."),
        (RECORDED, replace(LOG, n_with_answer=0),
         "The log has no answers: `champion_answers: recorded` has nothing to take."),
    ],
)  # fmt: skip
def test_what_keeps_a_replay_from_starting_is_told_apart(tmp_path, more, log, obstacle):
    """These are what `replay` refuses, not what merely weakens it."""
    config = load(written(tmp_path, GOOD + more))

    assert obstacles(config, log) == (obstacle,)
    assert obstacles(config, LOG) == (() if "warm_up" not in more else (obstacle,))


def test_a_plan_beyond_the_log_is_said(cautioned):
    """A gate that waits for more pairs than there are holds for ever."""
    text = replaced("policy:\n", "policy:\n  planned_pairs: 5000\n")

    assert cautioned(text) == ("new: the gate holds before 5000 pairs, and the log gives 1000.",)


def test_rules_looked_at_any_time_need_more_to_begin_with():
    """A bet on 1 % takes twice the rule of three, whatever it is a bet on."""
    failed = catalog.resolve("failure_rate", outputs={}, comparisons=())
    rule = AtMost("failure_rate", 0.01)

    fewest = fewest_for_rate(rule, failed, confidence=0.95, sequential=True)

    assert fewest_for_rate(rule, failed, confidence=0.95) == 299
    assert 590 <= fewest <= 620
    assert (
        fewest_for_rate(
            NotWorse("failure_rate", Margin(0.01)), failed, confidence=0.95, sequential=True
        )
        == fewest
    )


def test_a_burn_in_needs_fifty_users_and_a_bet_does_not(prospects):
    """Thirty users are too few for a mean that is looked at any time, whatever they answer."""
    few = replace(LOG, n_clusters=30)
    mean = with_rule("{not_worse: latency_s.mean, margin: 10%}")

    assert prospects(mean, few)[0] is Evidence.POSSIBLE
    assert prospects(mean.replace("policy:\n", "policy:\n  sequential: true\n"), few) == (
        Evidence.TOO_LITTLE,
        "30 independent users or requests are too few, 50 are needed",
    )
