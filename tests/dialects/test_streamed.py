"""What the chat dialects have in common: one meaning, plain or streamed."""

import json

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.compare.structure import SameStructure
from harness.dialects.anthropic_messages import AnthropicMessages
from harness.dialects.openai_chat import OpenAIChat
from harness.dialects.openai_responses import OpenAIResponses
from harness.dialects.paths import JsonPath
from harness.output import MISSING, Undecodable
from harness.testing.streams import APIS, Answer, again, events, plain, streamed

DIALECTS = {
    "openai_chat": OpenAIChat(),
    "openai_responses": OpenAIResponses(),
    "anthropic_messages": AnthropicMessages(),
}
TEXT_AT = {
    "openai_chat": "$.choices[0].message.content",
    "openai_responses": "$.output_text",
    "anthropic_messages": "$.content[0].text",
}
CALLS = (("weather", {"city": "Ulm", "days": 3}), ("clock", {}))
ANSWERS = [
    Answer("The harbour is quiet before six.", serial=3),
    Answer("", tool_calls=CALLS),
    Answer("Let me look.", tool_calls=CALLS[:1]),
    Answer("", refusal="I cannot help with that."),
]


@pytest.mark.parametrize("answer", ANSWERS, ids=["text", "tools", "both", "refusal"])
@pytest.mark.parametrize("api", APIS)
def test_a_streamed_answer_is_the_plain_one(api, answer):
    """The same paths find the same values in both."""
    dialect = DIALECTS[api]

    assert dialect.decode(streamed(api, answer), ()) == dialect.decode(plain(api, answer), ())


@pytest.mark.parametrize("api", APIS)
def test_what_is_random_is_listed(api):
    """The same said twice differs in the volatile parts alone, and does differ there."""
    dialect = DIALECTS[api]
    one, other = (
        dialect.decode(streamed(api, said), ()) for said in (ANSWERS[2], again(ANSWERS[2]))
    )

    assert SameStructure(ignore=dialect.volatile)(one, other).agree
    for path in dialect.volatile:
        rest = tuple(p for p in dialect.volatile if p != path)
        if "[*].signature" in path or "completed_at" in path or "encrypted" in path:
            continue  # not in what this test's peer says
        assert not SameStructure(ignore=rest)(one, other).agree, path


@pytest.mark.parametrize("api", APIS)
def test_usage_is_the_streams_last_word(api):
    """Tokens come from the end of a stream, not from what its start guessed."""
    dialect = DIALECTS[api]

    decoded = dialect.decode(streamed(api, ANSWERS[0]), ())

    usage = dialect.usage(decoded)
    assert (usage.input_tokens, usage.output_tokens) == (12, 6)


@pytest.mark.parametrize("api", APIS)
@settings(deadline=None, max_examples=40)
@given(data=st.data())
def test_a_stream_cut_anywhere_is_cut_off_or_whole(api, data):
    """No cut makes another whole answer; what had been received is there, and no usage."""
    dialect, body = DIALECTS[api], streamed(api, ANSWERS[0])
    cut = data.draw(st.integers(0, len(body)))

    decoded = dialect.decode(body[:cut], (("content-type", "text/event-stream"),))

    text = JsonPath(TEXT_AT[api])
    if isinstance(decoded, Undecodable):
        assert decoded.kind == "cut_off"
        said = text(decoded.received) if decoded.received is not MISSING else MISSING
        assert said is MISSING or not said or ANSWERS[0].text.startswith(said)
    else:
        assert text(decoded) == ANSWERS[0].text


@pytest.mark.parametrize("api", APIS)
def test_what_had_come_of_a_cut_stream_is_kept(api):
    """Two tokens are two tokens, and the reason says what is missing."""
    until = [event for event, _ in events(api, ANSWERS[0])]
    first = next(i for i, (_, is_token) in enumerate(events(api, ANSWERS[0])) if is_token)

    decoded = DIALECTS[api].decode(b"".join(until[: first + 2]), ())

    received = decoded.received
    if api == "openai_responses":
        assert received["output"][1]["content"][0]["text"] == "The harbour"
    else:
        assert JsonPath(TEXT_AT[api])(received) == "The harbour"
    assert decoded.reason.startswith("the stream ended before ")


@pytest.mark.parametrize("api", APIS)
def test_an_error_midway_is_no_answer(api):
    """An event that is an error ends the answer, whatever came before."""
    start = b"".join([event for event, _ in events(api, ANSWERS[0])][:4])
    told = {"type": "error", "error": {"type": "overloaded_error", "message": "Over\nloaded"}}

    decoded = DIALECTS[api].decode(
        start + b"event: error\ndata: " + orjson.dumps(told) + b"\n\n", ()
    )

    assert (decoded.kind, decoded.reason) == ("cut_off", "the stream reports: Over loaded")


@pytest.mark.parametrize("api", APIS)
def test_a_refusal_is_seen_plain_and_streamed(api):
    """The API's own mark counts; an ordinary answer has none, and an error is neither."""
    dialect = DIALECTS[api]

    for form in (plain, streamed):
        assert dialect.refused(dialect.decode(form(api, ANSWERS[3]), ())) is True
        assert dialect.refused(dialect.decode(form(api, ANSWERS[0]), ())) is False
    assert dialect.refused({"error": {"message": "bad key"}}) is None
    assert dialect.refused([1]) is None


