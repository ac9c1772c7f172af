"""The mirror without sockets: every request is settled once for every challenger."""

import subprocess
import sys
from dataclasses import dataclass, field

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, rule

from harness.errors import StoreFullError
from harness.exchange import DeploymentName, Failure, FailureKind
from harness.pair import Conservation, LossReason, Observed, Pair
from harness.shadow.accounting import mirror_snapshot
from harness.shadow.front.counters import NAMES
from harness.shadow.gauges import Page
from harness.shadow.halves import ChampionSide, Study
from harness.shadow.mirror import Before, Bounds, Mirror, Party, Repeating
from harness.shadow.mirror_page import make_page
from harness.testing import builders
from harness.testing.clock import ManualClock
from harness.traffic.choosing import Chooser, Rate
from harness.traffic.framing import ChampionFrame, FrameError, RequestFrame

HEAD = b"POST /v1/predict?n=1 HTTP/1.1\r\nHost: api\r\nX-Request-Id: abc\r\nX-User:  u7 \r\n\r\n"
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n"
NAME = DeploymentName("champion")


@dataclass
class Sender:
    """Keeps what is submitted; `answer` ends the oldest call."""

    deployment: str
    calls: list = field(default_factory=list)

    def submit(self, request_id, request, *, due_s, call_order, ready_s=None, done):
        self.calls.append((request_id, request, call_order, done))

    def answer(self, outcome=None, **changed):
        request_id, _, order, done = self.calls.pop(0)
        changed = {"call_order": order, "outcome": outcome, **changed}
        done(builders.exchange(request_id, self.deployment, **changed))


@dataclass
class Sink:
    """A disk that is as fast as `write` is called."""

    kept: list = field(default_factory=list)
    n_acknowledged: int = 0
    is_full: bool = False

    def append(self, kept):
        if self.is_full:
            raise StoreFullError("disk: full")
        self.kept += kept

    def write(self):
        self.n_acknowledged = len(self.kept)


class World:
    """A mirror, its fronts' pages, and what it talks to."""

    def __init__(self, folder, names=("knn",), *, before=None, repeat=0.0, chooser=None, **more):
        self.folder, self.names = folder, names
        self.clock, self.sink = ManualClock(100.0), Sink()
        self.senders = {name: Sender(name) for name in names}
        self.again = Sender("champion")
        self.failures = []
        self.acknowledged = {}
        parties = [self.party(self.senders[name], chooser) for name in names]
        again = Repeating(self.party(self.again, None), repeat) if repeat else None
        self.mirror = Mirror(
            Study("run", 1),
            ChampionSide(NAME, {500}),
            parties,
            sink=self.sink,
            clock=self.clock,
            page=make_page(folder / "mirror.page", list(names) or ["champion"]),
            pages=folder,
            repeat=again,
            before=before,
            acknowledge=self.acknowledged.__setitem__,
            failed=self.failures.append,
            **more,
        )

    def party(self, sender, chooser):
        limits = chooser or Chooser(sender.deployment, 1)
        return Party(sender.deployment, sender, limits, lambda request, _: request, 1.0)

    def front(self, name="f1", n_offered=0):
        page = Page.create(self.folder / f"front-{name}.page", NAMES)
        self.mirror.hello(name, n_offered)
        return Front(self, name, page)

    def of(self, name="knn"):
        return self.mirror.conservation()[name]

    def finish(self):
        self.sink.write()
        self.mirror.give_up()
        return self.mirror.conservation()


@dataclass
class Front:
    """What a front does to the mirror and to its own page."""

    world: World
    name: str
    page: Page
    number: int = 0

    def count(self, name, n=1):
        self.page.cells[self.page.index(name)] += n

    def request(self, body=b"{}", offered_s=None):
        self.number += 1
        self.count("received")
        self.count("offered")
        at_s = self.world.clock.now_s() if offered_s is None else offered_s
        frame = RequestFrame(self.number, self.world.clock.wall_ns(), at_s, HEAD, body)
        self.world.mirror.request(self.name, frame)
        return self.number

    def champion(self, number, kind="ok", status=200, **changed):
        facts = {
            "head": ANSWER, "body": b'{"label": 7}', "n_body_bytes": 12, "truncated": False,
            "started_s": 0.0, "first_byte_s": 0.05, "latency_s": 0.1, "wait_s": 0.0, "lag_s": 0.0,
            "timeout_s": 10.0, **changed,
        }  # fmt: skip
        frame = ChampionFrame(number, kind, status, **facts)
        self.world.mirror.champion(self.name, frame)

    def die(self, said_bye=False):
        self.world.mirror.gone(self.name, said_bye=said_bye)


