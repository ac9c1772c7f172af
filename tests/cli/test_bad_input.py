"""Whatever a user hands in: one sentence, the right exit code, nothing half-written."""

import gzip
import itertools
import json
import random
import resource
import ssl
import subprocess

import polars as pl
import pytest

from tests.cli.conftest import ended, entry

pytestmark = pytest.mark.process


# Configs.


def swap(old, new):
    """A change to the config of `conftest`."""

    def change(text):
        assert old in text
        return text.replace(old, new)

    return change


def bomb(_):
    """Nine to the ninth scalars, once the aliases are written out."""
    lines = ["a: &a [x, x, x, x, x, x, x, x, x]"]
    lines += [
        f"{new}: &{new} [{', '.join([f'*{old}'] * 9)}]"
        for old, new in itertools.pairwise("abcdefghi")
    ]
    return "\n".join(lines)


CONFIGS = [
    (
        swap("accuracy, margin: 0.1", "accuracy, margn: 0.1"),
        "{path}:14: policy.rules[1].margn: unknown key. Did you mean 'margin'?\n",
    ),
    (
        swap("log: log.jsonl", "log: log.jsonl\nwarm_up: many"),
        "harness: {path}:5: warm_up: is 'many', must be a whole number\n",
    ),
    (
        swap("failure_rate, margin: 0.1", "failure_rate, margin: -0.1"),
        "harness: {path}:13: policy.rules[0].margin: is -0.1, must be 0 or more. "
        "A margin is the largest harm you accept, in the metric's unit\n",
    ),
    (
        swap("log: log.jsonl", "log: log.jsonl\nlog: other.jsonl"),
        "harness: {path}:5: log: stands twice, first in line 4. Remove one of them\n",
    ),
    (
        swap("{name: new,", '{name: new, headers: {Authorization: "${env:NOT_SET_ANYWHERE}"},'),
        "harness: {path}:3: challengers[0].headers.Authorization: the environment has no variable "
        "NOT_SET_ANYWHERE. Set NOT_SET_ANYWHERE and start again\n",
    ),
    (
        swap("    - {not_worse: failure_rate, margin: 0.1}\n", ""),
        "harness: {path}:12: policy.rules: no rule is about failures. Add one, for instance "
        "{{not_worse: failure_rate, margin: 0.02}}: without it a challenger that fails on the hard "
        "requests looks good on the rest\n",
    ),
    (
        swap("name: new", "name: old"),
        "harness: {path}:3: challengers[0].name: is 'old', the champion's name too. "
        "Give each its own name\n",
    ),
    (
        bomb,
        "harness: {path}:1: e[0]: comes to more than 10,000 values or 40 levels once its aliases "
        "are written out. Write out what is meant\n",
    ),
    (
        lambda _: "",
        "harness: {path}: is empty. `harness init` writes one to start from\n",
    ),
    (
        lambda _: "champion: [unclosed\n",
        "harness: {path}:2: is no YAML (expected ',' or ']', but got '<stream end>')\n",
    ),
]


@pytest.mark.parametrize("command", ["check", "replay"])
@pytest.mark.parametrize(("change", "message"), CONFIGS, ids=[str(i) for i in range(len(CONFIGS))])
def test_a_config_that_cannot_be_run_is_refused(
    harness, serve, log, config, tmp_path, command, change, message
):
    """Exit 2 and where it is wrong, from `check` and `replay` alike; nobody is asked."""
    champion = serve()
    log(), (path := config(champion, serve(), change=change))

    said = harness(command, path)

    assert (said.code, said.out) == (2, "")
    assert said.err.endswith(message.format(path=path))
    assert champion.seen == []
    assert not (tmp_path / "runs").exists()


def test_a_folder_is_no_config(harness, tmp_path):
    """Nor is a file that is not there."""
    folder, missing = harness("replay", tmp_path), harness("replay", "nowhere.yaml")

    assert (folder.code, missing.code) == (2, 2)
    assert folder.err == f"harness: {tmp_path}: is a directory. Name the YAML file in it\n"
    assert missing.err.startswith("harness: nowhere.yaml: ")


# Logs.


def lines(*numbers):
    return "".join(entry(n) + "\n" for n in numbers).encode()


