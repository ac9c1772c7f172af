"""The chat server that replays recorded answers."""

from itertools import pairwise
from pathlib import Path

import orjson
import pytest

from harness.dialects.anthropic_messages import AnthropicMessages
from harness.dialects.openai_chat import OpenAIChat
from harness.dialects.openai_responses import OpenAIResponses
from harness.errors import UsageError
from harness.testing.chat import ChatPeer, answers_of, asked_in
from harness.testing.listener import Question, Reply, Stream

FILE = Path(__file__).parents[2] / "fixtures" / "chat" / "answers.jsonl"
ASKED = "What is a good first knot to learn?"
SAID = "The bowline: a loop that holds and unties easily."


def ask(peer, target="/v1/chat/completions", now_s=100.0, **body):
    body = {"messages": [{"role": "user", "content": ASKED}], **body}
    return peer(Question("POST", target, {}, orjson.dumps(body)), now_s)


@pytest.fixture
def terse():
    return answers_of(FILE, "terse")


@pytest.mark.parametrize(
    ("target", "dialect", "find"),
    [
        ("/v1/chat/completions", OpenAIChat(), lambda a: a["choices"][0]["message"]["content"]),
        ("/v1/responses", OpenAIResponses(), lambda a: a["output_text"]),
        ("/v1/messages", AnthropicMessages(), lambda a: a["content"][0]["text"]),
    ],
)
def test_every_api_says_the_recorded_words(terse, target, dialect, find):
    """Plain and streamed."""
    peer = ChatPeer(terse)

    whole, stream = ask(peer, target), ask(peer, target, stream=True)

    assert isinstance(whole, Reply)
    assert find(dialect.decode(whole.body, ())) == SAID
    assert isinstance(stream, Stream)
    assert find(dialect.decode(b"".join(piece for _, piece in stream.pieces), ())) == SAID


def test_tokens_come_at_their_time(terse):
    """The role halfway to the first token; then gaps of half to one and a half of the mean."""
    peer = ChatPeer(terse, first_token_s=0.2, gap_s=0.02)

    times = [at_s for at_s, _ in ask(peer, stream=True).pieces]
    again = [at_s for at_s, _ in ask(peer, stream=True).pieces]

    n_tokens = len(SAID.split())
    tokens = times[1 : 1 + n_tokens]
    assert times[0] == pytest.approx(100.1)
    assert tokens[0] == pytest.approx(100.2)
    gaps = [b - a for a, b in pairwise(tokens)]
    assert all(0.0099 < gap < 0.0301 for gap in gaps)
    assert {*times[1 + n_tokens :]} == {tokens[-1]}
    assert times == again
    assert ask(peer).at_s == pytest.approx(tokens[-1])


def test_a_stream_may_be_cut_or_dropped(terse):
    """In good order, or with its connection."""
    cut = ask(ChatPeer(terse, cut_after=2), stream=True)
    dropped = ask(ChatPeer(terse, drop_after=2), stream=True)

    assert len(cut.pieces) == len(dropped.pieces) == 3
    assert (cut.is_dropped, dropped.is_dropped) == (False, True)


def test_ids_differ_from_call_to_call(terse):
    """As those of the real APIs do."""
    peer = ChatPeer(terse)

    assert ask(peer).body != ask(peer).body


@pytest.mark.parametrize(
    "body",
    [
        {"input": ASKED},
        {"input": [{"role": "user", "content": [{"type": "input_text", "text": ASKED}]}]},
        {"messages": [{"role": "system", "content": "x"}, {"role": "user", "content": ASKED}]},
    ],
)
def test_what_is_asked_is_the_last_message(body):
    """As text, or in parts."""
    assert asked_in(body) == ASKED


@pytest.mark.parametrize(
    ("question", "status"),
    [
        (Question("POST", "/v1/chat/completions", {}, b"{}"), 400),
        (Question("POST", "/v1/chat/completions", {}, b"{"), 400),
        (Question("POST", "/v1/messages", {}, b'{"messages": [{"content": "Hm?"}]}'), 404),
        (Question("GET", "/v1/messages", {}, b""), 404),
        (Question("GET", "/healthz", {}, b""), 200),
    ],
)
def test_what_it_has_no_answer_to_is_told(terse, question, status):
    """As an error in the APIs' form."""
    assert ChatPeer(terse)(question, 0.0).status == status


def test_a_style_that_is_not_there_is_told():
    """With those that are."""
    with pytest.raises(UsageError, match=r"no answers in the style 'rude'\. It has full, terse"):
        answers_of(FILE, "rude")
