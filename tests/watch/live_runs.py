"""A live run that is being written, for what looks at it."""

from __future__ import annotations

from dataclasses import replace

from harness.pair import Conservation
from harness.store.manifest import Pacing
from harness.store.writer import RunWriter
from tests.store.builders import exchange, manifest, pair, response

CONFIG = {
    "champion": {"name": "champion", "url": "http://127.0.0.1:1"},
    "challengers": [{"name": "knn", "url": "http://127.0.0.1:2"}],
    "output": {"label": "$.label"},
    "compare": [{"name": "label", "path": "$.label", "as": "label"}],
    "policy": {
        "rules": [
            {"not_worse": "failure_rate", "margin": 0.05},
            {"at_most": "label.disagreement_rate", "value": 0.2},
        ],
        "ledger": "never-written.jsonl",
    },
}


def live_run(folder, config=CONFIG):
    """The writer of a run of 400 requests, none of which is written yet."""
    writer = RunWriter.create(folder, manifest(config=config, pacing=Pacing.NONE, log_digest=""))
    writer.record_losses({"knn": Conservation(received=400, paired=0, pending=400)})
    return writer


def some(numbers, answer=b'{"label": 7}'):
    """Pairs of which each is a user's own."""
    made = []
    for number in numbers:
        challenger = exchange("knn", request_id=f"r{number}", outcome=response(answer))
        one = pair(number, challenger_side=challenger, cluster_id=f"u{number}")
        made.append(replace(one, content_hash=f"{number:032x}"))
    return made
