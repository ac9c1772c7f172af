"""What a scenario's truth says is what the synthetic deployments are told, or it is refused."""

from statistics import median

import pytest

from harness.errors import ConfigError
from harness.testing.truth import Accuracy, Constant, Lognormal, Shifted, truth_of


@pytest.fixture
def written(tmp_path):
    def write(text):
        path = tmp_path / "scenario.yaml"
        path.write_text(text)
        return path

    return write


def test_a_side_takes_over_what_it_is_like(written):
    """`like` copies a side; what is named beside it replaces, a shift adds."""
    truth = truth_of(
        written(
            "seed: 3\n"
            "truth:\n"
            "  champion: {latency_s: {kind: lognormal, median: 0.1, sigma: 0.4}, accuracy: 0.9}\n"
            "  challenger: {like: champion, latency_s: {shift: 0.05}, keys: reversed}\n"
        )
    )

    champion, challenger = truth.behaviours["champion"], truth.behaviours["challenger"]
    assert truth.seed == 3
    assert challenger.latency_s == Shifted(Lognormal(0.1, 0.4), 0.05)
    assert challenger.accuracy == champion.accuracy == Accuracy(0.9)
    assert (champion.keys, challenger.keys) == ("as_is", "reversed")


def test_accuracy_can_hang_on_the_user_or_the_source():
    """A user's own share comes before that of their source, and that before the default."""
    accuracy = Accuracy(0.9, {"mobile": 0.8, "user-0": 0.5})

    assert accuracy.of("user-0", "mobile") == 0.5
    assert accuracy.of("user-1", "mobile") == 0.8
    assert accuracy.of("user-1", "web") == 0.9


@pytest.mark.parametrize(
    ("latency", "middle"),
    [(Constant(0.2), 0.2), (Lognormal(0.1, 0.5), 0.1), (Shifted(Constant(0.2), 0.1), 0.3)],
)
def test_latencies_have_the_median_they_name(latency, middle):
    """Half of the answers come before it."""
    assert median(latency.at(share / 100) for share in range(1, 100)) == pytest.approx(middle)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("truth: {challenger: {}}", "truth: has no 'champion'"),
        ("truth: {champion: {speed: 1}}", "truth.champion: speed: unknown key"),
        ("truth: {champion: {keys: shuffled}}", "truth.champion: keys: is 'shuffled', must be"),
        ("truth: {champion: {latency_s: {kind: normal}}}", "truth.champion: latency_s: is"),
        ("truth: {champion: {}, challenger: {like: chimp}}", "truth.challenger: 'chimp'"),
        ("- 1", "is not a mapping"),
        ("truth: {", "expected the node content"),
    ],
)
def test_what_cannot_be_done_is_refused_with_its_place(written, text, message):
    """A scenario that says something unknown does not run as something else."""
    path = written(text)

    with pytest.raises(ConfigError) as refused:
        truth_of(path)

    assert str(refused.value).startswith(f"{path}: ")
    assert message in str(refused.value)