def changed(n, **fields):
    return json.dumps(json.loads(entry(n)) | fields).encode() + b"\n"


UNREADABLE = [
    (b"", "log.jsonl: is empty. Name a log with at least one entry\n"),
    (b"no log at all\n" * 9, "log.jsonl: is in none of the formats known ("),
    (random.Random(1).randbytes(9_000), "log.jsonl: is in none of the formats known ("),
    (lines(0) + b"[" * 9 + b"\n" + lines(1), "1 of 3"),
    (gzip.compress(lines(*range(9)))[:40], "log.jsonl: "),
]


@pytest.mark.parametrize(("content", "message"), UNREADABLE, ids=["0", "1", "2", "3", "4"])
@pytest.mark.parametrize("command", ["check", "replay"])
def test_a_log_that_cannot_be_replayed_is_refused(
    harness, serve, config, tmp_path, command, content, message
):
    """Exit 2, one line, and nobody is asked."""
    champion = serve()
    path = config(champion, serve())
    (tmp_path / "log.jsonl").write_bytes(content)

    said = harness(command, path)

    assert said.code == 2
    assert message in said.err + said.out
    assert "Traceback" not in said.err
    assert champion.seen == []
    assert not (tmp_path / "runs").exists()


def test_a_log_that_is_not_there_is_refused(harness, serve, config, tmp_path):
    """A missing file, an empty folder, and a device."""
    path = config(serve(), serve())
    (tmp_path / "hollow").mkdir()

    said = [harness("replay", path, "--log", name) for name in ("none", "hollow", "/dev/null")]

    assert [one.code for one in said] == [2, 2, 2]
    assert [one.err for one in said] == [
        "harness: none: no such file. Name a log: a file, or a folder with its files\n",
        "harness: hollow: holds no files. Name the log's file, or a folder with its files\n",
        "harness: /dev/null: is no file, and is read twice. Save it to a file first\n",
    ]


DAMAGED = [
    # cut off in the middle of its last line
    (lines(*range(40))[:-30], 39, "1 of 40"),
    (gzip.compress(lines(*range(99)), 0)[:-900], 97, "2 of 99"),
    # a line nested too deep
    (lines(0) + b"[" * 100_000 + b"]" * 100_000 + b"\n" + lines(*range(1, 40)), 40, "1 of 41"),
    # a number that is none
    (lines(*range(40)) + changed(40, truth=float("nan")), 40, "1 of 41"),
]


@pytest.mark.parametrize(("content", "n_pairs", "said_of"), DAMAGED, ids=["0", "1", "2", "3"])
def test_a_damaged_entry_costs_one_entry_and_is_told(
    harness, serve, config, tmp_path, content, n_pairs, said_of
):
    """The rest is replayed, and the user hears what was left out and why."""
    path = config(serve(), serve())
    (tmp_path / "log.jsonl").write_bytes(content)

    said = harness("replay", path, "--run", "runs/one", "--no-gate")

    assert said.code == 0
    assert f"log.jsonl: left out {said_of} entries that cannot be read (first: " in said.err
    assert pl.read_parquet("runs/one/pairs/**/*.parquet").height == n_pairs


HARMLESS = [
    # a byte order mark
    b"\xef\xbb\xbf" + lines(*range(40)),
    # numbers no float holds
    lines(*range(39)) + changed(39, body='{"n": 39, "big": ' + "9" * 300 + ', "none": NaN}'),
    # a body nested too deep for anybody to read
    lines(*range(39)) + changed(39, body='{"n": 39, "deep": ' + "[" * 9000 + "]" * 9000 + "}"),
    # the last first
    lines(*reversed(range(40))),
    # no times at all
    b"".join(changed(n, at=None) for n in range(40)),
]


@pytest.mark.parametrize("content", HARMLESS, ids=["0", "1", "2", "3", "4"])
def test_strange_but_readable_logs_are_replayed(harness, serve, config, tmp_path, content):
    """Forty entries, forty pairs, and every request with the body the log has."""
    champion = serve()
    path = config(champion, serve())
    (tmp_path / "log.jsonl").write_bytes(content)

    said = harness("replay", path, "--run", "runs/one", "--no-gate")

    assert (said.code, said.err) == (0, "")
    pairs = pl.read_parquet("runs/one/pairs/**/*.parquet")
    assert sorted(pairs["external_id"]) == sorted(f"e{n}" for n in range(40))
    assert pairs["champion_outcome"].to_list() == ["ok"] * 40


