"""What a config may ask of a replay, each seen from the deployments' side."""

import json
import threading
import time
from collections import Counter
from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest

from tests.cli.conftest import entry

pytestmark = pytest.mark.process

CLOSED = "{mode: closed, in_flight: 4}"


def swap(old, new):
    def change(text):
        assert old in text
        return text.replace(old, new)

    return change


def new(options):
    """Options of the challenger alone."""
    return swap("{name: new, ", f"{{name: new, {options}, ")


def both(options):
    """Options of champion and challenger."""
    return lambda text: swap("{name: old, ", f"{{name: old, {options}, ")(new(options)(text))


def pairs():
    return pl.read_parquet("runs/one/pairs/**/*.parquet")


def replay(harness, path):
    return harness("replay", path, "--run", "runs/one", "--json")


def test_a_constant_rate_is_kept(harness, serve, log, config):
    """100 requests at 200/s: the last is due half a second after the first, whatever the log."""
    log(100)
    path = config(serve(), serve(), change=swap(CLOSED, "{mode: rate, per_s: 200}"))

    started = time.monotonic()
    said = replay(harness, path)

    assert said.code == 0, said.err
    assert time.monotonic() - started >= 99 / 200
    assert said.verdict["challengers"][0]["n_pairs"] == 100


def test_recorded_times_are_kept_faster(harness, serve, log, config):
    """Two seconds of traffic at four times the speed: half a second, and no less."""
    log(100, gap_s=0.02)
    path = config(serve(), serve(), change=swap(CLOSED, "{mode: recorded, speed: 4}"))

    started = time.monotonic()
    said = replay(harness, path)

    assert said.code == 0, said.err
    assert time.monotonic() - started >= 99 * 0.02 / 4


def test_requests_of_a_user_keep_their_order(harness, serve, log, config):
    """However far behind: the next question of a user comes after the answer to the last."""
    challenger = serve(takes_s=0.005)
    log(60, users=3)
    path = config(
        serve(), challenger, change=swap(CLOSED, "{mode: rate, per_s: 2000, keep_order: true}")
    )

    said = replay(harness, path)

    assert said.code in (0, 11), said.err
    for user in range(3):
        asked = [body["n"] for _, _, body in challenger.seen if body["n"] % 3 == user]
        assert asked == sorted(asked)
        assert len(asked) == 20


def test_requests_are_rewritten_for_both(harness, serve, log, config):
    """Tokens, ids and times: the same for champion and challenger, and the pair keeps its own."""
    champion, challenger = serve(), serve()
    log(20)
    more = (
        "rewrite:\n"
        "  headers: {X-Trace: '{uuid}', X-User-Id: someone}\n"
        "  body: {$.source: replayed}\n"
    )

    said = replay(harness, config(champion, challenger, more))

    assert said.code in (0, 11), said.err
    for server in (champion, challenger):
        assert {headers["X-User-Id"] for _, headers, _ in server.seen} == {"someone"}
        assert {body["source"] for _, _, body in server.seen} == {"replayed"}
        assert len({headers["X-Trace"] for _, headers, _ in server.seen}) == 20
    traces = [{body["n"]: headers["X-Trace"] for _, headers, body in server.seen}
              for server in (champion, challenger)]  # fmt: skip
    assert traces[0] == traces[1]
    assert pairs()["cluster_id"].n_unique() == 20
    assert set(pairs()["segments"].struct.field("source")) == {"web", "mobile"}


OK = b'HTTP/1.1 200 OK\r\nContent-Length: 16\r\n\r\n{"label": "odd"}'
BUSY = b"HTTP/1.1 503 Busy\r\nRetry-After: 0\r\nContent-Length: 0\r\n\r\n"


