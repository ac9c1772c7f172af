"""The starter config: what a first `harness.yaml` says, filled in from what a log shows."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import orjson

from harness import plugins
from harness.dialects import Dialect
from harness.dialects.event_stream import events_of, is_event_stream
from harness.exchange import Recorded, Response
from harness.output import Undecodable, same_scalar

SCHEMA = "harness.schema.json"

_USER_HEADERS = (
    "x-user-id", "x-session-id", "x-customer-id", "x-account-id", "x-device-id", "x-tenant-id",
    "x-client-id",
)  # fmt: skip
_LABELS = ("label", "prediction", "class", "predicted_class", "category", "decision", "result")
_VOLATILE = frozenset(
    {"id", "request_id", "trace_id", "created", "created_at", "timestamp", "time", "model",
     "model_version", "latency_ms"}
)  # fmt: skip

_PLAIN = re.compile(r"[$A-Za-z/][A-Za-z0-9_./-]*")

# Enough to see what answers look like; a log may have millions.
_LOOKED_AT = 500
_MAX_PLACES = 200

# Of a stream, where its first event is to be found.
_FIRST_EVENT = 64 * 1024


@dataclass(frozen=True, slots=True)
class Shown:
    """What a log showed; the defaults are for none at all.

    Attributes:
        names_users: Whether the log itself names users.
        user_header: A header that most requests carry and that looks like a user's.
        label: JSONPath of what looks like the label, in decoded answers.
        volatile: JSONPaths of parts that differ from answer to answer by nature.
    """

    log: str | None = None
    dialect: str = "json"
    has_times: bool = True
    has_truth: bool = False
    names_users: bool = False
    user_header: str | None = None
    label: str | None = None
    volatile: tuple[str, ...] = ()


@dataclass(slots=True)
class Looking:
    """Looks at the first entries of a log and remembers what they have in common."""

    n_seen: int = 0
    n_answers: int = 0
    headers: Counter[str] = field(default_factory=Counter)
    dialects: Counter[str] = field(default_factory=Counter)
    scalars: Counter[str] = field(default_factory=Counter)
    right: Counter[str] = field(default_factory=Counter)

    def look(self, entry: Recorded) -> None:
        if self.n_seen == _LOOKED_AT:
            return
        self.n_seen += 1
        self.headers.update({name.lower() for name, _ in entry.request.headers})
        outcome = entry.answer.outcome if entry.answer is not None else None
        if isinstance(outcome, Response) and outcome.status < 300:
            self._answer(outcome, entry.truth)

    def user_header(self) -> str | None:
        """The most telling header that at least half the requests carry."""
        usual = (name for name in _USER_HEADERS if self.headers[name] * 2 >= max(self.n_seen, 1))
        return next(usual, None)

    def label(self) -> str | None:
        """What agrees with the truth most often; without a truth, what is called a label."""
        if self.right:
            path, n_right = self.right.most_common(1)[0]
            if n_right * 2 >= self.n_answers:
                return path
        called = (path for name in _LABELS for path in self.scalars if path == f"$.{name}")
        return next(called, None)

    def volatile(self) -> tuple[str, ...]:
        return tuple(path for path in self.scalars if path.removeprefix("$.") in _VOLATILE)

    def dialect(self) -> str:
        return self.dialects.most_common(1)[0][0] if self.dialects else "json"

    def _answer(self, response: Response, truth: str | None) -> None:
        name = _dialect_of(response.body)
        dialect: Dialect = plugins.make(plugins.DIALECTS, name)
        decoded = dialect.decode(response.body, response.headers)
        if isinstance(decoded, Undecodable):
            return
        self.n_answers += 1
        self.dialects[name] += 1
        right = _parsed(truth)
        for path, value in _scalars(decoded):
            if len(self.scalars) < _MAX_PLACES or path in self.scalars:
                self.scalars[path] += 1
                self.right[path] += right is not None and same_scalar(right, value)


def _dialect_of(body: bytes) -> str:
    """The dialect an answer looks like; of a stream, what its first event does."""
    first = events_of(body[:_FIRST_EVENT])[:1] if is_event_stream(body, ()) else []
    value = _parsed(first[0].data if first else body)
    if isinstance(value, dict):
        if str(value.get("object")).startswith("chat.completion"):
            return "openai_chat"
        if value.get("object") == "response" or value.get("type") == "response.created":
            return "openai_responses"
        if value.get("type") in ("message", "message_start"):
            return "anthropic_messages"
        outputs = value.get("outputs")
        if isinstance(outputs, list) and outputs and isinstance(outputs[0], dict):
            return "kserve_v2"
        if isinstance(value.get("predictions"), list):
            return "tf_serving"
    return "json"


def _parsed(text: bytes | str | None) -> Any:
    try:
        return None if text is None else orjson.loads(text)
    except orjson.JSONDecodeError:
        return None


def _scalars(value: Any) -> Iterator[tuple[str, Any]]:
    """Scalars with plain paths: names all the way, and the first element of lists."""
    waiting: list[tuple[str, Any]] = [("$", value)]
    for path, one in waiting:
        if isinstance(one, dict):
            waiting += ((f"{path}.{key}", item) for key, item in one.items() if _is_plain(key))
        elif isinstance(one, list):
            waiting += ((f"{path}[0]", item) for item in one[:1])
        elif one is not None and path != "$":
            yield path, one


def _is_plain(key: str) -> bool:
    return key.isascii() and key.isidentifier()


def starter(shown: Shown) -> str:
    """The text of the config."""
    sections = (_deployments(), _traffic(shown), _answers(shown), _policy(shown))
    return f"# yaml-language-server: $schema={SCHEMA}\n" + "\n".join(sections)


def _deployments() -> str:
    return """\
