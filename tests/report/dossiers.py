"""A judged run with everything a page can show, its values drawn with a fixed seed.

The challenger is quicker, dearer, better on the whole and worse on mobile; one look among many, so
that there is evidence over time.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import polars as pl

from harness.collected import Collected
from harness.distributions import distributions, quantile_curves
from harness.evaluate import evaluate
from harness.gate.policy import AtMost, Improves, Margin, NotWorse, Policy, Segments, Sequential
from harness.history import histories
from harness.measure import catalog
from harness.measure.specimens import failing
from harness.pair import Conservation, LossReason
from harness.report.comparison_view import BothSides, PairView, as_text
from harness.report.material import Dossier, Example, Field, Material, Provenance
from harness.testing.pairs import Population, Side, value_table
from harness.verdict import Decision, NoiseFloor, Verdict
from tests.report.hostile import ATTACK

RULES = (
    NotWorse("failure_rate", Margin(0.02)),
    NotWorse("latency_s.p95", Margin(0.10, relative=True)),
    NotWorse("cost_usd.mean", Margin(0.10, relative=True)),
    NotWorse("accuracy", Margin(0.02)),
    AtMost("label.disagreement_rate", 0.2),
    Improves("accuracy"),
)
POLICY = Policy(RULES, sequential=Sequential.DEFLATED, segments=Segments())
LOSSES = {
    LossReason.SAMPLED_OUT: 2_400,
    LossReason.TOO_LARGE: 12,
    LossReason.SHED_LINK: 21,
    LossReason.CLIENT_GONE: 6,
}


@cache
def values() -> pl.DataFrame:
    """6,000 pairs of two kinds of users."""
    web = value_table(
        4200,
        seed=3,
        champion=Side(accuracy=0.90, failure_rate=0.004),
        challenger=Side(latency_s=0.045, accuracy=0.96, failure_rate=0.006, cost_usd=0.00104),
        population=Population(n_clusters=900, segments={"source": {"web": 0.8, "scanner": 0.2}}),
    )
    mobile = value_table(
        1800,
        seed=4,
        champion=Side(accuracy=0.93, failure_rate=0.004),
        challenger=Side(latency_s=0.048, accuracy=0.83, failure_rate=0.02, cost_usd=0.00104),
        population=Population(n_clusters=400, segments={"source": {"mobile": 1.0}}),
    ).with_columns(
        ("m" + pl.col(name)).alias(name) for name in ("request_id", "cluster_id", "content_hash")
    )
    return pl.concat([web, mobile]).sort("received_at", "request_id")


@cache
def collected() -> Collected:
    table = values()
    n = table.height
    return Collected(
        challenger="small-model",
        champion="large-model",
        values=table.lazy(),
        conservation=Conservation(n + sum(LOSSES.values()), n, LOSSES),
        policy=POLICY,
        metrics=tuple(
            catalog.resolve(rule.metric, outputs={}, comparisons=("label",)) for rule in RULES
        ),
        comparisons=("label",),
        is_live=True,
    )


@cache
def verdict() -> Verdict:
    """What the gate says of it, with a noise floor as if the champion had been asked twice."""
    found = evaluate(
        [collected()],
        run_ids=["20261123T090000Z-shop-7f3a"],
        policy_digest="a9b8a8a08aebc0ec",
        confidence=0.95,
        versions={"harness": "0.1.0", "python": "3.11"},
    )
    (judged,) = found.challengers
    floor = NoiseFloor("label", 0.118, 0.031, None, 0.087, 0.071, 0.103, 1e-9, 0.09, 590, 310)
    return replace(found, challengers=(replace(judged, noise_floor=(floor,)),))


@cache
def dossier() -> Dossier:
    """What a page shows beyond the verdict; two of the pairs are attacks."""
    one = collected()
    material = Material(
        distributions=distributions(one),
        curves=quantile_curves(one),
        histories=histories(one, verdict().challengers[0].findings),
        fields=(
            Field("label", 690, 0.118, 0.031),
            Field("answer", 2_940, 0.49, 0.22),
            Field("answer $.items[*].price", 1_320, 0.22),
            Field("answer $.currency", 210, 0.035),
        ),
        examples=(*_ordinary(), *_hostile()),
        outcomes=failing(one.values),
    )
    facts = (("made by", "harness gate runs/x -o report.html"), ("seed", "7"))
    return Dossier(
        {one.challenger: material}, Provenance(facts, "champion:\n  name: large-model\n")
    )


def several() -> tuple[Verdict, Dossier]:
    """The same beside a copy that was rejected."""
    (judged,) = verdict().challengers
    other = replace(judged, challenger="other-model", decision=Decision.REJECT)
    materials = dossier().materials
    both = {**materials, "other-model": materials["small-model"]}
    return (
        replace(verdict(), challengers=(judged, other)),
        replace(dossier(), materials=both),
    )


def example(
    request_id: str,
    champion: str | None,
    challenger: str | None,
    *,
    kind: str = "worst",
    fields: tuple[str, ...] = ("label",),
    segments: tuple[str, ...] = ("source=web",),
    outcome: str = "both answered",
    n_alike: int | None = None,
) -> Example:
    view = PairView(
        request_id=request_id,
        request="POST /v1/price",
        about="small-model, received 2026-11-23 09:01:07 UTC, cluster u-17",
        facts=(BothSides("outcome", "ok", "ok"), BothSides("latency", "52 ms", "48 ms")),
        differences=(("$.currency", '"EUR" -> "USD"'),),
        champion=champion,
        challenger=challenger,
    )
    return Example(kind, 1.5, view, fields, segments, outcome, n_alike)


def _ordinary() -> tuple[Example, ...]:
    right = {"currency": "EUR", "items": [{"name": "tea", "price": 3.5}], "label": "ok"}
    wrong = {**right, "currency": "USD", "items": [{"name": "tea", "price": 3.85}]}
    return (
        example("r-000017", as_text(right), None, outcome="challenger failed", fields=()),
        example(
            "r-000102",
            as_text(right),
            as_text(wrong),
            outcome="challenger wrong",
            fields=("label", "answer", "$.currency"),
            segments=("source=mobile",),
        ),
        example(
            "r-000771",
            as_text(right),
            as_text({**right, "note": "rounded"}),
            kind="typical",
            fields=("answer", "$.note"),
            n_alike=1_320,
        ),
    )


def _hostile() -> tuple[Example, ...]:
    script = "</code></td></table></script><script>document.title='owned'</script>"
    image = '<img src=x onerror="document.title=\'owned\'"> <a href="javascript:alert(1)">x</a>'
    return (
        example(ATTACK, script, image, fields=(ATTACK,), segments=(f"source={ATTACK}",)),
        example("r-big", "a" * 5_000_000, f"{ATTACK * 20}\n" * 5_000),
    )
