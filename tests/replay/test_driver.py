"""Every entry is asked once, of everybody, in time; and what becomes of it is known."""

import asyncio
from decimal import Decimal

import pytest

from harness.exchange import (
    DeploymentName,
    Exchange,
    Failure,
    FailureKind,
    Recorded,
    Request,
    Response,
    Timing,
)
from harness.pair import LossReason
from harness.replay.driver import Driver
from harness.replay.party import Entry, Party, Repeats
from harness.traffic.budget import Budget
from harness.traffic.pacing import AsRecorded, ClosedLoop, ConstantRate

NOON_NS = 1_750_000_000 * 1_000_000_000


class VirtualClock:
    """A clock that stands still until somebody sleeps."""

    def __init__(self):
        self.at_s = 100.0

    def now_s(self):
        return self.at_s

    def wall_ns(self):
        return NOON_NS + int(self.at_s * 1e9)

    async def sleep_until(self, at_s):
        self.at_s = max(self.at_s, at_s)
        await asyncio.sleep(0)


class ScriptedSender:
    """Answers in the next turn of the loop, or when told to; remembers what it was asked."""

    def __init__(self, name, clock, *, cost_usd=None, fails=False, waits=False):
        self.deployment = DeploymentName(name)
        self.clock, self.cost_usd, self.fails, self.waits = clock, cost_usd, fails, waits
        self.asked = []
        self.waiting = []
        self.arrived = asyncio.Event()

    def submit(self, request_id, request, *, due_s, call_order, done, ready_s=None):
        self.asked.append((request.target, due_s, call_order, ready_s))
        outcome = Response(200, body=b"{}")
        if self.fails:
            outcome = Failure(FailureKind.TIMEOUT, "no answer within 1 s")
        exchange = Exchange(
            request_id,
            self.deployment,
            outcome,
            Timing(self.clock.wall_ns(), 0.0, 0.0, 0.01, 0.02, 1.0),
            call_order=call_order,
            cost_usd=self.cost_usd,
        )
        if self.waits:
            self.waiting.append(lambda: done(exchange))
            self.arrived.set()
        else:
            asyncio.get_running_loop().call_soon(done, exchange)

    async def has_been_asked(self, n):
        """Wait for the n-th request."""
        while len(self.asked) < n:
            self.arrived.clear()
            await self.arrived.wait()

    async def close(self):
        pass


class ListSink:
    has_room = True

    def __init__(self, fails_after=None):
        self.pairs = []
        self.fails_after = fails_after

    def append(self, pairs):
        if self.fails_after is not None and len(self.pairs) >= self.fails_after:
            raise OSError("disk full")
        self.pairs.extend(pairs)

    def acknowledge(self):
        return len(self.pairs)


def entries(n, *, cluster=None, gap_s=1.0, challengers=(0, 1)):
    return [
        Entry(
            key=f"e{i}",
            recorded=Recorded(
                f"e{i}", f"line {i + 1}", NOON_NS + int(i * gap_s * 1e9), Request("GET", f"/{i}")
            ),
            cluster_id=cluster,
            segments={},
            challengers=challengers,
        )
        for i in range(n)
    ]


@pytest.fixture
def clock():
    return VirtualClock()


def build(clock, *, pacer=None, sink=None, challengers=None, champion=None, **options):
    champion = champion or Party(DeploymentName("old"), ScriptedSender("old", clock), plain)
    challengers = challengers or [
        Party(DeploymentName(name), ScriptedSender(name, clock), plain) for name in ("new", "newer")
    ]
    return Driver(
        champion=champion,
        challengers=challengers,
        pacer=pacer or AsRecorded(),
        clock=clock,
        sink=sink if sink is not None else ListSink(),
        run_id="run-1",
        seed=1,
        n_entries=0,
        **options,
    )


def plain(recorded, request_id):
    return recorded.request


async def test_every_entry_becomes_one_pair_per_challenger(clock):
    """Ten entries and two challengers are twenty pairs, each of its own request."""
    sink = ListSink()
    driver = build(clock, sink=sink)

    await driver.run(entries(10))

    assert sorted((p.entry_key, p.challenger.deployment) for p in sink.pairs) == sorted(
        (f"e{i}", name) for i in range(10) for name in ("new", "newer")
    )
    assert len({pair.request_id for pair in sink.pairs}) == 10
    assert all(c.holds and c.paired == 10 for c in driver.conservation().values())


async def test_due_times_are_those_of_the_log(clock):
    """Entries a second apart are due a second apart at every deployment."""
    sender = ScriptedSender("old", clock)
    driver = build(clock, champion=Party(DeploymentName("old"), sender, plain))

    await driver.run(entries(4))

    assert [due_s for _, due_s, _, _ in sender.asked] == [100.0, 101.0, 102.0, 103.0]


