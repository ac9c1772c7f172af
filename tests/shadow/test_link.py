"""The link over a real socket: nothing waits, nothing is lost without a word."""

import asyncio
import contextlib
from dataclasses import dataclass, field

import pytest

from harness.shadow.front.counters import NAMES
from harness.shadow.gauges import Page
from harness.shadow.intake import Intake
from harness.shadow.link import Link, LinkSettings
from harness.shadow.tap import ChampionOutcome
from harness.traffic.framing import Bye, ChampionFrame, FrameReader, Hello, Lost, RequestFrame

HEAD = b"POST /p HTTP/1.1\r\nHost: api\r\n\r\n"
HEADERS = [(b"Host", b"api")]
ANSWER = b"HTTP/1.1 200 OK\r\n\r\n"


@dataclass
class Ears:
    """What the mirror would hear."""

    heard: list = field(default_factory=list)
    changed: asyncio.Event = field(default_factory=asyncio.Event)

    def note(self, *what):
        self.heard.append(what)
        self.changed.set()

    def hello(self, front, n_offered):
        self.note("hello", front, n_offered)

    def request(self, front, frame):
        self.note("request", frame)

    def champion(self, front, frame):
        self.note("champion", frame)

    def lost(self, front, number):
        self.note("lost", number)

    def gone(self, front, *, said_bye):
        self.note("gone", said_bye)

    async def until(self, what):
        async with asyncio.timeout(5):
            while not any(one[0] == what for one in self.heard):
                self.changed.clear()
                await self.changed.wait()


def link_to(folder, **changed):
    page = Page.create(folder / "front-f1.page", NAMES)
    settings = {"max_bytes": 1 << 20, "methods": ("POST",), **changed}
    return Link(LinkSettings(str(folder / "link.sock"), "f1", **settings), page), page


@contextlib.asynccontextmanager
async def listening(folder):
    ears, refusals = Ears(), []
    intake = Intake(folder / "link.sock", max_frame_bytes=1 << 20, refused=refusals.append)
    await intake.open(ears)
    try:
        yield ears, refusals, intake
    finally:
        await intake.close()


async def connected(page):
    async with asyncio.timeout(5):
        while not page.snapshot()["link_connected"]:  # noqa: ASYNC110 - a page has no event
            await asyncio.sleep(0.001)


def offer(link, number, body=b"{}"):
    pieces = [body[:1], memoryview(body)[1:]]
    return link.wants(b"POST", b"/p", HEADERS) and link.request(
        number=number, received_at_ns=7, head=HEAD, body=pieces, n_body=len(body)
    )


async def test_both_halves_come_out_as_they_went_in(tmp_path):
    """Pieces of bodies are put together, and everything is in order, to the farewell."""
    link, page = link_to(tmp_path)
    async with listening(tmp_path) as (ears, _, _):
        link.start()
        await connected(page)

        assert offer(link, 1, b'{"x": 1}')
        link.champion(
            number=1,
            outcome=ChampionOutcome(
                status=200, head=ANSWER, body=[b"se", b"ven"], n_body_bytes=5, latency_s=0.2
            ),
        )
        await link.finish(5.0)
        await ears.until("gone")

    kinds = [one[0] for one in ears.heard]
    assert kinds == ["hello", "request", "champion", "gone"]
    request, champion = ears.heard[1][1], ears.heard[2][1]
    assert (request.head, request.body, request.received_at_ns) == (HEAD, b'{"x": 1}', 7)
    assert (champion.kind, champion.status, champion.body) == ("ok", 200, b"seven")
    assert champion.latency_s == 0.2
    assert ears.heard[-1] == ("gone", True)


async def test_a_word_of_the_mirror_costs_nothing_of_what_it_has_not_read(tmp_path):
    """A front that is done leaves its end open until the mirror has all."""
    link, page = link_to(tmp_path)
    async with listening(tmp_path) as (ears, _, intake):
        link.start()
        await connected(page)
        for number in range(50):
            assert offer(link, number)
        finishing = asyncio.create_task(link.finish(5.0))
        while not ears.heard or ears.heard[-1][0] != "gone":
            intake.acknowledge("f1", 1)
            await asyncio.sleep(0)
        await finishing

    assert [one[0] for one in ears.heard] == ["hello", *["request"] * 50, "gone"]


async def test_without_a_mirror_requests_are_counted_and_not_kept(tmp_path):
    """As soon as there is one it is found."""
    link, page = link_to(tmp_path)
    link.start()
    await asyncio.sleep(0)

    assert not offer(link, 1)
    assert page.snapshot()["mirror_down"] == 1
    async with listening(tmp_path) as (ears, _, _):
        await connected(page)
        assert offer(link, 2)
        await link.finish(5.0)
        await ears.until("gone")


