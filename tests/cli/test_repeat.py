"""A champion that does not always say the same, and what that does to a rule on disagreement."""

import pytest

from harness.store.layout import Kind, Series
from harness.store.reader import StoredRun

pytestmark = pytest.mark.process

EXCESS = "    - {not_worse: body.excess, margin: 0.2}\n"
RAW = "    - {at_most: body.disagreement_rate, value: 0.2}\n"


def only_failures(text):
    """Answers that are right by chance are no matter of these tests."""
    return text.replace("    - {not_worse: accuracy, margin: 0.1}\n", "")


@pytest.fixture
def fickle(harness, serve, log, config):
    """A run of 300 pairs of two servers with the same law, everything asked twice."""
    log(300, users=100)
    more = EXCESS + "repeat: {rate: 1}\n"
    path = config(serve("fickle"), serve("fickle"), more, change=only_failures)
    said = harness("replay", path, "--run", "runs/one", "--json")
    return path, said


def test_noise_is_no_reason_to_reject(harness, fickle, tmp_path):
    """Two answers differ on a third of the requests, whoever gave them; a raw rule rejects that."""
    path, said = fickle
    raw = tmp_path / "raw.yaml"
    raw.write_text(path.read_text().replace(EXCESS, RAW))

    by_excess, by_raw = said.verdict, harness("gate", "runs/one", "--config", raw, "--json").verdict

    assert by_excess["decision"] == "promote"
    assert by_raw["decision"] == "reject"
    (floor,) = by_excess["challengers"][0]["noise_floor"]
    assert floor["n_pairs"] == 300
    assert abs(floor["raw"] - 0.32) < 0.15
    assert abs(floor["floor"] - 0.32) < 0.15
    assert floor["excess"] == pytest.approx(floor["raw"] - floor["floor"])
    assert floor["excess_low"] < floor["excess"] < floor["excess_high"] < 0.2


def test_the_screen_says_what_is_noise(harness, fickle):
    """A line of its own, with the share of either."""
    said = harness("gate", "runs/one")

    assert "noise     body differs " in said.out
    assert " % from itself, " in said.out


def test_second_answers_are_stored_beside_the_pairs(fickle):
    """They count in no conservation and stand in no challenger's pairs."""
    run = StoredRun.open(fickle[0].parent / "runs/one")

    assert [(one.name, one.kind) for one in run.repeats] == [("old", Kind.REPEATS)]
    assert (run.n_pairs("new"), run.n_pairs(Series("old", Kind.REPEATS))) == (300, 300)
    assert run.conservation("new").paired == run.conservation("new").received == 300


def test_a_share_of_the_requests_is_asked_twice(harness, serve, log, config):
    """The champion gets some requests twice, the challenger none."""
    log(200), (champion := serve()), (challenger := serve())
    more = "    - {not_worse: body.excess, margin: 0.5}\nrepeat: {rate: 0.25}\n"
    path = config(champion, challenger, more)

    said = harness("replay", path, "--run", "runs/one", "--json")

    assert len(challenger.seen) == 200
    n_repeats = len(champion.seen) - 200
    assert abs(n_repeats - 50) < 5 * 6.2
    (floor,) = said.verdict["challengers"][0]["noise_floor"]
    assert (floor["n_pairs"], floor["floor"], floor["excess"]) == (n_repeats, 0, 0)
    findings = {one["rule"]: one for one in said.verdict["challengers"][0]["findings"]}
    assert findings["not_worse body.excess"]["status"] == "pass"
    assert findings["not_worse body.excess"]["n_left_out"] == 200 - n_repeats


def test_a_challenger_that_really_differs_fails_by_excess(harness, serve, log, config):
    """It is able to fail: the champion is steady, and the challenger says the opposite."""
    log(200)
    more = EXCESS + "repeat: {rate: 0.5}\n"
    path = config(serve(), serve("wrong"), more, change=only_failures)

    said = harness("replay", path, "--json")

    findings = {one["rule"]: one for one in said.verdict["challengers"][0]["findings"]}
    assert said.code == 10
    assert findings["not_worse body.excess"]["status"] == "fail"
    assert findings["not_worse body.excess"]["harm"] == pytest.approx(1.0)


def test_only_the_quad_sees_a_challenger_that_is_less_random(harness, serve, log, config):
    """A steady challenger agrees more with a fickle champion than that one with itself."""
    log(400, users=200), (challenger := serve())
    more = EXCESS + "repeat: {rate: 1}\nrepeat_challenger: {rate: 1}\n"
    path = config(serve("fickle"), challenger, more, change=only_failures)

    said = harness("replay", path, "--json")
    triple = path.parent / "triple.yaml"
    triple.write_text(path.read_text().replace("repeat_challenger: {rate: 1}\n", ""))
    again = harness("gate", "--config", triple, "--json", next(path.parent.glob("runs/*")))

    (quad_floor,) = said.verdict["challengers"][0]["noise_floor"]
    (triple_floor,) = again.verdict["challengers"][0]["noise_floor"]
    assert len(challenger.seen) == 800
    assert quad_floor["challenger_floor"] == 0
    assert quad_floor["n_pairs"] == triple_floor["n_pairs"] == 400
    assert quad_floor["excess_low"] > 0  # in truth 2 * 0.2 - 0.32 = 0.08
    assert triple_floor["excess"] < 0  # in truth 0.2 - 0.32 = -0.12


def test_noise_is_known_where_no_bodies_are_kept(harness, serve, log, config):
    """Whether two answers agree is found while the run is written."""
    log(100)
    more = EXCESS + "repeat: {rate: 1}\ncapture: {keep_bodies: none}\n"
    path = config(serve(), serve(), more)

    said = harness("replay", path, "--json")

    (floor,) = said.verdict["challengers"][0]["noise_floor"]
    assert (floor["n_pairs"], floor["floor"]) == (100, 0)


def test_a_run_without_repeats_holds_a_rule_on_excess(harness, serve, log, config, tmp_path):
    """What was not asked twice cannot be judged by another config later."""
    log(), (path := config(serve(), serve()))
    assert harness("replay", path, "--run", "runs/one", "--no-gate").code == 0
    later = tmp_path / "later.yaml"
    later.write_text(path.read_text() + EXCESS + "repeat: {rate: 1}\n")

    said = harness("gate", "runs/one", "--config", later, "--json")

    assert said.code == 11
    assert said.verdict["challengers"][0]["noise_floor"] == []
    findings = {one["rule"]: one for one in said.verdict["challengers"][0]["findings"]}
    assert findings["not_worse body.excess"]["status"] != "pass"


def test_a_rule_on_excess_needs_a_repeat(harness, serve, log, config):
    """Before anything is asked, and with what to add."""
    log(), (champion := serve())

    said = harness("replay", config(champion, serve(), EXCESS))

    assert (said.code, champion.seen) == (2, [])
    assert "repeat: {rate: 0.10}" in said.err