async def test_a_failed_answer_is_a_pair(clock):
    """A challenger that times out is kept with its failure, never dropped."""
    sink = ListSink()
    broken = Party(DeploymentName("new"), ScriptedSender("new", clock, fails=True), plain)
    driver = build(clock, sink=sink, challengers=[broken])

    await driver.run(entries(3, challengers=(0,)))

    assert [pair.challenger.outcome.kind for pair in sink.pairs] == ["timeout"] * 3
    assert driver.snapshot().outcomes == {"old": {"ok": 3}, "new": {"timeout": 3}}


async def test_a_spent_budget_stops_asking_and_is_counted(clock):
    """With money for four calls the others are losses of this challenger alone."""
    sink = ListSink()
    dear = Party(
        DeploymentName("dear"),
        ScriptedSender("dear", clock, cost_usd=0.25),
        plain,
        Budget(Decimal(1)),
    )
    free = Party(DeploymentName("free"), ScriptedSender("free", clock), plain)
    driver = build(clock, sink=sink, challengers=[dear, free])

    await driver.run(entries(10))

    kept = driver.conservation()
    assert kept["dear"].paired == 4
    assert kept["dear"].losses == {LossReason.SHED_BUDGET: 6}
    assert kept["free"].paired == 10
    assert all(c.holds and c.pending == 0 for c in kept.values())


async def test_a_recorded_champion_is_not_asked(clock):
    """Its exchange comes from the log; an entry without an answer is not eligible."""
    sink = ListSink()

    def recorded_champion(recorded, request_id):
        if recorded.entry_id == "e1":
            return None
        return Exchange(request_id, DeploymentName("old"), Response(200), None, attempts=0)

    driver = build(
        clock,
        sink=sink,
        champion=Party(DeploymentName("old"), None, plain),
        recorded_champion=recorded_champion,
    )

    await driver.run(entries(3))

    assert [pair.champion.timing for pair in sink.pairs] == [None] * 4
    assert driver.conservation()["new"].losses == {LossReason.INELIGIBLE: 1}


async def test_a_repeat_is_a_pair_of_a_deployment_with_itself(clock):
    """All asked twice: a pair for each challenger, one of the champion, one of each challenger."""
    sink = ListSink()
    driver = build(clock, sink=sink, repeats=Repeats(champion=1.0, challengers=1.0))

    await driver.run(entries(5))

    sides = [(pair.champion.deployment, pair.challenger.deployment) for pair in sink.pairs]
    expected = [
        ("old", "new"),
        ("old", "newer"),
        ("old", "old"),
        ("new", "new"),
        ("newer", "newer"),
    ]
    assert sorted(sides) == sorted(expected * 5)
    assert all(c.holds and c.received == c.paired == 5 for c in driver.conservation().values())
    by_sides = dict(zip(sides[:5], sink.pairs[:5], strict=True))
    assert by_sides["old", "old"].champion is by_sides["old", "new"].champion
    assert by_sides["new", "new"].champion is by_sides["old", "new"].challenger


async def test_each_call_of_a_repeated_request_has_its_own_place(clock):
    """Both calls of a deployment are shuffled among all; either comes first about as often."""
    sink = ListSink()
    driver = build(clock, sink=sink, repeats=Repeats(champion=1.0))

    await driver.run(entries(400, challengers=(0,)))

    repeats = [pair for pair in sink.pairs if pair.challenger.deployment == "old"]
    places = [(pair.champion.call_order, pair.challenger.call_order) for pair in repeats]
    assert {place for both in places for place in both} == {0, 1, 2}
    assert all(first != second for first, second in places)
    assert abs(sum(first < second for first, second in places) - 200) < 5 * 10


async def test_only_the_requests_drawn_are_repeated(clock):
    """A share of them, and the same ones whenever the run is repeated."""

    async def repeated():
        sink = ListSink()
        await build(clock, sink=sink, repeats=Repeats(champion=0.3)).run(entries(200))
        return {pair.entry_key for pair in sink.pairs if pair.challenger.deployment == "old"}

    first, second = await repeated(), await repeated()

    assert first == second
    assert abs(len(first) - 60) < 5 * 6.5


async def test_a_repeat_is_charged_and_left_out_when_it_cannot_be_paid(clock):
    """Money for five calls: two requests asked twice, one once, and nothing overrun."""
    sink = ListSink()
    sender = ScriptedSender("dear", clock, cost_usd=0.25)
    dear = Party(DeploymentName("dear"), sender, plain, Budget(Decimal("1.25")))
    driver = build(
        clock,
        sink=sink,
        pacer=ClosedLoop(1),
        challengers=[dear],
        repeats=Repeats(challengers=1.0),
    )

    await driver.run(entries(6, challengers=(0,)))

    kept = driver.conservation()["dear"]
    assert len(sender.asked) == 5
    assert (kept.paired, kept.losses) == (3, {LossReason.SHED_BUDGET: 3})
    assert sum(pair.champion.deployment == "dear" for pair in sink.pairs) == 2
    assert driver.snapshot().spent_usd["dear"] == 1.25


