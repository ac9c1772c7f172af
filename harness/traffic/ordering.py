"""Keep the order of requests within a cluster: the next one waits for the answer to the last.

A conversation replayed faster than recorded would otherwise ask its second question before the
first is answered. Clusters do not wait for each other.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import Generic, TypeVar

T = TypeVar("T")


@dataclass(slots=True)
class ClusterOrder(Generic[T]):
    """Who may go, and who waits for whom. Holds one entry per cluster with something in flight."""

    _waiting: dict[str, deque[T]] = field(default_factory=dict, init=False)

    def offer(self, cluster_id: str, item: T) -> bool:
        """Whether `item` may go now; otherwise it is kept and handed out by `answered`."""
        queue = self._waiting.get(cluster_id)
        if queue is None:
            self._waiting[cluster_id] = deque()
            return True
        queue.append(item)
        return False

    def answered(self, cluster_id: str) -> T | None:
        """The cluster's request in flight is answered: the next one to go, or None."""
        queue = self._waiting[cluster_id]
        if queue:
            return queue.popleft()
        del self._waiting[cluster_id]
        return None

    @property
    def n_waiting(self) -> int:
        return sum(len(queue) for queue in self._waiting.values())
