"""What a config says: units, rules, paths, overrides, secrets."""

from decimal import Decimal

import pytest

from harness.config import load, restore
from harness.errors import ConfigError
from harness.gate.policy import AtLeast, AtMost, Improves, Margin, NotWorse, Sequential
from tests.config.writing import GOOD, replaced, with_rule, written


@pytest.fixture
def loaded(tmp_path):
    def of(text, environment=None, **overrides):
        return load(written(tmp_path, text), environment=environment or {}, overrides=overrides)

    return of


# --- what is right -------------------------------------------------------------------------------


def test_defaults_are_those_of_the_reference(loaded):
    """What a short config leaves out has the documented value."""
    config = loaded(GOOD)

    assert config.champion.timeout_s == 10.0
    assert config.challengers[0].max_in_flight == 64
    assert config.pacing.mode == "recorded"
    assert config.failures == ("5xx", "429")
    assert config.capture.keep_bodies == "all"
    assert config.policy.confidence == 0.95
    assert (config.seed, config.warm_up, config.dialect) == (0, 0, "json")


def test_units_are_read_into_seconds_bytes_and_dollars(loaded):
    """250ms is 0.25 s, 64KiB is 65536 bytes, 30/m is 0.5 a second, money is exact."""
    config = loaded(
        replaced(
            "    url: http://127.0.0.1:9102\n",
            "    url: http://127.0.0.1:9102\n    timeout: 250ms\n    rate: 30/m\n"
            "    price: {usd_per_call: 0.1}\n    budget: {usd: 5.00}\n",
        )
        + "capture: {max_body: 64KiB, retention: {max_age: 14d}}\n"
    )
    challenger = config.challengers[0]

    assert (challenger.timeout_s, challenger.rate_per_s) == (0.25, 0.5)
    assert challenger.price_list.usd_per_call == Decimal("0.1")
    assert challenger.budget_usd == Decimal("5.0")
    assert config.capture.max_body_bytes == 65536
    assert config.capture.retention.max_age_s == 14 * 86400


def test_rules_become_the_gates_rules(loaded):
    """Amounts are in the metric's unit; percent is relative; a limit goes with exceedance."""
    config = loaded(
        with_rule(
            "{not_worse: latency_s.p95, margin: 10%}",
            "{not_worse: latency_s.mean, margin: 50ms}",
            "{not_worse: latency_s.exceedance, limit: 300ms, margin: 0.01}",
            "{at_most: label.disagreement_rate, value: 0.05}",
            "{at_least: accuracy, value: 0.9}",
            "{improves: accuracy, worth: 0.005}",
            "{improves: cost_usd.mean, worth: 5%}",
        )
    )

    assert config.policy_for("new").rules == (
        NotWorse("failure_rate", Margin(0.02)),
        NotWorse("latency_s.p95", Margin(0.1, relative=True)),
        NotWorse("latency_s.mean", Margin(0.05)),
        NotWorse("latency_s.exceedance", Margin(0.01), limit=0.3),
        AtMost("label.disagreement_rate", 0.05),
        AtLeast("accuracy", 0.9),
        Improves("accuracy", Margin(0.0), worth=0.005),
        Improves("cost_usd.mean", Margin(0.0, relative=True), worth=0.05),
    )


def test_a_challenger_may_differ_from_the_policy(loaded):
    """What an override gives holds for that challenger; the rest is as for all."""
    config = loaded(
        replaced(
            "    url: http://127.0.0.1:9102\n",
            "    url: http://127.0.0.1:9102\n"
            "    policy:\n      confidence: 0.99\n      planned_pairs: 500\n"
            "      rules: [{at_most: failure_rate, value: 0.01}]\n"
            "  - {name: other, url: 'http://127.0.0.1:9103'}\n",
        )
    )

    assert config.policy_for("new").rules == (AtMost("failure_rate", 0.01),)
    assert config.policy_for("new").confidence == 0.99
    assert config.policy_for("new").planned_pairs == 500
    assert config.policy_for("other").confidence == 0.95
    assert config.policy_for("other").planned_pairs is None