@pytest.fixture
def world(tmp_path):
    return World(tmp_path)


def test_a_request_and_two_halves_make_a_pair(world):
    """It is counted as paired when it survives a crash, and told to the front then."""
    front = world.front()

    front.champion(front.request())
    world.senders["knn"].answer()
    world.mirror.tend()
    before = world.of()
    world.sink.write()
    world.mirror.tend()

    assert before == Conservation(1, 0, {}, 1)
    assert world.of() == Conservation(1, 1, {}, 0)
    assert world.acknowledged == {"f1": 1}
    (pair,) = world.sink.kept
    assert (pair.entry_key, pair.external_id, pair.request.target) == (
        "f1:1",
        "abc",
        "/v1/predict?n=1",
    )
    assert pair.request.headers[2] == ("X-User", "u7")
    assert pair.champion.outcome.body == b'{"label": 7}'
    assert (pair.champion.call_order, pair.challenger.call_order) == (0, 1)


def test_a_client_that_left_is_a_pair_without_a_champion(world):
    """It is missing for both sides and counted, not lost."""
    front = world.front()

    front.champion(front.request(), "cancelled", 0)
    world.senders["knn"].answer()

    (pair,) = world.sink.kept
    assert pair.champion.outcome == Failure(FailureKind.CANCELLED, "cancelled")


def test_a_status_that_counts_as_failed_is_a_failure_of_the_champion(world):
    """As it is for a challenger."""
    front = world.front()

    front.champion(front.request(), status=500)
    world.senders["knn"].answer()

    assert world.sink.kept[0].champion.outcome.kind is FailureKind.HTTP_ERROR


def test_a_challenger_that_cannot_keep_up_gets_a_failed_pair(tmp_path):
    """What it is not asked because of itself is no loss."""
    world = World(tmp_path, chooser=Chooser("knn", 1, max_in_flight=1))
    front = world.front()

    for number in (front.request(), front.request()):
        front.champion(number)
    world.senders["knn"].answer()
    world.sink.write()
    world.mirror.tend()

    assert next(pair.challenger.outcome for pair in world.sink.kept) == Failure(
        FailureKind.SHED, "1 of its calls were in flight (`max_in_flight`)"
    )
    assert world.of() == Conservation(2, 2, {}, 0)


@pytest.mark.parametrize("was_begun", [False, True])
def test_a_late_mirror_charges_only_answers_that_were_not_there(world, was_begun):
    """A challenger that hangs has failed, whoever looks; an answer may have been in time."""
    front = world.front()
    number = front.request(offered_s=world.clock.now_s() - 0.5)

    front.champion(number)
    timeout = Failure(FailureKind.TIMEOUT, "no answer within 1000 ms")
    world.senders["knn"].answer(timeout, was_begun=was_begun)
    world.sink.write()
    world.mirror.tend()

    lost = Conservation(1, 0, {LossReason.SHED_LINK: 1}, 0)
    assert world.of() == (lost if was_begun else Conservation(1, 1, {}, 0))


def test_what_is_over_the_rate_is_lost(tmp_path):
    """That is our decision, and settled at once."""
    world = World(tmp_path, chooser=Chooser("knn", 1, rate=Rate(1.0)))
    front = world.front()

    front.request()
    front.request()

    assert world.of() == Conservation(2, 0, {LossReason.SHED_RATE: 1}, 1)


def test_an_answer_that_had_no_room_on_the_link_is_lost(world):
    """The challenger's answer, which comes later, is nothing's half."""
    front = world.front()
    number = front.request()

    world.mirror.lost("f1", number)
    world.senders["knn"].answer()

    assert world.of() == Conservation(1, 0, {LossReason.SHED_LINK: 1}, 0)
    assert world.sink.kept == []


