"""Reading what became of a request."""

from harness.exchange import Failure


def failure(exchange):
    assert isinstance(exchange.outcome, Failure), exchange.outcome
    return exchange.outcome
