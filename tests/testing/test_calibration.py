"""Promises hold in small simulations, and a broken one is neither missed nor hidden."""

import xml.etree.ElementTree as ElementTree
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from harness.testing.calibration.__main__ import STUDIES, main
from harness.testing.calibration.claim import AtLeast, AtMost, Covers, Near, Unclaimed
from harness.testing.calibration.figure import Chart, Line, svg
from harness.testing.calibration.page import Done, breaches, page
from harness.testing.calibration.peers import diffy_passes, mann_whitney_passes
from harness.testing.calibration.population import RareEvents, Sizes, Users, latents
from harness.testing.calibration.running import run, runs
from harness.testing.calibration.study import SMOKE, Effort, Findings, Row, Study, dice, seed_of

NO_STUDY = Study("none", "A question", "How it is asked.", lambda effort: Findings(()))

CHART = Chart("c", "A < B", "x", "y", [Line("ours", [(1, 0.1), (10, 0.4)])], [(1, "1"), (10, "10")])


RARELY = AtMost(0.05)


def seen(share, claim=RARELY, n_runs=2000):
    return Row("a scenario", "a procedure", share, n_runs, claim, seed=1)


def done(*rows):
    return Done(NO_STUDY, Findings(rows, (CHART,)), seconds=1.0)


PAGE = Path(__file__).parents[2] / "docs" / "statistics" / "operating-characteristics.md"


def published_as_broken():
    """The part of the page that lists broken promises; empty where none is."""
    _, _, rest = PAGE.read_text(encoding="utf-8").partition("## Broken promises")
    return rest.partition("| question |")[0]


@pytest.mark.slow
@pytest.mark.parametrize("study", STUDIES, ids=lambda study: study.name)
def test_promises_hold_in_small(study):
    """A part of each study: no rate is further from its promise than chance explains, unless the
    published page says so itself."""
    known = published_as_broken()

    done = run(study, SMOKE)

    assert done.found.rows
    surprises = [
        f"{row.procedure}: {row.seen:.4f}, {row.claim.says(row.n_runs)} ({row.scenario})"
        for row in breaches([done])
        if f"| {row.scenario} | {row.procedure} |" not in known
    ]
    assert surprises == []


@pytest.mark.parametrize(
    ("claim", "most", "too_much"),
    [
        (AtMost(0.05), 0.0646, 0.0647),
        (Near(0.8), 0.856, 0.858),
        (Near(0.8), 0.744, 0.742),
        (AtLeast(0.8), 0.744, 0.742),
        (Covers(0.95), 0.9255, 0.925),
    ],
)
def test_a_promise_allows_for_chance_and_no_more(claim, most, too_much):
    """With 2 000 runs: three Monte Carlo errors, and the slack of coverage and power."""
    assert not seen(most, claim).is_breached
    assert seen(too_much, claim).is_breached


def test_nothing_is_promised_of_a_peer():
    """A row beside ours never breaks anything, whatever it shows."""
    assert not seen(1.0, Unclaimed("peer")).is_breached


def test_a_nan_keeps_no_promise():
    """What could not be computed was not seen to be harmless."""
    assert seen(float("nan")).is_breached


def test_a_broken_promise_is_on_the_page():
    """Counted at the top, listed, and marked in its table."""
    text = page([done(seen(0.2), seen(0.01))], versions="v")

    assert "**1 broken**" in text
    assert "## Broken promises" in text
    assert text.count("20.0% **broken**") == 2


def test_a_broken_promise_fails_the_run():
    """The exit code tells a pipeline."""
    broken = replace(NO_STUDY, name="gates", run=lambda effort: Findings([seen(0.2)]))
    kept = replace(NO_STUDY, name="gates", run=lambda effort: Findings([seen(0.01)]))

    assert main(["--smoke"], studies=(broken,)) == 1
    assert main(["--smoke"], studies=(kept,)) == 0


def test_the_page_and_its_figures_are_written(tmp_path):
    """Charts lie beside the page, which shows them."""
    study = replace(NO_STUDY, run=lambda effort: Findings([seen(0.01)], [CHART]))

    main(["--out", str(tmp_path / "page.md")], studies=(study,))

    assert "figures/c.svg" in (tmp_path / "page.md").read_text()
    assert (tmp_path / "figures" / "c.svg").exists()


def test_a_chart_is_well_formed():
    """A drawing that a browser can read, with every line and name in it."""
    root = ElementTree.fromstring(svg(replace(CHART, is_log=True)))

    assert root.tag.endswith("svg")
    assert len(root.findall("{*}polyline")) == 1
    assert "A < B" in [text.text for text in root.findall("{*}text")]


def test_the_name_of_a_scenario_is_its_seed():
    """The same name draws the same numbers; another name others."""
    assert dice("a").random() == dice("a").random()
    assert seed_of("a") != seed_of("b")


@pytest.mark.parametrize("sizes", Sizes)
def test_pairs_are_as_alike_within_clusters_as_told(sizes):
    """The correlation within clusters is the one asked for, and sides correlate by a half."""
    drawn = latents(Users(4000, sizes, icc=0.3), np.random.default_rng(1))
    difference = drawn.challenger - drawn.champion
    counts, totals = drawn.clusters.sizes, drawn.clusters.totals(difference)
    squares = drawn.clusters.totals(difference**2)

    within = (totals**2 - squares).sum() / (counts * (counts - 1)).sum()

    assert within == pytest.approx(0.3, abs=0.05)
    assert difference.var() == pytest.approx(1, abs=0.05)
    assert np.corrcoef(drawn.champion, drawn.challenger)[0, 1] == pytest.approx(0.5, abs=0.05)


@pytest.mark.parametrize("evenness", [0.05, 0.2, 5])
def test_rare_events_are_as_rare_as_told(evenness):
    """Losses and wins have their shares however they gather in clusters."""
    events = RareEvents(40_000, 10, loss=0.015, win=0.005, evenness=evenness)

    gains = events.gains(np.random.default_rng(1))

    assert (gains < 0).mean() == pytest.approx(0.015, rel=0.1)
    assert (gains > 0).mean() == pytest.approx(0.005, rel=0.1)


def test_the_peers_judge_as_theirs_do():
    """A clear shift is seen by Mann-Whitney with enough values; Diffy needs both thresholds."""
    rng = np.random.default_rng(1)
    before, after = rng.normal(0, 1, 200), rng.normal(1, 1, 200)

    assert not mann_whitney_passes(before, after)
    assert mann_whitney_passes(before[:5], after[:5])
    assert mann_whitney_passes(after, before)  # lower is fine
    assert diffy_passes(100, 120, 2000)
    assert diffy_passes(120, 100, 2000)  # 9 % of the differences
    assert not diffy_passes(160, 100, 2000)  # 23 %
    assert diffy_passes(2, 0, 10_000)  # 0.02 % of the requests


@pytest.mark.process
def test_studies_side_by_side_find_the_same():
    """Scenarios draw from generators of their own, whichever process they are in."""
    studies = [study for study in STUDIES if study.name in ("stopping", "invariance")]
    effort = Effort(runs_share=0.005, every=6)

    one_by_one, at_once = (list(runs(studies, effort, n_jobs=n)) for n in (1, 2))

    assert [one.study.name for one in at_once] == [study.name for study in studies]
    assert [one.found.rows for one in at_once] == [one.found.rows for one in one_by_one]
