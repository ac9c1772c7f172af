"""The demo's config, with its servers started by harness or running already."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from harness.demo.models import CHAMPION, MODELS

_CHECKOUT = Path(__file__).parents[2]
_LOG = "fixtures/logs/digits.jsonl"
_FLOW = """\
pacing: {mode: recorded, speed: 10}   # a minute and a half in 9 seconds
warm_up: 20                           # a server's first answers are its slowest
output: {label: $.label}              # what is right stands in the log's `truth`
cluster: header:x-user-id             # requests of one user are not independent
segments: {source: $.source}          # of the request's body: mobile, web, scanner
compare:
  - {name: label, path: $.label, as: label}
  - {name: scores, path: $.scores, as: numeric, absolute: 0.02}
  - {name: body, as: structure, ignore: [$.model]}
capture: {methods: [POST]}            # live (`make shadow`): what may be mirrored
policy:
  confidence: 0.95
  rules:
    - {not_worse: failure_rate, margin: 0.02}
    - {not_worse: latency_s.p95, margin: 3ms}
    - {not_worse: accuracy, margin: 0.01}
    - {improves: accuracy}
"""


def name_of(model: str) -> str:
    return f"digits-{model}"


def starting_servers() -> str:
    """The config that starts the five servers itself: `harness.yaml` of this repository."""
    return _config(
        "One champion, four challengers, real models: what `make replay` runs.",
        {
            model: f'command: [python, -m, harness.demo.digits, {model}, --port, "{{port}}"]\n'
            "    ready: /healthz"
            for model in MODELS
        },
    )


def running_servers(urls: Mapping[str, str]) -> str:
    """The config for servers that are up, with the URL of each model."""
    bundled = _CHECKOUT / _LOG
    return _config(
        "The demo's servers are running; this config asks them.",
        {model: f"url: {urls[model]}" for model in MODELS},
        # Paths start from the config's folder, and this one may be saved anywhere.
        log=json.dumps(str(bundled), ensure_ascii=False) if bundled.is_file() else _LOG,
    )


def _config(purpose: str, where: Mapping[str, str], log: str = _LOG) -> str:
    challengers = "".join(
        f"  - name: {name_of(model)}\n    {where[model]}\n    timeout: 5s\n"
        for model in MODELS
        if model != CHAMPION
    )
    champion = where[CHAMPION].replace("\n    ", "\n  ")
    return (
        "# yaml-language-server: $schema=docs/harness.schema.json\n"
        f"# {purpose}\n"
        f"champion:\n  name: {name_of(CHAMPION)}\n  {champion}\n  timeout: 5s\n"
        f"challengers:\n{challengers}"
        f"log: {log}       # recorded from the champion; see fixtures/README.md\n{_FLOW}"
    )
