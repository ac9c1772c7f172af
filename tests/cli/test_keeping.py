"""What is not to be kept is in no run, and the verdict is what it would be."""

import polars as pl
import pytest

from harness.store.reader import StoredRun

REDACT = """\
capture:
  redact: {body: [email, $.source, $.because], key: "${env:PSEUDONYMS}"}
"""


@pytest.mark.process
def test_a_replay_keeps_pseudonyms_and_judges_by_them(
    harness, serve, log, config, monkeypatch, tmp_path
):
    """Named members are replaced on every side; under one key two runs can be joined."""
    monkeypatch.setenv("PSEUDONYMS", "0123456789abcdef")
    path = log(40)
    path.write_text(path.read_text().replace('"u', '"u@example.com,u'))
    written = config(serve(), serve("wordy"), REDACT)

    ended = [harness("replay", written, "--run", f"runs/{name}").code for name in ("one", "two")]

    assert ended == [0, 0]
    runs = [StoredRun.open(tmp_path / "runs" / name) for name in ("one", "two")]
    one, two = (run.scan("new").sort("entry_key").collect() for run in runs)
    asked = one["request_body"].cast(pl.String)
    assert asked.str.contains("web|mobile").sum() == 0
    assert one["challenger_body"].cast(pl.String).str.contains(r'"because":"\[value:').all()
    assert one["cluster_id"].str.contains("@").sum() == 0
    assert one["cluster_id"].n_unique() == 40
    assert one["request_body"].equals(two["request_body"])
    assert one["segments"].equals(two["segments"])
    assert one["segments"].struct.field("source").n_unique() == 2
