"""From a log and a config to pairs and a verdict, with real servers."""

import json
import socket

import polars as pl
import pytest

pytestmark = pytest.mark.process


def test_an_equal_challenger_is_promoted(harness, serve, log, config):
    """Same answers, no failures: all guardrails pass, exit 0, and the pairs are in Parquet."""
    log(), (path := config(serve(), serve()))

    ended = harness("replay", path, "--run", "runs/one", "--json")

    assert ended.code == 0, ended.err
    assert ended.verdict["decision"] == "promote"
    assert [f["status"] for f in ended.verdict["challengers"][0]["findings"]] == ["pass", "pass"]
    pairs = pl.read_parquet("runs/one/pairs/**/*.parquet")
    assert sorted(pairs["external_id"]) == sorted(f"e{n}" for n in range(80))
    assert pairs["request_id"].n_unique() == 80
    assert pairs["cluster_id"].n_unique() == 40
    assert pairs["segments"].struct.field("source").unique().sort().to_list() == ["mobile", "web"]


def test_a_wrong_challenger_is_rejected(harness, serve, log, config):
    """Every label wrong: exit 10, and the disagreements name the path that differs."""
    log(), (path := config(serve(), serve("wrong")))

    ended = harness("replay", path, "--json")

    assert ended.code == 10
    challenger = ended.verdict["challengers"][0]
    assert challenger["reason"].startswith("not_worse accuracy fails")
    assert challenger["paths"] == [
        {"comparison": "body", "path": "$.label", "n_differ": 80, "share": 1.0}
    ]


def test_a_failing_challenger_is_rejected_and_every_failure_is_a_pair(harness, serve, log, config):
    """503 is a failed outcome with its status and body kept."""
    log(), (path := config(serve(), serve("fails")))

    ended = harness("replay", path, "--run", "runs/one", "--json")

    assert ended.code == 10
    pairs = pl.read_parquet("runs/one/pairs/**/*.parquet")
    assert pairs["challenger_outcome"].to_list() == ["http_error"] * 80
    assert pairs["challenger_status"].to_list() == [503] * 80
    assert pairs["challenger_body"].null_count() == 0


def test_too_little_evidence_holds(harness, serve, log, config):
    """Nine users cannot show that failures are rarer than 1 %: exit 11, and how many could."""
    log(9, users=9), (path := config(serve(), serve(), change=lambda t: t.replace("0.1", "0.01")))

    ended = harness("replay", path, "--json")

    assert ended.code == 11
    assert ended.verdict["challengers"][0]["findings"][0]["clusters_missing"] > 100


@pytest.mark.parametrize(("hold_as", "code"), [("pass", 0), ("fail", 10)])
def test_a_hold_can_be_either_colour(harness, serve, log, config, hold_as, code):
    """For systems that know two."""
    log(9, users=9), (path := config(serve(), serve(), change=lambda t: t.replace("0.1", "0.01")))

    assert harness("replay", path, "--hold-as", hold_as).code == code


def test_the_clients_credentials_reach_no_challenger_and_no_disk(
    harness, serve, log, config, tmp_path
):
    """The champion gets them as recorded; the challenger gets its shadow mark instead."""
    champion, challenger = serve(), serve()
    log(), (path := config(champion, challenger))

    harness("replay", path, "--run", "runs/one")

    _, asked_champion, _ = champion.seen[0]
    _, asked_challenger, _ = challenger.seen[0]
    assert asked_champion["Authorization"] == "Bearer of-the-client"
    assert asked_champion["Host"] == "recorded.example"
    assert "Authorization" not in asked_challenger
    assert asked_challenger["X-Harness-Shadow"] == "new"
    assert asked_challenger["Host"] == challenger.url.removeprefix("http://")
    stored = [file.read_bytes() for file in (tmp_path / "runs").rglob("*") if file.is_file()]
    assert not any(b"of-the-client" in content for content in stored)


def test_a_challengers_own_rewrite_changes_its_requests_alone(harness, serve, log, config):
    """What the champion is asked stays as it was recorded."""
    champion, challenger = serve(), serve()
    log(10)
    rewrite = ', timeout: 2s, rewrite: {headers: {X-Model: b}, body: {$.source: "of-the-new"}}}'

    harness(
        "replay",
        config(
            champion,
            challenger,
            change=lambda text: text.replace(
                f'url: "{challenger.url}", timeout: 2s}}', f'url: "{challenger.url}"{rewrite}'
            ),
        ),
        "--no-gate",
    )

    asked = [[(headers.get("X-Model"), body["source"]) for _, headers, body in one.seen]
             for one in (champion, challenger)]  # fmt: skip
    assert set(asked[1]) == {("b", "of-the-new")}
    assert set(asked[0]) == {(None, "web"), (None, "mobile")}


