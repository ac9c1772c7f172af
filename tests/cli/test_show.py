"""Looking into a run: the list of the worst, one pair, and what a terminal changes."""

import os
import pty
import subprocess
import sys

import polars as pl
import pytest

from tests.cli.conftest import ROOT

pytestmark = pytest.mark.process


@pytest.fixture
def wrong(harness, serve, log, config):
    """A run whose challenger has every label wrong."""
    log(40), (path := config(serve(), serve("wrong")))
    harness("replay", path, "--run", "runs/one", "--no-gate")
    return "runs/one"


def first_id(harness, run):
    return harness("show", run, "--limit", "1").out.splitlines()[-1].split()[0]


def test_the_worst_disagreements_are_listed(harness, wrong):
    """As many as asked for, each with where it differs, below what there is to choose by."""
    said = harness("show", wrong, "--limit", "3")

    assert (said.code, said.err) == (0, "")
    head, *counts, _, titles, first, second, third = said.out.splitlines()
    assert head == "new: 40 disagreements, 3 shown, worst first"
    assert counts == [
        "field    $.label 40 · body 40",
        "segment  source=web 26 · source=mobile 14",
        "outcome  challenger-wrong 40",
    ]
    assert titles.split() == [
        "request",
        "size",
        "segment",
        "differs",
        "in",
        "champion",
        "challenger",
    ]
    assert all("$.label" in row for row in (first, second, third))


def test_pairs_are_chosen_and_put_in_order(harness, wrong):
    """By segment, field, outcome; one that has no value is a mistake, one that fits none is not."""
    chosen = ("--segment", "source=mobile", "--field", "$.label", "--outcome", "challenger-wrong")

    said = harness("show", wrong, *chosen, "--sort", "latency")
    none = harness("show", wrong, "--field", "$.score")

    assert said.out.startswith("new: 14 pairs, by how much slower the challenger was\n")
    assert "source=web" not in said.out
    assert none.out.splitlines()[0] == "new: no disagreements of that kind; in all there are 40"


def test_what_cannot_be_chosen_by_is_refused(harness, wrong):
    """Exit 2, and what there is."""
    refused = {
        "--segment source": "has no value. Write it as NAME=VALUE",
        "--segment town=Ulm": "the run has the segments source. Use one of them",
        "--outcome late": "is none there is. Use one of both-failed, challenger-failed, "
        "champion-failed, challenger-wrong, champion-wrong, both-answered, http_error, timeout, "
        "connect_error, disconnected, unreadable, shed, undecodable, cut_off, no_output",
    }
    for words, err in refused.items():
        said = harness("show", wrong, *words.split())

        assert (said.code, said.out, said.err) == (2, "", f"harness: {words}: {err}\n")


def test_answers_without_a_label_are_shown_in_a_line(harness, wrong, config, serve):
    """There is always something to see."""
    path = config(serve(), serve(), change=without_label)

    said = harness("show", wrong, "--limit", "1", "--config", path)

    assert '{ "label": "' in said.out.splitlines()[-1]


def without_label(text):
    label, rule = "output: {label: $.label}\n", "    - {not_worse: accuracy, margin: 0.1}\n"
    assert label in text
    assert rule in text
    return text.replace(label, "").replace(rule, "")


def test_one_pair_is_shown_side_by_side(harness, wrong):
    """Both answers, what differs, and what would have been right."""
    request_id = first_id(harness, wrong)

    said = harness("show", wrong, request_id)

    assert (said.code, said.err) == (0, "")
    assert said.out.startswith(request_id)
    assert said.out.splitlines()[0].endswith("  POST /predict")
    assert '$.label   "' in said.out
    assert "truth" in said.out


def test_a_run_without_disagreements_says_so(harness, serve, log, config):
    """And is no error."""
    log(20), (path := config(serve(), serve()))
    harness("replay", path, "--run", "runs/one", "--no-gate")

    said = harness("show", "one")

    assert (said.code, said.out, said.err) == (0, "new: no disagreements\n", "")


