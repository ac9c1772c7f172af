"""Where every request went, from the pages of those who counted them.

    received = paired + sum(losses by reason) + pending

holds for each challenger at every moment, because `pending` is what the others leave. For that the
mirror's page has to be read before the fronts': a request is received before it is settled.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from harness.pair import Conservation, LossReason
from harness.shadow.gauges import Page, PageError
from harness.shadow.mirror_page import losses_of

Snapshot = Mapping[str, int]


def front_pages(folder: Path) -> dict[str, Snapshot]:
    """What all fronts counted that ever wrote a page here, by front; the dead ones too."""
    found: dict[str, Snapshot] = {}
    for path in sorted(folder.glob("front-*.page")):
        try:
            page = Page.open(path)
        except PageError:
            continue  # it is being made
        found[path.stem.removeprefix("front-")] = page.snapshot()
        page.close()
    return found


def mirror_snapshot(path: Path) -> Snapshot:
    """What a mirror counted; nothing before there was one."""
    try:
        page = Page.open(path)
    except PageError:
        return {}
    snapshot = page.snapshot()
    page.close()
    return snapshot


def undecided(front: Snapshot) -> int:
    """Requests that a front has received, and neither handed over nor counted as lost."""
    return front.get("received", 0) - front.get("offered", 0) - sum(_lost_in(front).values())


def settle_dead_front(folder: Path, front: str) -> None:
    """Write down on a dead front's page that what it had in its hands is gone with it."""
    try:
        page = Page.adopt(folder / f"front-{front}.page")
    except PageError:
        return  # it never counted anything
    page.cells[page.index(LossReason.FRONT_DOWN.value)] += max(0, undecided(page.snapshot()))
    page.close()


def conservation(mirror: Snapshot, fronts: Sequence[Snapshot], challenger: str) -> Conservation:
    """Where one challenger's requests went.

    Args:
        mirror: Read before `fronts`.
        challenger: The champion's name in a run without challengers.
    """
    received = sum(one.get("received", 0) for one in fronts)
    losses = losses_of(mirror, challenger)
    for one in fronts:
        for reason, n in _lost_in(one).items():
            losses[reason] = losses.get(reason, 0) + n
    paired = mirror.get(f"{challenger}.paired", 0)
    return Conservation(received, paired, losses, max(0, received - paired - sum(losses.values())))


def _lost_in(front: Snapshot) -> dict[LossReason, int]:
    """Fates that a front decided, for all challengers alike."""
    return {reason: n for reason in LossReason if (n := front.get(reason.value, 0))}