def test_what_a_dead_front_had_in_its_hands_is_lost_with_it(world):
    """Also what it had received and not handed over, once its heart stands still."""
    front = world.front()
    front.request()
    front.count("received", 3)
    front.count("ineligible")
    front.count("heartbeat_ns", world.clock.wall_ns())

    front.die()
    soon = world.of()
    world.clock.at_s += 10
    world.mirror.tend()

    assert soon == Conservation(4, 0, {LossReason.INELIGIBLE: 1, LossReason.FRONT_DOWN: 1}, 2)
    assert world.of() == Conservation(4, 0, {LossReason.INELIGIBLE: 1, LossReason.FRONT_DOWN: 3}, 0)


def test_what_a_front_handed_over_and_never_came_is_lost(world):
    """A connection took it along; the front says how many there were."""
    front = world.front()
    front.count("received", 2)
    front.count("offered", 2)
    front.die()

    world.mirror.hello("f1", 2)

    assert world.of() == Conservation(2, 0, {LossReason.MIRROR_DOWN: 2}, 0)


def test_the_next_mirror_finds_what_this_one_owed(tmp_path):
    """Stored, lost, and the rest, which went down with it: nothing is pending for ever."""
    world = World(tmp_path, chooser=Chooser("knn", 1, rate=Rate(2.0)))
    front = world.front()
    for number in [front.request() for _ in range(4)]:
        front.champion(number)
    world.senders["knn"].answer()
    front.count("received")

    before = Before(stored={"knn": 1}, page=mirror_snapshot(tmp_path / "mirror.page"))
    after = World(tmp_path, before=before)

    losses = {LossReason.SHED_RATE: 2, LossReason.MIRROR_DOWN: 1}
    assert after.of() == Conservation(5, 1, losses, 1)
    after.mirror.hello("f1", 4)
    assert after.of() == Conservation(5, 1, losses, 1)


def test_a_repeat_pairs_the_champion_with_itself(tmp_path):
    """It is asked among the challengers, and counts in no conservation."""
    world = World(tmp_path, repeat=1.0)
    front = world.front()

    front.champion(front.request())
    world.again.answer(latency_s=0.3)
    world.senders["knn"].answer()
    world.sink.write()
    world.mirror.tend()

    repeat, pair = world.sink.kept
    assert (repeat.champion.deployment, repeat.challenger.deployment) == ("champion", "champion")
    assert repeat.champion == pair.champion
    assert {repeat.challenger.call_order, pair.challenger.call_order} == {1, 2}
    assert world.of() == Conservation(1, 1, {}, 0)


def test_without_challengers_the_champion_is_recorded(tmp_path):
    """Each request is one row, counted under the champion's name."""
    world = World(tmp_path, names=())
    front = world.front()

    front.champion(front.request())
    world.sink.write()
    world.mirror.tend()

    assert [type(kept) for kept in world.sink.kept] == [Observed]
    assert world.of("champion") == Conservation(1, 1, {}, 0)


def test_what_may_not_be_kept_is_not(tmp_path):
    """When what has to be taken out cannot be, the whole pair is dropped and counted."""

    def keep(kept):
        raise RuntimeError("no idea what this is")

    world = World(tmp_path, keep=keep)
    front = world.front()

    front.champion(front.request())
    world.senders["knn"].answer()

    assert world.sink.kept == []
    assert world.of() == Conservation(1, 0, {LossReason.INELIGIBLE: 1}, 0)


def test_memory_is_bounded(tmp_path):
    """Above half of what may be held nothing new is taken; what is held may still finish."""
    world = World(tmp_path, bounds=Bounds(max_bytes=4000))
    front = world.front()

    numbers = [front.request(bytes(1500)) for _ in range(3)]
    front.champion(numbers[0])
    world.senders["knn"].answer()

    assert len(world.sink.kept) == 1
    assert world.of() == Conservation(3, 0, {LossReason.SHED_LINK: 2}, 1)


def test_a_disk_that_takes_nothing_is_told_once(world):
    """The mirror fails; what it could not keep is pending until the next one finds it."""
    front = world.front()
    world.sink.is_full = True

    for _ in range(2):
        front.champion(front.request())
        world.senders["knn"].answer()

    assert [type(error) for error in world.failures] == [StoreFullError]
    assert world.of().pending == 2


def test_a_number_that_comes_twice_ends_the_connection(world):
    """A front that counts wrongly cannot be accounted for."""
    front = world.front()
    front.request()
    front.number = 0

    with pytest.raises(FrameError, match="another request with the number 1"):
        front.request()


