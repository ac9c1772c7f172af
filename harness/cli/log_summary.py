"""Read a log once, from end to end, and keep nothing but counts."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson

from harness import plugins
from harness.config import Config
from harness.config.foresight import LogSummary
from harness.dialects.paths import JsonPath, find_first
from harness.exchange import LateAnswer, Recorded, RecordedAnswer, Rejected, Request
from harness.output import MISSING
from harness.ports import Reader
from harness.readers.nginx import Names, Nginx
from harness.replay.opening import open_log
from harness.traffic.attributes import attribute

Of = Callable[[Recorded], Any]


def readers(names: Names | None = None) -> Mapping[str, Reader]:
    """All log formats by name.

    Args:
        names: Under which names an nginx log has things; None for the usual ones.

    Raises:
        PluginError: One of them cannot be loaded.
    """
    found = {name: plugins.load(plugins.READERS, name) for name in plugins.names(plugins.READERS)}
    return found if names is None else {**found, "nginx": Nginx(names)}


def summarise(config: Config, logs: Sequence[Path]) -> LogSummary:
    """What a log holds for a config.

    Raises:
        LogError: It cannot be read at all.
    """
    return summary_of(
        logs,
        format=config.log_format,
        names=config.nginx_names,
        cluster_of=_cluster_of(config.cluster),
        has_truth=_has_truth(config.truth_path),
    )


def summary_of(
    logs: Sequence[Path],
    *,
    format: str | None,
    cluster_of: Of,
    has_truth: Of,
    names: Names | None = None,
    look: Callable[[Recorded], None] = lambda entry: None,
) -> LogSummary:
    """Count a log's entries.

    Args:
        logs: Files and folders that make up the log.
        names: Under which names an nginx log has things; None for the usual ones.
        look: Is shown every entry.

    Raises:
        LogError: It cannot be read at all.
    """
    opened = open_log(logs, readers(names), format=format)
    counts = _Counts()
    for source in opened.sources():
        for entry in opened.reader.read(source):
            match entry:
                case Recorded():
                    counts.add(entry, cluster_of(entry), has_truth(entry))
                    look(entry)
                case LateAnswer():
                    if not entry.by:
                        counts.answered(entry.answer)
                case Rejected(position, why):
                    counts.reject(f"{position}, {why}")
    for rejected in opened.damage:
        counts.reject(f"{rejected.position}, {rejected.why}")
    return counts.summary(opened.where, opened.format_name, opened.reader.resolution_ns)


@dataclass(slots=True)
class _Counts:
    n_entries: int = 0
    n_answers: int = 0
    n_latencies: int = 0
    n_truths: int = 0
    n_with_cluster: int = 0
    n_rejected: int = 0
    first_rejection: str | None = None
    first_at_ns: int | None = None
    last_at_ns: int | None = None
    # Hashes: ten million names would not fit, and a clash among them is one user too few.
    clusters: set[int] = field(default_factory=set)

    def add(self, entry: Recorded, cluster: str | None, has_truth: bool) -> None:
        self.n_entries += 1
        self.n_truths += has_truth
        if cluster is not None:
            self.n_with_cluster += 1
            self.clusters.add(hash(cluster))
        if entry.answer is not None:
            self.answered(entry.answer)
        if entry.at_ns is not None:
            self.first_at_ns = min(entry.at_ns, self.first_at_ns or entry.at_ns)
            self.last_at_ns = max(entry.at_ns, self.last_at_ns or entry.at_ns)

    def answered(self, answer: RecordedAnswer) -> None:
        self.n_answers += 1
        self.n_latencies += answer.latency_s is not None

    def reject(self, what: str) -> None:
        self.n_rejected += 1
        self.first_rejection = self.first_rejection or what

    def summary(self, where: str, format_name: str, resolution_ns: int) -> LogSummary:
        return LogSummary(
            where=where,
            format_name=format_name,
            n_entries=self.n_entries,
            n_rejected=self.n_rejected,
            first_rejection=self.first_rejection,
            n_with_answer=min(self.n_answers, self.n_entries),
            n_with_latency=min(self.n_latencies, self.n_entries),
            n_with_truth=self.n_truths,
            n_with_cluster=self.n_with_cluster,
            n_clusters=len(self.clusters),
            first_at_ns=self.first_at_ns,
            last_at_ns=self.last_at_ns,
            resolution_ns=resolution_ns,
        )


def _cluster_of(cluster: str | None) -> Of:
    if cluster is None:
        return lambda entry: entry.cluster_id
    found = attribute(cluster, find_first)
    return lambda entry: found.of(entry.request) or entry.cluster_id


def _has_truth(truth: str | None) -> Of:
    if truth is None:
        return lambda entry: entry.truth is not None
    path = JsonPath(truth)
    return lambda entry: path(body_of(entry.request)) is not MISSING


def body_of(request: Request) -> Any:
    """A request's JSON body; None when it is something else."""
    try:
        return orjson.loads(request.body)
    except orjson.JSONDecodeError:
        return None
