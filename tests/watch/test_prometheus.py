"""Metrics as Prometheus reads them."""

import re
import shutil
import subprocess

import pytest

from harness.watch.families import FAMILIES, Kind
from harness.watch.prometheus import render
from tests.watch.pages import LIVE, front, mirror, picture, row, view

FULL = view(
    picture(
        {"1-7": front(received=9, offered=8, sampled_out=1, champion__ok=1)
         | {"champion.ok": 8, "refused.bad_request": 1}},
        mirror(knn__paired=7, knn__breaker=1, knn__in_flight=3, knn__spent_microusd=1_250_000,
               knn__budget_used_ppm=250_000, knn__outcome__ok=6, knn__outcome__timeout=1,
               stored=7, acknowledged=7, unacknowledged=0, halves_waiting=1, bytes_waiting=4096)
        | row("knn.latency_us", 3_000) | row("link_lag_us", 200),
    ),
    live=LIVE,
    budgets_usd={"knn": 5.0},
)  # fmt: skip


def test_everything_has_a_sample_where_there_is_something_to_say():
    """Each family of the table appears once, with its help and type."""
    text = render(FULL)

    for family in FAMILIES:
        assert text.count(f"# TYPE harness_{family.name} {family.kind}\n") == 1
        assert f"# HELP harness_{family.name} {family.help}\n" in text


@pytest.mark.parametrize(
    "line",
    [
        'harness_losses_total{challenger="knn",reason="sampled_out"} 1',
        'harness_pairs_total{challenger="knn"} 7',
        'harness_pending_requests{challenger="knn"} 1',
        'harness_outcomes_total{deployment="digits",role="champion",outcome="ok"} 8',
        'harness_outcomes_total{deployment="knn",role="challenger",outcome="timeout"} 1',
        'harness_latency_seconds_bucket{deployment="digits",role="champion",le="0.001"} 2',
        'harness_latency_seconds_bucket{deployment="digits",role="champion",le="+Inf"} 3',
        'harness_latency_seconds_sum{deployment="knn",role="challenger"} 0.003',
        'harness_latency_seconds_count{deployment="knn",role="challenger"} 1',
        'harness_breaker_state{challenger="knn",state="open"} 1',
        'harness_breaker_state{challenger="knn",state="closed"} 0',
        'harness_spent_usd_total{challenger="knn"} 1.25',
        "harness_sample_ratio 0.25",
        "harness_journal_lag_seconds 0.12",
        'harness_verdict_decision{challenger="knn",decision="hold"} 1',
        'harness_rule_status{challenger="knn",rule="not_worse failure_rate",status="pass"} 0',
        'harness_rule_e_value{challenger="knn",rule="not_worse failure_rate"} 3.5',
    ],
)
def test_samples_say_what_was_counted(line):
    """Seconds, ratios and dollars; one series for each arm."""
    assert f"\n{line}\n" in render(FULL)


def test_nothing_is_claimed_before_there_is_something():
    """Without fronts, mirror and verdict there are zeros for counters and no made-up gauges."""
    text = render(view(picture({})))

    assert "harness_requests_received_total 0\n" in text
    assert "harness_sample_ratio" not in text
    assert "harness_verdict" not in text


def test_a_run_that_only_records_counts_the_champion():
    """There is no challenger then, and still every request is somewhere."""
    one = picture({"1": front(received=3, offered=3)}, mirror(digits__paired=2))

    text = render(view(one, challengers=()))

    assert 'harness_pairs_total{challenger="digits"} 2\n' in text
    assert 'harness_pending_requests{challenger="digits"} 1\n' in text


def test_names_cannot_break_out_of_their_quotes():
    """A challenger may be called anything."""
    name = 'a"b\\c\nd'

    text = render(view(picture(mirror={f"{name}.in_flight": 1}), challengers=(name,)))

    assert 'harness_in_flight_requests{challenger="a\\"b\\\\c\\nd"} 1\n' in text


def test_names_follow_the_conventions():
    """Counters end in _total and nothing else does; units are base units, spelled out."""
    for family in FAMILIES:
        assert re.fullmatch("[a-z][a-z_]*", family.name)
        assert family.name.endswith("_total") == (family.kind is Kind.COUNTER)
        assert not re.search(r"_(ms|us|millis|kb|percent)(_|$)", family.name)


@pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool is not installed")
def test_promtool_has_nothing_to_complain_about():
    """Prometheus' own linter reads it."""
    done = subprocess.run(
        ["promtool", "check", "metrics"], input=render(FULL), text=True, capture_output=True
    )

    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
