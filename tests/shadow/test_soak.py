"""Hours in minutes: mixed traffic, bad networks, deaths and reloads, and the books in the end.

SOAK_MINUTES says how long, 10 unless given; an hour is what the promise is about.
"""

import os
import signal
import statistics
import time
from contextlib import ExitStack
from dataclasses import replace

import pytest

from harness.store.reader import StoredRun
from harness.testing.chaos import Chaos, chaos_before
from harness.testing.conditions import condition
from harness.testing.load import Schedule, answered, asking
from harness.testing.sidecar import n_descriptors, resident_bytes, sidecar

MINUTES = float(os.environ.get("SOAK_MINUTES", "10"))
CHUNK_S = 10.0

CHALLENGERS = ("good", "spoilt", "slow", "flooding")
CONFIG = """\
champion: {{name: champion, url: "{champion}", timeout: 5s}}
challengers:
{challengers}
cluster: header:x-user-id
capture:
  listen: 127.0.0.1:0
  admin: 127.0.0.1:0
  runtime_dir: rt
  methods: [POST]
  drain: 10s
  limits: {{head_time: 2s, body_time: 2s, idle: 5s}}
policy: {{sequential: true, rules: [{{not_worse: failure_rate, margin: 0.1}}]}}
"""

# Ordinary users, large bodies, and bursts; then users whose network is bad.
TRAFFIC = (
    Schedule(rate_per_s=60, seconds=CHUNK_S, tag="users"),
    Schedule(rate_per_s=2, seconds=CHUNK_S, body_bytes=300_000, tag="large"),
    Schedule(rate_per_s=0.3, seconds=CHUNK_S, burst=40, tag="bursts"),
)
SPOILT = Schedule(rate_per_s=20, seconds=CHUNK_S, timeout_s=3, tag="spoilt")


def stop_for_a_while(running):
    pid = running.signal("mirror", signal.SIGSTOP)
    time.sleep(2.0)
    os.kill(pid, signal.SIGCONT)


def kill(child):
    def it(running):
        running.replaced(child, running.signal(child, signal.SIGKILL))

    return it


def reload(running):
    assert running.desk(ask="reload", by="a test").get("done")


def nothing(running):
    pass


EVENTS = {
    "mirror killed": kill("mirror"),
    "mirror stopped": stop_for_a_while,
    "reload": reload,
    "front killed": kill("front 1"),
    "watch killed": kill("watch"),
    "nothing": nothing,
}


def weigh(running):
    """Memory and descriptors of each process that is there."""
    pids = {"supervisor": running.process.pid, **running.pids()}
    return {name: (resident_bytes(pid), n_descriptors(pid)) for name, pid in pids.items()}


def chunk(running, url, spoilt_url, number, event):
    """Some seconds of traffic, in which something happens; what users saw, by their schedule."""
    schedules = [replace(one, seed=number, tag=f"{one.tag}-{number}") for one in TRAFFIC]
    spoilt = replace(SPOILT, seed=number, tag=f"{SPOILT.tag}-{number}")
    asked = [asking(url, one) for one in schedules]
    asked_badly = asking(spoilt_url, spoilt)
    time.sleep(CHUNK_S / 3)
    event(running)
    seen = [answered(one, schedule) for one, schedule in zip(asked, schedules, strict=True)]
    answered(asked_badly, spoilt)  # what a bad network did to them is nobody's promise
    return seen