def test_a_challenger_may_be_looked_at_otherwise(loaded):
    """How often it may be judged, for how long, and in which parts may differ too."""
    config = loaded(
        replaced(
            "    url: http://127.0.0.1:9102\n",
            "    url: http://127.0.0.1:9102\n"
            "    policy:\n      sequential: strict\n      window: 1h\n      min_duration: 2d\n"
            "      segments: {protect: [source=mobile]}\n"
            "  - {name: other, url: 'http://127.0.0.1:9103'}\n",
        )
        + "segments: {source: $.source}\n"
    )

    new, other = config.policy_for("new"), config.policy_for("other")
    assert (new.sequential, new.window_s, new.min_duration_s) == (Sequential.STRICT, 3600, 172_800)
    assert new.segments.protected == ("source=mobile",)
    assert (other.sequential, other.min_duration_s, other.segments) == (None, 86_400, None)


def test_a_challenger_may_not_speak_of_a_segment_that_is_not_there(loaded):
    """The error points at its own policy."""
    text = replaced(
        "    url: http://127.0.0.1:9102\n",
        "    url: http://127.0.0.1:9102\n    policy: {segments: {protect: [source=mobile]}}\n",
    )

    with pytest.raises(ConfigError, match="speaks of the segment 'source'") as found:
        loaded(text)

    assert "challengers" in str(found.value)


def test_paths_start_from_the_config(loaded, tmp_path):
    """A relative log lies beside the config, wherever harness is called from."""
    assert loaded(GOOD).log_path == str(tmp_path / "visits.jsonl")
    assert loaded(replaced("visits.jsonl", "/logs/v.gz")).log_path == "/logs/v.gz"
    assert loaded(replaced("visits.jsonl", "s3://logs/v.gz")).log_path == "s3://logs/v.gz"


def test_flags_override_the_file(loaded):
    """An override is read like the YAML it replaces, and is part of the config as run."""
    config = loaded(GOOD, **{"pacing.mode": "closed", "pacing.in_flight": "16", "log": "b.jsonl"})

    assert config.pacing.in_flight == 16
    assert config.masked()["pacing"] == {"mode": "closed", "in_flight": 16}
    assert config.log_path.endswith("b.jsonl")


def test_without_challengers_no_policy_is_needed(loaded):
    """Recording alone judges nobody."""
    assert loaded("champion: {name: old, url: 'http://127.0.0.1:1'}").policy is None


def test_recorded_answers_need_no_champion_address(loaded):
    """A champion whose answers are in the log is not called."""
    text = replaced("  url: http://127.0.0.1:9101\n", "") + "champion_answers: recorded\n"

    assert loaded(text).champion.url is None


# --- secrets -------------------------------------------------------------------------------------

WITH_SECRETS = replaced(
    "    url: http://127.0.0.1:9102\n",
    "    url: http://127.0.0.1:9102/${env:PREFIX}\n"
    '    headers: {Authorization: "Bearer ${env:TOKEN}", X-Key: "${file:key.txt}"}\n',
) + (
    "rewrite:\n"
    '  headers: {X-Signed: "${env:TOKEN} {uuid}"}\n'
    '  body: {$.token: "${env:TOKEN}", $.at: "{now_ms}"}\n'
)
ENVIRONMENT = {"TOKEN": "tok-8231", "PREFIX": "pre-5512"}


@pytest.fixture
def secret_config(tmp_path):
    (tmp_path / "key.txt").write_text("key-9917\n")
    return load(written(tmp_path, WITH_SECRETS), environment=ENVIRONMENT)