# What serves users today, and what wants its place. All keys: docs/config.md of harness.
champion:
  name: champion
  url: http://127.0.0.1:8001       # the recorded request's own path is appended
  timeout: 2s                      # strict, whole exchange
  # price: {usd_per_hour: 1.20}    # a cost rule needs prices on both sides
challengers:
  - name: challenger
    url: http://127.0.0.1:8002
    # or a server that harness starts, waits for and stops:
    # command: [python, serve.py, --port, "{port}"]
    # ready: /healthz
    timeout: 2s
    # headers: {Authorization: "Bearer ${env:TOKEN}"}   # secrets: ${env:NAME} or ${file:PATH}
"""


def _traffic(shown: Shown) -> str:
    log = f"log: {_quoted(shown.log)}" if shown.log else "# log: requests.jsonl"
    if shown.has_times:
        pacing = "pacing: {mode: recorded, speed: 1}    # or {mode: rate, per_s: 50}"
    else:
        pacing = "pacing: {mode: closed, in_flight: 8}  # the log has no times to keep"
    return f"""\
{log}
# champion_answers: recorded       # take the champion's answers from the log, ask only challengers
{pacing}
warm_up: 20                        # asked first and not counted

# Requests of one user are not independent: without this, intervals are too narrow.
{_cluster(shown)}
"""


def _cluster(shown: Shown) -> str:
    if shown.names_users:
        return "# cluster: header:x-user-id      # not needed: the log names users itself"
    if shown.user_header:
        return f"cluster: header:{shown.user_header}"
    return "# cluster: header:x-user-id      # or cookie:, query:, or a JSONPath into the body"


def _answers(shown: Shown) -> str:
    ignore = ", ".join(shown.volatile)
    body = f"{{name: body, as: structure, ignore: [{ignore}]}}"
    if shown.label is None:
        label = "# output: {label: $.label}         # where the answer's label is"
        compare = f"compare:\n  - {body}"
    else:
        label = f"output: {{label: {_quoted(shown.label)}}}"
        compare = (
            f"compare:\n  - {{name: label, path: {_quoted(shown.label)}, as: label}}\n  - {body}"
        )
    return f"""\
dialect: {shown.dialect}
{label}
failures: [5xx, 429]               # other statuses are answers, and are compared
{compare}
"""


def _policy(shown: Shown) -> str:
    knows = shown.has_truth and shown.label is not None
    accuracy = "- {not_worse: accuracy, margin: 0.01}"
    why = "" if knows else "       # needs output.label and the truth"
    return f"""\
# A margin is the largest harm you would accept. Choose it before you see the data.
policy:
  confidence: 0.95
  rules:
    - {{not_worse: failure_rate, margin: 0.02}}     # of any policy: one rule on failures
    - {{not_worse: latency_s.p95, margin: 10%}}
    {"" if knows else "# "}{accuracy}{why}
    {"" if shown.label else "# "}- {{at_most: label.disagreement_rate, value: 0.05}}
    # - {{not_worse: latency_s.exceedance, limit: 300ms, margin: 0.01}}
    # - {{not_worse: cost_usd.mean, margin: 5%}}
    # - {{improves: accuracy, worth: 0.005}}
"""


def _quoted(text: str | None) -> str:
    """Text as YAML takes it: in quotes when something in it could mean something else."""
    text = text or ""
    return text if _PLAIN.fullmatch(text) else orjson.dumps(text).decode()