def test_a_recorded_champion_is_not_asked(harness, serve, log, config):
    """Its answers come from the log; latency rules have no data unless the baseline is accepted."""
    champion, challenger = serve(), serve()
    log()
    path = config(
        champion,
        challenger,
        "    - {not_worse: latency_s.p50, margin: 1s}\nchampion_answers: recorded\n",
    )

    ended = harness("replay", path, "--json")

    assert champion.seen == []
    assert ended.code == 11
    statuses = [f["status"] for f in ended.verdict["challengers"][0]["findings"]]
    assert statuses == ["pass", "pass", "no_data"]
    assert ended.verdict["challengers"][0]["baseline"] == "recorded"


def test_an_accepted_baseline_has_the_logs_latency(harness, serve, log, config):
    """`baseline: recorded` takes 4 ms from the log."""
    log()
    path = config(
        serve(),
        serve(),
        "    - {not_worse: latency_s.p50, margin: 1s}\n"
        "champion_answers: recorded\nbaseline: recorded\n",
    )

    ended = harness("replay", path, "--json")

    latency = ended.verdict["challengers"][0]["findings"][2]
    assert (latency["champion"], ended.code) == (None, 11) or latency["champion"] == 0.004


def test_warm_up_requests_are_asked_and_not_counted(harness, serve, log, config):
    """Ten of eighty warm up: both are asked eighty times, seventy pairs are stored."""
    champion, challenger = serve(), serve()
    log(), (path := config(champion, challenger, "warm_up: 10\n"))

    ended = harness("replay", path, "--json")

    assert (len(champion.seen), len(challenger.seen)) == (80, 80)
    assert ended.verdict["challengers"][0]["n_pairs"] == 70


def test_a_budget_stops_asking(harness, serve, log, config):
    """A dollar at 5 cents a call is twenty calls; the rest is counted, and the verdict holds."""
    challenger = serve()
    log()
    path = config(
        serve(),
        challenger,
        change=lambda text: text.replace(
            "timeout: 2s}\nlog", "timeout: 2s, price: {usd_per_call: 0.05}, budget: {usd: 1}}\nlog"
        ),
    )

    ended = harness("replay", path, "--json")

    verdict = ended.verdict["challengers"][0]
    assert ended.code == 11
    assert len(challenger.seen) == 20
    assert verdict["losses"] == {"shed_budget": 60}
    assert verdict["received"] == 80


@pytest.mark.parametrize("keep", ["none", "differing"])
def test_bodies_that_are_not_kept_are_still_compared(harness, serve, log, config, keep, tmp_path):
    """Values are computed while the answers are there; a later gate reads them."""
    log(), (path := config(serve(), serve("wrong"), f"capture: {{keep_bodies: {keep}}}\n"))

    ended = harness("replay", path, "--run", "runs/one", "--json")
    again = harness("gate", "runs/one", "--json")

    assert (ended.code, again.code) == (10, 10)
    assert ended.out == again.out
    pairs = pl.read_parquet("runs/one/pairs/**/*.parquet")
    assert pairs["champion_body"].null_count() == (80 if keep == "none" else 0)


