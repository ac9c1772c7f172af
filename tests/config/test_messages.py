"""Every way in which a config can be wrong. Messages are compared whole: people read them."""

import pytest

from harness.config import load
from harness.errors import ConfigError
from tests.config.writing import GOOD, replaced, with_line, with_rule, written

NEW = "    url: http://127.0.0.1:9102\n"
"""The challenger's last line; what follows stands in line 7."""

NEEDS_FAILURES = (
    "Add one, for instance {not_worse: failure_rate, margin: 0.02}: without it a challenger that "
    "fails on the hard requests looks good on the rest"
)
TOO_MUCH = (
    "comes to more than 10,000 values or 40 levels once its aliases are written out. Write out "
    "what is meant"
)


def with_segments(of_policy: str) -> str:
    """The good config with a segment, and what its policy says of segments in line 13."""
    text = GOOD.replace("policy:\n", f"policy:\n  segments: {of_policy}\n")
    return text + "segments: {source: $.source}\n"


WRONG = {
    "unknown key": (
        with_line("log:", "pasing: {mode: recorded}"),
        "7: pasing: unknown key. Did you mean 'pacing'?",
    ),
    "a start that nobody waits for": (
        replaced(
            "  url: http://127.0.0.1:9101\n", "  url: http://127.0.0.1:9101\n  ready_timeout: 5m\n"
        ),
        "4: champion.ready_timeout: belongs to a `command`. Remove it: a server with a `url` is "
        "taken to be running",
    ),
    "unknown key in a list item": (
        with_rule("{not_worse: accuracy,\n       margn: 0.1, margin: 0.1}"),
        "16: policy.rules[1].margn: unknown key. Did you mean 'margin'?",
    ),
    "a key at the wrong place": (
        GOOD + "keep_bodies: none\n",
        "15: keep_bodies: unknown key. It belongs elsewhere: `capture.keep_bodies`",
    ),
    "a key of another pacing": (
        GOOD + "pacing: {mode: closed, in_flight: 3, speed: 2}\n",
        "15: pacing.speed: unknown key. Known here: in_flight, keep_order, mode",
    ),
    "wrong type": (
        GOOD + "warm_up: many\n",
        "15: warm_up: is 'many', must be a whole number",
    ),
    "a number where text belongs": (
        replaced("name: old", "name: 7"),
        "2: champion.name: is 7, must be text. Put it in quotes",
    ),
    "a section without content": (
        replaced("champion:\n  name: old\n  url: http://127.0.0.1:9101\n", "champion:\n"),
        "1: champion: is empty, must be a mapping of keys to values",
    ),
    "missing key": (
        replaced("{not_worse: failure_rate, margin: 0.02}", "{not_worse: failure_rate}"),
        "14: policy.rules[0].margin: is missing. It means: largest harm you accept: in the "
        "metric's unit, or `10%` of the champion",
    ),
    "a name with a space": (
        replaced("name: new", "name: brand new"),
        "5: challengers[0].name: is 'brand new', must be a name of letters, digits, dots, dashes "
        "and underscores, 64 at most",
    ),
    "negative margin": (
        replaced("0.02", "-1"),
        "14: policy.rules[0].margin: is -1, must be 0 or more. A margin is the largest harm you "
        "accept, in the metric's unit",
    ),
    "percent on a rate": (
        replaced("0.02", "2%"),
        "14: policy.rules[0].margin: is '2%', and the metric is a rate. Write 0.02 if you mean 2 "
        "percentage points",
    ),
    "a duration on a rate": (
        replaced("0.02", "2ms"),
        "14: policy.rules[0].margin: is '2ms', and the unit here is fraction. Write a plain number",
    ),
    "percent of what may be negative": (
        with_line(
            "compare:",
            "  score: {path: $.s, better: higher}",
            text=with_rule("{not_worse: output.score.mean, margin: 5%}"),
        ),
        "16: policy.rules[1].margin: is '5%', and the metric need not be above 0. Percent is for "
        "means and quantiles of times, costs and tokens: give the margin in the metric's unit",
    ),
    "two scales in one goal": (
        with_rule("{improves: latency_s.mean, by: 1ms, worth: 5%}"),
        "15: policy.rules[1].worth: is '5%', and `by` is on another scale. Write both in percent "
        "or both in the metric's unit",
    ),
    "a limit without exceedance": (
        with_rule("{not_worse: latency_s.p95, margin: 5%, limit: 300ms}"),
        "15: policy.rules[1].not_worse: has a limit, but latency_s.p95 takes none: only "
        "`.exceedance` does",
    ),
    "exceedance without a limit": (
        with_rule("{not_worse: latency_s.exceedance, margin: 0.01}"),
        "15: policy.rules[1].not_worse: is 'latency_s.exceedance', which needs a `limit`: the "
        "share above it is counted",
    ),
    "a level in percent": (
        with_rule("{at_most: label.disagreement_rate, value: 5%}"),
        "15: policy.rules[1].value: is '5%', must be a fraction. Write 0.05",
    ),
    "a margin that anything meets": (
        replaced("0.02", "2"),
        "14: policy.rules[0].margin: is 2, must be a fraction below 1. Write 0.02 if you mean 2 "
        "percentage points",
    ),
    "a rate above 1": (
        with_rule("{at_most: label.disagreement_rate, value: 5}"),
        "15: policy.rules[1].value: is 5, must be a fraction, 0 to 1. 0.05 is 5 %",
    ),
    "a limit of nothing": (
        with_rule("{not_worse: latency_s.exceedance, limit: 0s, margin: 0.01}"),
        "15: policy.rules[1].limit: is '0s', must be above 0",
    ),
    "a goal on what only a pair has": (
        with_rule("{improves: label.disagreement_rate}"),
        "15: policy.rules[1].improves: is 'label.disagreement_rate', which the champion has no "
        "value of. Use at_most: nothing can improve it",
    ),
    "confidence in percent": (
        replaced("policy:\n", "policy:\n  confidence: 95\n"),
        "13: policy.confidence: is 95, must be between 0.5 and 1. 0.95 is usual",
    ),
    "a header that is not ours to set": (
        replaced(NEW, NEW + "    headers: {Content-Length: '5'}\n"),
        "7: challengers[0].headers.Content-Length: cannot be set. Harness frames requests and "
        "keeps connections itself",
    ),
    "no failure rule": (
        replaced("not_worse: failure_rate", "not_worse: accuracy"),
        f"13: policy.rules: no rule is about failures. {NEEDS_FAILURES}",
    ),
    "a failure rule on one kind alone": (
        replaced("not_worse: failure_rate", "not_worse: failure_rate.timeout"),
        f"13: policy.rules: no rule is about failures. {NEEDS_FAILURES}",
    ),
    "no policy": (
        GOOD[: GOOD.index("policy:")],
        f" policy: is missing. {NEEDS_FAILURES}",
    ),
    "unknown metric": (
        with_rule("{not_worse: latency.p95, margin: 5%}"),
        "15: policy.rules[1].not_worse: is 'latency.p95', not a metric of this config. Did you "
        "mean 'latency_s.p95'?",
    ),
    "bad statistic": (
        with_rule("{not_worse: latency_s.meen, margin: 5%}"),
        "15: policy.rules[1].not_worse: is 'latency_s.meen', but 'meen' is no statistic: mean, p50 "
        "to p99.9, exceedance (with `limit`)",
    ),
    "accuracy without a label": (
        replaced(
            "output:\n  label: $.label\n", "", text=with_rule("{not_worse: accuracy, margin: 0}")
        ),
        "13: policy.rules[1].not_worse: is 'accuracy', which needs to know the answer's label. "
        "Add it to `output`, for instance {label: $.label}",
    ),
    "unknown verb": (
        with_rule("{not_wose: accuracy, margin: 0.1}"),
        "15: policy.rules[1]: has none of not_worse, improves, at_most, at_least. Did you mean "
        "'not_worse'?",
    ),
    "two verbs": (
        with_rule("{not_worse: accuracy, improves: accuracy, margin: 0.1}"),
        "15: policy.rules[1]: has `not_worse` and `improves`. Write a rule for each",
    ),
    "the same rule twice": (
        with_rule("{not_worse: failure_rate, margin: 0.1}"),
        "15: policy.rules[1]: says `not_worse failure_rate` again, as rules[0] does. Remove one",
    ),
    "same name twice": (
        replaced(NEW, NEW + "  - {name: new, url: 'http://127.0.0.1:9103'}\n"),
        "7: challengers[1].name: is 'new', the name of challengers[0] too. Give each its own name",
    ),
    "the champion's name": (
        replaced("name: new", "name: old"),
        "5: challengers[0].name: is 'old', the champion's name too. Give each its own name",
    ),
    "a comparison named like a metric": (
        replaced("{name: label, path", "{name: accuracy, path"),
        "11: compare[0].name: is 'accuracy', the name of a metric. Choose another",
    ),
    "an output with a dot": (
        replaced("  label: $.label\n", "  top.score: {path: $.s, better: higher}\n"),
        "9: output.top.score: must not hold a dot. It separates a metric from its statistic",
    ),
    "a refusal that the dialect cannot see": (
        with_rule("{at_most: refusal_rate, value: 0.1}"),
        "15: policy.rules[1].at_most: is 'refusal_rate', which needs a dialect that knows "
        "refusals, and json does not. Such are anthropic_messages, openai_chat, openai_responses",
    ),
    "a token's time where nothing is streamed": (
        with_rule("{not_worse: first_token_s.p95, margin: 10%}"),
        "15: policy.rules[1].not_worse: is 'first_token_s.p95', which needs a dialect that reads "
        "streams, and json does not. Such are anthropic_messages, openai_chat, openai_responses",
    ),
    "percent of the time a stream stood still": (
        with_rule("{not_worse: stalled_s.mean, margin: 5%}").replace(
            "log:", "dialect: openai_chat\nlog:"
        ),
        "16: policy.rules[1].margin: is '5%', and the metric need not be above 0. Percent is for "
        "means and quantiles of times, costs and tokens: give the margin in the metric's unit",
    ),
    "a format nobody asked for": (
        with_rule("{at_most: format_violation_rate, value: 0.1}"),
        "15: policy.rules[1].at_most: is 'format_violation_rate', which needs to know what answers "
        "have to look like. Say it under `answer_format`, for instance {path: $.reply, "
        "json_schema: {}}",
    ),
    "a schema that is none": (
        with_line("policy:", "answer_format: {path: $.reply, json_schema: {type: text}}"),
        "12: answer_format: is no JSON Schema: $.type: 'text' is not valid under any of the given "
        "schemas",
    ),
    "places of what is no ranking": (
        replaced("label: $.label", "score: {path: $.p, as: brier, k: 3, better: lower}"),
        "9: output.score.k: is 3, and only `as: ndcg` counts places. Remove it",
    ),
    "a distance of texts that there is not": (
        replaced("as: label}", "as: text, by: meaning}"),
        "11: compare[0].by: is 'meaning', must be 'exact', 'normalized', 'words', 'word_set', "
        "'edit' or 'length'. Known here: edit, exact, length, normalized, word_set, words",
    ),
    "an unknown comparator": (
        replaced("as: label", "as: lable"),
        "11: compare[0].as: is 'lable', must be one of label, numeric, structure, "
        "probabilities, ranking, text, format, vector, tool_calls. Did you mean 'label'?",
    ),
    "duplicate key": (
        with_line("log:", "log: other.jsonl"),
        "8: log: stands twice, first in line 7. Remove one of them",
    ),
    "bad url": (
        replaced("http://127.0.0.1:9102", "localhost:9102"),
        "6: challengers[0].url: is 'localhost:9102', must be an address such as "
        "http://127.0.0.1:9102",
    ),
    "a password in a url": (
        replaced("http://127.0.0.1:9102", "http://me:pw@127.0.0.1:9102"),
        "6: challengers[0].url: holds a user name or password. Send them as a header: `headers: "
        "{Authorization: ...}`",
    ),
    "both url and command": (
        replaced(NEW, NEW + "    command: [serve, '{port}']\n"),
        "5: challengers[0]: has both `url` and `command`. Keep `url` for a server that runs, "
        "`command` for one that harness starts",
    ),
    "neither url nor command": (
        replaced(NEW, ""),
        "5: challengers[0]: has neither `url` nor `command`. Say where it is, or how to start it",
    ),
    "a command without a port": (
        replaced("url: http://127.0.0.1:9102", "command: [serve]"),
        '6: challengers[0].command: does not say where the port goes. Add "{port}" to the '
        'arguments, for instance [python, serve.py, --port, "{port}"]',
    ),
    "missing variable": (
        replaced("http://127.0.0.1:9102", "http://${env:HOST_OF_NEW}"),
        "6: challengers[0].url: the environment has no variable HOST_OF_NEW. Set HOST_OF_NEW and "
        "start again",
    ),
    "missing secret file": (
        replaced(NEW, NEW + '    headers: {X-Key: "${file:no.txt}"}\n'),
        "7: challengers[0].headers.X-Key: the file no.txt cannot be read (No such file or "
        "directory)",
    ),
    "misspelled reference": (
        replaced("http://127.0.0.1:9102", "http://${HOST}"),
        "6: challengers[0].url: holds '${HOST}', must be ${env:NAME} or ${file:PATH}",
    ),
    "a reference where none is resolved": (
        GOOD + "truth: $['${env:PATH}']\n",
        "15: truth: holds a reference, which is not resolved here. References work in url, "
        "command, headers, rewrite, log, admin_token, key",
    ),
    "a secret in the open": (
        replaced(NEW, NEW + "    headers: {authorization: Bearer abc}\n"),
        "7: challengers[0].headers.authorization: holds the secret itself. Write ${env:NAME} or "
        '${file:PATH}, for instance "Bearer ${env:TOKEN}"',
    ),
    "unknown template": (
        GOOD + 'rewrite: {headers: {X-At: "{nov}"}}\n',
        "15: rewrite.headers.X-At: holds the unknown template {nov}. Did you mean 'now'?",
    ),
    "a duration without a unit": (
        replaced(NEW, NEW + "    timeout: 2\n"),
        "7: challengers[0].timeout: is 2, must be a duration such as 250ms, 2s, 5m or 24h",
    ),
    "unknown pacing": (
        GOOD + "pacing: {mode: closd, in_flight: 3}\n",
        "15: pacing.mode: is 'closd', must be one of recorded, rate, closed. Did you mean "
        "'closed'?",
    ),
    "a score without a direction": (
        replaced("  label: $.label\n", "  label: $.label\n  score: $.score\n"),
        "10: output.score: does not say which way is better. Write {path: $.score, better: "
        "higher} or lower",
    ),
    "no status": (
        GOOD + "failures: [5xx, 42]\n",
        "15: failures[1]: is 42, must be a status such as 429 or a class such as 5xx",
    ),
    "nothing that can be taken out": (
        GOOD + "capture: {redact: {body: [email, cards, $.name]}}\n",
        "15: capture.redact.body[1]: is 'cards', must be one of card, email, iban, jwt, key, or a "
        "JSONPath such as $.user.name. Did you mean 'card'?",
    ),
    "a key for pseudonyms in the open": (
        GOOD + "capture: {redact: {body: [email], key: 0123456789abcdef}}\n",
        "15: capture.redact.key: holds the secret itself. Write ${env:NAME} or ${file:PATH}",
    ),
    "a factor that is none": (
        with_segments("{margin: 2}"),
        "13: policy.segments.margin: is 2, must be a factor such as 2x, 1x or more",
    ),
    "a factor that narrows": (
        with_segments("{margin: 0.5x}"),
        "13: policy.segments.margin: is '0.5x', must be a factor such as 2x, 1x or more",
    ),
    "a protected value of no segment": (
        with_segments("{protect: [mobile]}"),
        "13: policy.segments.protect[0]: is 'mobile', must be a segment with its value, such as "
        "source=mobile",
    ),
    "a protected segment that is not configured": (
        with_segments("{protect: ['src=mobile']}"),
        "13: policy.segments.protect[0]: speaks of the segment 'src', which is not configured. "
        "Known under `segments`: source",
    ),
    "weights of a segment that is not configured": (
        with_segments("{weights: {src: {mobile: 1.0}}}"),
        "13: policy.segments.weights.src: speaks of the segment 'src', which is not configured. "
        "Known under `segments`: source",
    ),
    "weights that are no mix": (
        with_segments("{weights: {source: {mobile: 0.7, web: 0.2}}}"),
        "13: policy.segments.weights.source: is a mapping, and its shares sum to 0.9, must sum to "
        "1. They are shares of all production traffic",
    ),
    "excess without a repeat": (
        with_rule("{not_worse: label.excess, margin: 0.02}"),
        "15: policy.rules[1].not_worse: is 'label.excess', which needs to know how often the "
        "champion disagrees with itself. Ask it twice with `repeat: {rate: 0.10}`, or use "
        "label.disagreement_rate",
    ),
    "a repeat of nothing": (
        GOOD + "repeat: {rate: 0}\n",
        "15: repeat.rate: is 0, must be above 0",
    ),
    "a repeat of recorded answers": (
        GOOD + "champion_answers: recorded\nrepeat: {rate: 0.1}\n",
        "16: repeat: asks the champion, and its answers are recorded. Remove it, or ask the "
        "champion live",
    ),
    "only challengers asked twice": (
        GOOD + "repeat_challenger: {rate: 0.1}\n",
        "15: repeat_challenger: has nothing to be held against. Ask the champion twice too: "
        "`repeat: {rate: 0.10}`",
    ),
    "challengers asked twice more often": (
        GOOD + "repeat: {rate: 0.1}\nrepeat_challenger: {rate: 0.2}\n",
        "16: repeat_challenger.rate: is 0.2, more than the champion's 0.1: only requests on which "
        "both are asked twice count. Lower it, or raise `repeat.rate`",
    ),
    "challengers asked twice and forgotten": (
        GOOD + "repeat: {rate: 0.1}\nrepeat_challenger: {rate: 0.1}\n"
        "capture: {keep_bodies: none}\n",
        "16: repeat_challenger: needs stored answers to compare, and `capture.keep_bodies` is "
        "none. Remove it, or keep them all",
    ),
    "a value that is not built yet": (
        GOOD + "cluster: client\n",
        "15: cluster: 'client' is known, but this version does not do it yet. Remove it",
    ),
    "a wait for labels that do not come": (
        GOOD + "maturity: 7d\n",
        "15: maturity: is for labels that come later. Add `truth: feedback`, or remove it",
    ),
    "a budget without a price": (
        replaced(NEW, NEW + "    budget: {usd: 1}\n"),
        "7: challengers[0].budget: can never be spent without a price. Add `price`",
    ),
    "an address without a port": (
        GOOD + "capture: {listen: 127.0.0.1}\n",
        "15: capture.listen: is '127.0.0.1', must be an address and port such as 127.0.0.1:8080",
    ),
    "an admin port for everybody": (
        GOOD + "capture: {admin: '0.0.0.0:9900'}\n",
        "15: capture.admin: is reachable from elsewhere, and there is no `admin_token`. Add "
        "`admin_token: ${env:HARNESS_ADMIN_TOKEN}`, or keep it on 127.0.0.1",
    ),
    "one port for two": (
        GOOD + "capture: {admin: '127.0.0.1:8080'}\n",
        "15: capture.admin: is '127.0.0.1:8080', which `listen` takes. Give each its own port",
    ),
    "an admin token in the open": (
        GOOD + "capture: {admin_token: abcdefghijklmnopqrst}\n",
        "15: capture.admin_token: holds the secret itself. Write ${env:NAME} or ${file:PATH}",
    ),
    "an unknown mode": (
        GOOD + "capture: {mode: ingres}\n",
        "15: capture.mode: is 'ingres', must be 'proxy' or 'ingress'. Did you mean 'ingress'?",
    ),
    "an id on answers nobody reads": (
        GOOD + "capture: {mode: ingress, add_request_id: true}\n",
        "15: capture.add_request_id: has no answer to be added to: nobody waits for one in "
        "`ingress` mode. Remove it",
    ),
    "half a certificate": (
        GOOD + "capture: {tls: {certificate: a.pem}}\n",
        "15: capture.tls.key: is missing. It means: file (PEM) with its private key, relative to "
        "the config",
    ),
    "a size without a unit": (
        GOOD + "capture: {link_buffer: 100}\n",
        "15: capture.link_buffer: is 100, must be a size such as 64KiB, 1MiB or 20GiB",
    ),
    "a limit of another name": (
        GOOD + "capture: {limits: {idle_time: 3s}}\n",
        "15: capture.limits.idle_time: unknown key. Did you mean 'head_time'?",
    ),
    "foreign tags": (
        GOOD + "seed: !!python/name:os.system x\n",
        "15: seed: has the tag tag:yaml.org,2002:python/name:os.system, which means nothing here. "
        "Write plain text or a number",
    ),
    "no YAML": (
        "champion: [\n",
        "2: is no YAML (expected the node content, but found '<stream end>')",
    ),
    "no mapping": (
        "- champion\n",
        " is no mapping of keys to values. A config starts with keys such as `champion:` and "
        "`challengers:`",
    ),
    "empty": (
        "# nothing\n",
        " is empty. `harness init` writes one to start from",
    ),
    "binary": (
        b"PK\x03\x04\x00\xff\xfe",
        "1: is not UTF-8 text. Name a YAML file, saved as UTF-8",
    ),
    "too large": (
        b"#" * (1024 * 1024 + 1),
        " is larger than 1 MiB. A config is text of a few KiB",
    ),
    "alias bomb": (
        "a: &a [x, x, x, x, x, x, x, x, x, x]\n"
        "b: &b [*a, *a, *a, *a, *a, *a, *a, *a, *a, *a]\n"
        "c: &c [*b, *b, *b, *b, *b, *b, *b, *b, *b, *b]\n"
        "d: &d [*c, *c, *c, *c, *c, *c, *c, *c, *c, *c]\n"
        "e: [*d, *d, *d, *d, *d, *d, *d, *d, *d, *d]\n",
        f"1: d[7]: {TOO_MUCH}",
    ),
    "an alias of itself": (
        "a: &a [*a]\n",
        f"1: a[0]: {TOO_MUCH}",
    ),
}


