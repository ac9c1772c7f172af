"""`harness init`: a starter config that loads as it is."""

import gzip
import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from harness.cli.init import init
from harness.config import load
from harness.config.schema import schema
from harness.errors import HarnessError, UsageError
from harness.exchange import DeploymentName
from harness.run import Deployment, Role, RunId
from harness.store.manifest import Manifest, write_manifest
from harness.testing.streams import APIS, Answer, plain, streamed
from tests.config.writing import GOOD, written

DIGITS = Path(__file__).parents[2] / "fixtures" / "logs" / "digits.jsonl"


def lines(path, *entries):
    """A log of our own format, 20 times each entry."""
    with path.open("w") as file:
        for i in range(20):
            for entry in entries:
                file.write(json.dumps({"id": f"{i}", "method": "POST", "target": "/x", **entry}))
                file.write("\n")
    return path


def answering(body, **more):
    headers = [["Content-Type", "application/json"]]
    answer = {"outcome": "ok", "status": 200, "headers": headers, "body": json.dumps(body)}
    return {"answer": answer, **more}


def test_it_loads_as_it_is(tmp_path, capsys):
    """Without a log: placeholders, and every line valid."""
    out = tmp_path / "harness.yaml"

    init(out=out)
    config = load(out)

    assert out.read_text().startswith("# yaml-language-server: $schema=harness.schema.json\n")
    assert (tmp_path / "harness.schema.json").read_text() == schema()
    assert [rule.title for rule in config.policy_for("challenger").rules] == [
        "not_worse failure_rate",
        "not_worse latency_s.p95",
    ]
    assert capsys.readouterr().out == f"{out}\n"


def test_every_commented_key_is_one_we_know(tmp_path):
    """Taking the comments off single lines gives a config that loads, too."""
    out = tmp_path / "harness.yaml"
    init(log=DIGITS, out=out)
    text = out.read_text()
    for key in ("price: {", "headers: {", "champion_answers", "- {not_worse: latency_s.exc",
                "- {not_worse: cost", "- {improves"):  # fmt: skip
        assert f"# {key}" in text
        text = text.replace(f"# {key}", key)
    out.write_text(text)

    assert load(out, environment={"TOKEN": "x"}).champion_answers == "recorded"


def test_a_log_fills_it_in(tmp_path):
    """Path, label, users, truth and times come from what the log shows."""
    out = tmp_path / "harness.yaml"

    init(log=DIGITS, out=out)
    config = load(out)

    assert Path(config.log_path).resolve() == DIGITS
    assert config.label_path == "$.label"
    assert config.cluster == "header:x-user-id"
    assert config.pacing.mode == "recorded"
    assert "not_worse accuracy" in [rule.title for rule in config.policy_for("challenger").rules]
    assert config.compare[1].ignore == ("$.model",)


def test_the_label_is_what_agrees_with_the_truth(tmp_path):
    """Not what has the name of one, where the log knows better."""
    body = {"result": {"best": [{"name": "cat"}]}, "label": "v2"}
    log = lines(tmp_path / "a.jsonl", answering(body, truth="cat"))

    init(log=log, out=tmp_path / "harness.yaml")

    assert load(tmp_path / "harness.yaml").label_path == "$.result.best[0].name"


def test_a_log_without_times_is_paced_by_answers(tmp_path):
    """There is nothing to keep the pace of."""
    log = lines(tmp_path / "a.jsonl", answering({"class": 3}))

    init(log=log, out=tmp_path / "harness.yaml")
    config = load(tmp_path / "harness.yaml")

    assert config.pacing.mode == "closed"
    assert config.label_path == "$.class"


def test_dialects_are_told_by_their_answers(tmp_path):
    """Tensors and predictions look like nothing else."""
    kserve = answering({"outputs": [{"name": "y", "shape": [1], "data": [4]}]}, truth=4)
    log = lines(tmp_path / "a.jsonl", kserve)

    init(log=log, out=tmp_path / "harness.yaml")
    config = load(tmp_path / "harness.yaml")

    assert (config.dialect, config.label_path) == ("kserve_v2", "$.outputs.y[0]")


@pytest.mark.parametrize("api", APIS)
@pytest.mark.parametrize("form", [plain, streamed])
def test_chat_answers_are_told_by_their_shape(api, form, tmp_path):
    """Plain and streamed, without a Content-Type."""
    body = form(api, Answer("Good morning.")).decode()
    answer = {"status": 200, "headers": [], "body": body, "outcome": "ok"}
    log = lines(tmp_path / "a.jsonl", {"answer": answer})

    init(log=log, out=tmp_path / "harness.yaml")

    assert load(tmp_path / "harness.yaml").dialect == api


def test_a_path_with_odd_characters_is_quoted(tmp_path):
    """What a log is called cannot break the YAML."""
    log = tmp_path / "a: b, {c} #1.jsonl.gz"
    log.write_bytes(gzip.compress(DIGITS.read_bytes()))

    init(log=log, out=tmp_path / "harness.yaml")

    assert load(tmp_path / "harness.yaml").log_path == str(log)


def test_a_run_gives_the_config_it_was_made_with(tmp_path):
    """Secrets stand in it as references, ready to be used again."""
    config = load(written(tmp_path, GOOD))
    run = tmp_path / "run"
    run.mkdir()
    write_manifest(
        run,
        Manifest(
            run_id=RunId("r"),
            name="a",
            config=config.masked(),
            config_digest=config.digest,
            log_digest="",
            deployments=(Deployment(DeploymentName("old"), Role.CHAMPION, "x", 1.0),),
            started_at=datetime(2025, 6, 1, tzinfo=UTC),
            seed=0,
        ),
    )

    init(run=run, out=tmp_path / "again.yaml")

    assert load(tmp_path / "again.yaml").digest == config.digest


def test_it_does_not_overwrite(tmp_path):
    """What is there is somebody's work."""
    out = written(tmp_path, "mine")

    with pytest.raises(UsageError) as caught:
        init(out=out)

    assert str(caught.value) == f"{out}: is there already. Name another with --out, or use --force"
    assert out.read_text() == "mine"


def test_force_overwrites(tmp_path):
    """Who says so gets a new one."""
    out = written(tmp_path, "mine")

    init(out=out, force=True)

    assert load(out).champion.name == "champion"


@pytest.mark.parametrize(
    "given",
    [
        {"log": Path("no-such.jsonl")},
        {"run": Path("no-such-run")},
        {"log": DIGITS, "run": Path("x")},
        {"out": Path("no/such/folder/harness.yaml")},
    ],
)
def test_wrong_use_is_said(tmp_path, monkeypatch, given):
    """One sentence, and nothing is written."""
    monkeypatch.chdir(tmp_path)

    with pytest.raises(HarnessError):
        init(**given)

    assert list(tmp_path.iterdir()) == []
