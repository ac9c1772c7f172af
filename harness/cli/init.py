"""`harness init`: write a commented config to start from."""

from __future__ import annotations

import io
import os
from pathlib import Path
from typing import Annotated, Any

import typer
from ruamel.yaml import YAML

from harness.cli.log_summary import summary_of
from harness.cli.starter import SCHEMA, Looking, Shown, starter
from harness.config.schema import schema
from harness.errors import UsageError
from harness.store.manifest import read_manifest


def init(
    log: Annotated[
        Path | None,
        typer.Option("--log", metavar="FILE", help="A recorded log to fill the config in from."),
    ] = None,
    run: Annotated[
        Path | None,
        typer.Option("--run", metavar="RUN", help="A stored run to take the config of."),
    ] = None,
    out: Annotated[Path, typer.Option("--out", metavar="FILE", help="The file to write.")] = Path(
        "harness.yaml"
    ),
    force: Annotated[
        bool, typer.Option("--force", help="Overwrite the file if it is there.")
    ] = False,
) -> None:
    """Write a commented starter config, and its JSON Schema for editors beside it.

    Example: harness init --log access.har
    """
    if log is not None and run is not None:
        raise UsageError("--log and --run exclude each other. Name one of them")
    if out.exists() and not force:
        raise UsageError(f"{out}: is there already. Name another with --out, or use --force")
    text = _of_run(run) if run is not None else starter(_shown_by(log, out))
    _write(out, text)
    _write(out.parent / SCHEMA, schema())
    typer.echo(out)
    typer.echo(f"`harness check {out}` says what it would do.", err=True)


def _shown_by(log: Path | None, out: Path) -> Shown:
    if log is None:
        return Shown()
    looking = Looking()
    summary = summary_of(
        [log],
        format=None,
        cluster_of=lambda entry: entry.cluster_id,
        has_truth=lambda entry: entry.truth is not None,
        look=looking.look,
    )
    return Shown(
        log=_seen_from(out.parent, log),
        dialect=looking.dialect(),
        has_times=summary.first_at_ns is not None,
        has_truth=summary.n_with_truth > 0,
        names_users=summary.n_with_cluster > 0,
        user_header=looking.user_header(),
        label=looking.label(),
        volatile=looking.volatile(),
    )


def _seen_from(directory: Path, log: Path) -> str:
    """The log as a config in `directory` names it: a path in a config starts from there."""
    return os.path.relpath(log.resolve(), directory.resolve())


def _of_run(run: Path) -> str:
    """The config a run was made with; secrets stand in it as their references."""
    config: dict[str, Any] = dict(read_manifest(run).config)
    if not config:
        raise UsageError(f"{run}: was imported and has no config. Use --log with what it came from")
    yaml = YAML()
    yaml.default_flow_style = False
    text = io.StringIO()
    yaml.dump(config, text)
    head = f"# yaml-language-server: $schema={SCHEMA}\n# The config of {run.name}, as it was run.\n"
    return head + text.getvalue()


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as exc:
        raise UsageError(f"{path}: cannot be written ({exc.strerror}). Name another place") from exc
