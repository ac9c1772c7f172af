"""`harness replay`: put a recorded log to champion and challengers, then judge."""

from __future__ import annotations

import asyncio
import secrets
import shlex
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Annotated

import typer
import uvloop

from harness.cli import annotating
from harness.cli.carrying_out import Done, Job, Unpriced, carry_out
from harness.cli.corpora import corpus_of, warn_of_damage
from harness.cli.elsewhere import begun, sent
from harness.cli.entries import Entries
from harness.cli.exits import OK, InterruptionError
from harness.cli.gate import AsJson, HoldIs, OneChallenger, Outputs, conclude
from harness.cli.judging import Tables
from harness.cli.keeping import privacy_of
from harness.cli.meaning import usage_reader, values_digest
from harness.cli.outputs import check_outputs
from harness.cli.places import RUNS, run_id_for
from harness.cli.pricing import Pricing, pricing_of
from harness.cli.progress import ProgressLine
from harness.cli.versions import versions
from harness.config import Config, load
from harness.config.deployment import Deployment as ConfiguredDeployment
from harness.errors import ConfigError, UsageError
from harness.exchange import DeploymentName
from harness.gate.exit_code import EXIT_CODES
from harness.pair import Conservation
from harness.replay.corpus import Corpus
from harness.run import Deployment, Role
from harness.store.catalogue import latest_matching
from harness.store.disk import is_taken
from harness.store.manifest import ChampionAnswers, Manifest, Pacing, Status
from harness.store.naming import new_run_id, run_folder
from harness.store.portion import Measure
from harness.store.privacy import KeepBodies
from harness.store.reader import StoredRun
from harness.store.remote import is_uri
from harness.store.retention import prune
from harness.store.writer import RunWriter
from harness.verdict import Decision


def replay(
    config: Annotated[
        Path, typer.Argument(metavar="CONFIG", help="The config, for instance harness.yaml.")
    ],
    log: Annotated[
        list[str] | None,
        typer.Option("--log", metavar="FILE", help="Take this log, not the config's; repeatable."),
    ] = None,
    format: Annotated[
        str | None,
        typer.Option(
            "--format", metavar="NAME", help="The log's format; told by content otherwise."
        ),
    ] = None,
    run: Annotated[
        str | None,
        typer.Option(
            "--run", metavar="RUN", help="Folder, URI or id of the run. New below runs/ otherwise."
        ),
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with --run, or the latest run of this kind.")
    ] = False,
    no_gate: Annotated[bool, typer.Option("--no-gate", help="Stop after storing.")] = False,
    output: Outputs = None,
    as_json: AsJson = False,
    challenger: OneChallenger = None,
    hold_as: HoldIs = None,
) -> int:
    """Replay a log to champion and challengers, and judge them.

    Pairs are stored below runs/ as they come in, and can be judged again with `harness gate`.

    Exit codes: 0 promote, 10 reject, 11 hold, 12 the run is no evidence, 13 a deployment could not
    be reached before the start, 130 interrupted: what was captured is stored.

    Example: harness replay harness.yaml --log access.har -o verdict.json
    """
    check_outputs(output or ())
    read = load(config, overrides=_overrides(log, format))
    if challenger is not None and challenger not in {one.name for one in read.challengers}:
        names = ", ".join(one.name for one in read.challengers) or "none"
        raise UsageError(f"--challenger {challenger}: the config has {names}. Name one of these")
    with (
        tempfile.TemporaryDirectory(prefix="harness-") as spool,
        _corpus(read, log, Path(spool)) as corpus,
    ):
        _refuse_unfit(read, corpus)
        warn_of_damage(corpus)
        folder, existing = _folder(read, corpus, run, resume=resume)
        done = _replayed(read, corpus, folder, existing, Path(spool))
    stored = StoredRun.open(folder)
    _prune(read, folder)
    with _kept(folder, run):
        if done.unpriced is not None:
            raise done.unpriced
        if done.interrupted:
            named = run if run is not None else str(folder)
            raise InterruptionError(_how_to_resume(config, log or (), format, named, stored))
        if no_gate:
            print(folder)
            return _code_without_gate(done)
        if read.annotators:
            told = annotating.annotate(stored, read)
            annotating.say(told, lambda line: print(f"harness: {line}", file=sys.stderr))
        return conclude([stored], read, output or (), as_json, challenger, hold_as)


@contextmanager
def _kept(folder: Path, run: str | None) -> Iterator[None]:
    """In the end, whatever it is, put the run where it is to be kept."""
    try:
        yield
    finally:
        if run is not None and is_uri(run):
            sent(folder, run)


