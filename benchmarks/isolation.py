"""What users notice of a challenger that misbehaves: nothing, says harness. Beside nginx and Envoy.

    python -m benchmarks.isolation [--rounds 3] [--seconds 2] [--only slow]

Users ask a champion that echoes, 500 requests a second by chance, through a proxy that mirrors to a
challenger in some condition, and through the same proxy with mirroring off. What mirroring adds is
the difference of the two, taken within a round; medians over the rounds are shown. Proxies take
turns within a round, because neighbours on the machine are noisy: trust what differs by a multiple,
not by a few hundred microseconds.

Everything under test is on one core, harness's mirror and watch included; users, champion and
challenger are on the other, challengers that burn CPU at idle priority, so that what they burn is
not measured as what they do to users. Only Linux can say so. On a machine that others use as well,
`--real-time` puts what serves users, and users themselves, before everybody else (as root).

nginx is Debian's with `mirror`, its timeouts for the challenger set to the 2 s that harness has;
Envoy has `request_mirror_policies` and its defaults otherwise (see `benchmarks.peers`). The
conditions of harness's own parts are harness's alone. `disk full` needs the right to mount,
`slow disk` needs strace: it makes each sync of the mirror's journal take a second.

Ends with 1 when a user of harness got anything but the right answer in time, or when a request is
not accounted for.
"""

from __future__ import annotations

import argparse
import os
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

from benchmarks import peers
from harness.pair import Conservation
from harness.testing.conditions import condition
from harness.testing.load import Schedule, Seen, answered, asking
from harness.testing.sidecar import Sidecar, resident_bytes, sidecar

_BURNING = ("trickling", "flooding", "bomb")

_TEN_MB = 10_000_000
_SETTLES_WITHIN_S = 30.0
_STARTS_WITHIN_S = 90.0

_CONFIG = """\
champion: {{name: champion, url: "{champion}", timeout: 10s}}
challengers: [{{name: challenger, url: "{challenger}", timeout: 2s}}]
capture:
  listen: 127.0.0.1:0
  admin: 127.0.0.1:0
  runtime_dir: rt
  methods: [POST]
  drain: 10s
{more}policy: {{sequential: true, rules: [{{not_worse: failure_rate, margin: 0.02}}]}}
"""
_LARGE = "  max_body: 16MiB\n  link_buffer: 64MiB\n  capture_memory: 128MiB\n"

_ORDINARY = Schedule()

Harm = Callable[[Sidecar], AbstractContextManager[None]]


# What can be done to harness's own parts while users ask.


@contextmanager
def _kills(running: Sidecar) -> Iterator[None]:
    """The mirror is killed again and again."""
    over = threading.Event()

    def kill() -> None:
        while not over.wait(0.3):
            pid = running.pids().get("mirror")
            if pid is not None:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)

    thread = threading.Thread(target=kill)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


