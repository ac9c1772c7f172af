"""How a stream came."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness import plugins
from harness.cli.meaning import value_spec
from harness.config.loading import restore
from harness.dialects.event_stream import block_ends, block_times, token_times
from harness.dialects.openai_chat import OpenAIChat
from harness.measure import catalog
from harness.measure.sides import sides
from harness.measure.streams import Flow, flow
from harness.measure.values import tabulate
from harness.testing.streams import APIS, Answer, events, streamed
from tests.measure.tables import pairs, values

DIALECTS = {api: plugins.make(plugins.DIALECTS, api) for api in APIS}
ANSWER = Answer("one two three four", serial=5)


def test_a_flow_is_described_by_its_gaps():
    """Gaps of 0.1, 0.2 and 2 s: one stall; three tokens after the first in 2.3 s."""
    found = flow([0.5, 0.6, 0.8, 2.8])

    assert found.first_token_s == 0.5
    assert found.token_gap_s == 0.2
    assert found.token_gap_p95_s == pytest.approx(np.quantile([0.1, 0.2, 2.0], 0.95))
    assert (found.token_gap_max_s, found.stalled_s) == (2.0, 2.0)
    assert found.tokens_per_s == pytest.approx(3 / 2.3)


@pytest.mark.parametrize(
    ("token_at_s", "expected"),
    [
        ([], None),
        ([0.4], Flow(0.4)),
        # all at once: no time to divide by
        ([0.4, 0.4], Flow(0.4, 0.0, 0.0, 0.0, 0, None)),
    ],
)
def test_too_few_tokens_have_no_gaps(token_at_s, expected):
    """None is not zero."""
    assert flow(token_at_s) == expected


def test_the_rate_counts_the_tokens_of_the_usage():
    """Servers put several into one event; fewer than there were events cannot be."""
    assert flow([0.0, 1.0], output_tokens=9).tokens_per_s == 8.0
    assert flow([0.0, 1.0], output_tokens=1).tokens_per_s == 1.0


@settings(deadline=None, max_examples=40)
@given(data=st.data())
@pytest.mark.parametrize("api", APIS)
def test_however_a_stream_is_cut_its_tokens_have_their_times(api, data):
    """A token is there with the piece that holds the end of its event."""
    body = streamed(api, ANSWER)
    cuts = sorted({*data.draw(st.lists(st.integers(1, len(body)), max_size=20)), len(body)})
    at_s = [0.1 * i for i in range(len(cuts))]
    expected, end = [], 0
    for event, is_token in events(api, ANSWER):
        end += len(event)
        if is_token:
            expected.append(next(s for cut, s in zip(cuts, at_s, strict=True) if cut >= end))

    blocks = block_times(body, cuts, at_s)
    ends = DIALECTS[api].content_ends(body, ())

    assert token_times(body, ends, blocks) == expected


def test_times_of_something_else_are_not_taken_for_those_of_tokens():
    """As many times as pieces came say nothing of where events ended."""
    body = streamed("openai_chat", ANSWER)
    ends = OpenAIChat().content_ends(body, ())

    assert token_times(body, ends, [0.1, 0.2]) == []
    assert token_times(body, ends, []) == []
    assert token_times(b"{}", [], [0.1]) == []


def test_blocks_are_told_by_empty_lines_of_any_kind():
    """A CRLF is one line end, not two."""
    assert block_ends(b"data: a\r\n\r\ndata: b\n\n: c\r\r") == [10, 20, 25]


def spec(pacing):
    config = {
        "champion": {"name": "a", "url": "http://127.0.0.1:1"},
        "dialect": "openai_chat",
        "pacing": pacing,
    }
    open_loop = pacing["mode"] == "rate"
    return value_spec(restore(config, path="harness.yaml"), open_loop=open_loop)


def test_a_pair_table_has_the_flow_of_each_side():
    """Champion streamed, challenger not; in an open loop the first token counts from when due."""
    body = streamed("openai_chat", ANSWER)
    at_s = [0.1 + 0.1 * i for i in range(len(block_ends(body)))]
    row = {
        "champion_body": body,
        "champion_chunk_at_s": at_s,
        "champion_wait_s": 0.3,
        "champion_sender_lag_s": 0.05,
        "challenger_body": b'{"choices": [{"message": {"content": "x"}}]}',
    }

    table = tabulate(pairs(row), spec({"mode": "rate", "per_s": 1})).values.to_dicts()[0]
    closed = tabulate(pairs(row), spec({"mode": "closed", "in_flight": 1})).values.to_dicts()[0]

    # the first event has the role alone
    assert closed["champion_first_token_s"] == pytest.approx(0.2)
    assert table["champion_first_token_s"] == pytest.approx(0.2 + 0.25)
    assert table["champion_token_gap_s"] == pytest.approx(0.1)
    assert table["champion_tokens_per_s"] == pytest.approx(10)
    assert table["challenger_first_token_s"] is None
    assert (table["champion_refused"], table["challenger_refused"]) == (False, False)


def test_a_stream_cut_off_is_a_failure_with_its_kind():
    """It has no flow, no refusal, and the reason is counted."""
    body = streamed("openai_chat", ANSWER)
    at_s = [0.1] * len(block_ends(body[:600]))
    row = {"champion_body": body, "challenger_body": body[:600], "challenger_chunk_at_s": at_s}

    found = tabulate(pairs(row), spec({"mode": "closed", "in_flight": 1}))

    table = found.values.to_dicts()[0]
    assert (table["challenger_failed"], table["challenger_failure"]) == (True, "cut_off")
    assert table["challenger_first_token_s"] is None
    assert table["challenger_refused"] is None
    reason = "challenger: the stream ended before its finish reason"
    assert found.coverage.undecodable == {reason: 1}


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        # the smaller of the two timeouts
        ("first_token_s.mean", 0.5),
        ("token_gap_max_s.p95", math.inf),
        ("stalled_s.exceedance", 1.0),
        ("tokens_per_s.mean", 0.0),
    ],
)
def test_a_failed_exchange_is_as_bad_as_can_be(name, expected):
    """Leaving it out would flatter whoever fails on the long answers."""
    metric = catalog.resolve(
        name, limit=2.0 if "exceed" in name else None, outputs={}, comparisons=()
    )
    stem = metric.quantity
    table = values(
        {"challenger_failed": True, "challenger_timeout_s": 0.5},
    ).with_columns(**{f"{side}_{stem}": 0.2 for side in ("champion", "challenger")})

    champion, challenger = sides(metric, table)

    assert challenger.tolist() == [expected]
    assert champion.tolist() == [0.0 if "exceed" in name else 0.2]


def test_more_tokens_per_second_are_better():
    """And percent of the time a stream stood still, mostly none, make no sense."""
    faster = catalog.resolve("tokens_per_s.mean", outputs={}, comparisons=())
    stalled = catalog.resolve("stalled_s.mean", outputs={}, comparisons=())

    assert (faster.better.name, faster.positive, faster.unit) == ("HIGHER", True, "tokens/s")
    assert (stalled.better.name, stalled.positive) == ("LOWER", False)