@pytest.mark.parametrize("api", APIS)
def test_where_tokens_end_is_known(api):
    """Every event's end, and those that brought something a user sees."""
    body = streamed(api, ANSWERS[2])
    expected, at = [], 0
    for event, is_token in events(api, ANSWERS[2]):
        at += len(event)
        expected.append((at, is_token))

    found = DIALECTS[api].content_ends(body, ())

    assert found == expected
    assert DIALECTS[api].content_ends(plain(api, ANSWERS[2]), ()) == []
    assert DIALECTS[api].content_ends(body, (("content-encoding", "gzip"),)) == []


def test_an_event_that_is_no_json_is_undecodable():
    """Which one, and why."""
    decoded = OpenAIChat().decode(b"data: {}\n\ndata: {oops\n\n", ())

    assert decoded.kind == "undecodable"
    assert decoded.reason.startswith("event 2 is not JSON: ")


def chunks(*deltas, last=b"data: [DONE]\n\n", **more):
    events = [{"choices": [{"index": 0, "delta": delta, **more}]} for delta in deltas]
    return b"".join(b"data: " + json.dumps(event).encode() + b"\n\n" for event in events) + last


def message(body):
    return OpenAIChat().decode(body, ())["choices"][0]["message"]


def test_a_finish_reason_ends_a_stream_without_the_mark():
    """Servers that leave `[DONE]` out are whole; without both it is cut off."""
    done = chunks({"content": "a"}, finish_reason="stop", last=b"")
    cut = chunks({"content": "a"}, last=b"")

    assert OpenAIChat().decode(done, ())["choices"][0]["finish_reason"] == "stop"
    assert OpenAIChat().decode(cut, ()).kind == "cut_off"
    assert OpenAIChat().decode(b"data: [DONE]\n\n", ()).kind == "cut_off"


def test_several_choices_grow_side_by_side():
    """Each by its index, in the order of the index."""
    events = [
        {"choices": [{"index": i, "delta": {"content": text}, "finish_reason": "stop"}]}
        for i, text in [(1, "b"), (0, "a"), (1, "B"), (0, "A")]
    ]
    body = b"".join(b"data: " + orjson.dumps(event) + b"\n\n" for event in events)

    choices = OpenAIChat().decode(body, ())["choices"]

    assert [choice["message"]["content"] for choice in choices] == ["aA", "bB"]


@pytest.mark.parametrize(
    "deltas",
    [
        # as the API itself does
        [{"index": 0, "id": "a", "type": "function", "function": {"name": "f", "arguments": ""}},
         {"index": 0, "function": {"arguments": "{}"}},
         {"index": 1, "id": "b", "type": "function", "function": {"name": "g", "arguments": "[]"}}],
        # id, type and name said again with each piece
        [{"index": 0, "id": "a", "type": "function", "function": {"name": "f", "arguments": "{"}},
         {"index": 0, "id": "a", "type": "function", "function": {"name": "f", "arguments": "}"}},
         {"index": 1, "id": "b", "type": "function", "function": {"name": "g", "arguments": "[]"}}],
        # one index for all, told apart by id
        [{"index": 0, "id": "a", "type": "function", "function": {"name": "f", "arguments": "{}"}},
         {"index": 0, "id": "b", "type": "function", "function": {"name": "g", "arguments": "[]"}}],
        # no index
        [{"id": "a", "type": "function", "function": {"name": "f", "arguments": "{}"}},
         {"id": "b", "type": "function", "function": {"name": "g", "arguments": "[]"}}],
    ],
)  # fmt: skip
def test_tool_calls_grow_whatever_way_they_are_told(deltas):
    """Servers that speak the API differ in how they number calls."""
    calls = message(chunks(*({"tool_calls": [delta]} for delta in deltas)))["tool_calls"]

    assert [(one["id"], one["function"]) for one in calls] == [
        ("a", {"name": "f", "arguments": "{}"}),
        ("b", {"name": "g", "arguments": "[]"}),
    ]


def test_a_content_filter_is_a_refusal():
    """As a finish reason, and as the error that Azure answers with."""
    dialect = OpenAIChat()
    filtered = chunks({"content": "a"}, finish_reason="content_filter")
    error = {"error": {"code": "invalid", "innererror": {"code": "ResponsibleAIPolicyViolation"}}}

    assert dialect.refused(dialect.decode(filtered, ())) is True
    assert dialect.refused(error) is True


def test_a_failed_response_says_why():
    """The status inside counts, also where HTTP says 200."""
    body = b'{"status": "failed", "error": {"message": "server had a\\nhiccup"}, "output": []}'

    assert OpenAIResponses().decode(body, ()) == Undecodable(
        "the response failed: server had a hiccup"
    )


def test_a_tools_broken_input_stays_text():
    """What is no JSON is shown as it came, so that it differs."""
    events = [
        {"type": "message_start", "message": {"content": []}},
        {"type": "content_block_start", "index": 0, "content_block": {"type": "tool_use"}},
        {"type": "content_block_delta", "index": 0,
         "delta": {"type": "input_json_delta", "partial_json": '{"a": '}},
        {"type": "content_block_stop", "index": 0},
        {"type": "message_stop"},
    ]  # fmt: skip
    body = b"".join(b"data: " + orjson.dumps(event) + b"\n\n" for event in events)

    assert AnthropicMessages().decode(body, ())["content"][0]["input"] == '{"a": '
