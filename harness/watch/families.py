"""Every metric there is: name, kind, labels, meaning, and where its samples come from.

The table of the documentation is made from this. Names end in their unit, counters in `_total`;
arms of the comparison are told apart by the label `deployment`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from harness.watch.histogram import Histogram, histogram
from harness.watch.picture import BREAKER_STATES
from harness.watch.view import View


class Kind(StrEnum):
    """What Prometheus takes a metric for."""

    COUNTER = "counter"
    GAUGE = "gauge"
    HISTOGRAM = "histogram"


Sample = tuple[tuple[str, ...], float | Histogram]
"""Values of the labels, in their order, and what was counted."""


@dataclass(frozen=True, slots=True)
class Family:
    """One metric.

    Attributes:
        name: Without the prefix `harness_`.
        samples: None at all where there is nothing to be said yet.
    """

    name: str
    kind: Kind
    labels: tuple[str, ...]
    help: str
    samples: Callable[[View], Iterable[Sample]]


def _counted(name: str) -> Callable[[View], Iterable[Sample]]:
    return lambda view: [((), view.picture.counted(name))]


def _gauge(name: str) -> Callable[[View], Iterable[Sample]]:
    return lambda view: [((), view.picture.gauge(name))]


def _mirror(name: str, per: float = 1.0) -> Callable[[View], Iterable[Sample]]:
    def samples(view: View) -> Iterator[Sample]:
        if name in view.picture.mirror:
            yield (), view.picture.mirror[name] / per

    return samples


def _mirror_row(prefix: str) -> Callable[[View], Iterable[Sample]]:
    def samples(view: View) -> Iterator[Sample]:
        row = histogram(view.picture.mirror, prefix)
        if row is not None:
            yield (), row

    return samples


def _of_challengers(suffix: str, per: float = 1.0) -> Callable[[View], Iterable[Sample]]:
    def samples(view: View) -> Iterator[Sample]:
        for name in view.challengers:
            value = view.picture.mirror.get(f"{name}.{suffix}")
            if value is not None:
                yield (name,), value / per

    return samples


def _by_kind(prefix: str) -> Callable[[View], Iterable[Sample]]:
    return lambda view: [((kind,), n) for kind, n in view.picture.by_suffix(prefix).items()]


def _latency(view: View) -> Iterator[Sample]:
    champion = view.champion_latency
    if champion is not None:
        yield (view.champion, "champion"), champion
    for name in view.challengers:
        row = view.picture.challenger_latency(name)
        if row is not None:
            yield (name, "challenger"), row


def _outcomes(view: View) -> Iterator[Sample]:
    for kind, n in view.picture.by_suffix("champion.").items():
        yield (view.champion, "champion", kind), n
    for name in view.challengers:
        for kind, n in view.picture.of_mirror(f"{name}.outcome.").items():
            yield (name, "challenger", kind), n


def _losses(view: View) -> Iterator[Sample]:
    for name in view.kept:
        for reason, n in view.picture.challenger(name).losses.items():
            yield (name, reason), n


def _paired(view: View) -> Iterator[Sample]:
    for name in view.kept:
        yield (name,), view.picture.challenger(name).paired


def _pending(view: View) -> Iterator[Sample]:
    for name in view.kept:
        yield (name,), view.picture.challenger(name).pending


def _breakers(view: View) -> Iterator[Sample]:
    for name in view.challengers:
        now = view.picture.mirror.get(f"{name}.breaker")
        if now is not None:
            for number, state in enumerate(BREAKER_STATES):
                yield (name, state), float(now == number)


def _budgets(view: View) -> Iterator[Sample]:
    for name, usd in view.budgets_usd.items():
        yield (name,), usd


def _mirroring(view: View) -> Iterator[Sample]:
    living = view.picture.living.values()
    if living:
        yield (), float(all(cells.get("mirroring_on", 0) for cells in living))


def _sample(view: View) -> Iterator[Sample]:
    living = view.picture.living.values()
    if living:
        yield (), min(cells.get("sample_ppm", 0) for cells in living) / 1e6


def _links(view: View) -> Iterator[Sample]:
    for front, cells in view.picture.living.items():
        yield (front,), float(cells.get("link_connected", 0))


def _judged_at(view: View) -> Iterator[Sample]:
    at = (view.live or {}).get("at")
    if at:
        yield (), datetime.fromisoformat(at).timestamp()


def _judging_took(view: View) -> Iterator[Sample]:
    took_s = (view.live or {}).get("took_s")
    if took_s is not None:
        yield (), took_s


def _judging_failed(view: View) -> Iterator[Sample]:
    if view.live is not None:
        yield (), float(view.live.get("error") is not None)


def _decisions(view: View) -> Iterator[Sample]:
    for name, one in view.live_verdicts.items():
        for decision in ("promote", "hold", "reject", "invalid"):
            yield (name, decision), float(one["decision"] == decision)


def _judged_pairs(view: View) -> Iterator[Sample]:
    for name, one in view.live_verdicts.items():
        yield (name,), one["n_pairs"]


def _findings(view: View) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for name, one in view.live_verdicts.items():
        for finding in one["findings"]:
            if finding["segment"] is None:
                yield name, finding


def _statuses(view: View) -> Iterator[Sample]:
    for name, finding in _findings(view):
        for status in ("pass", "fail", "inconclusive", "no_data"):
            yield (name, finding["rule"], status), float(finding["status"] == status)


def _of_findings(field: str) -> Callable[[View], Iterable[Sample]]:
    def samples(view: View) -> Iterator[Sample]:
        for name, finding in _findings(view):
            if finding.get(field) is not None:
                yield (name, finding["rule"]), finding[field]

    return samples


_COUNTER, _GAUGE, _HISTOGRAM = Kind.COUNTER, Kind.GAUGE, Kind.HISTOGRAM
_ONE = ("challenger",)
_RULE = ("challenger", "rule")
_ARM = ("deployment", "role")

FAMILIES: tuple[Family, ...] = (
    Family("build_info", _GAUGE, ("version",), "1, for the version of harness that runs.",
           lambda view: [((view.version,), 1)]),
    Family("run_info", _GAUGE, ("run_id",), "1, for the run that is being written.",
           lambda view: [((view.run_id,), 1)]),
    Family("requests_received_total", _COUNTER, (), "Requests the fronts took on.",
           _counted("received")),
    Family("requests_answered_total", _COUNTER, (), "Requests answered to the end.",
           _counted("answered")),
    Family("requests_upgraded_total", _COUNTER, (),
           "Requests that became another protocol, such as WebSocket; passed on, never mirrored.",
           _counted("upgraded")),
    Family("requests_refused_total", _COUNTER, ("why",),
           "Requests refused before the champion was asked, by reason.", _by_kind("refused.")),
    Family("requests_offered_total", _COUNTER, (), "Requests handed to the mirror process.",
           _counted("offered")),
    Family("outcomes_total", _COUNTER, (*_ARM, "outcome"),
           "How exchanges ended, by deployment: ok, or the kind of failure.", _outcomes),
    Family("latency_seconds", _HISTOGRAM, _ARM,
           "From the first byte sent to the end of the answer; the champion's as the front timed "
           "it, challengers' as the mirror did.", _latency),
    Family("pairs_total", _COUNTER, _ONE, "Pairs that survive a crash.", _paired),
    Family("losses_total", _COUNTER, ("challenger", "reason"),
           "Received requests that gave no pair, by reason; none is the challenger's doing.",
           _losses),
    Family("pending_requests", _GAUGE, _ONE,
           "Received requests that are neither pairs nor losses yet.", _pending),
    Family("in_flight_requests", _GAUGE, _ONE, "Requests a challenger is working on.",
           _of_challengers("in_flight")),
    Family("breaker_state", _GAUGE, ("challenger", "state"),
           "1 for the state a challenger's breaker is in: closed, open or half_open.", _breakers),
    Family("spent_usd_total", _COUNTER, _ONE, "What a challenger's answers cost, US dollars.",
           _of_challengers("spent_microusd", 1e6)),
    Family("budget_usd", _GAUGE, _ONE, "What they may cost, where that is limited.", _budgets),
    Family("budget_used_ratio", _GAUGE, _ONE,
           "How much of it is spent, of the run's or the day's, whichever is nearer; 1 is all.",
           _of_challengers("budget_used_ppm", 1e6)),
    Family("connections_open", _GAUGE, (), "Connections of clients that are open.",
           _gauge("connections_open")),
    Family("connections_accepted_total", _COUNTER, (), "Connections of clients there were.",
           _counted("connections_total")),
    Family("upstream_connections_open", _GAUGE, (), "Connections to the champion that are open.",
           _gauge("upstream_open")),
    Family("upstream_dials_total", _COUNTER, (), "Connections to the champion there were.",
           _counted("upstream_dials")),
    Family("captured_bytes", _GAUGE, (), "Memory the fronts hold for copies under way.",
           _gauge("captured_bytes_held")),
    Family("link_queued_bytes", _GAUGE, (), "Copies that wait in the fronts for the mirror.",
           _gauge("link_bytes_queued")),
    Family("link_connected", _GAUGE, ("front",), "Whether a front has its link to the mirror.",
           _links),
    Family("link_lag_seconds", _HISTOGRAM, (),
           "From handing a copy over to the mirror having it.", _mirror_row("link_lag_us")),
    Family("mirror_lag_seconds", _HISTOGRAM, (),
           "How late the mirror process itself was; large values make its latencies no evidence.",
           _mirror_row("own_lag_us")),
    Family("halves_waiting", _GAUGE, (), "Requests in the mirror whose pair is not complete.",
           _mirror("halves_waiting")),
    Family("waiting_bytes", _GAUGE, (), "Memory they take.", _mirror("bytes_waiting")),
    Family("unacknowledged_pairs", _GAUGE, (), "Pairs handed to the store and not synced yet.",
           _mirror("unacknowledged")),
    Family("journal_lag_seconds", _GAUGE, (), "Age of the oldest pair that is not synced.",
           _mirror("journal_lag_ms", 1e3)),
    Family("pairs_stored_total", _COUNTER, (), "Rows handed to the store, of all challengers.",
           _mirror("stored")),
    Family("pairs_acknowledged_total", _COUNTER, (), "Rows that are synced, of all challengers.",
           _mirror("acknowledged")),
    Family("fronts_alive", _GAUGE, (), "Front processes whose heartbeat is fresh.",
           lambda view: [((), len(view.picture.living))]),
    Family("mirror_alive", _GAUGE, (), "Whether the mirror's heartbeat is fresh.",
           lambda view: [((), float(view.picture.is_mirror_alive))]),
    Family("mirroring_on", _GAUGE, (), "0 while the kill switch is used.", _mirroring),
    Family("sample_ratio", _GAUGE, (), "Share of the requests that is mirrored.", _sample),
    Family("verdict_decision", _GAUGE, ("challenger", "decision"),
           "1 for what the last look at the run says: promote, hold, reject or invalid.",
           _decisions),
    Family("verdict_pairs", _GAUGE, _ONE, "Pairs that the last look saw.", _judged_pairs),
    Family("verdict_timestamp_seconds", _GAUGE, (), "When the last look was, since 1970.",
           _judged_at),
    Family("verdict_duration_seconds", _GAUGE, (), "How long the last look took.",
           _judging_took),
    Family("verdict_failed", _GAUGE, (), "Whether the last look came to no verdict.",
           _judging_failed),
    Family("rule_status", _GAUGE, (*_RULE, "status"),
           "1 for what the last look says of a rule: pass, fail, inconclusive or no_data.",
           _statuses),
    Family("rule_e_value", _GAUGE, _RULE,
           "Evidence for passing so far; 1/(1 - confidence) is needed.", _of_findings("e_value")),
    Family("rule_harm", _GAUGE, _RULE,
           "Challenger minus champion, positive is worse, in the rule's unit.",
           _of_findings("harm")),
    Family("rule_harm_low", _GAUGE, _RULE, "Lower bound of the harm.", _of_findings("harm_low")),
    Family("rule_harm_high", _GAUGE, _RULE, "Upper bound of the harm.",
           _of_findings("harm_high")),
    Family("rule_margin", _GAUGE, _RULE, "What the upper bound has to be below.",
           _of_findings("margin")),
    Family("rule_clusters_missing", _GAUGE, _RULE, "How many more users the rule may need.",
           _of_findings("clusters_missing")),
)  # fmt: skip
