"""The demo's two configs differ in where the servers are, and in nothing else."""

from pathlib import Path

from harness.config import load
from harness.demo.config import running_servers, starting_servers
from harness.demo.models import MODELS

ROOT = Path(__file__).parents[2]


def test_the_bundled_config_is_the_one_in_the_repository():
    """`harness.yaml` at the top is what the demo says it is."""
    assert (ROOT / "harness.yaml").read_text() == starting_servers()


def test_both_configs_ask_the_same_things(tmp_path):
    """Servers that run are judged by the rules of servers that are started."""
    written = tmp_path / "demo.yaml"
    written.write_text(running_servers(dict.fromkeys(MODELS, "http://127.0.0.1:9101")))

    started, running = load(ROOT / "harness.yaml"), load(written)

    assert Path(running.log_path).samefile(started.log_path)
    assert running.policy == started.policy
    assert running.compare == started.compare
    assert [one.name for one in running.challengers] == [one.name for one in started.challengers]
    assert running.champion.url == "http://127.0.0.1:9101"


def test_the_bundled_log_is_there():
    """The config's log is a file of the repository."""
    assert Path(load(ROOT / "harness.yaml").log_path).is_file()
