"""The sidecar as a whole: real processes, real sockets, and signals."""

import json
import os
import signal
import socket
import threading
from dataclasses import dataclass

import pytest

from harness.cli import main
from harness.store.layout import Kind, Series
from harness.store.reader import StoredRun
from tests.shadow.running import config_for, deployment, sidecar

pytestmark = [pytest.mark.process, pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def urls(tmp_path_factory):
    """Champion and challenger."""
    folder = tmp_path_factory.mktemp("deployments")
    with deployment(folder, "champion") as champion, deployment(folder, "challenger") as challenger:
        yield champion, challenger


@dataclass
class Ended:
    code: int
    out: str
    err: str


@pytest.fixture
def harness(capsys, tmp_path, monkeypatch):
    """Another command of the program, in this process: importing is what takes time."""
    monkeypatch.chdir(tmp_path)

    def call(*words):
        with pytest.raises(SystemExit) as ended:
            main([str(word) for word in words])
        said = capsys.readouterr()
        return Ended(ended.value.code, said.out, said.err)

    return call


def balance(counts):
    return counts["paired"] + sum(counts["losses"].values()) + counts["pending"]


def test_whatever_dies_users_are_served_and_the_run_can_be_judged(tmp_path, urls, harness):
    """Mirror killed, stopped, watch killed, front killed: every request is accounted for."""
    with sidecar(tmp_path, config_for(*urls)) as running:
        running.connected()
        n_right = running.ask(range(50))
        running.until(lambda: running.counted()["paired"] == 50)
        for child in ("mirror", "watch"):
            pid = running.until(lambda child=child: running.pid_of(child))
            os.kill(pid, signal.SIGKILL)
            n_right += running.ask(range(50))
            running.replaced(child, pid)
        running.signal("mirror", signal.SIGSTOP)
        n_right += running.ask(range(50))
        running.signal("mirror", signal.SIGCONT)
        front = running.pid_of("front 1")
        os.kill(front, signal.SIGKILL)
        n_right += running.ask(range(50))
        running.replaced("front 1", front)
        code = running.end()
        losses = running.losses["new"]
        n_stored = StoredRun.open(running.run).n_pairs("new")
        judged = harness("gate", running.run, "--json")

    assert n_right == 250
    assert code == 0
    assert losses["received"] == 250 == balance(losses)
    assert losses["pending"] == 0
    # What comes while a mirror is away, or was not synced, is lost to the run: never to users.
    assert n_stored == losses["paired"] >= 50
    assert set(losses["losses"]) <= {"mirror_down", "shed_link", "front_down"}
    (challenger,) = json.loads(judged.out)["challengers"]
    assert challenger["n_pairs"] == n_stored
    assert challenger["n_clusters"] == 7
    assert not (tmp_path / "rt" / "run.json").exists()


def test_a_reload_under_load_resets_no_connection(tmp_path, urls):
    """Clients that come and go notice nothing of five reloads, one of them to a new run."""
    text = config_for(*urls)
    stop, seen, broken = threading.Event(), [], []

    def hammer(running, port):
        while not stop.is_set():
            try:
                seen.append(running.ask(range(20), port))
            except OSError as exc:
                broken.append(repr(exc))

    with sidecar(tmp_path, text) as running:
        port = running.port
        clients = [threading.Thread(target=hammer, args=(running, port)) for _ in range(4)]
        for client in clients:
            client.start()
        replies = [running.desk(ask="reload", by="a test") for _ in range(4)]
        running.config.write_text(text.replace("margin: 0.2", "margin: 0.3"))
        replies.append(running.desk(ask="reload", by="a test"))
        running.config.write_text("champion: nonsense\n")
        refused = running.desk(ask="reload", by="a test")
        stop.set()
        for client in clients:
            client.join()
        code = running.end()
        runs = sorted(running.run.parent.iterdir())
        losses = [json.loads((run / "losses.json").read_text())["new"] for run in runs]

    assert broken == []
    assert set(seen) == {20}
    assert all(reply.get("done") for reply in replies), replies
    assert "champion" in refused["refused"]
    assert code == 0
    assert len(runs) == 2
    assert sum(one["received"] for one in losses) == 20 * len(seen)
    assert all(balance(one) == one["received"] and one["pending"] == 0 for one in losses)


def test_without_challengers_it_records_and_the_run_is_a_log(tmp_path, urls, harness):
    """The same config, with a challenger, replays what was recorded."""
    champion, challenger = urls
    with sidecar(tmp_path, config_for(champion)) as running:
        running.connected()
        assert running.ask(range(40)) == 40
        assert running.end() == 0
        run, losses = running.run, running.losses
    stored = StoredRun.open(run)
    replay = tmp_path / "replay.yaml"
    replay.write_text(config_for(champion, challenger) + "pacing: {mode: rate, per_s: 200}\n")
    shown = harness("show", run)
    judged = harness("gate", run)
    replayed = harness("replay", replay, "--log", run, "--json")

    assert losses["old"]["paired"] == 40
    assert stored.n_pairs(Series("old", Kind.EXCHANGES)) == 40
    assert "40 requests recorded" in shown.out
    assert judged.code == 2
    assert "harness replay" in judged.err
    (verdict,) = json.loads(replayed.out)["challengers"]
    assert verdict["n_pairs"] == 40
    assert verdict["n_clusters"] == 7


def test_a_port_that_is_taken_is_said(tmp_path, urls, harness):
    """Exit code 2, one sentence, and nothing is left behind."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        text = config_for(*urls).replace("listen: 127.0.0.1:0", f"listen: 127.0.0.1:{port}")
        (tmp_path / "harness.yaml").write_text(text)

        ended = harness("shadow", "harness.yaml")

    assert ended.code == 2
    assert ended.err.splitlines()[-1] == (
        f"harness: capture.listen: 127.0.0.1:{port} is taken by another process. "
        f"Stop that, or name another port"
    )
    assert not (tmp_path / "runs").exists()


def test_a_champion_that_is_not_there_is_told_and_served_as_502(tmp_path):
    """The sidecar may be started before its service."""
    with socket.create_server(("127.0.0.1", 0)) as nobody:
        url = f"http://127.0.0.1:{nobody.getsockname()[1]}"
    with sidecar(tmp_path, config_for(url), "--role", "front") as running:
        n_right = running.ask([1])
        said = running.event("champion_unreachable")
        code = running.end()

    assert n_right == 0
    assert "users get 502 until then" in said["message"]
    assert code == 0
