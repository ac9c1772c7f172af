"""Owns the listening sockets, the runtime folder and the children; never touches traffic.

Theory of operation
===================

A *set* is the processes that work together on one run: fronts that serve users, one mirror, one
watch. They meet in a `Place`. What each of them is told comes from a `Composition`, which is made
from the config at the roof.

A child that dies is started again. While the mirror is away its fronts serve on and count what they
cannot hand over; while a front is away, connections wait in the backlog of the listening socket,
which is ours and stays.

A reload composes first and changes nothing when that fails. Fronts of the new composition are
started on the same descriptors; once they are ready, the old ones are told to drain: they accept
nothing more, finish what is in flight, and end. No connection is reset, because at every moment
somebody accepts on a socket that is never closed. Where what defines the run is different, the new
fronts belong to a new set, with a mirror and a run of their own, and the old set ends when it is
drained; otherwise the mirror stays, and only fronts and watch change.

Ending is draining without successors: fronts, then the mirror, which finishes what it was handed
and seals the run, then the watch. A second signal cuts it short.
"""

from __future__ import annotations

import asyncio
import os
import secrets
import socket
from collections.abc import Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any, Protocol

from harness.errors import HarnessError
from harness.shadow.children import Child, Program
from harness.shadow.control import Message
from harness.shadow.desk import Desk
from harness.shadow.gauges import Page, PageError
from harness.shadow.logs import Log
from harness.shadow.runtime import Place, Running, Runtime
from harness.shadow.silence import totals, why_nothing
from harness.shadow.sockets import listener, where
from harness.shadow.switch import RefusedError, Switch

READY_WITHIN_S = 30.0
MIRROR_WITHIN_S = 10.0
"""Users wait no longer than that for a mirror, when nobody serves them yet."""

_GRACE_S = 5.0
_ASIDE = 10  # of 19
_LOOKS_EVERY_S = 2.0
_SAYS_AGAIN_AFTER_S = 300.0


class Part(StrEnum):
    """Which part of the sidecar a supervisor runs: two containers of a pod share the work."""

    ALL = "all"
    FRONT = "front"
    MIRROR = "mirror"

    @property
    def has_fronts(self) -> bool:
        return self is not Part.MIRROR

    @property
    def has_mirror(self) -> bool:
        return self is not Part.FRONT


@dataclass(frozen=True, slots=True)
class Address:
    """Where to listen, and the config's key that says so."""

    host: str
    port: int
    key: str

    def open(self) -> socket.socket:
        return listener(self.host, self.port, key=self.key)


class Composition(Protocol):
    """What the children of one config are told."""

    @property
    def run_key(self) -> str:
        """Of all that defines the run; with another key the pairs are of another run."""
        ...

    @property
    def n_fronts(self) -> int: ...

    @property
    def sample(self) -> float: ...

    @property
    def methods(self) -> tuple[str, ...]: ...

    @property
    def drain_s(self) -> float: ...

    @property
    def mirror_gives_way(self) -> bool:
        """Whether the mirror runs only where nobody else wants to."""
        ...

    @property
    def listen(self) -> Address: ...

    @property
    def admin(self) -> Address: ...

    def new_run(self) -> Path:
        """The folder of a run that does not exist yet."""
        ...

    def front(self, place: Place, front_id: str, listen_fd: int, ppm: int) -> Program: ...

    def mirror(self, place: Place, run: Path) -> Program: ...

    def watch(self, place: Place, run: Path, control: Path, admin_fd: int) -> Program: ...

    async def close(self) -> None:
        """Let go of what the composition has started, when its children are gone."""
        ...


@dataclass(slots=True)
class _Set:
    """The processes that work on one run."""

    number: int
    place: Place
    run: Path
    composition: Composition
    fronts: list[Child] = field(default_factory=list)
    mirror: Child | None = None
    watch: Child | None = None

    def children(self) -> Iterator[Child]:
        yield from self.fronts
        yield from (one for one in (self.mirror, self.watch) if one is not None)

    def counts(self) -> dict[str, int]:
        """What all fronts of this set have counted, those that are gone among them."""
        snapshots = []
        for path in sorted(self.place.pages.glob("front-*.page")):
            with suppress(PageError):
                page = Page.open(path)
                snapshots.append(page.snapshot())
                page.close()
        return totals(snapshots)