def test_secrets_are_resolved(secret_config):
    """References are replaced; a file's last newline is no part of the secret."""
    challenger = secret_config.challengers[0]

    assert challenger.headers == {"Authorization": "Bearer tok-8231", "X-Key": "key-9917"}
    assert challenger.url == "http://127.0.0.1:9102/pre-5512"
    assert secret_config.rewrite.headers == {"X-Signed": "tok-8231 {uuid}"}
    assert secret_config.rewrite.body == {"$.token": "tok-8231", "$.at": "{now_ms}"}


def test_secrets_are_never_shown(secret_config):
    """Neither repr nor the masked form nor what stands for the deployment holds a secret."""
    shown = [
        repr(secret_config),
        str(secret_config),
        repr(secret_config.masked()),
        secret_config.where(secret_config.challengers[0]),
    ]

    assert all(secret not in text for text in shown for secret in ("8231", "9917", "5512"))
    assert "Bearer ${env:TOKEN}" in repr(secret_config.masked())


def test_a_new_secret_is_the_same_config(secret_config, tmp_path):
    """The digest is over the masked form: turning over a key does not end a run."""
    (tmp_path / "key.txt").write_text("another")
    other = load(tmp_path / "harness.yaml", environment={"TOKEN": "x", "PREFIX": "y"})

    assert other.digest == secret_config.digest


def test_the_digest_tells_configs_apart_but_not_logs_or_order(loaded):
    """Order of keys and place of the log do not count; a margin does."""
    reordered = GOOD.replace("log: visits.jsonl\n", "") + "log: elsewhere.jsonl\n"

    assert loaded(GOOD).digest == loaded(reordered).digest
    assert loaded(GOOD).digest != loaded(replaced("0.02", "0.03")).digest


def test_a_stored_config_is_judged_without_its_secrets(secret_config):
    """What `masked` gave is a config again, with nothing behind its references."""
    again = restore(secret_config.masked(), path="run.json")

    assert again.digest == secret_config.digest
    assert again.policy_for("new") == secret_config.policy_for("new")
    assert again.challengers[0].headers["Authorization"] == "Bearer ${env:TOKEN}"


def test_a_secret_does_not_reach_a_message_or_a_traceback(tmp_path):
    """A resolved value that is refused is quoted as its reference."""
    text = replaced("    url: http://127.0.0.1:9102", "    url: ftp://${env:TOKEN}")

    with pytest.raises(ConfigError) as caught:
        load(written(tmp_path, text), environment=ENVIRONMENT)

    assert str(caught.value).endswith(
        "harness.yaml:6: challengers[0].url: is 'ftp://${env:TOKEN}', must be an address such as "
        "http://127.0.0.1:9102"
    )
    assert caught.value.__context__ is None
    assert caught.value.__cause__ is None


def test_aliases_in_reason_are_fine(loaded):
    """A shared part may be written once."""
    text = replaced("name: new\n", "name: new\n    retries: &n 2\n") + "warm_up: *n\n"

    config = loaded(text)

    assert config.warm_up == config.challengers[0].retries == 2


LIVE = """\
champion: {name: old, url: "http://127.0.0.1:9101"}
capture:
  admin: 0.0.0.0:9900
  admin_token: ${env:ADMIN}
  methods: [POST]
"""


def test_a_live_config_needs_neither_log_nor_challenger_nor_policy(tmp_path):
    """With a champion alone harness records."""
    config = load(written(tmp_path, LIVE), environment={"ADMIN": "0123456789abcdef"})

    assert config.log is None
    assert config.challengers == ()
    assert config.capture.admin_token == "0123456789abcdef"
    assert config.masked()["capture"]["admin_token"] == "${env:ADMIN}"
    assert "0123456789abcdef" not in repr(config)


def test_an_admin_token_that_can_be_guessed_is_refused(tmp_path):
    """What is behind the reference is looked at too, and not told."""
    with pytest.raises(ConfigError) as caught:
        load(written(tmp_path, LIVE), environment={"ADMIN": "hunter2"})

    assert "capture.admin_token: is shorter than 16 characters" in str(caught.value)
    assert "hunter2" not in str(caught.value)
