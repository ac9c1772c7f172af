"""Whatever stands in a config file: a config, or an error that says where. Never a traceback."""

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from harness.config import Config, load, restore
from harness.errors import ConfigError
from tests.config.writing import written

KEYS = st.sampled_from(
    ["champion", "challengers", "policy", "rules", "name", "url", "output", "compare", "pacing",
     "rewrite", "headers", "capture", "log", "margin", "not_worse", "as", "price", "mode",
     "5", "<<"]
)  # fmt: skip
SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=12),
    st.sampled_from(["10%", "5ms", "${env:X}", "$.a", "{port}", "failure_rate", "-1", "*a"]),
)  # fmt: skip
TREES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=5),
    max_leaves=25,
)


@settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
@given(text=st.one_of(st.text(max_size=300), TREES.map(repr), st.binary(max_size=100)))
@example(text="? [a]\n: b\n")
@example(text="a: !!int x\n")
@example(text="a: !!binary x\n")
@example(text="--- a\n--- b\n")
@example(text="%YAML 9.9\n---\na: 1\n")
@example(text='a: "\\ud800"\n')
@example(text='"\\ud800": 1\n')
@example(text="a: &x 1\nb: &x 2\n")
@example(text="[" * 5000)
@example(text="- " * 2000)
@example(text="warm_up: " + "9" * 5000)
@example(text="seed: .nan\n")
@example(text="\x00")
def test_no_text_breaks_the_loader(tmp_path_factory, text):
    """Whatever stands in the file: a config, or a ConfigError with a printable message."""
    content = text.encode("utf-8", "surrogatepass") if isinstance(text, str) else text
    path = written(tmp_path_factory.mktemp("any"), content)

    outcome = _outcome(lambda: load(path, environment={}))

    assert isinstance(outcome, Config) or outcome.startswith(str(path))


@settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))
@given(tree=st.dictionaries(KEYS, TREES, max_size=6))
def test_no_document_breaks_validation(tmp_path_factory, tree):
    """Whatever the values, in whatever keys: the same."""
    outcome = _outcome(lambda: restore(tree, path="run.json"))

    assert isinstance(outcome, Config) or outcome.startswith("run.json: ")


def _outcome(read):
    """The config, or the message, which must be printable."""
    try:
        return read()
    except ConfigError as exc:
        return str(exc).encode().decode()
