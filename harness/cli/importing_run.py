"""A log that holds the answers of both sides, as a run that can be judged."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from harness.cli.entries import Belonging
from harness.cli.judging import Tables
from harness.cli.keeping import privacy_of
from harness.cli.meaning import usage_reader, values_digest
from harness.cli.parties import statuses_of
from harness.cli.places import run_id_for
from harness.cli.pricing import Pricing, pricing_of, raised
from harness.cli.versions import versions
from harness.config import Config
from harness.config.deployment import USUAL_TIMEOUT_S
from harness.config.deployment import Deployment as ConfiguredDeployment
from harness.config.model import USUAL_FAILURES
from harness.errors import UsageError
from harness.exchange import DeploymentName
from harness.pair import Conservation
from harness.replay.corpus import Corpus
from harness.replay.recorded import RecordedPairs, RecordedParty
from harness.run import Deployment, Role, RunId
from harness.store.disk import is_taken
from harness.store.manifest import ChampionAnswers, Manifest, Pacing
from harness.store.portion import Measure
from harness.store.privacy import KeepBodies, Privacy
from harness.store.writer import RunWriter
from harness.usage import Usage

_ENTRIES_BETWEEN_SEALS = 10_000
_USUAL_NAME = DeploymentName("champion")


@dataclass(frozen=True, slots=True)
class Logs:
    """A log, and those that others' answers came from, added to it already.

    Attributes:
        others: Logs of challengers by name; empty where the one log has all answers.
    """

    corpus: Corpus
    others: Mapping[str, Corpus]

    @property
    def answered_by(self) -> tuple[str, ...]:
        return tuple(one.by for one in self.corpus.other_answers)

    @property
    def where(self) -> tuple[str, ...]:
        return tuple(one.contents.where for one in (self.corpus, *self.others.values()))

    @property
    def digest(self) -> str:
        """The log's own; over all of them where there are several."""
        digests = [self.corpus.digest, *(one.digest for one in self.others.values())]
        if len(digests) == 1:
            return digests[0]
        return hashlib.sha256("\n".join(digests).encode()).hexdigest()


def import_run(logs: Logs, config: Config | None, out: Path) -> Mapping[str, Conservation]:
    """Write a run; it is there when it is whole, or not at all.

    Args:
        config: Names the deployments and says whose a request is; None to take the log's names.

    Returns:
        Where the requests went, by challenger.

    Raises:
        UsageError: Something is at `out` already, or the config names other deployments.
        ConfigError: A model has no price.
        StoreFullError: There is no room.
    """
    if is_taken(out):
        raise UsageError(f"{out}: is there already. Name a folder that is not")
    pricing = Pricing({}) if config is None else pricing_of(config, raised)
    pairs = _pairs(logs, config, pricing, out)
    with _put_in_place(out) as beside:
        writer = _writer(logs, config, pricing, pairs, beside)
        with writer:
            for i, answered in enumerate(logs.corpus.answered(), start=1):
                writer.append(pairs.take(answered))
                if i % _ENTRIES_BETWEEN_SEALS == 0:
                    writer.acknowledge()
            writer.finish(pairs.conservation(), at=datetime.now(UTC))
    return pairs.conservation()


@contextmanager
def _put_in_place(out: Path) -> Iterator[Path]:
    """A folder beside, that takes its place at the end: half a run would be judged as a whole."""
    beside = out.with_name(f".{out.name}.{os.getpid()}.partial")
    try:
        yield beside
        beside.replace(out)
    finally:
        shutil.rmtree(beside, ignore_errors=True)


def _pairs(logs: Logs, config: Config | None, pricing: Pricing, out: Path) -> RecordedPairs:
    now_ns = int(datetime.now(UTC).timestamp() * 1_000_000_000)
    belonging = Belonging() if config is None else Belonging.of(config)
    champion = RecordedParty(_USUAL_NAME, USUAL_TIMEOUT_S)
    return RecordedPairs(
        run_id=run_id_for(out),
        champion=champion if config is None else _party(config.champion, pricing),
        challengers=_challengers(logs.answered_by, config, pricing),
        failures=statuses_of(USUAL_FAILURES if config is None else config.failures),
        cluster_of=belonging.cluster_of,
        segments_of=belonging.segments_of,
        usage_of=(lambda response: Usage()) if config is None else usage_reader(config),
        imported_at_ns=now_ns,
    )


def _challengers(
    answered_by: Sequence[str], config: Config | None, pricing: Pricing
) -> dict[str, RecordedParty]:
    """By whose answers they are in the log; with one in each, those are the same."""
    if config is None:
        return {by: RecordedParty(DeploymentName(by), USUAL_TIMEOUT_S) for by in answered_by}
    configured = {one.name: one for one in config.challengers}
    if len(answered_by) == len(configured) == 1:
        return {answered_by[0]: _party(config.challengers[0], pricing)}
    if set(answered_by) != set(configured):
        raise UsageError(
            f"{config.path}: names the challengers {', '.join(configured) or 'none'}, and there "
            f"are answers of {', '.join(answered_by)}. Say whose a log is: --challenger NAME=LOG"
        )
    return {by: _party(configured[by], pricing) for by in answered_by}


def _party(one: ConfiguredDeployment, pricing: Pricing) -> RecordedParty:
    return RecordedParty(DeploymentName(one.name), one.timeout_s, pricing.of[one.name])


def _writer(
    logs: Logs, config: Config | None, pricing: Pricing, pairs: RecordedPairs, folder: Path
) -> RunWriter:
    privacy = Privacy() if config is None else privacy_of(config)
    measure = None
    if config is not None and privacy.keep_bodies is not KeepBodies.ALL:
        tables = Tables(config, open_loop=False)
        measure = Measure(values_digest(config, open_loop=False), tables.build)
    manifest = _manifest(logs, config, pricing, pairs)
    return RunWriter.create(folder, manifest, privacy=privacy, measure=measure)


def _manifest(
    logs: Logs, config: Config | None, pricing: Pricing, pairs: RecordedPairs
) -> Manifest:
    contents = logs.corpus.contents
    first = next((f"{one.position}, {one.why}" for one in contents.first_rejections), "")
    return Manifest(
        run_id=RunId(pairs.run_id),
        name=Path(logs.where[0]).stem if config is None else config.path.stem,
        config={} if config is None else config.as_run(),
        config_digest="" if config is None else config.digest,
        log_digest=logs.digest,
        deployments=tuple(_deployments(logs, config, pairs)),
        started_at=datetime.now(UTC),
        seed=0 if config is None else config.seed,
        pacing=Pacing.NONE,
        champion_answers=ChampionAnswers.RECORDED,
        baseline="same" if config is None else config.baseline,
        segments=() if config is None else tuple(config.segments),
        n_entries=contents.n_entries,
        n_rejected=contents.n_rejected,
        first_rejected=first,
        versions=versions(),
        imported_from=logs.where,
        prices=pricing.sources,
    )


def _deployments(logs: Logs, config: Config | None, pairs: RecordedPairs) -> Iterator[Deployment]:
    """Champion and challengers, each where its answers came from."""
    ours = logs.corpus.contents.where
    champion = pairs.champion
    yield Deployment(champion.name, Role.CHAMPION, ours, champion.timeout_s)
    order = None if config is None else [one.name for one in config.challengers]
    found = {party.name: (by, party) for by, party in pairs.challengers.items()}
    for name in order or found:
        by, party = found[DeploymentName(name)]
        theirs = logs.others[by].contents.where if by in logs.others else ours
        yield Deployment(party.name, Role.CHALLENGER, theirs, party.timeout_s)