def test_retries_are_the_deployments_policy(harness, serve, serve_raw, log, config):
    """Every first attempt fails: with one retry all are well, in two attempts, and costs double."""
    asked = Counter()

    def stumbling(peer):
        while True:
            request = peer.read_request().partition(b"\r\n\r\n")[2]
            asked[request] += 1
            peer.send(BUSY if asked[request] == 1 else OK)

    log(20)
    path = config(serve(), serve_raw(stumbling), change=new("retries: 1, price: {usd_per_call: 1}"))

    replay(harness, path)

    assert set(asked.values()) == {2}
    assert pairs()["challenger_outcome"].to_list() == ["ok"] * 20
    assert pairs()["challenger_attempts"].to_list() == [2] * 20
    assert pairs()["challenger_cost_usd"].to_list() == [2.0] * 20


def test_no_more_are_in_flight_than_allowed(harness, serve, serve_raw, log, config):
    """A replay waits, and the wait is told apart from the service."""
    lock, at_once, most = threading.Lock(), Counter(), []

    def counting(peer):
        while True:
            peer.read_request()
            with lock:
                at_once["n"] += 1
                most.append(at_once["n"])
            time.sleep(0.01)
            with lock:
                at_once["n"] -= 1
            peer.send(OK)

    log(40)
    path = config(
        serve(),
        serve_raw(counting),
        change=lambda text: new("max_in_flight: 2")(swap("in_flight: 4", "in_flight: 20")(text)),
    )

    replay(harness, path)

    assert max(most) == 2
    assert pairs()["challenger_wait_s"].max() > 0.05
    assert pairs()["challenger_latency_s"].median() < 0.05


def test_a_rate_ceiling_is_kept(harness, serve, log, config):
    """30 requests under 100/s take at least a quarter of a second, however many could go."""
    log(30)
    path = config(serve(), serve(), change=new("rate: 100/s"))

    started = time.monotonic()
    replay(harness, path)

    assert time.monotonic() - started > 0.2
    assert pairs().height == 30


def test_path_and_headers_are_the_deployments_own(harness, serve, log, config, monkeypatch):
    """Another path, a header replaced, one added; the champion gets what was recorded."""
    champion, challenger = serve(), serve()
    log(10)
    monkeypatch.setenv("T", "Bearer secret-of-the-test")
    headers = '{X-User-Id: shadow, X-Extra: "1", Authorization: "${env:T}"}'

    replay(
        harness, config(champion, challenger, change=new(f"path: /v2/infer, headers: {headers}"))
    )

    assert {path for path, _, _ in challenger.seen} == {"/v2/infer"}
    headers = challenger.seen[0][1]
    assert (headers["X-User-Id"], headers["X-Extra"]) == ("shadow", "1")
    assert headers["Authorization"] == "Bearer secret-of-the-test"
    assert {path for path, _, _ in champion.seen} == {"/predict"}
    assert "X-Extra" not in champion.seen[0][1]
    stored = [file.read_bytes() for file in Path("runs").rglob("*") if file.is_file()]
    assert not any(b"secret-of-the-test" in content for content in stored)
    assert "${env:T}" in Path("runs/one/run.json").read_text()


def test_prices_by_the_hour_are_charged_by_time(harness, serve, log, config):
    """3600 dollars an hour are a dollar a second of service.

    With time to answer: the mean is over pairs whose champion answered, and a machine that has
    other things to do may keep one waiting for the usual two seconds.
    """
    log(40)
    priced = both("price: {usd_per_hour: 3600}")
    path = config(
        serve(takes_s=0.01),
        serve(takes_s=0.01),
        "    - {not_worse: cost_usd.mean, margin: 900%}\n",
        change=lambda text: priced(text).replace("timeout: 2s", "timeout: 60s"),
    )

    said = replay(harness, path)

    cost = said.verdict["challengers"][0]["findings"][2]
    assert cost["challenger"] == pytest.approx(pairs()["challenger_latency_s"].mean())
    by_pair = pairs().select(pl.col("challenger_cost_usd") / pl.col("challenger_latency_s"))
    assert by_pair.to_series().to_list() == pytest.approx([1.0] * 40)