@pytest.fixture
def message_of(tmp_path):
    """The whole message for a text, from what follows the name of the file."""

    def of(text):
        path = written(tmp_path, text)
        with pytest.raises(ConfigError) as caught:
            load(path, environment={})
        return str(caught.value).replace(f"{path}:", "")

    return of


@pytest.mark.parametrize("what", WRONG)
def test_what_is_wrong_is_said_in_full(what, message_of):
    """Where, what is wrong with the value, what is allowed, what to do."""
    text, message = WRONG[what]

    assert message_of(text) == message


def test_a_directory_is_no_config(tmp_path):
    """The path of a folder is a slip, and is said."""
    with pytest.raises(ConfigError) as caught:
        load(tmp_path)

    assert str(caught.value) == f"{tmp_path}: is a directory. Name the YAML file in it"


def test_a_missing_file_is_said(tmp_path):
    """A path to nothing names the command that writes a config."""
    path = tmp_path / "no.yaml"

    with pytest.raises(ConfigError) as caught:
        load(path)

    assert str(caught.value) == (
        f"{path}: does not exist. `harness init` writes a config to start from"
    )


def test_all_problems_are_said_at_once(message_of):
    """A typo does not hide a bad margin, a rule on nothing or a name given twice."""
    text = (
        replaced("name: new", "name: old")
        .replace("log:", "logg:")
        .replace("margin: 0.02}", "margin: -1}\n    - {not_worse: acuracy, margin: 0}")
    )

    lines = message_of(text).splitlines()

    assert [line.split(": ")[:2] for line in lines] == [
        ["5", "challengers[0].name"],
        ["7", "logg"],
        ["14", "policy.rules[0].margin"],
        ["15", "policy.rules[1].not_worse"],
    ]