class Supervisor:
    """Runs until `stop`.

    Args:
        compose: Reads the config anew, for a reload.
        on_ready: Called once when users are served, or the mirror works where there are no fronts.
    """

    def __init__(
        self,
        composition: Composition,
        *,
        part: Part,
        runtime: Runtime,
        compose: Callable[[], Awaitable[Composition]],
        log: Log,
        on_ready: Callable[[Supervisor], None] = lambda supervisor: None,
    ) -> None:
        self._composition = composition
        self._part = part
        self._runtime = runtime
        self._compose = compose
        self._log = log
        self._on_ready = on_ready
        self._switch = Switch(composition.sample)
        self._listen: socket.socket | None = None
        self._admin: socket.socket | None = None
        self._now: _Set | None = None
        self._old: set[asyncio.Task[None]] = set()
        self._reloading = asyncio.Lock()
        self._stopping = asyncio.Event()
        self._hurry = asyncio.Event()
        self._n_sets = 0

    @property
    def listens_at(self) -> str | None:
        """Where users are served; None where somebody else does that."""
        return where(self._listen) if self._listen is not None else None

    @property
    def admin_at(self) -> str | None:
        return where(self._admin) if self._admin is not None else None

    @property
    def run(self) -> Path | None:
        """The run that is being written; None where somebody else does that."""
        return self._now.run if self._now is not None and self._part.has_mirror else None

    @property
    def is_stopping(self) -> bool:
        return self._stopping.is_set()

    def stop(self) -> None:
        """Begin to end; called again, end at once."""
        if self._stopping.is_set():
            self._hurry.set()
        self._stopping.set()

    def reload(self, by: str) -> asyncio.Task[Message]:
        """Read the config anew and go over to it; told in the log who wanted it."""
        return asyncio.create_task(self._reload(by))

    async def serve(self) -> None:
        """Serve until `stop`, then drain and seal.

        Raises:
            UsageError: An address cannot be listened on.
        """
        async with AsyncExitStack() as stack:
            self._open_sockets(stack)
            if self._part.has_fronts:
                desk = await Desk.open(self._runtime.control, self._answer)
                stack.callback(desk.close)
            self._now = self._new_set(self._composition)
            await self._start(self._now)
            if not self.is_stopping:
                self._on_ready(self)
            looking = asyncio.create_task(self._look())
            stack.callback(looking.cancel)
            await self._stopping.wait()
            await self._end()

    def _open_sockets(self, stack: AsyncExitStack) -> None:
        if self._part.has_fronts:
            self._listen = stack.enter_context(self._composition.listen.open())
        if self._part.has_mirror:
            self._admin = stack.enter_context(self._composition.admin.open())

    def _new_set(self, composition: Composition) -> _Set:
        self._n_sets += 1
        place = self._runtime.place(self._n_sets)
        return _Set(self._n_sets, place, self._run_for(composition), composition)

    def _run_for(self, composition: Composition) -> Path:
        """A new run, or the one that whoever was here before could not finish."""
        if not self._part.has_mirror:
            return Path()
        running = self._runtime.remembered() if self._n_sets == 1 else None
        if running is not None and running.key == composition.run_key and running.run.is_dir():
            self._log.info("run_resumed", f"going on with the run {running.run}")
            return running.run
        if self._part is Part.ALL and self._n_sets == 1:
            self._runtime.clear_pages()
        run = composition.new_run()
        self._runtime.remember(Running(run, composition.run_key))
        return run

    async def _start(self, new: _Set) -> None:
        """The mirror first: what comes before it is there is lost to it, though not to users."""
        if self._part.has_mirror:
            new.mirror = self._mirror(new)
            new.mirror.start()
            new.watch = self._watch(new)
            new.watch.start()
            await self._until_ready([new.mirror], MIRROR_WITHIN_S)
        if self._part.has_fronts and not self.is_stopping:
            new.fronts = self._fronts(new, new.composition)
            await self._until_ready(new.fronts)

    async def _until_ready(self, children: list[Child], within_s: float = READY_WITHIN_S) -> bool:
        """Whether all of them work; not waited for when somebody wants an end."""
        waiting = [asyncio.create_task(child.wait_ready(within_s)) for child in children]
        if not await _first(asyncio.ensure_future(asyncio.wait(waiting)), self._stopping):
            for one in waiting:
                one.cancel()
            return False
        for child in children:
            if not child.is_ready:
                self._log.error(
                    "child_silent", f"{child.name} is not ready yet; it is not waited for longer"
                )
        return all(child.is_ready for child in children)

    def _fronts(self, of: _Set, composition: Composition) -> list[Child]:
        assert self._listen is not None
        listen_fd, names = self._listen.fileno(), range(1, composition.n_fronts + 1)

        def front(number: int) -> Child:
            def make() -> Program:
                # Of each process, not of each front: a page is written once.
                front_id = f"{number}-{secrets.token_hex(4)}"
                return composition.front(of.place, front_id, listen_fd, self._switch.ppm)

            child = Child(f"front {number}", make, self._log)
            child.start()
            return child

        return [front(number) for number in names]

    def _mirror(self, of: _Set) -> Child:
        return Child(
            "mirror",
            lambda: of.composition.mirror(of.place, of.run),
            self._log,
            works=_give_way if of.composition.mirror_gives_way else lambda pid: None,
        )

    def _watch(self, of: _Set) -> Child:
        program = self._watching(of, of.composition)
        return Child("watch", lambda: program, self._log, works=_step_aside)

    def _watching(self, of: _Set, composition: Composition) -> Program:
        assert self._admin is not None
        return composition.watch(of.place, of.run, self._runtime.control, self._admin.fileno())

    async def _reload(self, by: str) -> Message:
        async with self._reloading:
            try:
                composition = await self._compose()
            except HarnessError as exc:
                self._log.error("reload_refused", f"the config was not reloaded: {exc}", by=by)
                return {"refused": str(exc)}
            assert self._now is not None
            old = self._now
            if problem := self._fixed(composition, old.composition):
                await composition.close()
                self._log.error("reload_refused", f"the config was not reloaded: {problem}", by=by)
                return {"refused": problem}
            if composition.sample != old.composition.sample:
                self._switch.sample = composition.sample
            if composition.run_key != old.composition.run_key:
                went = await self._go_over(old, self._new_set(composition))
            else:
                went = await self._change_fronts(old, composition)
            if not went:
                await composition.close()
                return {"refused": "the new processes did not get ready; the old ones serve on"}
            self._log.info("reloaded", f"the config was reloaded for {by}", by=by)
            return {"done": True, "run": str(self._now.run)}

    def _fixed(self, new: Composition, old: Composition) -> str:
        """Why this cannot be gone over to without a new start; empty when it can."""
        for now, before in ((new.listen, old.listen), (new.admin, old.admin)):
            if (now.host, now.port) != (before.host, before.port):
                return (
                    f"{now.key} is another address, and the socket is kept through a reload. "
                    f"Start harness anew for that"
                )
        if self._part is not Part.ALL and new.run_key != old.run_key:
            return (
                "it defines another run, and fronts and mirror are not started by one process. "
                "Start both anew"
            )
        return ""

    async def _go_over(self, old: _Set, new: _Set) -> bool:
        """A new run: all processes are new."""
        await self._start(new)
        if not all(front.is_ready for front in new.fronts):
            await asyncio.gather(*(child.kill() for child in new.children()))
            return False
        self._now = new
        self._in_background(self._retire(old, old.composition.drain_s))
        return True

    async def _change_fronts(self, now: _Set, composition: Composition) -> bool:
        """The same run: the mirror stays, and the watch where it would be told the same."""
        before, watch_before = now.fronts, None
        if self._part.has_fronts:
            fronts = self._fronts(now, composition)
            if not await self._until_ready(fronts):
                await asyncio.gather(*(front.kill() for front in fronts))
                return False
            now.fronts = fronts
        drain_s, old = now.composition.drain_s, now.composition
        now.composition = composition
        if self._part.has_mirror and self._watching(now, old) != self._watching(now, composition):
            watch_before, now.watch = now.watch, self._watch(now)
            now.watch.start()
        self._in_background(self._leave(before, watch_before, drain_s, old))
        return True

    async def _leave(
        self, fronts: list[Child], watch: Child | None, drain_s: float, old: Composition
    ) -> None:
        if watch is not None:
            await watch.end({"do": "close"}, _GRACE_S)
        await self._drain(fronts, drain_s)
        await old.close()

    def _in_background(self, work: Awaitable[None]) -> None:
        task = asyncio.ensure_future(work)
        self._old.add(task)
        task.add_done_callback(self._old.discard)

    async def _drain(self, fronts: list[Child], within_s: float) -> None:
        order = {"do": "drain", "within_s": within_s}
        await asyncio.gather(*(front.end(order, within_s + _GRACE_S) for front in fronts))

    async def _retire(self, of: _Set, drain_s: float) -> None:
        """Fronts, then the mirror, then the watch."""
        await self._drain(of.fronts, drain_s)
        if of.mirror is not None:
            order = {"do": "drain", "within_s": drain_s}
            if not await of.mirror.end(order, drain_s + 2 * _GRACE_S):
                self._log.error(
                    "not_sealed",
                    f"the mirror did not end by itself: {of.run} is readable, and not sealed",
                    run=str(of.run),
                )
        if of.watch is not None:
            await of.watch.end({"do": "close"}, _GRACE_S)
        await of.composition.close()

    async def _end(self) -> None:
        assert self._now is not None
        now = self._now
        self._log.info("stopping", "stopping: open exchanges are finished", run=str(now.run))
        if self._listen is not None:
            self._listen.close()
        retiring = asyncio.gather(self._retire(now, now.composition.drain_s), *self._old)
        if not await _first(retiring, self._hurry):
            self._log.warning("hurried", "stopping at once: open exchanges are cut off")
            await asyncio.gather(*(child.kill() for child in now.children()))
            await asyncio.wait([retiring], timeout=_GRACE_S)
        if self._part is Part.ALL:
            # A mirror's container that is started again finds fronts whose counts belong to the
            # run that they were in: it goes on with that.
            self._runtime.forget_run()

    async def _answer(self, asked: Message) -> Message:
        by = str(asked.get("by", "somebody"))
        match asked:
            case {"ask": "status"}:
                return self._status()
            case {"ask": "reload"}:
                return await self._reload(by)
        try:
            change = self._switch.apply(asked)
        except RefusedError as exc:
            return {"refused": str(exc)}
        assert self._now is not None
        for front in self._now.fronts:
            on = self._switch.mirroring
            front.order({"do": "sample", "ppm": self._switch.ppm, "on": on})
        self._log.info(
            "switched",
            f"{change.what} was changed by {by}: {change.before} → {change.after}",
            by=by,
            what=change.what,
            before=change.before,
            after=change.after,
        )
        return {"done": True, "what": change.what, "from": change.before, "to": change.after}

    def _status(self) -> Message:
        assert self._now is not None
        children = [
            {
                "name": child.name,
                "pid": child.pid,
                "ready": child.is_ready,
                "starts": child.n_starts,
            }
            for child in self._now.children()
        ]
        return {
            "done": True,
            "mirroring": self._switch.mirroring,
            "sample": self._switch.sample,
            "run": str(self._now.run) if self._part.has_mirror else None,
            "children": children,
        }

    async def _look(self) -> None:
        """Say loudly why nothing is mirrored, where that is so."""
        silent_since_s: float | None = None
        loop = asyncio.get_running_loop()
        while self._part.has_fronts:
            await asyncio.sleep(_LOOKS_EVERY_S)
            assert self._now is not None
            why = why_nothing(self._now.counts(), self._now.composition.methods)
            is_time = silent_since_s is None or loop.time() - silent_since_s > _SAYS_AGAIN_AFTER_S
            if why is not None and self._switch.mirroring and is_time:
                silent_since_s = loop.time()
                self._log.warning("mirrors_nothing", why)


async def _first(work: asyncio.Future[Any], event: asyncio.Event) -> bool:
    """Whether the work was done before the event came; it goes on otherwise."""
    coming = asyncio.create_task(event.wait())
    both: set[asyncio.Future[Any]] = {work, coming}
    await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
    coming.cancel()
    return work.done()


def _give_way(pid: int) -> None:
    """Let a process run where nobody else wants to: it must not hold up the fronts."""
    with suppress(OSError):
        os.sched_setscheduler(pid, os.SCHED_IDLE, os.sched_param(0))


def _step_aside(pid: int) -> None:
    """Let a process that has to answer soon run after those that have to answer at once."""
    with suppress(OSError):
        os.setpriority(os.PRIO_PROCESS, pid, _ASIDE)