def _code_without_gate(done: Done) -> int:
    """Success, unless somebody never answered: nothing can be learned from such a run."""
    silent = [name for name, seen in done.progress.outcomes.items() if seen and not seen.get("ok")]
    for name in silent:
        kinds = ", ".join(sorted(done.progress.outcomes[name]))
        print(f"harness: {name} failed on every request ({kinds}).", file=sys.stderr)
    return EXIT_CODES[Decision.INVALID] if silent else OK


def _overrides(log: list[str] | None, format: str | None) -> dict[str, str]:
    overrides = {}
    if log:
        overrides["log"] = _quoted(str(Path(log[0]).absolute()))
    if format is not None:
        overrides["format"] = _quoted(format)
    return overrides


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _corpus(config: Config, logs: list[str] | None, spool: Path) -> Corpus:
    if config.log_path is None:
        raise ConfigError(
            str(config.path), "log", "is not set", "Name a recorded log there or with --log"
        )
    paths = [Path(log) for log in logs] if logs else [Path(config.log_path)]
    return corpus_of(
        paths,
        config.log_format,
        spool,
        names=config.nginx_names,
        max_rejected_rate=config.max_rejected_rate,
    )


def _refuse_unfit(config: Config, corpus: Corpus) -> None:
    """What of the config this log cannot bear at all."""
    path = str(config.path)
    if config.pacing.mode == "recorded" and not corpus.has_times:
        raise ConfigError(
            path,
            "pacing.mode",
            f"is recorded, and the log has no times ({corpus.format_name})",
            "Use {mode: rate, per_s: 50} or {mode: closed, in_flight: 16}",
        )
    if config.champion_answers == "recorded" and corpus.contents.n_with_answer == 0:
        raise ConfigError(
            path,
            "champion_answers",
            f"is recorded, and none of the {corpus.n_entries:,} entries of the log has an answer",
            "Ask the champion: `champion_answers: live`",
        )
    if corpus.n_entries <= config.warm_up:
        raise ConfigError(
            path,
            "warm_up",
            f"is {config.warm_up:,}, and the log has {corpus.n_entries:,} entries",
            "Lower it, so that some are left to count",
        )


def _folder(
    config: Config, corpus: Corpus, run: str | None, *, resume: bool
) -> tuple[Path, StoredRun | None]:
    """Where the run goes, and what of it is there already."""
    if run is not None and is_uri(run):
        run = str(begun(run, RUNS, resume=resume))
    if not resume:
        path = config.path.absolute()
        name = path.stem if path.stem != "harness" else path.parent.name
        salt = secrets.token_hex(3)
        fresh = new_run_id(name or "run", at=datetime.now(UTC), salt=salt)
        return (run_folder(run, RUNS) if run is not None else RUNS / fresh), None
    if run is None:
        latest = latest_matching(RUNS, config_digest=config.digest, log_digest=corpus.digest)
        if latest is None:
            raise UsageError(
                f"--resume: no run below {RUNS}/ has this config and this log. "
                f"Name one with --run, or start anew without --resume"
            )
        return latest, StoredRun.open(latest)
    folder = run_folder(run, RUNS)
    stored = StoredRun.open(folder)
    _refuse_another(stored, config, corpus)
    return folder, stored


def _refuse_another(stored: StoredRun, config: Config, corpus: Corpus) -> None:
    manifest = stored.manifest
    for what, theirs, ours in (
        ("config", manifest.config_digest, config.digest),
        ("log", manifest.log_digest, corpus.digest),
    ):
        if theirs != ours:
            raise UsageError(
                f"{stored.path}: was made with another {what} (digest {theirs[:12]}, now "
                f"{ours[:12]}), so its pairs are not comparable. Start a new run without --resume"
            )


def _replayed(
    config: Config, corpus: Corpus, folder: Path, existing: StoredRun | None, spool: Path
) -> Done:
    names = [one.name for one in config.challengers]
    done = [existing.entries_of(name) if existing else set() for name in names]
    entries = Entries.of(config, corpus, done)
    if existing is None and is_taken(folder):
        raise UsageError(
            f"{folder}: is there already. Resume the run in it with --resume, or name another"
        )
    unpriced = Unpriced()
    pricing = pricing_of(config, unpriced)
    opening = _Opening(config, corpus, folder, existing, pricing)
    job = Job(
        config=config,
        entries=entries,
        open_run=opening.open,
        run_id=opening.run_id,
        usage_of=usage_reader(config),
        spent_usd=_spent(config, existing),
        pricing=pricing,
        unpriced=unpriced,
        n_to_ask=sum(1 for _ in entries.to_ask()) if existing else entries.n_counted,
        logs=spool,
        runs=folder.parent,
    )
    with ProgressLine(sys.stderr) as line:
        try:
            finished = uvloop.run(carry_out(job, line.show))
        except asyncio.CancelledError as exc:  # by a signal, before anything was asked
            raise KeyboardInterrupt from exc
    opening.finish(finished, entries)
    return finished


