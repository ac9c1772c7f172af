"""Front and mirror as two containers of a pod: two supervisors that share a folder."""

import os
import signal

import pytest

from harness.cli import main
from tests.shadow.running import config_for, deployment, sidecar

pytestmark = [pytest.mark.process, pytest.mark.timeout(300)]


def test_a_mirror_container_that_is_killed_takes_nobody_along(tmp_path):
    """Users are served, the next one goes on with the run, and every request is accounted for."""
    with deployment(tmp_path, "champion") as champion, deployment(tmp_path, "challenger") as other:
        config = config_for(champion, other)
        with (
            sidecar(tmp_path, config, "--role", "mirror") as first,
            sidecar(tmp_path, config, "--role", "front") as front,
        ):
            run = first.run
            front.connected()
            n_right = front.ask(range(40))
            first.until(lambda: first.counted()["paired"] == 40)
            os.kill(first.process.pid, signal.SIGKILL)
            first.process.wait()
            n_right += front.ask(range(40))
            with sidecar(tmp_path, config, "--role", "mirror") as second:
                assert second.run == run
                n_right += front.ask(range(40))
                codes = front.end(), second.end()
                losses = second.losses["new"]

    assert n_right == 120
    assert codes == (0, 0)
    assert losses["received"] == 120 == losses["paired"] + sum(losses["losses"].values())
    assert losses["paired"] >= 40
    # On a machine that has no core for it for seconds, a front may be taken for dead.
    assert set(losses["losses"]) <= {"mirror_down", "front_down"}


def test_parts_have_to_know_where_they_meet(tmp_path, monkeypatch, capsys):
    """A fresh folder for each of them would be no place to meet."""
    monkeypatch.chdir(tmp_path)
    config = config_for("http://127.0.0.1:1").replace("  runtime_dir: rt\n", "")
    (tmp_path / "harness.yaml").write_text(config)

    with pytest.raises(SystemExit) as ended:
        main(["shadow", "harness.yaml", "--role", "front"])

    assert ended.value.code == 2
    assert "`capture.runtime_dir`" in capsys.readouterr().err