def test_entries_go_out_in_the_order_of_time(harness, serve, config, tmp_path):
    """Whatever their order in the file."""
    champion = serve()
    path = config(champion, serve(), change=swap("in_flight: 4", "in_flight: 1"))
    numbers = random.Random(2).sample(range(40), 40)
    (tmp_path / "log.jsonl").write_bytes(lines(*numbers))

    harness("replay", path, "--no-gate")

    assert [body["n"] for _, _, body in champion.seen] == list(range(40))


def test_one_line_of_two_hundred_megabytes_is_refused_in_bounded_memory(
    program, serve, config, tmp_path
):
    """It is no entry, it is read past, and it is never held whole."""
    path = config(serve(), serve())
    with (tmp_path / "log.jsonl").open("wb") as file:
        file.write(lines(*range(40)) + b'{"id": "')
        file.writelines([b"x" * 2**20] * 200)
        file.write(b'"}\n' + lines(40))

    said = ended(program("replay", path, "--run", "runs/one", "--no-gate"))

    largest_kib = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    assert said.code == 0, said.err
    assert "left out 1 of 42 entries that cannot be read (first: line 41, " in said.err
    assert largest_kib < 500 * 1024


# Deployments.


OUTCOMES = ["challenger_outcome", "challenger_error"]


def replayed(harness, config, champion, challenger, *, change=lambda text: text):
    """Twenty entries in a run, and how the challenger did: outcome and detail, once each."""
    path = config(
        champion,
        challenger,
        change=lambda text: change(text).replace("in_flight: 4", "in_flight: 20"),
    )
    said = harness("replay", path, "--run", "runs/one", "--json")
    pairs = pl.read_parquet("runs/one/pairs/**/*.parquet")
    assert pairs.height == 20
    assert pairs["champion_outcome"].to_list() == ["ok"] * 20
    return said, pairs, pairs.select(OUTCOMES).unique().rows()


def answering(data, *, then=lambda peer: None):
    """Sends `data` for every request of a connection, and then does something."""

    def behave(peer):
        while True:
            peer.read_request()
            peer.send(data)
            then(peer)

    return behave


def hang(peer):
    peer.read_request()
    peer.wait_for_eof()


def trickle(peer):
    """A byte every 20 ms, each of them in good time."""
    peer.read_request()
    peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n")
    while not peer.closed.wait(0.02):
        peer.send(b"x")


def half(peer):
    peer.read_request()
    peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nonly this")
    peer.close()


def leave(peer):
    peer.read_request()
    peer.reset()


