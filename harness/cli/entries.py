"""From a log's entries to what the driver asks: users, segments, and what is done already."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from harness.config import Config
from harness.config.traffic import Sized
from harness.dialects.paths import find_first
from harness.exchange import Recorded
from harness.replay.corpus import Corpus
from harness.replay.party import Entry
from harness.traffic.attributes import Attribute, attribute


@dataclass(frozen=True, slots=True)
class Belonging:
    """Whose an entry is and which segments it is in, as a config or else the log says.

    Cluster and segments are found where the config says; failing that, the log's own count: a run
    that is a log keeps no header that tells users apart, and says whose its requests were.
    """

    cluster: Attribute | None = None
    segments: Mapping[str, Attribute] = field(default_factory=dict)

    @classmethod
    def of(cls, config: Config) -> Belonging:
        return cls(
            attribute(config.cluster, find_first) if config.cluster else None,
            {name: _segment(of) for name, of in config.segments.items()},
        )

    def cluster_of(self, recorded: Recorded) -> str | None:
        found = None if self.cluster is None else self.cluster.of(recorded.request)
        return recorded.cluster_id if found is None else found

    def segments_of(self, recorded: Recorded) -> dict[str, str | None]:
        request = recorded.request
        return {
            name: found if (found := at.of(request)) is not None else recorded.segments.get(name)
            for name, at in self.segments.items()
        }


def _segment(of: str | Sized) -> Attribute:
    if isinstance(of, Sized):
        return attribute(of.path, find_first, of.buckets)
    return attribute(of, find_first)


@dataclass(frozen=True, slots=True)
class Entries:
    """The entries of a log that a run has to ask, and those that warm it up.

    Attributes:
        done: For each challenger, keys of the entries it has a pair for.
    """

    corpus: Corpus
    n_warm_up: int
    belonging: Belonging
    done: Sequence[Collection[str]]

    @classmethod
    def of(cls, config: Config, corpus: Corpus, done: Sequence[Collection[str]]) -> Entries:
        return cls(
            corpus=corpus,
            n_warm_up=min(config.warm_up, corpus.n_entries),
            belonging=Belonging.of(config),
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
        belonging = self.belonging
        return Entry(
            key,
            recorded,
            belonging.cluster_of(recorded),
            belonging.segments_of(recorded),
            challengers,
        )
