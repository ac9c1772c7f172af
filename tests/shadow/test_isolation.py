"""Users notice nothing of what happens behind their backs: the small form of `make isolation`."""

import signal
from contextlib import ExitStack

import pytest

from harness.pair import LossReason
from harness.store.reader import StoredRun
from harness.testing.conditions import condition
from harness.testing.load import Schedule, asked
from harness.testing.sidecar import sidecar

pytestmark = pytest.mark.process

BAD = ("down", "slow", "never_reads", "flooding")

# Of the challengers: whoever waited for one of them waited that long.
TIMEOUT_S = 1

CONFIG = """\
champion: {{name: champion, url: "{champion}", timeout: 5s}}
challengers:
{challengers}
capture:
  listen: 127.0.0.1:0
  admin: 127.0.0.1:0
  runtime_dir: rt
  methods: [POST]
  drain: 10s
policy: {{rules: [{{not_worse: failure_rate, margin: 0.1}}]}}
"""


def ask(url, tag):
    return asked(url, Schedule(rate_per_s=150, seconds=1.5, timeout_s=20, tag=tag))


def test_users_get_right_answers_in_time_whatever_challengers_and_mirror_do(tmp_path):
    """Four bad challengers and a good one at once, then a mirror that stands still.

    Behind nginx users would wait for the slow ones here. The bound on the median is relative to
    mirroring off in the same minute, and far wider than what is promised: the machine is not ours.
    """
    names = ("fast", *BAD)
    with ExitStack() as stack:
        champion = stack.enter_context(condition("fast"))
        urls = [stack.enter_context(condition(name)) for name in names]
        listed = "\n".join(
            f'  - {{name: {name}, url: "{url}", timeout: {TIMEOUT_S}s, max_in_flight: 8}}'
            for name, url in zip(names, urls, strict=True)
        )
        text = CONFIG.format(champion=champion, challengers=listed)
        running = stack.enter_context(sidecar(tmp_path, text))
        url = running.url
        running.desk(ask="pause", by="a test")
        off = ask(url, "off")
        running.desk(ask="resume", by="a test")
        bad = ask(url, "bad")
        running.signal("mirror", signal.SIGSTOP)
        stopped = ask(url, "stopped")
        running.signal("mirror", signal.SIGCONT)
        code = running.stop()
        losses = running.losses()
        run = StoredRun.open(running.run)
        n_stored = {name: run.n_pairs(name) for name in names}

    seen = (off, bad, stopped)
    assert [one.problems for one in seen] == [{}] * 3
    assert [one.n_right for one in seen] == [one.n_sent for one in seen]
    for one in (bad, stopped):
        assert one.quantile_us(0.5) < 10 * off.quantile_us(0.5)
        assert one.quantile_us(0.95) < TIMEOUT_S * 1e6
    assert code == 0
    n_sent = sum(one.n_sent for one in seen)
    for name in names:
        one = losses[name]
        assert one.received == n_sent == one.paired + sum(one.losses.values())
        assert one.pending == 0
        assert one.losses[LossReason.SAMPLED_OUT] == off.n_sent
        assert n_stored[name] == one.paired
    assert losses["fast"].paired > 0