def test_prices_by_token_are_charged_by_usage(harness, serve, serve_raw, log, config):
    """What the answer says it used, at the price of each kind."""
    body = json.dumps(
        {
            "choices": [{"message": {"role": "assistant", "content": "odd"}}],
            "usage": {"prompt_tokens": 10, "completion_tokens": 4, "total_tokens": 14},
        }
    ).encode()
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)

    def chat(peer):
        while True:
            peer.read_request()
            peer.send(answer)

    log(20)
    prices = "price: {usd_per_input_token: 0.01, usd_per_output_token: 0.1}"
    path = config(serve_raw(chat), serve_raw(chat), change=both(prices))

    said = replay(harness, path)

    assert pairs()["challenger_input_tokens"].to_list() == [10] * 20, said.err
    assert pairs()["challenger_output_tokens"].to_list() == [4] * 20
    assert pairs()["champion_cost_usd"].to_list() == pytest.approx([0.5] * 20)


def test_each_challenger_may_have_its_own_policy(harness, serve, log, config):
    """The same answers: one promoted, one held by rules it alone has; a budget of its own too."""
    log()
    second = serve()

    def change(text):
        first = text.replace("challengers:\n", "challengers:\n  - @\n")
        strict = (
            f'{{name: strict, url: "{second.url}", timeout: 2s, policy: {{rules: '
            f"[{{not_worse: failure_rate, margin: 0.0001}}]}}}}"
        )
        return first.replace("@", strict)

    said = replay(harness, config(serve(), serve(), change=change))

    assert said.code == 0, said.err
    by_name = {one["challenger"]: one for one in said.verdict["challengers"]}
    assert {name: one["decision"] for name, one in by_name.items()} == {
        "strict": "hold",
        "new": "promote",
    }
    assert len(by_name["strict"]["findings"]) == 1


def test_one_challengers_decision_may_be_the_exit_code(harness, serve, log, config):
    """Of a run with one to promote and one to reject."""
    log()
    wrong = serve("wrong")

    def change(text):
        also = f'challengers:\n  - {{name: bad, url: "{wrong.url}", timeout: 2s}}\n'
        return text.replace("challengers:\n", also)

    path = config(serve(), serve(), change=change)
    replay(harness, path)

    codes = [harness("gate", "one", "--challenger", name).code for name in ("new", "bad")]

    assert codes == [0, 10]
    assert harness("gate", "one").code == 0


def test_a_budget_outlives_an_interruption(harness, serve, log, config):
    """What a run spent before counts when it is resumed: nobody is asked beyond it."""
    challenger = serve()
    log(40)
    path = config(serve(), challenger, change=new("price: {usd_per_call: 0.1}, budget: {usd: 1}"))
    replay(harness, path)
    asked = len(challenger.seen)

    harness("replay", path, "--run", "runs/one", "--resume", "--json")

    assert asked == len(challenger.seen)
    spent = sum(Decimal(str(usd)) for usd in pairs()["challenger_cost_usd"])
    assert spent <= Decimal(1)


def test_a_log_of_several_files_is_one_log(harness, serve, config, tmp_path):
    """`--log` may be given several times, and resuming needs the same ones."""
    for name, numbers in {"a.jsonl": range(20), "b.jsonl": range(20, 40)}.items():
        (tmp_path / name).write_text("".join(entry(n) + "\n" for n in numbers))
    path = config(serve(), serve())
    words = ["replay", path, "--run", "runs/one", "--log", "a.jsonl"]

    first = harness(*words, "--log", "b.jsonl", "--no-gate")
    again = harness(*words, "--log", "b.jsonl", "--resume", "--no-gate")
    other = harness(*words, "--resume")

    assert (first.code, again.code, other.code) == (0, 0, 2)
    assert pairs().height == 40
    assert "runs/one: was made with another log (digest " in other.err
