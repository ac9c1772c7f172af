"""Logs that hold the answers of both sides become runs, and those are judged."""

import json
from pathlib import Path

import polars as pl
import pytest

from harness.store.reader import StoredRun
from tests.cli.conftest import ROOT, entry

LOGS = ROOT / "fixtures/logs"

CONFIG = """\
champion: {name: old, url: "http://127.0.0.1:1", timeout: 2s}
challengers:
  - {name: new, url: "http://127.0.0.1:2", timeout: 2s, price: {usd_per_call: 0.5}}
output: {label: $.label}
cluster: header:x-user-id
segments: {source: $.source}
compare:
  - {name: label, path: $.label, as: label}
policy:
  rules:
    - {not_worse: failure_rate, margin: 0.1}
    - {not_worse: latency_s.p50, margin: 100%}
    - {not_worse: accuracy, margin: 0.1}
"""


@pytest.fixture
def config(tmp_path):
    """A config of two deployments, one label and three rules."""
    path = tmp_path / "harness.yaml"
    path.write_text(CONFIG)
    return path


def gor(n, *, lacks=(), wrong=()):
    """A capture of `n` requests of as many users, with a replay target's answers."""
    records = []
    for i in range(n):
        at_ns = 1_748_779_200_000_000_000 + i * 10_000_000
        label = json.dumps({"label": "odd" if i % 2 else "even"})
        asked = json.dumps({"n": i, "source": "web"})
        said = '{"label":"?"}' if i in wrong else label
        records.append(
            f"1 {i:024d} {at_ns} 0\n" + message(f"POST /p HTTP/1.1\r\nX-User-Id: u{i}", asked)
        )
        records.append(f"2 {i:024d} {at_ns} 9000000\n" + message("HTTP/1.1 200 OK", label))
        if i not in lacks:
            records.append(f"3 {i:024d} 8000000 {at_ns}\n" + message("HTTP/1.1 200 OK", said))
    return "".join(f"{record}\n🐵🙈🙉\n" for record in records)


def message(head, body):
    return f"{head}\r\nContent-Length: {len(body)}\r\n\r\n{body}"


def pairs(run):
    return pl.read_parquet(f"{run}/pairs/**/*.parquet").sort("received_at", "request_id")


def test_a_capture_with_a_replay_becomes_a_run_that_is_judged(harness, tmp_path, config):
    """The config names both sides and says whose a request is; nobody is asked."""
    (tmp_path / "traffic.gor").write_text(gor(60))

    imported = harness("import", "traffic.gor", "--config", config, "--out", "runs/one")
    judged = harness("gate", "runs/one", "--json")

    assert (imported.code, imported.out) == (0, "runs/one\n"), imported.err
    assert "harness: new: 60 pairs of 60 requests\n" in imported.err
    (one,) = judged.verdict["challengers"]
    assert one["challenger"] == "new"
    assert (one["n_pairs"], one["n_clusters"], one["baseline"]) == (60, 60, "recorded")
    latency = one["findings"][1]
    assert latency["status"] != "no_data"
    assert latency["champion"] == pytest.approx(0.009)
    assert latency["challenger"] == pytest.approx(0.008)
    asked = {check["check"] for check in one["validity"]}
    assert not asked & {"schedule_lag_p99_s", "call_order"}
    assert "Run one was imported from traffic.gor: harness asked nobody." in judged.verdict["notes"]


def test_what_a_log_does_not_know_stays_unknown(harness, tmp_path, config):
    """No wait and no lateness where nothing was due; a price of the config still counts."""
    (tmp_path / "traffic.gor").write_text(gor(3))

    harness("import", "traffic.gor", "--config", config, "--out", "runs/one")

    found = pairs("runs/one")
    for column in ("wait_s", "sender_lag_s"):
        assert found[f"champion_{column}"].to_list() == [None] * 3
        assert found[f"challenger_{column}"].to_list() == [None] * 3
    assert found["challenger_timeout_s"].to_list() == [2.0] * 3
    assert found["challenger_cost_usd"].to_list() == [0.5] * 3
    assert found["champion_cost_usd"].to_list() == [None] * 3
    assert found["cluster_id"].to_list() == ["u0", "u1", "u2"]
    assert found["segments"].to_list() == [{"source": "web"}] * 3