@contextmanager
def _stops(running: Sidecar) -> Iterator[None]:
    pid = running.signal("mirror", signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


@contextmanager
def _slows_the_disk(running: Sidecar) -> Iterator[None]:
    """Each sync takes a second more."""
    pid = running.until(lambda: running.pid_of("mirror"))
    words = ["-e", "trace=fsync,fdatasync", "-e", "inject=fsync,fdatasync:delay_exit=1000000"]
    with subprocess.Popen(
        ["strace", "-f", "-p", str(pid), *words],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as tracing:
        time.sleep(0.3)
        try:
            yield
        finally:
            tracing.terminate()


@contextmanager
def _nothing(running: Sidecar) -> Iterator[None]:
    yield


@dataclass(frozen=True, slots=True)
class Condition:
    """What is wrong.

    Attributes:
        challenger: See `harness.testing.conditions`.
        harm: Done to harness's own processes meanwhile; None where the challenger alone is bad.
        disk_bytes: Size of the disk that the run is written to; None for an ordinary one.
        capture: Lines for harness's config.
    """

    name: str
    challenger: str = "fast"
    schedule: Schedule = _ORDINARY
    harm: Harm | None = None
    disk_bytes: int | None = None
    capture: str = ""

    @property
    def is_of_harness_alone(self) -> bool:
        return self.harm is not None or self.disk_bytes is not None

    def cannot_be_had(self) -> str | None:
        """Why this machine cannot do it; None if it can."""
        if self.disk_bytes is not None and os.geteuid() != 0:
            return "needs the right to mount"
        if self.harm is _slows_the_disk and shutil.which("strace") is None:
            return "needs strace"
        return None


_LARGE_BODIES = Schedule(rate_per_s=5.0, body_bytes=_TEN_MB)

CONDITIONS = (
    Condition("fast"),
    Condition("down", "down"),
    Condition("refusing", "refusing"),
    Condition("2 s slow", "slow"),
    Condition("accepts, never reads", "never_reads"),
    Condition("never closes", "never_closes"),
    Condition("trickles", "trickling"),
    Condition("floods", "flooding"),
    Condition("JSON bomb in the answer", "bomb"),
    Condition("10 MB bodies", schedule=_LARGE_BODIES, capture=_LARGE),
    Condition("10 MB bodies, never reads", "never_reads", _LARGE_BODIES, capture=_LARGE),
    Condition("bursts of 300, 2 s slow", "slow", Schedule(rate_per_s=2.0, burst=300)),
    Condition("mirror killed", harm=_kills),
    Condition("mirror stopped", harm=_stops),
    Condition("disk full", disk_bytes=1 << 20),
    Condition("journal on a slow disk", harm=_slows_the_disk),
)


# One proxy in one condition.


@dataclass(slots=True)
class System:
    """A proxy with mirroring on, and the same one with mirroring off.

    Attributes:
        pids: What to weigh, by the name of the column.
    """

    name: str
    mirrors: str
    plain: str
    pids: Callable[[], dict[str, int]]
    running: Sidecar | None = None
    with_mirror: list[Seen] = field(default_factory=list)
    without: list[Seen] = field(default_factory=list)
    most_bytes: dict[str, int] = field(default_factory=dict)

    def weigh(self) -> None:
        for part, pid in self.pids().items():
            seen = resident_bytes(pid, at_most=True)
            self.most_bytes[part] = max(seen, self.most_bytes.get(part, 0))


@dataclass(frozen=True, slots=True)
class Cores:
    """Where things run; no words where that cannot be said."""

    under_test: tuple[str, ...]
    others: tuple[str, ...]
    is_real_time: bool

    @classmethod
    def of_this_machine(cls, *, is_real_time: bool) -> Cores:
        if not hasattr(os, "sched_getaffinity") or shutil.which("taskset") is None:
            return cls((), (), is_real_time)
        cores = sorted(os.sched_getaffinity(0))
        first, last = (("taskset", "-c", str(core)) for core in (cores[0], cores[-1]))
        return cls(first, last, is_real_time)

    @property
    def peers(self) -> tuple[str, ...]:
        return (*self._first, *self.under_test)

    @property
    def users(self) -> tuple[str, ...]:
        return (*self._first, *self.others)

    def challenger(self, name: str) -> tuple[str, ...]:
        """Those that burn CPU do so where nobody else wants it."""
        first = ("chrt", "-i", "0") if self.others and name in _BURNING else self._first
        return (*first, *self.others)

    def prefer(self, pid: int) -> None:
        """A front, like any other proxy under test."""
        if self.is_real_time:
            os.sched_setscheduler(pid, os.SCHED_RR, os.sched_param(1))

    @property
    def _first(self) -> tuple[str, ...]:
        return ("chrt", "-r", "1") if self.is_real_time else ()


def _port(url: str) -> int:
    return int(url.rpartition(":")[2])


def _harness(
    stack: ExitStack, folder: Path, one: Condition, urls: tuple[str, str], cores: Cores
) -> System:
    running = []
    for name in ("mirrors", "plain"):
        place = folder / name
        place.mkdir(parents=True)
        if name == "mirrors" and one.disk_bytes is not None:
            stack.enter_context(_disk(place / "runs", one.disk_bytes))
        text = _CONFIG.format(champion=urls[0], challenger=urls[1], more=one.capture)
        running.append(stack.enter_context(sidecar(place, text, before=cores.under_test)))
    mirrors, plain = running
    for each in running:
        assert each.url
        each.until(partial(each.pid_of, "mirror"), _STARTS_WITHIN_S)
        cores.prefer(each.pids()["front 1"])
    switched = plain.desk(ask="pause", by="the benchmark")
    assert switched.get("done"), switched

    def pids() -> dict[str, int]:
        found = mirrors.pids()
        return {part: found[child] for part, child in (("front", "front 1"), ("mirror", "mirror"))
                if child in found}  # fmt: skip

    return System("harness", mirrors.url, plain.url, pids, mirrors)


def _peer(name: str, stack: ExitStack, folder: Path, urls: tuple[str, str], cores: Cores) -> System:
    start = {"nginx": peers.nginx, "Envoy": peers.envoy}[name]
    champion, challenger = map(_port, urls)
    mirrors = stack.enter_context(start(folder / "mirrors", champion, challenger, cores.peers))
    plain = stack.enter_context(start(folder / "plain", champion, None, cores.peers))
    return System(name, mirrors.url, plain.url, lambda: {"front": mirrors.pid})


@contextmanager
def _disk(where: Path, n_bytes: int) -> Iterator[None]:
    where.mkdir()
    subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={n_bytes}", "tmpfs", str(where)], check=True
    )
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", str(where)], check=True)


def measure(one: Condition, names: Sequence[str], chosen: Chosen) -> list[System]:
    """Put a condition to the proxies."""
    cores = chosen.cores
    with ExitStack() as stack:
        folder = Path(
            stack.enter_context(
                tempfile.TemporaryDirectory(prefix="isolation-", ignore_cleanup_errors=True)
            )
        )
        champion = stack.enter_context(condition("fast", before=cores.users))
        bad = condition(one.challenger, before=cores.challenger(one.challenger))
        challenger = stack.enter_context(bad)
        urls = (champion, challenger)
        systems = [
            _harness(stack, folder / name, one, urls, cores)
            if name == "harness"
            else _peer(name, stack, folder / name, urls, cores)
            for name in names
            if name == "harness" or not one.is_of_harness_alone
        ]
        for number in range(chosen.rounds):
            for system in systems[number % len(systems) :] + systems[: number % len(systems)]:
                _ask(one, system, number, chosen)
        for system in systems:
            if system.running is not None:
                chosen.account(one, system)
    return systems


def _ask(one: Condition, system: System, number: int, chosen: Chosen) -> None:
    schedule = chosen.schedule(one, number)
    system.without.append(_seen(system.plain, schedule, chosen.cores))
    harm = _nothing if one.harm is None or system.running is None else one.harm
    if system.running is None:
        system.with_mirror.append(_seen(system.mirrors, schedule, chosen.cores))
    else:
        with harm(system.running):
            system.with_mirror.append(_seen(system.mirrors, schedule, chosen.cores))
    system.weigh()


def _seen(url: str, schedule: Schedule, cores: Cores) -> Seen:
    return answered(asking(url, schedule, before=cores.users), schedule)


# What comes out.


@dataclass(slots=True)
class Chosen:
    """What was asked for, and what was wrong."""

    rounds: int
    seconds: float
    cores: Cores
    problems: list[str] = field(default_factory=list)
    accounts: dict[str, Conservation] = field(default_factory=dict)

    def schedule(self, one: Condition, number: int) -> Schedule:
        tag = f"round-{number}"
        return replace(one.schedule, seconds=self.seconds, seed=number, tag=tag)

    def account(self, one: Condition, system: System) -> None:
        """Wait until nothing is pending, and look where the requests went."""
        running = system.running
        assert running is not None

        def settled() -> Conservation | None:
            found = running.pages().get("challenger")
            return found if found is not None and not found.pending else None

        try:
            found = running.until(settled, _SETTLES_WITHIN_S)
        except TimeoutError:
            found = running.pages()["challenger"]
        self.accounts[one.name] = found
        n_sent = sum(seen.n_sent for seen in system.with_mirror)
        if found.received != n_sent or found.pending:
            self.problems.append(f"{one.name}: {n_sent:,} were sent, and {_account(found)}")
        for seen in system.with_mirror:
            if seen.problems:
                self.problems.append(f"{one.name}: users saw {dict(seen.problems)}")


def _account(found: Conservation) -> str:
    lost = "".join(f", {n:,} {reason}" for reason, n in found.losses.items() if n)
    pending = f", {found.pending:,} pending" if found.pending else ""
    return f"{found.received:,} received, {found.paired:,} paired{lost}{pending}"


def _row(one: Condition, system: System, chosen: Chosen) -> str:
    def added_us(share: float) -> float:
        both = zip(system.with_mirror, system.without, strict=True)
        return statistics.median(on.quantile_us(share) - off.quantile_us(share) for on, off in both)

    p99_us = statistics.median(seen.quantile_us(0.99) for seen in system.with_mirror)
    off_us = statistics.median(seen.quantile_us(0.99) for seen in system.without)
    n_wrong = sum(sum(seen.problems.values()) for seen in system.with_mirror)
    cells = [
        one.name,
        system.name,
        *(_ms(added_us(share)) for share in (0.5, 0.99, 0.999)),
        f"{p99_us / off_us:.1f}×",
        f"{n_wrong:,} of {sum(seen.n_sent for seen in system.with_mirror):,}",
        *(
            f"{system.most_bytes[part] / 1e6:.0f}" if part in system.most_bytes else "–"
            for part in ("front", "mirror")
        ),
        _account(chosen.accounts[one.name]) if system.running is not None else "–",
    ]
    return f"| {' | '.join(cells)} |"


def _ms(microseconds: float) -> str:
    return f"{microseconds / 1e3:+.2f}" if abs(microseconds) < 1e9 else "∞"


_HEADER = """\
| challenger or mirror | proxy | added p50, ms | p99, ms | p99.9, ms | p99, with : without \
| errors | front, MB | mirror, MB | where the requests went |
|---|---|---|---|---|---|---|---|---|---|"""

_TARGETS = """\
Aims: p99 with mirroring at most 1.3× of that without (good: 2×), and never more than 1 ms added;
no error; every request paired or counted; front 40 MB, mirror 150 MB when idle (good: 60, 250)."""


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=2.0)
    parser.add_argument("--only", action="append", help="conditions with that in their name")
    parser.add_argument("--real-time", action="store_true", help="what is measured comes first")
    asked = parser.parse_args()
    chosen = Chosen(
        asked.rounds, asked.seconds, Cores.of_this_machine(is_real_time=asked.real_time)
    )
    names = ["harness"]
    for name, program in (("nginx", peers.nginx_program()), ("Envoy", peers.envoy_program())):
        if program is None:
            print(f"{name} is not installed, left out", file=sys.stderr)
        else:
            names.append(name)
    print(_HEADER, flush=True)
    for one in CONDITIONS:
        if asked.only and not any(word in one.name for word in asked.only):
            continue
        if (why := one.cannot_be_had()) is not None:
            print(f"{one.name} is left out: it {why}", file=sys.stderr)
            continue
        for system in measure(one, names, chosen):
            print(_row(one, system, chosen), flush=True)
    print(f"\n{_TARGETS}")
    for problem in chosen.problems:
        print(f"BROKEN: {problem}")
    return 1 if chosen.problems else 0


if __name__ == "__main__":
    sys.exit(main())
