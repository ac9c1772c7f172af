"""A chat server that replays recorded answers token by token, as fast as a model would.

    python -m harness.testing.chat --answers fixtures/chat/answers.jsonl --style terse --port 9103

Speaks OpenAI chat completions (`/v1/chat/completions`), OpenAI responses (`/v1/responses`) and
Anthropic messages (`/v1/messages`), each plain and, with `"stream": true`, streamed. What is asked
is the text of the last message; what is answered stands beside it in the file of answers, in
several styles: one JSON object a line, `{"asked": ..., "styles": {"full": {"text": ...}}}`, where a
style has `text`, `refusal` or `tool_calls`. Gaps between tokens vary by half, by the hash of token
and request: the same request comes in the same way each time. Ids and padding differ each time.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from hashlib import blake2b
from pathlib import Path
from typing import Any

import orjson

from harness.errors import HarnessError, UsageError
from harness.testing.listener import Question, Reaction, Reply, Stream, serve
from harness.testing.streams import Answer, events, plain

_APIS = {
    "/v1/chat/completions": "openai_chat",
    "/v1/responses": "openai_responses",
    "/v1/messages": "anthropic_messages",
}


@dataclass(slots=True)
class ChatPeer:
    """An application for `harness.testing.listener`.

    Attributes:
        answers: By what is asked.
        first_token_s: From the request to the first token; the events before it come halfway.
        gap_s: Mean time between a token and the next.
        cut_after: A stream ends after so many tokens, in good order; None for none.
        drop_after: A stream's connection breaks after so many tokens; None for none.
    """

    answers: Mapping[str, Answer]
    first_token_s: float = 0.0
    gap_s: float = 0.0
    cut_after: int | None = None
    drop_after: int | None = None
    _n_asked: int = field(default=0, init=False)

    def __call__(self, question: Question, now_s: float) -> Reaction:
        if (question.method, question.target) == ("GET", "/healthz"):
            return Reply(200, b'{"status": "ok"}')
        api = _APIS.get(question.target)
        if api is None or question.method != "POST":
            return _error(404, f"{question.method} {question.target}: try POST {', '.join(_APIS)}")
        try:
            request = orjson.loads(question.body)
            asked = asked_in(request)
        except (orjson.JSONDecodeError, LookupError, TypeError) as exc:
            return _error(400, f"no request to a chat API: {exc}")
        answer = self.answers.get(asked)
        if answer is None:
            return _error(404, f"no recorded answer to {asked!r}")
        self._n_asked += 1
        answer = replace(answer, serial=self._n_asked)
        if request.get("stream") is True:
            return self._streamed(api, answer, now_s)
        tokens_s = sum(self._gap_s(answer, i) for i in range(1, answer.output_tokens))
        return Reply(200, plain(api, answer), now_s + self.first_token_s + tokens_s)

    def _streamed(self, api: str, answer: Answer, now_s: float) -> Stream:
        pieces = []
        at_s, n_tokens = now_s + self.first_token_s / 2, 0
        limits = [limit for limit in (self.cut_after, self.drop_after) if limit is not None]
        for event, is_token in events(api, answer):
            if is_token and n_tokens == min(limits, default=None):
                break
            if is_token:
                first_s = now_s + self.first_token_s
                at_s = at_s + self._gap_s(answer, n_tokens) if n_tokens else first_s
                n_tokens += 1
            pieces.append((at_s, event))
        return Stream(tuple(pieces), is_dropped=self.drop_after is not None)

    def _gap_s(self, answer: Answer, i: int) -> float:
        """Between half and one and a half of the mean."""
        digest = blake2b(f"{i}/{answer.text}".encode(), digest_size=4).digest()
        return self.gap_s * (0.5 + int.from_bytes(digest) / 2**32)


def asked_in(request: dict[str, Any]) -> str:
    """The text of a request's last message.

    Raises:
        LookupError, TypeError: It is no request to one of the APIs.
    """
    said = request["input"] if "input" in request else request["messages"]
    last = said if isinstance(said, str) else said[-1]["content"]
    if isinstance(last, str):
        return last
    return "".join(part["text"] for part in last if "text" in part)


def answers_of(path: Path, style: str) -> dict[str, Answer]:
    """The answers of a file in one style, by what is asked.

    Raises:
        UsageError: There is no such file, or no answer in this style.
    """
    try:
        lines = [orjson.loads(line) for line in path.read_bytes().splitlines() if line.strip()]
    except (OSError, orjson.JSONDecodeError) as exc:
        raise UsageError(f"{path}: cannot be read: {exc}") from exc
    found = {line["asked"]: line["styles"][style] for line in lines if style in line["styles"]}
    if not found:
        known = ", ".join(sorted({name for line in lines for name in line["styles"]}))
        raise UsageError(f"{path}: has no answers in the style {style!r}. It has {known}")
    return {asked: _answer(said, asked, style) for asked, said in found.items()}


def _answer(said: dict[str, Any], asked: str, style: str) -> Answer:
    calls = tuple((one["name"], one["arguments"]) for one in said.get("tool_calls", ()))
    return Answer(
        said.get("text", ""),
        said.get("refusal", ""),
        calls,
        model=f"{style}-1",
        input_tokens=len(asked.split()),
    )


def _error(status: int, message: str) -> Reply:
    error = {"type": "invalid_request_error", "message": message}
    return Reply(status, orjson.dumps({"type": "error", "error": error}))


def main(arguments: Sequence[str] | None = None) -> int:
    """Entry point of `python -m harness.testing.chat`."""
    parser = argparse.ArgumentParser(
        prog="python -m harness.testing.chat",
        description="Replay recorded answers over HTTP on 127.0.0.1, token by token.",
        epilog="example: python -m harness.testing.chat --answers fixtures/chat/answers.jsonl "
        "--style terse --first-token-s 0.2 --gap-s 0.02 --port 9103",
    )
    parser.add_argument("--answers", type=Path, required=True, help="JSON Lines, one answer a line")
    parser.add_argument("--style", default="full", help="which of the answers of a line")
    parser.add_argument("--first-token-s", type=float, default=0.05)
    parser.add_argument("--gap-s", type=float, default=0.01, help="mean gap between two tokens")
    parser.add_argument("--cut-after", type=int, help="end streams after so many tokens")
    parser.add_argument("--drop-after", type=int, help="break connections after so many tokens")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one and prints it")
    chosen = parser.parse_args(arguments)
    try:
        answers = answers_of(chosen.answers, chosen.style)
        timing = (chosen.first_token_s, chosen.gap_s)
        serve(ChatPeer(answers, *timing, chosen.cut_after, chosen.drop_after), chosen.port)
    except HarnessError as exc:
        print(f"harness.testing.chat: {exc}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