@pytest.mark.soak
@pytest.mark.process
@pytest.mark.timeout(MINUTES * 60 * 2 + 300)
def test_a_long_time_of_everything_ends_with_nothing_lost_and_nothing_grown(tmp_path):
    """Users get right answers but where their own front is killed; the books balance.

    First everything happens in turn, then only traffic and spoilt networks, so that memory and
    descriptors of processes that live on can be compared.
    """
    ends_s = time.monotonic() + MINUTES * 60
    problems, weights = [], []
    with ExitStack() as stack:
        champion = stack.enter_context(condition("fast"))
        urls = {
            "good": stack.enter_context(condition("fast")),
            "slow": stack.enter_context(condition("slow")),
            "flooding": stack.enter_context(condition("flooding", before=("nice", "-n", "19"))),
        }
        urls["spoilt"] = stack.enter_context(chaos_before(urls["good"], Chaos(seed=1)))
        listed = "\n".join(
            f'  - {{name: {name}, url: "{urls[name]}", timeout: 1s, max_in_flight: 16}}'
            for name in CHALLENGERS
        )
        text = CONFIG.format(champion=champion, challengers=listed)
        running = stack.enter_context(sidecar(tmp_path, text))
        url = running.url
        spoilt_url = stack.enter_context(chaos_before(url, Chaos(seed=2)))

        number = 0
        names = list(EVENTS)
        half_s = ends_s - MINUTES * 30
        while time.monotonic() < half_s or number < len(names):
            name = names[number % len(names)]
            seen = chunk(running, url, spoilt_url, number, EVENTS[name])
            for one in seen:
                wrong = dict(one.problems)
                if name == "front killed":
                    wrong.pop("disconnected", None)
                if wrong:
                    problems.append((name, number, wrong))
            number += 1
        while time.monotonic() < ends_s or len(weights) < 6:
            seen = chunk(running, url, spoilt_url, number, nothing)
            problems += [("nothing", number, one.problems) for one in seen if one.problems]
            weights.append(weigh(running))
            number += 1

        for counts in running.pages().values():
            assert counts.received == counts.paired + sum(counts.losses.values()) + counts.pending
        time.sleep(6.0)  # idle connections are closed after 5 s
        at_rest = weigh(running)
        code = running.stop(90)
        losses = running.losses()
        run = StoredRun.open(running.run)
        stored = {name: run.scan(name, ["entry_key"]).collect() for name in CHALLENGERS}
        journal = list((running.run / "journal").glob("*.arrow*"))

    report(weights, at_rest, losses, number)
    assert problems == []
    assert code == 0
    assert len({one.received for one in losses.values()}) == 1
    for name in CHALLENGERS:
        one = losses[name]
        assert one.received == one.paired + sum(one.losses.values())
        assert one.pending == 0
        assert stored[name].height == one.paired == stored[name]["entry_key"].n_unique()
    assert journal == []
    assert losses["good"].paired > 0.5 * losses["good"].received
    nothing_has_grown(weights, at_rest)


def nothing_has_grown(weights, at_rest):
    """Memory and descriptors of the last third against the first, and of rest against work."""
    third = len(weights) // 3
    for name in weights[0]:
        early, late = (
            [statistics.median(one[name][what] for one in some) for what in (0, 1)]
            for some in (weights[:third], weights[-third:])
        )
        assert late[0] < 1.1 * early[0] + 8e6, f"{name}: {early[0]:,} bytes, then {late[0]:,}"
        assert at_rest[name][1] <= max(one[name][1] for one in weights)
        assert late[1] < 1.5 * early[1] + 16, f"{name}: {early[1]} files open, then {late[1]}"
    # Clients are gone; what the front keeps are its own sockets and those to champion and mirror.
    assert at_rest["front 1"][1] < 32


def report(weights, at_rest, losses, n_chunks):
    """Say what was seen, for whoever runs this by hand."""
    print(f"\n{n_chunks} times {CHUNK_S:g} s of traffic")
    for name, one in losses.items():
        lost = {reason.value: n for reason, n in one.losses.items() if n}
        print(f"{name}: {one.received:,} received, {one.paired:,} paired, lost {lost}")
    for name in at_rest:
        megabytes = [f"{one[name][0] / 1e6:.0f}" for one in weights]
        files = [str(one[name][1]) for one in weights]
        print(
            f"{name}: MB {' '.join(megabytes)}, files {' '.join(files)}, {at_rest[name][1]} at rest"
        )