MISBEHAVIOUR = [
    (hang, "timeout", "no answer within 300 ms"),
    (trickle, "timeout", "no end of the answer within 300 ms"),
    (half, "disconnected", ""),
    (leave, "disconnected", ""),
    (answering(b"SSH-2.0-OpenSSH_9.9\r\n" * 9), "unreadable", ""),
    (answering(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nok"),
     "unreadable", ""),
    (answering(b"HTTP/1.1 200 OK\r\nX: " + b"x" * 100_000), "unreadable", ""),
]  # fmt: skip


@pytest.mark.parametrize(
    ("behave", "outcome", "detail"), MISBEHAVIOUR, ids=[str(i) for i in range(len(MISBEHAVIOUR))]
)
def test_a_deployment_that_misbehaves_is_data(
    harness, serve, serve_raw, log, config, behave, outcome, detail
):
    """Every request a pair, its failure named, the challenger rejected and the champion unhurt."""
    log(20)
    faster = swap('{name: new, url: "', '{name: new, timeout: 300ms, url: "')

    said, _, outcomes = replayed(
        harness,
        config,
        serve(),
        serve_raw(behave),
        change=lambda text: faster(text).replace(", timeout: 2s}\nlog", "}\nlog"),
    )

    assert said.code == 10, said.err
    assert {kind for kind, _ in outcomes} == {outcome}
    assert all(detail in said_of for _, said_of in outcomes)
    assert said.err == ""


def test_a_redirect_is_an_answer_and_is_not_followed(harness, serve, serve_raw, log, config):
    """Status and body are kept, and compared; nobody is asked at the other place."""
    log(20)
    elsewhere = serve()
    head = f"HTTP/1.1 302 Found\r\nLocation: {elsewhere.url}/predict\r\nContent-Length: 5\r\n\r\n"

    said, pairs, outcomes = replayed(
        harness, config, serve(), serve_raw(answering(head.encode() + b"moved"))
    )

    assert said.code == 10
    assert outcomes == [("ok", None)]
    assert pairs["challenger_status"].to_list() == [302] * 20
    assert pairs["challenger_body"].to_list() == [b"moved"] * 20
    assert elsewhere.seen == []


def test_a_gzip_bomb_is_failed_output_and_bounded(program, serve, serve_raw, log, config):
    """Half a megabyte that holds half a gigabyte: no answer, and never held whole."""
    log(20)
    body = gzip.compress(bytes(2**20)) * 500
    head = (
        f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Encoding: gzip\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    path = config(serve(), serve_raw(answering(head.encode() + body)))

    said = ended(program("replay", path, "--run", "runs/one", "--json"))

    largest_kib = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    assert said.code == 10, said.err
    findings = said.verdict["challengers"][0]["findings"]
    assert [(one["metric"], one["challenger"]) for one in findings] == [
        ("failure_rate", 1.0),
        ("accuracy", 0.0),
    ]
    assert largest_kib < 600 * 1024


def test_an_endless_answer_is_given_up(harness, serve, serve_raw, log, config):
    """Beyond 64 MiB nobody waits for its end."""
    log(20)

    def flood(peer):
        peer.read_request()
        peer.send(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n")
        while not peer.closed.is_set():
            peer.send(b"x" * 65536)

    path = config(serve(), serve_raw(flood), change=swap("in_flight: 4", "in_flight: 2"))

    said = harness("replay", path, "--run", "runs/one", "--json")

    pairs = pl.read_parquet("runs/one/pairs/**/*.parquet")
    assert said.code == 10
    assert set(pairs["challenger_outcome"]) <= {"unreadable", "timeout"}
    assert pairs["challenger_body"].bin.size().max() <= 2**20


@pytest.fixture
def self_signed(tmp_path):
    """A TLS context for the name `localhost` alone, signed by nobody else."""
    cert, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"),
            *("-nodes", "-days", "2", "-subj", "/CN=localhost"),
            *("-addext", "subjectAltName=DNS:localhost", "-keyout", key, "-out", cert),
        ],
        check=True,
        capture_output=True,
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert, key)
    return context


def test_a_certificate_that_is_not_accepted_is_said_before_the_start(
    harness, serve, serve_raw, log, config, tmp_path, self_signed
):
    """Exit 13, one sentence with the reason, nothing written, nobody asked."""
    log(20)
    champion = serve()
    behind_tls = serve_raw(hang, tls=self_signed)
    behind_tls.url = behind_tls.url.replace("http://", "https://")

    said = harness("replay", config(champion, behind_tls))

    assert said.code == 13
    assert said.err.startswith(f"harness: new: {behind_tls.url}: ")
    assert "has a certificate that is not accepted: " in said.err
    assert champion.seen == []
    assert not (tmp_path / "runs").exists()


def test_a_name_that_is_not_known_is_said_before_the_start(harness, serve, log, config, tmp_path):
    """Exit 13: `.invalid` is in no directory of names (RFC 2606)."""
    log(20)
    nowhere = type("Nowhere", (), {"url": "http://model.invalid:9"})

    said = harness("replay", config(serve(), nowhere))

    assert said.code == 13
    assert said.err.startswith("harness: new: http://model.invalid:9: ")
    assert said.err.count("\n") == 1
    assert not (tmp_path / "runs").exists()


def test_failing_on_every_request_never_ends_with_zero(harness, serve, log, config):
    """Neither side has an answer: whatever the rules allow, there is nothing to promote."""
    log()
    path = config(serve("fails"), serve("fails"))

    assert harness("replay", path, "--json").code in (10, 11, 12)