def test_nothing_listening_is_said_before_anything_is_written(harness, serve, log, config):
    """Exit 13, one sentence, no run."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}"
    log()
    path = config(serve(), type("Gone", (), {"url": url})())

    ended = harness("replay", path, "--run", "runs/one")

    authority = url.removeprefix("http://")
    assert ended.code == 13
    assert ended.err == (
        f"harness: new: {url}: {authority} refused the connection. "
        f"Start the deployment, or correct its `url`.\n"
    )
    assert not (path.parent / "runs").exists()


def test_a_path_that_matches_nothing_is_a_mistake_in_the_config(harness, serve, log, config):
    """Exit 2 however often it is judged, and the pairs are kept for a corrected path."""
    log()
    path = config(serve(), serve(), change=lambda text: text.replace("$.label", "$.labels"))

    refused = [harness("replay", path, "--run", "runs/one"), harness("gate", "runs/one")]
    refused.append(harness("gate", "runs/one", "--config", path))

    assert [ended.code for ended in refused] == [2, 2, 2]
    for ended in refused:
        assert ended.err.endswith(
            ": output.label: matches in none of 80 champion answers. Correct the path and judge "
            "the stored run with `harness gate runs/one --config FILE`\n"
        )
    assert pl.read_parquet("runs/one/pairs/**/*.parquet").height == 80
    path.write_text(path.read_text().replace("$.labels", "$.label"))
    assert harness("gate", "runs/one", "--config", path).code == 0


def test_an_existing_run_is_not_written_over(harness, serve, log, config):
    """Without --resume a second replay into the same folder is refused."""
    log(), (path := config(serve(), serve()))
    harness("replay", path, "--run", "runs/one")

    ended = harness("replay", path, "--run", "runs/one")

    assert ended.code == 2
    assert ended.err == (
        "harness: runs/one: is there already. Resume the run in it with --resume, or name another\n"
    )


def test_a_finished_run_has_nothing_to_resume(harness, serve, log, config):
    """--resume alone finds the latest run of this config and log, asks nobody, judges again."""
    champion = serve()
    log(), (path := config(champion, serve()))
    first = harness("replay", path, "--json")
    asked = len(champion.seen)

    again = harness("replay", path, "--resume", "--json")

    assert again.code == 0
    assert len(champion.seen) == asked
    assert (
        again.verdict["challengers"][0]["findings"] == first.verdict["challengers"][0]["findings"]
    )


def test_resuming_with_another_config_is_refused(harness, serve, log, config):
    """Pairs of two configs are not comparable."""
    log(), (path := config(serve(), serve()))
    harness("replay", path, "--run", "runs/one")
    path.write_text(path.read_text() + "seed: 7\n")

    ended = harness("replay", path, "--run", "runs/one", "--resume")

    assert ended.code == 2
    assert "runs/one: was made with another config (digest " in ended.err


def test_files_are_written_by_their_suffix(harness, serve, log, config, tmp_path):
    """JSON, JUnit and Markdown; an unknown suffix is refused before anything is asked."""
    champion = serve()
    log(), (path := config(champion, serve()))

    refused = harness("replay", path, "-o", "verdict.pdf")
    asked = len(champion.seen)
    harness("replay", path, "-o", "v.json", "-o", "v.xml", "-o", "sub/v.md")

    assert (refused.code, asked) == (2, 0)
    assert json.loads((tmp_path / "v.json").read_text())["decision"] == "promote"
    assert "<testsuites" in (tmp_path / "v.xml").read_text()
    assert "promote" in (tmp_path / "sub/v.md").read_text()


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("-rf", "'-rf': begins with '-' like an option"),
        ("x" * 300, "has 300 bytes between slashes"),
        ("a\nb", "has control characters in it"),
        ("", "the run's name is empty"),
    ],
)
def test_a_run_name_that_cannot_be_is_refused(harness, serve, log, config, name, message):
    """Before anything is asked, exit 2."""
    champion = serve()
    log(), (path := config(champion, serve()))

    ended = harness("replay", path, f"--run={name}")

    assert ended.code == 2
    assert message in ended.err
    assert champion.seen == []


def test_no_gate_stops_after_storing(harness, serve, log, config):
    """The run's folder is what is printed."""
    log(), (path := config(serve(), serve()))

    ended = harness("replay", path, "--run", "runs/one", "--no-gate")

    assert (ended.code, ended.out) == (0, "runs/one\n")


def test_two_runs_are_judged_as_one(harness, serve, log, config):
    """Pooled evidence has the pairs of both; a request is never in it twice."""
    log(), (path := config(serve(), serve()))
    for name in ("runs/one", "runs/two"):
        harness("replay", path, "--run", name)

    ended = harness("gate", "runs/one", "runs/two", "--json")

    assert ended.code == 0
    assert ended.verdict["run_ids"] == ["one", "two"]
    assert ended.verdict["challengers"][0]["n_pairs"] == 160
    assert ended.verdict["challengers"][0]["n_clusters"] == 40


def test_without_a_gate_a_challenger_that_never_answers_is_still_no_success(
    harness, serve, log, config
):
    """Errors on every request never exit 0; the pairs are stored all the same."""
    log(10), (path := config(serve(), serve("fails")))

    ended = harness("replay", path, "--run", "runs/one", "--no-gate")

    assert (ended.code, ended.out) == (12, "runs/one\n")
    assert "harness: new failed on every request (http_error).\n" in ended.err


def test_what_to_do_next_can_be_typed(harness, serve, log, config):
    """The run is named in it."""
    log(), (path := config(serve(), serve("wrong")))

    ended = harness("replay", path, "--run", "runs/one", "--json")

    assert ended.verdict["challengers"][0]["next_steps"] == [
        "Look at the worst pairs with `harness show runs/one`."
    ]


def test_a_request_that_stands_twice_counts_once(harness, serve, log, config):
    """By id and content: its pair stays stored, and nothing is counted twice. An id alone that
    stands twice is careless, and both its requests count."""
    path = log(40)
    first, second, *rest = path.read_text().splitlines(keepends=True)
    namesake = json.dumps(json.loads(second) | {"id": json.loads(rest[0])["id"]}) + "\n"
    path.write_text("".join([first, first, namesake, *rest]))

    ended = harness("replay", config(serve(), serve()), "--run", "runs/one", "--json")

    (judged,) = ended.verdict["challengers"]
    assert (judged["received"], judged["n_pairs"]) == (41, 40)
    assert judged["losses"] == {"duplicate": 1}
    assert judged["circumstances"]["n_duplicates"] == 1
    assert {one["check"] for one in judged["validity"] if one["status"] != "pass"} == set()
    assert len(pl.read_parquet("runs/one/pairs/**/*.parquet")) == 41
    assert ended.verdict["notes"] == [
        "4 log entries share their id with another; each was asked, and of those with the same "
        "content the first counts."
    ]
