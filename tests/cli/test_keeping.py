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
    """Named members are replaced on every side, and what rows are joined by with them."""
    monkeypatch.setenv("PSEUDONYMS", "0123456789abcdef")
    path = log(40)
    path.write_text(path.read_text().replace('"u', '"u@example.com,u'))
    written = config(serve(), serve("wordy"), REDACT)

    ended = harness("replay", written, "--run", "runs/one")

    assert ended.code == 0
    rows = StoredRun.open(tmp_path / "runs" / "one").scan("new").collect()
    assert rows["request_body"].cast(pl.String).str.contains("web|mobile").sum() == 0
    assert rows["challenger_body"].cast(pl.String).str.contains(r'"because":"\[value:').all()
    assert rows["cluster_id"].str.contains("@").sum() == 0
    assert rows["cluster_id"].n_unique() == 40
    assert rows["segments"].struct.field("source").n_unique() == 2