async def test_after_a_broken_connection_the_next_one_tells_how_many_went_before(tmp_path):
    """What was underway is not told of again: it is known to be lost."""
    link, page = link_to(tmp_path)
    link.start()
    async with listening(tmp_path):
        await connected(page)
        assert offer(link, 1)

    async with listening(tmp_path) as (ears, _, _):
        await ears.until("hello")
        link.champion(number=1, outcome=ChampionOutcome(status=200, head=ANSWER))
        await connected(page)
        assert offer(link, 2)
        await link.finish(5.0)
        await ears.until("gone")

    assert ears.heard[0] == ("hello", "f1", 1)
    assert [one[0] for one in ears.heard] == ["hello", "request", "gone"]


async def test_a_mirror_that_does_not_read_costs_memory_up_to_a_bound_and_no_time(tmp_path):
    """What has no room is shed; of what was taken the end is told, if only that it was lost."""
    link, page = link_to(tmp_path, max_bytes=200_000)
    held = asyncio.get_running_loop().create_future()

    async def hold(reader, writer):
        held.set_result((reader, writer))

    server = await asyncio.start_unix_server(hold, tmp_path / "link.sock", limit=1024)
    link.start()
    await connected(page)

    taken = [number for number in range(300) if offer(link, number, bytes(10_000))]
    queued = page.snapshot()["link_bytes_queued"]
    for number in taken:
        outcome = ChampionOutcome(status=200, head=ANSWER, body=[bytes(50_000)])
        link.champion(number=number, outcome=outcome)

    assert 0 < len(taken) < 300
    assert queued <= 200_000
    assert page.snapshot()["shed_link"] == 300 - len(taken)
    assert page.snapshot()["offered"] == len(taken)
    finishing = asyncio.create_task(link.finish(5.0))
    reader, writer = await held
    frames = await _read_all(reader)
    writer.close()
    await finishing
    server.close()
    requests = [frame.number for frame in frames if isinstance(frame, RequestFrame)]
    ends = [frame.number for frame in frames if isinstance(frame, ChampionFrame | Lost)]
    assert requests == taken
    assert sorted(ends) == taken
    assert any(isinstance(frame, Lost) for frame in frames)
    assert isinstance(frames[0], Hello)
    assert isinstance(frames[-1], Bye)


async def _read_all(reader):
    frames, decoder = [], FrameReader(1 << 20)
    while data := await reader.read(65536):
        frames += decoder.feed(data)
    return frames


async def test_who_is_not_drawn_is_counted(tmp_path):
    """A user is in the sample with all requests or with none; 0 mirrors nobody."""
    link, page = link_to(tmp_path, sample_ppm=500_000, cluster="header:X-User")
    async with listening(tmp_path):
        link.start()
        await connected(page)

        drawn = [
            {link.wants(b"POST", b"/p", [(b"x-user", b"%d" % user)]) for _ in range(3)}
            for user in range(100)
        ]
        link.sample(0)

        assert all(len(answers) == 1 for answers in drawn)
        assert 30 < sum({True} == answers for answers in drawn) < 70
        assert not link.wants(b"POST", b"/p", [(b"X-User", b"1")])
        assert not link.wants(b"GET", b"/p", HEADERS)
        counts = page.snapshot()
        assert counts["ineligible"] == 1
        assert counts["sampled_out"] == 3 * sum({False} == answers for answers in drawn) + 1
        await link.finish(5.0)


async def test_what_ends_before_it_is_whole_is_counted(tmp_path):
    """Too large, or left by its client: each has a counter."""
    link, page = link_to(tmp_path)

    link.too_large()
    link.incomplete()

    assert (page.snapshot()["too_large"], page.snapshot()["client_gone"]) == (1, 1)


async def test_a_front_is_told_how_far_the_mirror_is(tmp_path):
    """The count is of all its requests."""
    link, _ = link_to(tmp_path)
    async with listening(tmp_path) as (ears, _, intake):
        link.start()
        await ears.until("hello")

        intake.acknowledge("f1", 42)

        async with asyncio.timeout(5):
            while link.n_settled != 42:  # noqa: ASYNC110 - nobody waits for it but this test
                await asyncio.sleep(0.001)
        await link.finish(5.0)


@pytest.mark.parametrize(
    ("said", "why"),
    [
        (b"GET / HTTP/1.1\r\n\r\n", "it starts with"),
        (bytes.fromhex("484c0104080000000100000000000000"), "is a Lost out of turn"),
    ],
)
async def test_who_speaks_something_else_is_hung_up_on(tmp_path, said, why):
    """The others go on, and a person is told."""
    async with listening(tmp_path) as (_, refusals, intake):
        reader, writer = await asyncio.open_unix_connection(tmp_path / "link.sock")
        writer.write(said)

        with contextlib.suppress(ConnectionResetError):
            assert await reader.read() == b""

        assert why in refusals[0]
        assert intake.n_connected == 0
        writer.close()