def test_a_request_nobody_knows_is_refused(harness, wrong):
    """Exit 2, and how to find one."""
    said = harness("show", wrong, "nonsense")

    assert (said.code, said.out) == (2, "")
    assert said.err == (
        "harness: nonsense: no pair of this request in runs/one. "
        "`harness show runs/one` lists the worst ones\n"
    )


def test_the_beginning_of_an_id_is_enough(harness, wrong):
    """Where one request alone begins so."""
    ids = pl.read_parquet(f"{wrong}/pairs/**/*.parquet")["request_id"].to_list()
    begins = next(
        ids[0][:n] for n in range(1, 99) if sum(one.startswith(ids[0][:n]) for one in ids) == 1
    )

    said = harness("show", wrong, begins)

    assert (said.code, said.err) == (0, "")
    assert said.out.startswith(f"{ids[0]}  POST /predict\n")


def test_the_beginning_of_many_ids_is_refused(harness, wrong):
    """Exit 2, and some to choose from."""
    table = pl.read_parquet(f"{wrong}/pairs/**/*.parquet")
    ids = sorted(table["request_id"].to_list())
    shared = next(one[:1] for one in ids if sum(o[:1] == one[:1] for o in ids) > 1)
    alike = [one for one in ids if one.startswith(shared)]

    said = harness("show", wrong, shared)

    assert (said.code, said.out) == (2, "")
    assert said.err.startswith(
        f"harness: {shared}: {len(alike)} requests of {wrong} match. Name one of them: {alike[0]}, "
    )


def test_a_request_is_found_by_the_logs_own_id(harness, wrong):
    """Which is what other tools' records know it by."""
    first = pl.read_parquet(f"{wrong}/pairs/**/*.parquet").row(0, named=True)

    said = harness("show", wrong, first["external_id"])

    assert (said.code, said.err) == (0, "")
    assert said.out.startswith(f"{first['request_id']}  POST /predict\n")


def test_a_challenger_nobody_knows_is_refused(harness, wrong):
    """Exit 2, and who is there."""
    said = harness("show", wrong, "--challenger", "nobody")

    assert (said.code, said.err) == (
        2,
        "harness: --challenger nobody: the run has new. Name one of these\n",
    )


def on_a_terminal(tmp_path, *words, sits_there=False, **environment):
    """What the program writes to a terminal of 100 columns, with or without a keyboard."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "harness", *words],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(ROOT), "COLUMNS": "100", "TERM": "xterm"} | environment,
        stdin=theirs if sits_there else subprocess.DEVNULL,
        stdout=theirs,
        stderr=theirs,
    )
    os.close(theirs)
    written = b""
    while chunk := _read(ours):
        written += chunk
    os.close(ours)
    assert process.wait(30) == 0
    return written.decode()


def _read(terminal):
    try:
        return os.read(terminal, 65536)
    except OSError:  # Linux says EIO when the other side is closed
        return b""


@pytest.mark.parametrize(("environment", "coloured"), [({}, True), ({"NO_COLOR": "1"}, False)])
def test_a_terminal_gets_colour_unless_it_asks_not_to(tmp_path, wrong, environment, coloured):
    """https://no-color.org"""
    shown = on_a_terminal(tmp_path, "show", wrong, **environment)

    assert ("\x1b[" in shown) is coloured
    assert max(len(line) for line in shown.splitlines()) < 200


def test_who_sits_at_a_terminal_gets_a_pager(tmp_path, wrong):
    """To scroll and search; what fits a screen is left there by less itself."""
    shown = on_a_terminal(tmp_path, "show", wrong, sits_there=True, PAGER="sed s/^/paged:/")

    lines = shown.split("\r\n")
    assert len(lines) > 20
    assert all(line.startswith("paged:") for line in lines if line)
    assert "paged:\x1b[1mnew: 40 disagreements" in shown