def _spent(config: Config, existing: StoredRun | None) -> Mapping[str, Decimal]:
    if existing is None:
        return {}
    return {
        one.name: Decimal(repr(existing.spent_usd(one.name)))
        for one in (config.champion, *config.challengers)
    }


class _Opening:
    """Opens the run for writing when the time has come, and closes it with its counts."""

    def __init__(
        self,
        config: Config,
        corpus: Corpus,
        folder: Path,
        existing: StoredRun | None,
        pricing: Pricing,
    ) -> None:
        self._config = config
        self._pricing = pricing
        self._corpus = corpus
        self._folder = folder
        self._existing = existing
        self._writer: RunWriter | None = None
        self.run_id = existing.manifest.run_id if existing else run_id_for(folder)

    def open(self) -> RunWriter:
        privacy = privacy_of(self._config)
        measure = self._measure() if privacy.keep_bodies is not KeepBodies.ALL else None
        if self._existing is not None:
            self._writer = RunWriter.resume(self._folder, privacy=privacy, measure=measure)
        else:
            self._writer = RunWriter.create(
                self._folder, self._manifest(), privacy=privacy, measure=measure
            )
        return self._writer

    def finish(self, done: Done, entries: Entries) -> None:
        assert self._writer is not None
        self._writer.finish(
            {
                name: _whole(counts, self._writer.n_found.get(name, 0), entries.n_counted)
                for name, counts in done.conservation.items()
            },
            at=datetime.now(UTC),
            status=Status.INTERRUPTED if done.interrupted or done.unpriced else Status.FINISHED,
        )

    def _measure(self) -> Measure:
        open_loop = self._config.pacing.mode != "closed"
        tables = Tables(self._config, open_loop=open_loop)
        return Measure(values_digest(self._config, open_loop=open_loop), tables.build)

    def _manifest(self) -> Manifest:
        config = self._config
        roles: list[tuple[ConfiguredDeployment, Role]] = [(config.champion, Role.CHAMPION)]
        roles += [(one, Role.CHALLENGER) for one in config.challengers]
        return Manifest(
            run_id=self.run_id,
            name=config.path.stem,
            config=config.as_run(),
            config_digest=config.digest,
            log_digest=self._corpus.digest,
            deployments=tuple(
                Deployment(DeploymentName(one.name), role, config.where(one), one.timeout_s)
                for one, role in roles
            ),
            started_at=datetime.now(UTC),
            seed=config.seed,
            pacing=Pacing.CLOSED if config.pacing.mode == "closed" else Pacing.OPEN,
            champion_answers=ChampionAnswers(config.champion_answers),
            baseline=config.baseline,
            segments=tuple(config.segments),
            n_entries=self._corpus.n_entries,
            n_rejected=self._corpus.n_rejected,
            first_rejected=_first_rejected(self._corpus),
            n_repeated_ids=self._corpus.contents.n_duplicates,
            prices=self._pricing.sources,
            versions=versions(),
        )


def _first_rejected(corpus: Corpus) -> str:
    for rejected in corpus.first_rejections:
        return f"{rejected.position}, {rejected.why}"
    return ""


def _whole(now: Conservation, n_found: int, n_counted: int) -> Conservation:
    """Counts of the whole run: what it found, what it did, and what is still to be asked."""
    paired = n_found + now.paired
    lost = sum(now.losses.values())
    return Conservation(n_counted, paired, now.losses, n_counted - paired - lost)


def _prune(config: Config, folder: Path) -> None:
    """Delete runs that `capture.retention` no longer keeps, among those of the usual folder."""
    retention = config.capture.retention
    if retention is None or folder.parent != RUNS:
        return
    gone = prune(
        RUNS,
        max_bytes=retention.max_bytes,
        max_age_s=retention.max_age_s,
        now=datetime.now(UTC),
        keep=folder,
    )
    for run in gone:
        print(f"harness: deleted {run.path}, by `capture.retention`", file=sys.stderr)


def _how_to_resume(
    config: Path, log: Sequence[str], format: str | None, run: str, stored: StoredRun
) -> str:
    pairs = sum(stored.n_pairs(name) for name in stored.challengers)
    words = ["harness", "replay", str(config)]
    words += [word for one in log for word in ("--log", one)]
    words += [] if format is None else ["--format", format]
    again = shlex.join([*words, "--run", run, "--resume"])
    return f"interrupted with {pairs:,} pairs stored in {stored.path}. Go on with: {again}"
