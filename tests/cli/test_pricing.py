"""Prices by model: from a file or from known lists, before anything is asked and after."""

import json
from decimal import Decimal
from pathlib import Path

import pytest

from harness.cli.pricing import pricing_of, raised
from harness.config import load
from harness.errors import ConfigError
from harness.store.reader import StoredRun
from harness.usage import Usage
from tests.config.writing import replaced, written

PRICES = """\
as_of: 2025-06-30
models:
  tiny: {usd_per_million_input_tokens: 1000, usd_per_million_output_tokens: 2000}
"""


@pytest.fixture
def pricing(tmp_path):
    def read(price, *, prices=PRICES):
        text = replaced(":9102\n", f":9102\n    price: {price}\n")
        if prices is not None:
            (tmp_path / "prices.yaml").write_text(prices)
            text += "prices: prices.yaml\n"
        return pricing_of(load(written(tmp_path, text)), raised)

    return read


def cost(price, model=None):
    usage = Usage(1_000, 100, cached_tokens=200, model=model)
    return price.cost_usd(attempts=1, latency_s=1.0, usage=usage)


def test_a_named_model_has_the_prices_of_the_file(pricing):
    """1,000 tokens sent and 100 received at 1,000 and 2,000 USD per million."""
    found = pricing("{model: tiny}")

    assert cost(found.of["new"]) == Decimal("1.2")
    assert found.of["old"] is None
    assert len(found.sources) == 1
    assert found.sources[0].startswith("prices.yaml of 2025-06-30 (SHA-256 ")


def test_a_batch_costs_less(pricing):
    """The discount is taken off what the file says."""
    assert cost(pricing("{model: tiny, batch_discount: 0.5}").of["new"]) == Decimal("0.6")


def test_auto_takes_the_model_that_the_answer_names(pricing):
    """Own prices come first, then known ones, with the day they were in force."""
    pytest.importorskip("genai_prices")
    found = pricing("auto")

    assert cost(found.of["new"], "tiny") == Decimal("1.2")
    # By hand: 800 x 0.15 + 200 x 0.075 + 100 x 0.60 USD per million.
    assert cost(found.of["new"], "gpt-4o-mini-2024-07-18") == Decimal("0.000195")
    assert found.sources[1].startswith("genai-prices ")
    assert ", those in force on 20" in found.sources[1]


def test_an_unknown_model_of_the_config_is_an_error_that_names_it(pricing):
    """Nobody is asked at a price of zero."""
    with pytest.raises(ConfigError, match=r"new\.price: the model 'no-such' has no price"):
        pricing("{model: no-such}")


def test_an_unknown_model_of_an_answer_is_told_of(pricing):
    """It is named together with the deployment."""
    with pytest.raises(ConfigError, match=r"new\.price: the model 'no-such' has no price"):
        cost(pricing("auto").of["new"], "no-such")


@pytest.mark.parametrize(
    ("price", "message"),
    [
        ("{}", "names no price"),
        ("{model: tiny, usd_per_call: 1}", "price.model: is 'tiny', and prices are written beside"),
        ("{usd_per_call: 1, batch_discount: 0.5}", "there are no prices per token to take it off"),
        ("{usd_per_call: 1, usd_per_cached_token: 1}", "needs the price of other tokens"),
    ],
)
def test_a_price_that_makes_no_sense_is_refused(pricing, price, message):
    """A mistake in money is not left to be found in the bill."""
    with pytest.raises(ConfigError, match=message):
        pricing(price)


def test_no_price_is_an_error_of_its_own_file(pricing):
    """A damaged price file is refused under its own name."""
    with pytest.raises(ConfigError, match=r"prices\.yaml"):
        pricing("{model: tiny}", prices="as_of: 2025-06-30\n")


def chat(model):
    """Answers as a chat API would, and says who it is; the tokens grow with the calls."""

    def behave(peer):
        while True:
            n = json.loads(peer.read_request().partition(b"\r\n\r\n")[2])["n"]
            usage = {"prompt_tokens": 100, "completion_tokens": 10 + n}
            body = json.dumps({"label": "odd", "model": model, "usage": usage}).encode()
            peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))

    return behave


def by_model(text):
    cost_rules = "    - {not_worse: cost_usd.mean, margin: 5%}\n"
    cost_rules += "    - {not_worse: cost_usd.p50, margin: 5%}\n"
    priced = text.replace("timeout: 2s", "timeout: 2s, price: auto")
    return priced.replace("    - {not_worse: accuracy, margin: 0.1}\n", cost_rules)


def test_a_verdict_compares_cost_as_it_does_latency(harness, serve_raw, log, config, tmp_path):
    """Mean and quantile of cost are judged, and the verdict says which day's prices these were."""
    cheap = (
        PRICES + "  big: {usd_per_million_input_tokens: 9e3, usd_per_million_output_tokens: 9e3}\n"
    )
    (tmp_path / "prices.yaml").write_text(cheap)
    log(200)
    servers = serve_raw(chat("big")), serve_raw(chat("tiny"))
    path = config(*servers, "prices: prices.yaml\n", change=by_model)

    ended = harness("replay", path, "--json")

    (judged,) = ended.verdict["challengers"]
    found = {one["metric"]: one for one in judged["findings"]}
    # 109.5 tokens on average: 9,000 x 209.5 against 1,000 x 100 + 2,000 x 109.5, per million.
    assert found["cost_usd.mean"]["champion"] == pytest.approx(1.8855)
    assert found["cost_usd.mean"]["challenger"] == pytest.approx(0.319)
    assert found["cost_usd.p50"]["challenger"] == pytest.approx(0.319, rel=0.01)
    assert {one["status"] for one in found.values()} == {"pass"}, str(found)
    assert any("prices.yaml of 2025-06-30" in note for note in ended.verdict["notes"]), ended.err


def test_an_answer_of_an_unknown_model_ends_the_replay(harness, serve_raw, log, config, tmp_path):
    """What it costs cannot be known, so asking goes no further; what was captured is kept."""
    (tmp_path / "prices.yaml").write_text(PRICES)
    log(400)
    servers = serve_raw(chat("tiny")), serve_raw(chat("no-such"))
    path = config(*servers, "prices: prices.yaml\n", change=by_model)

    ended = harness("replay", path)

    assert ended.code == 2
    assert "new.price: the model 'no-such' has no price" in ended.err
    (run,) = Path("runs").iterdir()
    assert 0 < StoredRun.open(run).n_pairs("new") < 400


def test_an_unknown_model_is_found_before_anything_is_kept(
    harness, serve_raw, log, config, tmp_path
):
    """While warming up there is nothing to keep yet."""
    (tmp_path / "prices.yaml").write_text(PRICES)
    log(40)
    servers = serve_raw(chat("tiny")), serve_raw(chat("no-such"))
    path = config(*servers, "prices: prices.yaml\nwarm_up: 4\n", change=by_model)

    ended = harness("replay", path)

    assert ended.code == 2
    assert not Path("runs").exists()


def test_a_days_budget_holds_over_several_runs(harness, serve, log, config):
    """The second run of the day asks what is left, and says that the money is nearly spent."""
    log(20)
    limited = "{name: new, price: {usd_per_call: 0.1}, budget: {usd_per_day: 3.0},"
    path = config(serve(), serve(), change=lambda text: text.replace("{name: new,", limited))

    said = [harness("replay", path, "--no-gate") for _ in range(3)]

    pairs = [StoredRun.open(run).n_pairs("new") for run in sorted(Path("runs").glob("2*"))]
    assert sorted(pairs) == [0, 10, 20]
    assert "3 of the 3 USD for the day are spent (100%)" in said[1].err
