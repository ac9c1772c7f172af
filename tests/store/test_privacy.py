"""What may be written to disk, and what never is."""

from datetime import UTC, datetime

import pytest

from harness.dialects.redaction.redaction import Redaction
from harness.exchange import Failure, FailureKind, Request
from harness.pair import Conservation, LossReason
from harness.store.layout import Series, journal_path, parts_of
from harness.store.privacy import (
    KeepBodies,
    Privacy,
    answers_differ,
    is_secret_name,
    masked_target,
)
from harness.store.reader import StoredRun
from harness.store.rows import body_hash
from harness.store.writer import RunWriter
from tests.store.builders import all_bytes, exchange, manifest, pair, response, written

SECRETS = (
    ("Authorization", "Bearer hunter2-a"),
    ("authorization", "Basic hunter2-b"),
    ("Cookie", "sid=hunter2-c"),
    ("X-Api-Key", "hunter2-d"),
    ("api-key", "hunter2-e"),
    ("X-Goog-Api-Key", "hunter2-f"),
    ("Proxy-Authorization", "hunter2-g"),
    ("X-Amz-Security-Token", "hunter2-h"),
    ("Ocp-Apim-Subscription-Key", "hunter2-i"),
    ("X-Custom", "Bearer hunter2-j"),
    ("X-Unknown", "hunter2-k"),
)


@pytest.mark.parametrize("is_sealed", [True, False])
def test_no_secret_reaches_the_disk(tmp_path, is_sealed):
    """Not in a part, not in a journal, not even when somebody asks for these headers by name."""
    answer = response(headers=(("Set-Cookie", "sid=hunter2-s"), ("Content-Type", "text/plain")))
    one = pair(
        1,
        request=Request("GET", "/v1?api_key=hunter2-q&n=1;token=hunter2-t", SECRETS, b"{}"),
        champion_side=exchange(request_id="r1", outcome=answer),
        challenger_side=exchange(
            "knn", request_id="r1", outcome=Failure(FailureKind.HTTP_ERROR, "status 401", answer)
        ),
    )
    asked_for = [name for name, _ in SECRETS if name != "X-Unknown"] + ["Set-Cookie"]

    run = tmp_path / "run"
    with RunWriter.create(run, manifest(), privacy=Privacy(headers=asked_for)) as writer:
        writer.append([one])
        writer.seal() if is_sealed else writer.acknowledge()

        assert (1 in parts_of(run, Series("knn"))) is is_sealed
        assert journal_path(run, Series("knn"), 1).exists() is not is_sealed
        assert b"hunter2" not in all_bytes(run)
        rows = StoredRun.open(run).scan("knn").collect()
        assert "hunter2" not in str(
            rows.to_dicts()
        )  # compression could hide it from a look at bytes
        assert rows["champion_headers"].to_list() == [
            [{"name": "Content-Type", "value": "text/plain"}]
        ]


def test_headers_on_the_list_are_kept_as_they_stood(tmp_path):
    """Order, case and duplicates stay; a header the user adds is kept beside the usual ones."""
    headers = (("ACCEPT", "a"), ("X-Team", "blue"), ("accept", "b"), ("X-Other", "c"))
    run = tmp_path / "run"
    with RunWriter.create(run, manifest(), privacy=Privacy(headers=["x-team"])) as writer:
        writer.append([pair(1, request=Request("GET", "/", headers))])

    (kept,) = StoredRun.open(run).scan("knn", ["request_headers"]).collect().to_series()

    assert [(one["name"], one["value"]) for one in kept] == [
        ("ACCEPT", "a"), ("X-Team", "blue"), ("accept", "b"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "is_secret"),
    [
        ("Authorization", True),
        ("x-api-key", True),
        ("apikey", True),
        ("accessToken", True),
        ("AWS_SECRET_ACCESS_KEY", True),
        ("Set-Cookie", True),
        # counts of tokens are no secret, and a word inside a word is none
        ("x-ratelimit-remaining-tokens", False),
        ("keyboard", False),
        ("content-type", False),
        ("monkey", False),
    ],
)
def test_a_credential_is_known_by_the_words_of_its_name(name, is_secret):
    """Whole words count, however they are joined."""
    assert is_secret_name(name) is is_secret


@pytest.mark.parametrize(
    ("target", "masked"),
    [
        ("/p", "/p"),
        ("/p?a=1&b=2", "/p?a=1&b=2"),
        ("/p?key=x&a=1", "/p?key=***&a=1"),
        ("/p?a=1&access_token=x", "/p?a=1&access_token=***"),
        ("/p?X-Amz-Signature=x#token=y", "/p?X-Amz-Signature=***#token=y"),
        # the path itself is no query
        ("/key=x", "/key=x"),
        ("/p?key=", "/p?key=***"),
        ("/p?a=1%26key=x", "/p?a=1%26key=x"),
    ],
)
def test_credentials_in_a_query_are_masked(target, masked):
    """Their names stay, so that one can see what was there."""
    assert masked_target(target) == masked