def test_what_is_underway_when_we_end_is_lost(world):
    """Calls that we gave up are no fault of the challenger's."""
    front = world.front()
    front.champion(front.request())
    front.request()

    world.senders["knn"].answer(Failure(FailureKind.CANCELLED, "harness stopped first"))

    assert world.finish()["knn"] == Conservation(2, 0, {LossReason.MIRROR_DOWN: 2}, 0)


def test_an_end_that_takes_for_ever_is_not_waited_for(tmp_path):
    """A stream without end holds a request for so long and no longer."""
    world = World(tmp_path, bounds=Bounds(patience_s=60.0))
    front = world.front()
    front.request()

    world.clock.at_s += 61
    world.mirror.tend()

    assert world.of() == Conservation(1, 0, {LossReason.SHED_LINK: 1}, 0)


@pytest.mark.process
def test_the_mirror_process_knows_no_statistics():
    """It is started again while users are served: what it does not need it does not load."""
    heavy = "[m for m in ('scipy', 'pandas', 'deepdiff', 'sklearn', 'ray') if m in sys.modules]"
    code = f"import sys, harness.cli.live.mirror; print({heavy})"

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout == "[]\n"


class Life(RuleBasedStateMachine):
    """Any order of events; conservation holds at every step and nothing is pending at the end."""

    requests = Bundle("requests")
    folder = None

    def __init__(self):
        super().__init__()
        self.n_worlds = 0
        for old in self.folder.glob("*.page"):
            old.unlink()
        self.world = World(self.folder, ("knn", "tree"), repeat=0.5)
        self.fronts = {name: self.world.front(name) for name in "ab"}
        self.n_stored = dict.fromkeys(("knn", "tree"), 0)

    @rule(target=requests, name=st.sampled_from("ab"))
    def request(self, name):
        return self.fronts[name], self.fronts[name].request()

    @rule(request=consumes(requests), kind=st.sampled_from(["ok", "cancelled", "timeout"]))
    def champion(self, request, kind):
        front, number = request
        front.champion(number, kind)

    @rule(request=consumes(requests))
    def lose(self, request):
        front, number = request
        self.world.mirror.lost(front.name, number)

    @rule(name=st.sampled_from(["knn", "tree", "champion"]), failed=st.booleans())
    def answer(self, name, failed):
        sender = self.world.again if name == "champion" else self.world.senders[name]
        if sender.calls:
            sender.answer(builders.failure() if failed else None)

    @rule(name=st.sampled_from("ab"), n=st.integers(0, 3))
    def break_connection(self, name, n):
        """Some requests were on their way, and are lost with the connection."""
        front = self.fronts[name]
        front.count("received", n)
        front.count("offered", n)
        front.number += n
        front.die()
        self.world.mirror.hello(name, front.page.snapshot()["offered"])

    @rule(n=st.integers(0, 2))
    def restart(self, n):
        """The mirror is killed; the disk has a little more than it had counted."""
        self.write()
        before = Before(self.n_stored, mirror_snapshot(self.folder / "mirror.page"))
        for front in self.fronts.values():
            front.count("received", n)
            front.count("offered", n)
            front.number += n
        self.world = World(self.folder, ("knn", "tree"), repeat=0.5, before=before)
        for name, front in self.fronts.items():
            front.world = self.world
            self.world.mirror.hello(name, front.page.snapshot()["offered"])

    @rule()
    def write(self):
        done = self.world.sink.n_acknowledged
        self.world.sink.write()
        for kept in self.world.sink.kept[done:]:
            if isinstance(kept, Pair) and kept.challenger.deployment in self.n_stored:
                self.n_stored[kept.challenger.deployment] += 1

    @rule()
    def tend(self):
        self.world.mirror.tend()

    @invariant()
    def every_request_is_somewhere(self):
        assert all(one.holds for one in self.world.mirror.conservation().values())

    def teardown(self):
        self.write()
        for front in self.fronts.values():
            front.die(said_bye=True)
        for name, one in self.world.finish().items():
            assert one.holds
            assert one.pending == 0
            assert one.paired == self.n_stored[name]


@pytest.mark.timeout(60)
def test_conservation_survives_everything(tmp_path):
    """Restarts, broken connections and losses in any order."""
    Life.folder = tmp_path
    state_machine = Life.TestCase
    state_machine.settings = settings(max_examples=20, stateful_step_count=25, deadline=None)
    state_machine().runTest()