def test_every_request_without_a_pair_is_a_loss_with_a_reason(harness):
    """Damaged records, missing partners and repeated ids; the sum holds."""
    fixture = LOGS / "goreplay-replayed.gor"

    said = harness("import", fixture, "--out", "runs/one", "--max-rejected-rate", "1")

    assert said.code == 0
    counts = json.loads(Path("runs/one/losses.json").read_text())
    assert counts == {
        "replayed": {
            "received": 9,
            "paired": 5,
            "losses": {"no_challenger_answer": 1, "no_champion_answer": 1, "repeated_id": 2},
            "pending": 0,
            "holds": True,
        }
    }
    assert "harness: left out record 26: " in said.err
    assert "harness: 1 answers of 'replayed' are to no request of the log\n" in said.err
    found = pairs("runs/one")
    assert found["challenger_outcome"].to_list() == ["ok", "ok", "ok", "http_error", "ok"]
    assert found["challenger_body"].to_list()[-1] == b'{"label":4}'
    assert json.loads(Path("runs/one/run.json").read_text())["n_rejected"] == 1


def test_a_missing_answer_counts_against_the_run(harness, tmp_path, config):
    """Why it is missing nobody can tell: two in a hundred make the run no evidence."""
    (tmp_path / "traffic.gor").write_text(gor(100, lacks=(7, 8)))
    harness("import", "traffic.gor", "--config", config, "--out", "runs/one")

    judged = harness("gate", "runs/one", "--json")

    assert judged.code == 12
    assert judged.verdict["challengers"][0]["losses"] == {"no_challenger_answer": 2}


def test_variants_that_captured_the_same_requests_make_a_run(harness):
    """Joined by inference id; the challenger is called as its folder. No latency, and none made up.

    Both are in whole seconds and without a status, as SageMaker leaves them.
    """
    said = harness(
        "import",
        LOGS / "datacapture/digits/AllTraffic",
        "--challenger",
        f"shadow={LOGS / 'datacapture-shadow/digits/Shadow'}",
        "--out",
        "runs/one",
        "--max-rejected-rate",
        "1",
    )  # fmt: skip

    assert said.code == 0, said.err
    found = pairs("runs/one")
    assert found["external_id"].to_list() == ["u-1"]
    assert found["challenger_body"].to_list() == [b'{"label": 3}']
    assert found["champion_latency_s"].to_list() == [None]
    run = StoredRun.open(Path("runs/one"))
    assert run.challengers == ("shadow",)
    assert run.conservation("shadow").holds
    assert len(run.manifest.imported_from) == 2


def test_answers_alone_are_enough_of_a_challenger(harness, tmp_path):
    """The output of a second batch, whose requests are those of the first."""
    batch = [{"custom_id": f"c{n}", "method": "POST", "url": "/v1/x", "body": {"n": n}}
             for n in range(3)]  # fmt: skip
    (tmp_path / "in.jsonl").write_text("".join(json.dumps(line) + "\n" for line in batch))
    for name in ("old", "new"):
        answers = [{"custom_id": f"c{n}", "response": {"status_code": 200, "body": {"by": name}}}
                   for n in range(3)]  # fmt: skip
        (tmp_path / f"{name}.jsonl").write_text("".join(json.dumps(a) + "\n" for a in answers))

    said = harness(
        "import", "in.jsonl", "old.jsonl", "--challenger", "new.jsonl", "--out", "runs/one"
    )

    assert said.code == 0, said.err
    found = pairs("runs/one")
    assert found["challenger"].to_list() == ["new"] * 3
    assert found["champion_body"].to_list() == [b'{"by": "old"}'] * 3
    assert found["challenger_body"].to_list() == [b'{"by": "new"}'] * 3


def test_latencies_of_two_logs_are_not_held_against_each_other(harness, tmp_path, config, log):
    """They were measured apart, unless the config says that this is fine."""
    log(40)
    (tmp_path / "theirs.jsonl").write_text("".join(entry(n) + "\n" for n in range(40)))
    words = ("import", "log.jsonl", "--challenger", "new=theirs.jsonl", "--config", config)
    harness(*words, "--out", "runs/one")

    apart = harness("gate", "runs/one", "--json").verdict["challengers"][0]["findings"]
    config.write_text(CONFIG + "champion_answers: recorded\nbaseline: recorded\n")
    accepted = harness("gate", "runs/one", "--config", config, "--json")

    assert [finding["status"] for finding in apart][1] == "no_data"
    statuses = [one["status"] for one in accepted.verdict["challengers"][0]["findings"]]
    assert "no_data" not in statuses


