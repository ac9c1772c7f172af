"""A grid of prompts in a config."""

import json

import pytest

from harness.config import load
from harness.config.loading import restore
from harness.config.variants import cells
from harness.errors import ConfigError
from tests.config.writing import GOOD, replaced, written

GRID = """\
variants:
  factors:
    prompt: {long: {}, terse: {system: terse.txt}}
    size: {large: {}, small: {model: small-1}, tiny: {model: tiny-1}}
  each: {sample: 0.5}
"""
WITH_KEY = replaced(
    "  url: http://127.0.0.1:9101\n",
    "  url: http://127.0.0.1:9101\n  price: {usd_per_call: 1}\n  timeout: 3s\n"
    '  headers: {Authorization: "Bearer ${env:KEY}"}\n',
)


def test_every_combination_but_the_champions_is_a_challenger(tmp_path):
    """2 x 3 - 1, named after what differs, at the champion's address with its credentials."""
    config = load(written(tmp_path, WITH_KEY + GRID), environment={"KEY": "of-somebody"})

    names = [one.name for one in config.challengers]
    assert names == ["new", "small", "tiny", "terse", "terse-small", "terse-tiny"]
    terse, both = config.challengers[3], config.challengers[4]
    assert (both.rewrite.system, both.rewrite.model, both.sample) == ("terse.txt", "small-1", 0.5)
    assert both.headers == {"Authorization": "Bearer of-somebody"}
    assert both.timeout_s == 3.0
    # Another model has another price than the champion's.
    assert (terse.price is not None, both.price) == (True, None)
    assert config.where(both) == "http://127.0.0.1:9101, rewritten"


def test_what_is_stored_holds_no_secret_and_is_read_back(tmp_path):
    """The stored form has the reference, and the same challengers, once."""
    config = load(written(tmp_path, WITH_KEY + GRID), environment={"KEY": "of-somebody"})

    stored = config.as_run()

    assert "of-somebody" not in json.dumps(stored)
    assert "${env:KEY}" in json.dumps(stored)
    again = restore(stored, path=tmp_path / "run.json")
    assert [one.name for one in again.challengers] == [one.name for one in config.challengers]
    assert again.masked() == stored


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("long: {}", "long: {model: x}", "variants.factors.prompt.long: changes something"),
        (", terse: {system: terse.txt}", "", "variants.factors.prompt: has fewer than two levels"),
        ("small: {m", "terse: {m", "variants.factors.size.terse: names a level twice"),
        ("{system: terse.txt}", "{sistem: terse.txt}", "sistem: unknown key"),
        ("sample: 0.5", "sample: 5", "sample: is 5, must be 1 or less"),
    ],
)
def test_a_mistake_in_a_grid_is_named(tmp_path, old, new, message):
    """Whether in the grid itself or in the challengers it makes."""
    with pytest.raises(ConfigError) as refused:
        load(written(tmp_path, GOOD + GRID.replace(old, new)))

    assert message in str(refused.value)


def test_a_challenger_without_an_address_says_what_is_rewritten(tmp_path):
    """Without a rewrite it would be the champion itself."""
    with pytest.raises(ConfigError, match="has neither `url` nor `command`"):
        load(written(tmp_path, replaced("    url: http://127.0.0.1:9102\n", "")))


def test_levels_of_several_factors_add_up():
    """Headers and paths of both; of one key the later factor's."""
    factors = {
        "a": {"a0": {}, "a1": {"body": {"$.x": "1"}, "model": "one"}},
        "b": {"b0": {}, "b1": {"body": {"$.y": "2"}, "model": "two"}},
    }

    assert dict(cells(factors))["a1-b1"] == {"body": {"$.x": "1", "$.y": "2"}, "model": "two"}
