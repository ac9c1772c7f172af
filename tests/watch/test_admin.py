"""The admin port's answers."""

import pytest
from aiohttp.test_utils import TestClient, TestServer

from harness.watch.admin import Admin, Sources
from harness.watch.guard import Guard
from tests.watch.pages import front, picture, view

TOKEN = "t" * 24
BEARER = {"Authorization": f"Bearer {TOKEN}"}


class Supervisor:
    """Takes wishes; `answer` is what it says, or raises."""

    def __init__(self):
        self.fronts = {"1": front()}
        self.asked = []
        self.refusals = []
        self.answer = {"done": True}

    async def ask(self, wish):
        self.asked.append(wish)
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer

    def sources(self):
        return Sources(
            look=lambda: picture(self.fronts),
            view=view,
            ask=self.ask,
            refused=lambda *refusal: self.refusals.append(refusal),
        )


@pytest.fixture
def supervisor():
    return Supervisor()


@pytest.fixture
async def client(supervisor):
    app = Admin(supervisor.sources(), Guard(TOKEN, is_loopback=True)).application()
    async with TestClient(TestServer(app)) as client:
        yield client


async def test_probes_say_whether_to_send_traffic(client, supervisor):
    """Alive is alive; ready needs a front."""
    assert (await client.get("/healthz")).status == 200
    assert (await client.get("/readyz")).status == 200

    supervisor.fronts = {}

    assert (await client.get("/healthz")).status == 200
    unready = await client.get("/readyz")
    assert (unready.status, await unready.text()) == (503, "no front process is serving\n")


async def test_status_and_metrics_are_served(client):
    """As JSON, and in the format of Prometheus."""
    status = await client.get("/status")
    metrics = await client.get("/metrics")

    assert (await status.json())["champion"]["name"] == "digits"
    assert metrics.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert "harness_fronts_alive 1\n" in await metrics.text()


@pytest.mark.parametrize(
    ("path", "body", "wish"),
    [
        ("/mirroring", {"on": False}, {"ask": "pause"}),
        ("/mirroring", {"on": True}, {"ask": "resume"}),
        ("/sampling", {"rate": 0.1}, {"ask": "sample", "rate": 0.1}),
        ("/sampling", {"rate": 1}, {"ask": "sample", "rate": 1}),
        ("/reload", None, {"ask": "reload"}),
    ],
)
async def test_a_wish_goes_to_the_supervisor(client, supervisor, path, body, wish):
    """With the address it came from, for the log."""
    answered = await client.post(path, json=body, headers=BEARER)

    assert (answered.status, await answered.json()) == (200, {"done": True})
    assert supervisor.asked == [{**wish, "by": "127.0.0.1"}]
    assert supervisor.refusals == []


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("/mirroring", b"{}", 400),
        ("/mirroring", b'{"on": 1}', 400),
        ("/mirroring", b"", 400),
        ("/mirroring", b"{", 400),
        ("/sampling", b'{"rate": 1.1}', 400),
        ("/sampling", b'{"rate": true}', 400),
        ("/sampling", b'{"rate": NaN}', 400),
        ("/sampling", b'{"rate": 0.1' + b" " * 5000 + b"}", 413),
        ("/nothing", b"{}", 404),
    ],
)
async def test_nonsense_is_refused_and_changes_nothing(client, supervisor, path, body, status):
    """In a sentence that says what to send."""
    headers = {**BEARER, "Content-Type": "application/json"}

    assert (await client.post(path, data=body, headers=headers)).status == status
    assert supervisor.asked == []


async def test_without_the_token_nothing_changes(client, supervisor):
    """Nor by a method that only reads, nor for a page of another origin; who tried is told."""
    refused = await client.post("/mirroring", json={"on": False})

    assert (refused.status, refused.headers["WWW-Authenticate"]) == (401, "Bearer")
    assert (await client.get("/mirroring", headers=BEARER)).status == 405
    elsewhere = {**BEARER, "Origin": "https://evil.example"}
    assert (await client.post("/reload", headers=elsewhere)).status == 403
    assert (await client.get("/status", headers={"Host": "evil.example"})).status == 421
    assert supervisor.asked == []
    assert [(path, by) for path, by, _ in supervisor.refusals] == [
        ("/mirroring", "127.0.0.1"),
        ("/reload", "127.0.0.1"),
    ]


@pytest.mark.parametrize("answer", [{"refused": "no"}, ConnectionRefusedError(), TimeoutError()])
async def test_a_wish_that_was_not_granted_is_told_as_that(client, supervisor, answer):
    """Refused by the supervisor, or nobody there: nothing was changed."""
    supervisor.answer = answer

    refused = await client.post("/reload", headers=BEARER)

    assert refused.status == 409
    assert (await refused.json())["refused"]
    assert supervisor.refusals == [("/reload", "127.0.0.1", (await refused.json())["refused"])]