def test_a_run_that_was_imported_without_a_config_asks_for_one(harness, tmp_path, config):
    """Names are the log's then; `gate` and `show` take a config that has them."""
    (tmp_path / "traffic.gor").write_text(gor(20, wrong=(3,)))
    harness("import", "traffic.gor", "--out", "runs/one")
    config.write_text(CONFIG.replace("name: old", "name: champion").replace(" new", " replayed"))

    without = harness("gate", "runs/one")
    judged = harness("gate", "runs/one", "--config", config, "--json")
    shown = harness("show", "runs/one", "--config", config)

    assert (without.code, without.out) == (2, "")
    assert without.err == (
        "harness: runs/one: was imported without a config. Name one with --config FILE\n"
    )
    assert judged.verdict["challengers"][0]["n_pairs"] == 20
    assert shown.out.startswith("replayed: 1 disagreements, worst first")


def test_a_log_leaves_the_second_answers_out_and_says_so(harness, tmp_path):
    """It has one answer to a request."""
    (tmp_path / "traffic.gor").write_text(gor(5))

    said = harness("import", "traffic.gor", "--out", "traffic.jsonl")

    assert said.code == 0
    assert "harness: 5 answers of 'replayed' are not in it: name a folder as --out" in said.err
    assert len(Path("traffic.jsonl").read_text().splitlines()) == 5


REFUSED = {
    "no second answer": (("log.jsonl", "--out", "runs/one"), "add the log of a challenger"),
    "a log with challengers": (
        ("log.jsonl", "--challenger", "log.jsonl", "--out", "x.jsonl"),
        "x.jsonl: a log has one answer to a request. Name a folder for a run",
    ),
    "a folder that is taken": (
        ("log.jsonl", "--challenger", "new=log.jsonl", "--out", "."),
        ".: is there already. Name a folder that is not",
    ),
    "other names": (
        ("log.jsonl", "--challenger", "a=log.jsonl", "--challenger", "b=log.jsonl", "--config",
         "harness.yaml", "--out", "runs/one"),
        "names the challengers new, and there are answers of a, b.",
    ),
    "one name twice": (
        ("log.jsonl", "--challenger", "log.jsonl", "--challenger", "log.jsonl", "--out", "x"),
        "log is there already. Name it NAME=LOG",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("words", "message"), REFUSED.values(), ids=REFUSED)
def test_what_makes_no_run_is_refused(harness, config, log, tmp_path, words, message):
    """Exit 2, a sentence at the end, and nothing left behind."""
    log(5)
    before = sorted(path.name for path in tmp_path.rglob("*"))

    said = harness("import", *words)

    assert (said.code, said.out) == (2, "")
    assert message in said.err.splitlines()[-1]
    assert sorted(path.name for path in tmp_path.rglob("*") if path.name != "runs") == before


def test_a_run_is_imported_as_a_run_by_copying_it(harness, tmp_path, config):
    """The same pairs and the same verdict, in another place."""
    (tmp_path / "traffic.gor").write_text(gor(20))
    harness("import", "traffic.gor", "--config", config, "--out", "runs/one")

    said = harness("import", "runs/one", "--out", "runs/two")

    assert (said.code, said.out) == (0, "runs/two\n")
    assert pairs("runs/one").equals(pairs("runs/two"))
    assert harness("gate", "runs/two").out == harness("gate", "runs/one").out


def test_an_nginx_log_with_names_of_its_own_is_read_by_the_config(harness, tmp_path, config):
    """The config says what stands where; `check` and `import` read by it."""
    line = {"verb": "GET", "uri": "/p", "t": "1748779200.5", "code": "200", "who": "u1"}
    (tmp_path / "access.json").write_text(f"{json.dumps(line)}\n" * 3)
    names = "{request_method: verb, request_uri: uri, msec: t, status: code}"
    log = f"log: {{path: access.json, names: {names}, headers: {{who: X-User-Id}}}}\n"
    config.write_text(CONFIG + log)

    checked = harness("check", config)
    imported = harness("import", "access.json", "--config", config, "--out", "a.jsonl")
    without = harness("import", "access.json", "--out", "b.jsonl")

    assert "access.json (nginx): 3 entries" in checked.out
    assert "; request_method as verb, request_uri as uri, msec as t, status as code" in checked.out
    assert "header X-User-Id as who" in checked.out
    assert imported.code == 0, imported.err
    first = json.loads(Path("a.jsonl").read_text().splitlines()[0])
    assert (first["method"], first["target"]) == ("GET", "/p")
    assert ["X-User-Id", "u1"] in first["headers"]
    assert without.code == 2
