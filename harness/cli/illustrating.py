"""What a page shows beyond the verdict, gathered from stored runs. Calls no model."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping, Sequence
from io import StringIO

import polars as pl
from ruamel.yaml import YAML

from harness.cli.judging import Judged
from harness.cli.pair_views import view_of
from harness.collected import Collected
from harness.config import Config
from harness.distributions import distributions, quantile_curves
from harness.history import histories
from harness.measure.browsing import Choice, browse
from harness.measure.specimens import disagreeing, failing, typical
from harness.quantity import say
from harness.report.material import Dossier, Example, Field, Material, Provenance
from harness.report.page import render
from harness.run import Deployment
from harness.store.manifest import Manifest
from harness.store.reader import StoredRun
from harness.verdict import ChallengerVerdict, Verdict

MOST_WORST = 14
MOST_PATHS = 12


def page_of(runs: Sequence[StoredRun], config: Config, judged: Judged) -> str:
    """The page of some runs that were judged as one."""
    return render(judged.verdict, dossier(runs, config, judged.collected, judged.verdict))


def dossier(
    runs: Sequence[StoredRun], config: Config, collected: Sequence[Collected], verdict: Verdict
) -> Dossier:
    """All there is to show of some runs that were judged as one."""
    return Dossier(
        materials={
            one.challenger: _material(runs, config, one, verdict.of(one.challenger))
            for one in collected
        },
        provenance=_provenance(runs, config, verdict),
    )


def _material(
    runs: Sequence[StoredRun], config: Config, one: Collected, judged: ChallengerVerdict
) -> Material:
    return Material(
        distributions=distributions(one),
        curves=quantile_curves(one),
        histories=histories(one, judged.findings),
        fields=tuple(_fields(one, judged)),
        examples=tuple(_examples(runs, config, one)),
        outcomes=failing(one.values),
    )


def _fields(one: Collected, judged: ChallengerVerdict) -> Iterator[Field]:
    """Comparisons with their noise floor, then the paths within them that differ most often."""
    floors = {floor.comparison: floor.floor for floor in judged.noise_floor or ()}
    for name, (n_differ, n_compared) in disagreeing(one.values, one.comparisons).items():
        if n_compared:
            yield Field(name, n_differ, n_differ / n_compared, floors.get(name))
    for path in judged.paths[:MOST_PATHS]:
        yield Field(f"{path.comparison} {path.path}", path.n_differ, path.share)


def _examples(runs: Sequence[StoredRun], config: Config, one: Collected) -> Iterator[Example]:
    """The worst pairs, then those that stand for many, with what was answered."""
    alike = typical(one.values, one.comparisons)
    worst = browse(one.values, one.comparisons, Choice(most=MOST_WORST))
    standing = browse(
        one.values.filter(pl.col("request_id").is_in(list(alike))),
        one.comparisons,
        Choice(most=len(alike) or 1),
    )
    stored = _pairs(runs, one.challenger, [*worst["request_id"], *alike])
    for kind, rows in (("worst", worst), ("typical", standing)):
        found = sorted(rows.iter_rows(named=True), key=lambda row: -alike.get(row["request_id"], 0))
        for row in rows.iter_rows(named=True) if kind == "worst" else found:
            if row["request_id"] not in stored:
                continue  # the values are there, the pair was erased since
            yield Example(
                kind=kind,
                size=row["size"],
                view=view_of(stored[row["request_id"]], config),
                fields=tuple(row["fields"]),
                segments=tuple(row["segments"]),
                outcome=row["outcome"].replace("-", " "),
                n_alike=alike.get(row["request_id"]) if kind == "typical" else None,
            )


def _pairs(
    runs: Sequence[StoredRun], challenger: str, request_ids: Sequence[str]
) -> dict[str, dict[str, object]]:
    wanted = pl.col("request_id").is_in(list(request_ids))
    return {
        row["request_id"]: row
        for run in runs
        for row in run.scan(challenger).filter(wanted).collect().iter_rows(named=True)
    }


def _provenance(runs: Sequence[StoredRun], config: Config, verdict: Verdict) -> Provenance:
    named = " ".join(shlex.quote(str(run.path)) for run in runs)
    facts = [
        ("made by", f"harness gate {named} -o report.html"),
        ("judged with", _versions(verdict.versions)),
        ("policy digest", verdict.policy_digest),
    ]
    for run in runs:
        facts += _of_run(run.manifest, several=len(runs) > 1)
    return Provenance(tuple(facts), _as_yaml(config.masked()))


def _of_run(manifest: Manifest, *, several: bool) -> Iterator[tuple[str, str]]:
    about = f"{manifest.run_id}: " if several else ""
    yield f"{about}run", str(manifest.run_id)
    until = f" to {manifest.finished_at:%Y-%m-%d %H:%M:%S}" if manifest.finished_at else ""
    yield f"{about}collected", f"{manifest.started_at:%Y-%m-%d %H:%M:%S}{until} UTC"
    for one in manifest.deployments:
        yield f"{about}{one.role}", _deployment(one)
    yield f"{about}collected with", _versions(manifest.versions)
    yield f"{about}seed", str(manifest.seed)
    yield f"{about}pacing", f"{manifest.pacing}; champion's answers {manifest.champion_answers}"
    yield f"{about}config digest", manifest.config_digest
    if manifest.log_digest:
        yield f"{about}log digest", manifest.log_digest
    yield f"{about}prices", "; ".join(manifest.prices) or "those that the config gives, if any"


def _deployment(one: Deployment) -> str:
    return f"{one.name}: {one.where}, timeout {say(one.timeout_s, 's')}"


def _versions(versions: Mapping[str, str]) -> str:
    return ", ".join(f"{name} {version}" for name, version in versions.items())


def _as_yaml(document: Mapping[str, object]) -> str:
    text = StringIO()
    yaml = YAML(typ="safe")
    yaml.default_flow_style = False
    yaml.sort_base_mapping_type_on_output = False  # type: ignore[assignment]
    yaml.dump(dict(document), text)
    return text.getvalue()
