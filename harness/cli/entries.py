"""From a log's entries to what the driver asks: users, segments, and what is done already."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from harness.cli.log_summary import find_first
from harness.config import Config
from harness.exchange import Recorded
from harness.replay.corpus import Corpus
from harness.replay.party import Entry
from harness.traffic.attributes import Attribute, attribute


@dataclass(frozen=True, slots=True)
class Entries:
    """The entries of a log that a run has to ask, and those that warm it up.

    A segment is found where the config says; failing that, the log's own of that name counts.

    Attributes:
        done: For each challenger, keys of the entries it has a pair for.
    """

    corpus: Corpus
    n_warm_up: int
    cluster: Attribute | None
    segments: Mapping[str, Attribute]
    done: Sequence[Collection[str]]

    @classmethod
    def of(cls, config: Config, corpus: Corpus, done: Sequence[Collection[str]]) -> Entries:
        return cls(
            corpus=corpus,
            n_warm_up=min(config.warm_up, corpus.n_entries),
            cluster=attribute(config.cluster, find_first) if config.cluster else None,
            segments={name: attribute(at, find_first) for name, at in config.segments.items()},
            done=done,
        )

    @property
    def n_counted(self) -> int:
        """Entries that count: all but the warm-up."""
        return self.corpus.n_entries - self.n_warm_up

    def warm_up(self) -> Iterator[Recorded]:
        """The first entries of the log, asked and not counted."""
        for entry, _ in zip(self.corpus.entries(), range(self.n_warm_up), strict=False):
            yield entry.recorded

    def to_ask(self) -> Iterator[Entry]:
        """What is still to be asked, in the order of time."""
        everybody = range(len(self.done))
        for entry in self.corpus.entries():
            if entry.index < self.n_warm_up:
                continue
            missing = tuple(i for i in everybody if entry.key not in self.done[i])
            if missing:
                yield self._entry(entry.key, entry.recorded, missing)

    def _entry(self, key: str, recorded: Recorded, challengers: tuple[int, ...]) -> Entry:
        request = recorded.request
        known = self.cluster.of(request) if self.cluster is not None else recorded.cluster_id
        segments = {
            name: found if (found := at.of(request)) is not None else recorded.segments.get(name)
            for name, at in self.segments.items()
        }
        return Entry(key, recorded, known, segments, challengers)
