"""The verdict on a stored run: as it is kept with the run, or judged now."""

from __future__ import annotations

from collections.abc import Sequence

from harness.cli.gate import config_of
from harness.cli.judging import judged
from harness.cli.meaning import policy_digest
from harness.config import Config
from harness.errors import StoreError, UsageError
from harness.report.json_reading import verdict_of
from harness.report.standings import Standing
from harness.store.manifest import Pacing
from harness.store.reader import StoredRun
from harness.store.verdicts import current_verdict
from harness.verdict import Verdict


def verdict_on(run: StoredRun, config: Config) -> Verdict:
    """One run's verdict by a config; judged where none is kept that is younger than its pairs.

    Raises:
        UsageError: The run has no challengers, or others than the config.
        ConfigError: As judging does.
    """
    if not run.challengers:
        raise UsageError(f"{run.path}: has no challengers, so there is no verdict on it")
    digest = policy_digest(config, open_loop=run.manifest.pacing is Pacing.OPEN)
    return _kept(run, digest) or judged([run], config).verdict


def standings(
    runs: Sequence[StoredRun], config: Config | None, challengers: Sequence[str]
) -> tuple[Standing, ...]:
    """Each run's challengers, in the order of the runs.

    Args:
        config: Judges them all; None for each run's own.
        challengers: These alone; all of them where none is named.

    Raises:
        UsageError: A name that is in none of the runs.
    """
    found = []
    for run in runs:
        verdict = verdict_on(run, config_of(run) if config is None else config)
        manifest = run.manifest
        found += [
            Standing(
                run_id=manifest.run_id,
                started_at=manifest.started_at,
                config=manifest.name,
                config_digest=manifest.config_digest,
                policy_digest=verdict.policy_digest,
                judged=one,
            )
            for one in verdict.challengers
        ]
    known = dict.fromkeys(one.judged.challenger for one in found)
    for name in challengers:
        if name not in known:
            raise UsageError(f"--challenger {name}: the runs have {', '.join(known)}. Name these")
    return tuple(one for one in found if not challengers or one.judged.challenger in challengers)


def _kept(run: StoredRun, digest: str) -> Verdict | None:
    record = current_verdict(run.path, digest)
    # A verdict on several runs, pooled, is kept with each of them.
    if record is None or record.get("run_ids") != [run.manifest.run_id]:
        return None
    try:
        return verdict_of(record)
    except ValueError as exc:
        raise StoreError(
            f"{run.path}: the verdict {digest} is damaged ({exc}). Remove it from verdicts/ and "
            f"the run is judged again"
        ) from exc