def answered(number, champion, challenger):
    sides = (("champion", champion), ("knn", challenger))
    one, other = (exchange(name, outcome=response(body)) for name, body in sides)
    return pair(number, champion_side=one, challenger_side=other)


SAME = answered(1, b"same bytes", b"same bytes")
OTHER = answered(2, b"one body", b"other body")


@pytest.mark.parametrize(
    ("keep", "bodies"),
    [
        (KeepBodies.ALL, [b"same bytes", b"other body"]),
        (KeepBodies.DIFFERING, [None, b"other body"]),
        (KeepBodies.NONE, [None, None]),
    ],
)
def test_bodies_are_kept_as_the_config_says(tmp_path, keep, bodies):
    """Sizes always stay, and a hash where the body does not."""
    run = tmp_path / "run"
    with RunWriter.create(run, manifest(), privacy=Privacy(keep_bodies=keep)) as writer:
        writer.append([SAME, OTHER])

    rows = StoredRun.open(run).scan("knn").collect()

    assert rows["challenger_body"].to_list() == bodies
    assert rows["challenger_body_bytes"].to_list() == [10, 10]
    assert rows["challenger_body_hash"].to_list() == [
        body_hash(whole) if body is None else None
        for body, whole in zip(bodies, [b"same bytes", b"other body"], strict=True)
    ]
    assert rows["request_body"].is_null().to_list() == [body is None for body in bodies]
    assert rows["request_body_bytes"].to_list() == [8, 8]
    for body in (b"one body", b"other body"):
        assert (body in all_bytes(run)) is (keep is not KeepBodies.NONE)


def test_what_differs_can_be_decided_by_the_caller(tmp_path):
    """A comparison that knows the format decides which bodies are worth keeping."""
    run = tmp_path / "run"
    privacy = Privacy(keep_bodies=KeepBodies.DIFFERING, differ=lambda pair: pair is SAME)
    with RunWriter.create(run, manifest(), privacy=privacy) as writer:
        writer.append([SAME, OTHER])

    rows = StoredRun.open(run).scan("knn").collect()

    assert rows["champion_body"].to_list() == [b"same bytes", None]


def test_a_failure_differs_from_everything():
    """What a failed side left is worth keeping, whatever the other said."""
    failed = exchange("knn", outcome=Failure(FailureKind.TIMEOUT, "no answer within 500 ms"))

    assert not answers_differ(SAME)
    assert answers_differ(OTHER)
    assert answers_differ(pair(1, challenger_side=failed))
    assert answers_differ(pair(1, challenger_side=exchange("knn", outcome=response(status=404))))


def test_a_run_says_which_bodies_it_kept(tmp_path):
    """`run.json` has it, because values cannot be computed from bodies that are gone."""
    run = written(tmp_path / "run", [SAME])

    assert StoredRun.open(run).manifest.keep_bodies is KeepBodies.ALL


def test_what_is_written_went_through_redaction(tmp_path):
    """The body that is kept, and the values computed from it, are the redacted ones."""
    run = tmp_path / "run"
    redact = Redaction(("email",), b"for a test")
    one = answered(1, b'"ann@example.com"', b'"bob@example.com"')
    with RunWriter.create(run, manifest(), privacy=Privacy(redact=redact)) as writer:
        writer.append([one])

    (row,) = StoredRun.open(run).scan("knn").collect().to_dicts()

    assert row["champion_body"].startswith(b'"[email:')
    assert row["champion_body"] != row["challenger_body"]
    assert b"example.com" not in all_bytes(run)


def test_a_pair_that_cannot_be_redacted_is_a_loss_by_name(tmp_path):
    """Nothing of it is written, whatever went wrong, and the sum still holds."""

    def redact(kept):
        if kept.request_id == "r2":
            raise RecursionError
        return kept

    run = tmp_path / "run"
    counts = {"knn": Conservation(received=4, paired=3, losses={LossReason.TOO_LARGE: 1})}
    with RunWriter.create(run, manifest(), privacy=Privacy(redact=redact)) as writer:
        writer.append([pair(1), pair(2), pair(3)])
        writer.finish(counts, at=datetime.now(UTC))

    stored = StoredRun.open(run)
    found = stored.conservation("knn")
    assert stored.scan("knn").collect()["request_id"].to_list() == ["r1", "r3"]
    assert (found.paired, found.losses[LossReason.UNREDACTED], found.holds) == (2, 1, True)
