"""A replay that is ended half-way: what was acknowledged stays, and --resume does the rest."""

import json
import os
import random
import signal
import subprocess
import sys
import time

import pytest

from harness.store.reader import StoredRun
from tests.cli.conftest import ROOT, ended

pytestmark = pytest.mark.process


def wait_for_requests(server, n):
    """Until the server has seen `n` requests; gives up loudly."""
    deadline = time.monotonic() + 60
    while len(server.seen) < n:
        assert time.monotonic() < deadline, f"{len(server.seen)} of {n} requests came"
        time.sleep(0.005)


def entries(run):
    """Keys of the stored pairs, in any order, doubles included."""
    return StoredRun.open(run).scan("new", ["external_id"]).collect()["external_id"].to_list()


def losses(run):
    return json.loads((run / "losses.json").read_text())["new"]


def whole(n):
    """What `losses.json` says of a run of `n` entries that is complete."""
    return {"received": n, "paired": n, "losses": {}, "pending": 0, "holds": True}


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_replay_says_how_to_go_on_and_goes_on(
    program, serve, log, config, tmp_path, number
):
    """Exit 130 with the pairs so far; --resume asks for the rest, each entry once."""
    challenger = serve(takes_s=0.02)
    log(80), (path := config(serve(), challenger))
    run = tmp_path / "runs/one"
    process = program("replay", path.name, "--run", "runs/one")
    wait_for_requests(challenger, 20)

    process.send_signal(number)
    said = ended(process)
    before, lost = entries(run), losses(run)
    resumed = ended(program("replay", path.name, "--run", "runs/one", "--resume", "--json"))

    assert said.code == 130
    assert said.out == ""
    assert said.err == (
        f"harness: interrupted with {len(before)} pairs stored in runs/one. "
        f"Go on with: harness replay harness.yaml --run runs/one --resume\n"
    )
    assert 15 <= len(before) < 80
    assert lost == whole(80) | {"paired": len(before), "pending": 80 - len(before)}
    assert resumed.code == 0, resumed.err
    assert sorted(entries(run)) == sorted(f"e{n}" for n in range(80))
    assert losses(run) == whole(80)
    assert resumed.verdict["challengers"][0]["received"] == 80
    assert len(challenger.seen) == 80


def test_the_second_interruption_ends_at_once(program, serve, log, config, tmp_path):
    """It does not wait for a challenger that never answers, and what was open is asked again."""
    challenger = serve(takes_s=30)
    log(40), (path := config(serve(), challenger, change=slow_deadline))
    run = tmp_path / "runs/one"
    process = program("replay", path.name, "--run", "runs/one")
    wait_for_requests(challenger, 4)

    process.send_signal(signal.SIGINT)
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(0.5)
    process.send_signal(signal.SIGINT)
    said = ended(process, within_s=10)

    assert said.code == 130
    assert entries(run) == []
    assert losses(run) == whole(40) | {"paired": 0, "pending": 40}


def slow_deadline(text):
    return text.replace("timeout: 2s", "timeout: 60s")


def test_an_interruption_asks_nothing_more_of_those_who_wait_in_line(
    program, serve, log, config, tmp_path
):
    """Requests of one user wait for each other: those not asked yet are not asked any more."""
    challenger = serve(takes_s=0.1)
    log(60, users=1)
    change = swap("{mode: closed, in_flight: 4}", "{mode: rate, per_s: 1000, keep_order: true}")
    path = config(serve(), challenger, change=change)
    process = program("replay", path.name, "--run", "runs/one")
    wait_for_requests(challenger, 3)

    process.send_signal(signal.SIGINT)
    said = ended(process)

    assert said.code == 130
    assert len(challenger.seen) < 10
    assert losses(tmp_path / "runs/one")["pending"] == 60 - len(entries(tmp_path / "runs/one"))


def swap(old, new):
    return lambda text: text.replace(old, new)


def test_an_interruption_before_the_first_request_leaves_nothing(
    program, serve, serve_raw, log, config, tmp_path
):
    """While the connection is being made: exit 130, one word, no run, no files left over."""
    (tmp_path / "tmp").mkdir()

    def never_reads(peer):
        peer.closed.wait(60)

    reached = serve_raw(never_reads)
    log(20)
    path = config(serve(), reached, "warm_up: 5\n", change=slow_deadline)
    process = program("replay", path.name, "--run", "runs/one", TMPDIR=str(tmp_path / "tmp"))
    wait_for_requests(reached, 2)

    process.send_signal(signal.SIGTERM)
    said = ended(process, within_s=10)

    assert (said.code, said.out, said.err) == (130, "", "harness: interrupted\n")
    assert not (tmp_path / "runs").exists()
    assert list((tmp_path / "tmp").iterdir()) == []


@pytest.mark.slow
@pytest.mark.timeout(600)  # twenty-one processes, on a busy machine
def test_kill_nine_loses_nothing_that_was_acknowledged(program, serve, log, config, tmp_path):
    """Killed twenty times and resumed each time: no pair is lost, none is there twice."""
    n, rng = 1_000, random.Random(9)
    challenger = serve(takes_s=0.002)
    log(n), (path := config(serve(), challenger))
    run = tmp_path / "runs/one"
    words, acknowledged, n_killed = ["replay", path.name, "--run", "runs/one", "--no-gate"], 0, 0

    while n_killed < 20 and acknowledged < n:
        process = program(*words, *(["--resume"] if (run / "run.json").exists() else []))
        wait_for_requests(challenger, min(len(challenger.seen) + rng.randrange(1, 90), n))
        time.sleep(rng.random() * 0.05)
        process.kill()
        process.communicate()
        n_killed += 1
        found = entries(run) if (run / "run.json").exists() else []
        assert len(found) == len(set(found))
        assert len(found) >= acknowledged
        acknowledged = len(found)
    finished = ended(program(*words, "--resume"))

    assert n_killed == 20
    assert finished.code == 0, finished.err
    assert sorted(entries(run)) == sorted(f"e{i}" for i in range(n))
    assert losses(run) == whole(n)


FULL_DISK = """
import resource, signal, sys
from harness.cli import main
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[1]), resource.RLIM_INFINITY))
main(sys.argv[2:])
"""


def test_on_a_full_disk_what_was_acknowledged_stays_and_is_resumed(
    harness, serve, log, config, tmp_path
):
    """Exit 1 and one sentence; with room again --resume completes the run."""
    log(400), (path := config(serve("wordy"), serve("wordy", takes_s=0.01)))
    run = tmp_path / "runs/one"
    words = ["replay", path.name, "--run", "runs/one"]

    full = subprocess.run(
        [sys.executable, "-c", FULL_DISK, "1000000", *words],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=60,
    )
    before = entries(run)
    resumed = harness(*words, "--resume")

    assert full.returncode == 1
    assert full.stdout == ""
    assert full.stderr.startswith("harness: ")
    assert full.stderr.count("\n") == 1
    assert "cannot write the journal: File too large" in full.stderr
    assert 0 < len(before) == len(set(before)) < 400
    assert resumed.code == 0, resumed.err
    assert sorted(entries(run)) == sorted(f"e{n}" for n in range(400))
    assert losses(run) == whole(400)
