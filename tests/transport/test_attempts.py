"""What is sent again, and what all attempts together cost."""

from decimal import Decimal

from harness.exchange import FailureKind
from harness.transport.retries import Retries
from harness.usage import PriceList, Usage
from tests.transport.conftest import POST
from tests.transport.outcomes import failure
from tests.transport.raw_server import OK, answering

# Retries.


def _status(n, *headers):
    fields = b"".join(b"%b\r\n" % h for h in headers)
    return b"HTTP/1.1 %d X\r\n%bContent-Length: 0\r\n\r\n" % (n, fields)


async def test_without_a_policy_nothing_is_sent_twice(serve, asking):
    """A 503 is an outcome."""
    server = serve(answering(_status(503), OK))

    exchange = await asking(server).ask()

    assert failure(exchange).response.status == 503
    assert exchange.attempts == 1


async def test_retries_end_with_the_first_good_answer(serve, asking):
    """Latency is the total from the first attempt's first byte."""
    server = serve(answering(_status(503), _status(503), OK))

    exchange = await asking(server, retries=Retries(n=3, back_off_s=0.05)).ask(POST)

    assert exchange.outcome.body == b"ok"
    assert exchange.attempts == 3
    # two pauses, of at least half of 50 ms and of 100 ms
    assert exchange.timing.latency_s >= 0.075
    assert exchange.timing.wait_s < 0.05
    assert exchange.timing.first_byte_s >= 0.075


async def test_retries_are_limited(serve, asking):
    """The last outcome stands."""
    server = serve(answering(_status(503)))

    exchange = await asking(server, retries=Retries(n=2, back_off_s=0.001)).ask()

    assert failure(exchange).response.status == 503
    assert exchange.attempts == 3


async def test_only_what_the_policy_names_is_tried_again(serve, asking):
    """A 500 is not in it, a timeout and a cut-off answer are not either."""
    server = serve(answering(_status(500), OK))

    exchange = await asking(server, retries=Retries(n=2)).ask()

    assert failure(exchange).response.status == 500
    assert exchange.attempts == 1


async def test_retry_after_is_honoured(serve, asking):
    """The server's wish is longer than our own pause."""
    server = serve(answering(_status(429, b"Retry-After: 1"), OK))

    exchange = await asking(server, retries=Retries(n=1, back_off_s=0.001)).ask()

    assert exchange.outcome.body == b"ok"
    assert exchange.timing.latency_s >= 1.0


async def test_a_retry_that_would_be_too_late_is_not_waited_for(serve, asking):
    """Where the pause does not fit into the deadline, the outcome stands at once."""
    server = serve(answering(_status(429, b"Retry-After: 30"), OK))

    exchange = await asking(server, retries=Retries(n=1), timeout_s=1.0).ask()

    assert failure(exchange).response.status == 429
    assert exchange.timing.latency_s < 0.5


async def test_all_attempts_share_one_deadline(serve, asking):
    """The third attempt hangs; the whole takes no longer than the timeout."""

    def then_silent(peer):
        for _ in range(2):
            peer.read_request()
            peer.send(_status(503))
        peer.wait_for_eof()

    exchange = await asking(
        serve(then_silent), retries=Retries(n=5, back_off_s=0.05), timeout_s=0.3
    ).ask()

    assert failure(exchange).kind == FailureKind.TIMEOUT
    assert exchange.attempts == 3
    assert 0.3 <= exchange.timing.latency_s < 1


async def test_connecting_is_tried_again_where_the_policy_says_so(asking):
    """Nothing is sent, so that no attempt is counted."""
    exchange = await asking("http://127.0.0.1:1", retries=Retries(n=2, back_off_s=0.02)).ask()

    assert failure(exchange).kind == FailureKind.CONNECT_ERROR
    assert exchange.attempts == 0
    assert exchange.timing.latency_s >= 0.03


# Cost.


async def test_cost_is_a_total_over_attempts(serve, asking):
    """Two calls at a price per call."""
    server = serve(answering(_status(503), OK))

    exchange = await asking(
        server,
        retries=Retries(n=1, back_off_s=0.001),
        price=PriceList(usd_per_call=Decimal("0.25")),
    ).ask()

    assert exchange.cost_usd == 0.5


async def test_tokens_are_read_from_the_answer(serve, asking):
    """And kept beside the cost."""
    price = PriceList(usd_per_input_token=Decimal("0.5"), usd_per_output_token=Decimal("2"))
    asked = asking(
        serve(answering(OK)),
        price=price,
        usage_of=lambda response: Usage(len(response.body), 3),
    )

    exchange = await asked.ask()

    assert (exchange.input_tokens, exchange.output_tokens) == (2, 3)
    assert exchange.cost_usd == 7.0


async def test_a_price_by_token_without_usage_is_unknown(asking):
    """Nobody knows what a failed call used."""
    price = PriceList(usd_per_input_token=Decimal("0.5"))

    exchange = await asking("http://127.0.0.1:1", price=price).ask()

    assert exchange.cost_usd is None
