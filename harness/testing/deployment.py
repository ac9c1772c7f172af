"""A synthetic deployment: an HTTP server that does what a scenario's truth says.

    python -m harness.testing.deployment --truth scenario.yaml --role challenger --port 9102

Chance is a hash of seed, role and request body: the same request to the same deployment is
answered the same, in any order and in any run. A `fickle` one alone also hashes how many calls came
before, so that its answers differ from call to call and from run to run. Latencies are times of the
loop's timer, which is late by less than a millisecond on a quiet machine.
"""

from __future__ import annotations

import argparse
import heapq
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from pathlib import Path
from typing import Any

import orjson

from harness.errors import ConfigError, HarnessError
from harness.testing.listener import Death, HangUp, Question, Reaction, Reply, Silence, serve
from harness.testing.task import TARGET, USER_HEADER, right_label
from harness.testing.truth import Behaviour, Truth, truth_of

_LARGEST = 2**64


@dataclass(slots=True)
class SyntheticDeployment:
    """An application for `harness.testing.listener`.

    Args:
        role: Name of this deployment in the truth; its own chance hangs on it.
    """

    role: str
    behaviour: Behaviour
    seed: int = 0
    _n_asked: int = field(default=0, init=False)
    _free_at_s: list[float] = field(default_factory=list, init=False)

    def __call__(self, question: Question, now_s: float) -> Reaction:
        match question.method, question.target:
            case "GET", "/healthz":
                return Reply(200, b'{"status": "ok"}')
            case "POST", target if target == TARGET:
                return self._predict(question, now_s)
            case method, target:
                return Reply(404, orjson.dumps({"error": f"{method} {target}: try POST {TARGET}"}))

    def _predict(self, question: Question, now_s: float) -> Reaction:
        behaviour, body = self.behaviour, question.body
        if behaviour.dies_after is not None and self._n_asked >= behaviour.dies_after:
            return Death()
        self._n_asked += 1
        if self._chance("hang", body) < behaviour.hang_rate:
            return Silence()
        at_s = self._done_at_s(now_s, behaviour.latency_s.at(self._chance("latency", body)))
        if self._chance("disconnect", body) < behaviour.disconnect_rate:
            return HangUp(at_s)
        if self._chance("failure", body) < behaviour.failure_rate:
            return Reply(behaviour.failure_status, b'{"error": "as the truth says"}', at_s)
        return Reply(200, self._answer(question), at_s)

    def _answer(self, question: Question) -> bytes:
        asked = orjson.loads(question.body)
        right = right_label(asked["numbers"])
        user = question.headers.get(USER_HEADER.lower(), "")
        accuracy = self.behaviour.accuracy.of(user, asked["source"])
        knows = self._luck(question.body) < accuracy
        answer: dict[str, Any] = {
            "label": self._on_a_whim(right if knows else (right + 1) % 10, question.body),
            "score": 0.75,
            "parts": {"sum": sum(asked["numbers"]), "numbers": asked["numbers"]},
        }
        if self.behaviour.output_tokens is not None:
            answer["usage"] = {
                "input_tokens": len(asked["numbers"]),
                "output_tokens": self.behaviour.output_tokens,
            }
        if self.behaviour.keys == "reversed":
            return orjson.dumps(_reversed(answer), option=orjson.OPT_INDENT_2)
        return orjson.dumps(answer)

    def _on_a_whim(self, label: int, body: bytes) -> int:
        """The label, or in some calls the one after the next."""
        whim = self._chance(f"whim {self._n_asked}", body)
        return (label + 2) % 10 if whim < self.behaviour.fickle_rate else label

    def _luck(self, body: bytes) -> float:
        """What decides whether the answer is right: the request's hardness or our own luck."""
        if self._chance("whose luck", body) < self.behaviour.own_chance:
            return self._chance("own luck", body)
        return _uniform(self.seed, "", "hardness", body)

    def _chance(self, of: str, body: bytes) -> float:
        return _uniform(self.seed, self.role, of, body)

    def _done_at_s(self, now_s: float, service_s: float) -> float:
        """When the answer is ready: at once in work, or when a place is free."""
        if self.behaviour.capacity is None:
            return now_s + service_s
        start_s = now_s
        if len(self._free_at_s) >= self.behaviour.capacity:
            start_s = max(now_s, heapq.heappop(self._free_at_s))
        heapq.heappush(self._free_at_s, start_s + service_s)
        return start_s + service_s


def _uniform(seed: int, role: str, of: str, body: bytes) -> float:
    """A number in (0, 1) that hangs on nothing but its arguments."""
    digest = blake2b(f"{seed}/{role}/{of}/".encode() + body, digest_size=8).digest()
    return (int.from_bytes(digest) + 0.5) / _LARGEST


def _reversed(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _reversed(value[key]) for key in reversed(value)}
    return value


def deployment_of(truth: Truth, role: str) -> SyntheticDeployment:
    """The deployment called `role` in the truth. KeyError for one it does not know."""
    return SyntheticDeployment(role, truth.behaviours[role], truth.seed)


def main(arguments: Sequence[str] | None = None) -> int:
    """Entry point of `python -m harness.testing.deployment`."""
    parser = argparse.ArgumentParser(
        prog="python -m harness.testing.deployment",
        description="Serve a synthetic deployment over HTTP on 127.0.0.1.",
        epilog="example: python -m harness.testing.deployment "
        "--truth scenarios/slower-but-right/scenario.yaml --role champion --port 9101",
    )
    parser.add_argument("--truth", type=Path, required=True, help="a scenario.yaml")
    parser.add_argument("--role", required=True, help="a name under `truth` in that file")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one and prints it")
    chosen = parser.parse_args(arguments)
    try:
        truth = truth_of(chosen.truth)
        if chosen.role not in truth.behaviours:
            known = ", ".join(truth.behaviours)
            raise ConfigError(
                str(chosen.truth), "truth", f"has no {chosen.role!r}", f"It has {known}"
            )
        serve(deployment_of(truth, chosen.role), chosen.port)
    except HarnessError as exc:
        print(f"harness.testing.deployment: {exc}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
