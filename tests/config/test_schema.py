"""What is generated from the models is in step with them, and the reference page is true."""

import json
import re
from pathlib import Path

import pytest

from harness.config import load
from harness.config.fields import keys
from harness.config.schema import PAGE, SCHEMA, schema, with_table
from tests.config.writing import written

DOCS = Path(__file__).parents[2] / "docs"


def test_the_schema_in_the_repository_is_that_of_the_models():
    """Run `python -m harness.config.schema` when this fails."""
    assert (DOCS / SCHEMA).read_text() == schema()


def test_the_table_of_keys_is_that_of_the_models():
    """Run `python -m harness.config.schema` when this fails."""
    page = (DOCS / PAGE).read_text()

    assert page == with_table(page)


def test_every_key_is_explained():
    """No key without a sentence."""
    assert [key.path for key in keys() if not (key.field.description or "").endswith(".")] == []


def test_the_schema_refuses_unknown_keys_and_suggests_no_internal_value():
    """An editor flags a misspelled key; no default is in a unit that YAML would not take."""
    told = json.loads(schema())

    assert told["additionalProperties"] is False
    assert told["properties"]["champion_answers"]["enum"] == ["live", "recorded"]
    assert "default" not in told["$defs"]["Champion"]["properties"]["timeout"]
    assert told["properties"]["failures"]["items"]["type"] == ["string", "integer"]
    assert "timeout_s" not in schema()


BLOCKS = re.findall(r"```yaml\n(.*?)```", (DOCS / PAGE).read_text(), re.DOTALL)


@pytest.mark.parametrize("block", BLOCKS, ids=lambda block: block.split(":")[0])
def test_the_examples_of_the_page_load(tmp_path, block):
    """Parts are put below the page's first, whole example."""
    text = block if block == BLOCKS[0] else f"{BLOCKS[0]}\n{block}"
    environment = {"KNN_TOKEN": "a", "TOKEN": "b" * 16}

    config = load(written(tmp_path, text), environment=environment)

    assert config.policy_for("digits-knn").rules


ROOT = Path(__file__).parents[2]
OURS = sorted([*ROOT.glob("harness.yaml"), *ROOT.glob("scenarios/*/harness.yaml")])


@pytest.mark.parametrize("path", OURS, ids=lambda path: str(path.relative_to(ROOT)))
def test_the_configs_of_this_repository_load(path):
    """What we ship is valid by our own rules."""
    assert load(path).policy is not None
