"""A replay of chat requests whose answers come token by token."""

import json
import shutil

import polars as pl
import pytest

from harness.cli.judging import judged
from harness.config import load
from harness.store.reader import StoredRun
from tests.cli.conftest import ROOT

pytestmark = pytest.mark.process

CONFIG = """\
dialect: openai_chat
log: log.jsonl
champion:
  name: full
  command: [python, -m, harness.testing.chat, --answers, answers.jsonl, --first-token-s, "0.05",
            --gap-s, "0.004", --port, "{port}"]
  ready: /healthz
challengers:
  - name: terse
    command: [python, -m, harness.testing.chat, --answers, answers.jsonl, --style, terse,
              --first-token-s, "0.15", --gap-s, "0.004", --port, "{port}"]
    ready: /healthz
  - name: cut
    command: [python, -m, harness.testing.chat, --answers, answers.jsonl, --cut-after, "2",
              --port, "{port}"]
    ready: /healthz
  - name: dropped
    command: [python, -m, harness.testing.chat, --answers, answers.jsonl, --drop-after, "2",
              --port, "{port}"]
    ready: /healthz
pacing: {mode: closed, in_flight: 4}
compare:
  - {name: reply, path: "$.choices[0].message.content", as: text, by: words}
  - {name: calls, path: "$.choices[0].message.tool_calls", as: tool_calls}
policy:
  rules:
    - {not_worse: failure_rate, margin: 0.1}
    - {not_worse: first_token_s.mean, margin: 30ms}
    - {not_worse: token_gap_s.mean, margin: 100ms}
    - {at_most: refusal_rate, value: 0.9}
"""


@pytest.fixture
def folder(tmp_path):
    """Three times every recorded question, asked for as a stream."""
    answers = ROOT / "fixtures" / "chat" / "answers.jsonl"
    shutil.copy(answers, tmp_path)
    asked = [json.loads(line)["asked"] for line in answers.read_text().splitlines()]
    with (tmp_path / "log.jsonl").open("w") as log:
        for i, text in enumerate(3 * asked):
            message = {"role": "user", "content": text}
            body = {"model": "any", "stream": True, "messages": [message]}
            line = {"format": 1, "id": f"e{i}", "method": "POST", "target": "/v1/chat/completions"}
            headers = [["Content-Type", "application/json"]]
            log.write(json.dumps({**line, "headers": headers, "body": json.dumps(body)}) + "\n")
    (tmp_path / "harness.yaml").write_text(CONFIG)
    return tmp_path


def test_streams_are_timed_compared_and_judged(harness, folder):
    """First tokens 100 ms later are found, gaps that are the same pass, and cut streams fail."""
    said = harness("replay", "harness.yaml", "--run", "runs/one", "--json")

    assert said.code in (10, 11), said.err
    by_name = {one["challenger"]: one for one in said.verdict["challengers"]}
    found = {one["metric"]: one for one in by_name["terse"]["findings"]}
    assert found["first_token_s.mean"]["status"] == "fail"
    assert found["first_token_s.mean"]["harm"] == pytest.approx(0.1, abs=0.05)
    assert found["token_gap_s.mean"]["status"] == "pass"
    assert 0.002 < found["token_gap_s.mean"]["champion"] < 0.02
    assert found["refusal_rate"]["challenger"] == pytest.approx(1 / 12)

    run = StoredRun.open(folder / "runs" / "one")
    config = load(folder / "harness.yaml")
    values = {one.challenger: one.values.collect() for one in judged([run], config).collected}
    assert values["cut"]["challenger_failure"].unique().to_list() == ["cut_off"]
    assert values["dropped"]["challenger_failure"].unique().to_list() == ["disconnected"]
    received = run.scan("dropped").select(pl.col("challenger_body")).collect().to_series()
    assert all(body.count(b"\n\n") >= 3 for body in received)
    calls = values["terse"].filter(pl.col("calls.agree").not_())
    assert calls["calls.paths"].to_list() == 3 * [["$.weather.days"]]

    shown = harness("show", "runs/one", calls["request_id"][0], "--challenger", "terse").out
    assert "tool_calls[0].function.arguments" in shown
    assert "$.id" not in shown
    assert "$.created" not in shown