async def test_a_recorded_champion_is_not_repeated(clock):
    """There is nobody to ask a second time."""
    sink = ListSink()

    def recorded_champion(recorded, request_id):
        return Exchange(request_id, DeploymentName("old"), Response(200), None, attempts=0)

    driver = build(
        clock,
        sink=sink,
        champion=Party(DeploymentName("old"), None, plain),
        recorded_champion=recorded_champion,
        repeats=Repeats(champion=1.0),
    )

    await driver.run(entries(3))

    assert {pair.challenger.deployment for pair in sink.pairs} == {"new", "newer"}


async def test_a_cluster_is_asked_in_order(clock):
    """With order kept, the second request goes out only after the first is answered by all."""
    slow = ScriptedSender("new", clock, waits=True)
    driver = build(
        clock,
        pacer=ConstantRate(1000),
        challengers=[Party(DeploymentName("new"), slow, plain)],
        keep_order=True,
    )
    running = asyncio.create_task(driver.run(entries(3, cluster="ann", challengers=(0,))))
    seen = []
    while driver.snapshot().n_asked < 3:  # noqa: ASYNC110 - the walk announces itself in counters
        await asyncio.sleep(0.001)
    for _ in range(3):
        await slow.arrived.wait()
        slow.arrived.clear()
        seen.append([target for target, *_ in slow.asked])
        clock.at_s += 5.0
        slow.waiting.pop()()
    await running

    assert seen == [["/0"], ["/0", "/1"], ["/0", "/1", "/2"]]
    # Due when the schedule said so; free to go only when the one before was answered.
    assert slow.asked[1][1] == pytest.approx(100.001)
    assert slow.asked[1][3] >= 105.0


async def test_a_closed_loop_never_has_more_in_flight(clock):
    """With two in flight at most, the third waits."""
    slow = ScriptedSender("new", clock, waits=True)
    driver = build(
        clock,
        pacer=ClosedLoop(2),
        challengers=[Party(DeploymentName("new"), slow, plain)],
    )
    running = asyncio.create_task(driver.run(entries(6, challengers=(0,))))
    await slow.has_been_asked(2)
    for n_asked in range(3, 7):
        assert len(slow.waiting) == 2
        slow.waiting.pop(0)()
        await slow.has_been_asked(n_asked)
    while slow.waiting:
        slow.waiting.pop()()
    await running

    assert len(slow.asked) == 6


async def test_stopping_waits_for_what_is_in_flight(clock):
    """A stop asks nothing more; the open request is still paired, the rest stays unasked."""
    sink = ListSink()
    slow = ScriptedSender("new", clock, waits=True)
    driver = build(
        clock,
        sink=sink,
        pacer=ClosedLoop(1),
        challengers=[Party(DeploymentName("new"), slow, plain)],
    )
    running = asyncio.create_task(driver.run(entries(5, challengers=(0,))))
    await slow.arrived.wait()

    driver.stop()
    await asyncio.sleep(0.01)
    assert not running.done()
    slow.waiting.pop()()
    await running

    assert [pair.entry_key for pair in sink.pairs] == ["e0"]


async def test_a_sink_that_fails_ends_the_replay(clock):
    """Asking goes no further than what can be kept."""
    sink = ListSink(fails_after=2)
    driver = build(clock, sink=sink, pacer=ClosedLoop(1))

    with pytest.raises(OSError, match="disk full"):
        await driver.run(entries(1000))

    assert driver.snapshot().n_asked < 10


async def test_calls_are_shuffled_but_the_same_for_the_same_seed(clock):
    """Nobody is always first, and a repeated replay calls in the same order."""
    orders = []
    for _ in range(2):
        sender = ScriptedSender("old", clock)
        driver = build(clock, champion=Party(DeploymentName("old"), sender, plain))
        await driver.run(entries(30))
        orders.append([position for _, _, position, _ in sender.asked])

    assert orders[0] == orders[1]
    assert set(orders[0]) == {0, 1, 2}


async def test_a_long_chain_of_unaffordable_requests_is_no_recursion(clock):
    """Five thousand requests of one user behind a spent budget all go by."""
    broke = Party(DeploymentName("new"), ScriptedSender("new", clock), plain, Budget(Decimal(0)))
    driver = build(clock, pacer=ConstantRate(1e6), challengers=[broke], keep_order=True)

    await driver.run(entries(5000, cluster="ann", challengers=(0,)))

    assert driver.conservation()["new"].losses == {LossReason.SHED_BUDGET: 5000}
