"""The whole config: what is read, asked, compared and demanded."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from copy import deepcopy
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Discriminator,
    Field,
    PrivateAttr,
    Tag,
    WithJsonSchema,
    model_validator,
)

from harness.config.annotation import Classifier, Judge, Judges
from harness.config.capture import REPLAY_KEYS, Capture
from harness.config.comparison import Comparison, Formatting
from harness.config.deployment import Challenger, Champion, Deployment
from harness.config.policy import PolicySection, SegmentsSection, sequential_of
from harness.config.problems import BadValueError
from harness.config.recorded_log import Log, RecordedLog
from harness.config.rules import ResolvedRule, resolved
from harness.config.section import (
    JsonPath,
    Name,
    Number,
    PositiveDuration,
    Section,
    Share,
    Text,
    Whole,
    json_path,
)
from harness.config.traffic import Attribute, Pacing, RecordedPacing, Repeat, Rewriting, SegmentOf
from harness.config.variants import Variants
from harness.config.vocabulary import Score, Vocabulary
from harness.gate.policy import Policy
from harness.measure.catalog import AskedAbout
from harness.metric import Better, Metric
from harness.readers.nginx import Names


def _status(value: Any) -> str:
    """`5xx`, or one status; kept as text."""
    text = str(value) if isinstance(value, int) and not isinstance(value, bool) else value
    good = isinstance(text, str) and len(text) == 3 and text[0] in "12345"
    if not good or not (text[1:] == "xx" or (text.isascii() and text[1:].isdigit())):
        raise BadValueError("is {value}, must be a status such as 429 or a class such as 5xx")
    return str(text)


StatusPattern = Annotated[
    str,
    BeforeValidator(_status),
    WithJsonSchema({"type": ["string", "integer"], "pattern": "^[1-5](xx|[0-9]{2})$"}),
]


USUAL_FAILURES = ("5xx", "429")
"""Statuses that count as failed unless somebody says otherwise."""


class NumericOutput(Section):
    """A number in the answer."""

    path: JsonPath = Field(description="JSONPath into the decoded answer.")
    kind: Literal["number", "brier", "log_loss", "ndcg"] = Field(
        default="number",
        alias="as",
        description="`number`: what the path finds; or how right it is by the truth: `brier` and "
        "`log_loss` of probabilities, `ndcg` of a ranking.",
    )
    k: Whole | None = Field(default=None, ge=1, description="For `ndcg`: how many places count.")
    better: Literal["higher", "lower"] = Field(description="Which way is better.")
    worst: Number | None = Field(
        default=None,
        description="What a failed exchange counts as; without it such pairs are left out.",
    )

    @model_validator(mode="after")
    def _k_is_for_rankings(self) -> NumericOutput:
        if self.k is not None and self.kind != "ndcg":
            raise BadValueError(
                "is {value}, and only `as: ndcg` counts places", "Remove it", key=("k",)
            )
        return self

    @property
    def score(self) -> Score:
        """The same for the catalog of metrics."""
        return Score(Better[self.better.upper()], self.worst)


def _output(value: Any) -> str:
    return "<path>" if isinstance(value, str) else "<number>"


Output = Annotated[
    Annotated[JsonPath, Tag("<path>")] | Annotated[NumericOutput, Tag("<number>")],
    Discriminator(_output),
]


def _label_alone_is_a_path(outputs: dict[str, Any]) -> dict[str, Any]:
    for name, output in outputs.items():
        if name == "label" and not isinstance(output, str):
            raise BadValueError("is {value}, must be a JSONPath such as $.label", key=(name,))
        if name != "label" and isinstance(output, str):
            raise BadValueError(
                "does not say which way is better",
                f"Write {{path: {output}, better: higher}} or lower",
                key=(name,),
            )
    return outputs


Outputs = Annotated[dict[Name, Output], AfterValidator(_label_alone_is_a_path)]


def _truth(value: str) -> str:
    return value if value == FEEDBACK else json_path(value)


FEEDBACK = "feedback"
"""As `truth`: labels come after the run, with `harness feedback`."""

Truth = Annotated[str, AfterValidator(_truth)]


class Config(Section):
    """One `harness.yaml`, validated. Made by `harness.config.load`.

    References to secrets are resolved in the attributes and stay references in `masked()`.
    """

    champion: Champion = Field(description="What serves users today.")
    challengers: tuple[Challenger, ...] = Field(
        default=(), description="What wants its place. With none, harness only records."
    )
    repeat: Repeat | None = Field(
        default=None,
        description="Ask the champion a second time: how often it differs from itself is the noise "
        "floor of `NAME.excess`.",
    )
    repeat_challenger: Repeat | None = Field(
        default=None,
        description="Ask each challenger a second time too, on requests where the champion is: it "
        "must then be as random as the champion.",
    )
    variants: Variants | None = Field(
        default=None,
        description="A grid of prompts: every combination of levels is a challenger at the "
        "champion's address.",
    )
    log: Log | None = Field(
        default=None,
        repr=False,
        description="The recorded log, relative to the config, or a mapping with its `path`. "
        "`--log` takes the path's place.",
    )
    format: Name = Field(
        default="auto", description="The log's format; `auto` looks at its content."
    )
    max_rejected_rate: Share = Field(
        default=0.05,
        description="With a larger share of unreadable entries the log is refused: what is left "
        "may not be typical.",
    )
    champion_answers: Literal["live", "recorded"] = Field(
        default="live",
        description="Whether the champion is asked, or its answers are taken from the log.",
    )
    baseline: Literal["same", "recorded"] = Field(
        default="same",
        description="`recorded` accepts the log's champion latency and cost although they were "
        "measured elsewhere.",
    )
    pacing: Pacing = Field(
        default=RecordedPacing(mode="recorded"), description="When requests are sent."
    )
    warm_up: Whole = Field(default=0, ge=0, description="Requests asked first and not counted.")
    rewrite: Rewriting = Field(
        default_factory=Rewriting, description="Changes to each request, the champion's too."
    )
    dialect: Name = Field(default="json", description="What the bytes of an answer mean.")
    output: Outputs = Field(
        default_factory=dict,
        description="`label`: JSONPath of the label in the decoded answer. Any other name: a "
        "number with `path`, `better` and `worst`.",
    )
    truth: Truth | None = Field(
        default=None,
        description="JSONPath into the request body to the right label, or `feedback` for labels "
        "that came later; without it the log's `truth` field is taken.",
    )
    maturity_s: PositiveDuration | None = Field(
        default=None,
        alias="maturity",
        description="With `truth: feedback`: how long labels may take. Later ones do not count, "
        "nor do clusters whose last request is younger when the last feedback came.",
    )
    cluster: Attribute | None = Field(
        default=None,
        description="What tells users or conversations apart: `header:NAME`, `cookie:NAME`, "
        "`query:NAME` or a JSONPath into the request body.",
    )
    segments: dict[Name, SegmentOf] = Field(
        default_factory=dict,
        description="Facts about a request to report by, as in `cluster`; or the size of one, "
        "`{path: $.prompt, buckets: [200, 1000]}`.",
    )
    failures: tuple[StatusPattern, ...] = Field(
        default=USUAL_FAILURES,
        description="Statuses that count as failed; others are answers and are compared.",
    )
    compare: tuple[Comparison, ...] = Field(default=(), description="How two answers are compared.")
    answer_format: Formatting | None = Field(
        default=None,
        description="What an answer has to look like: `format_violation_rate` counts what does "
        "not.",
    )
    capture: Capture = Field(default_factory=Capture, description="What is mirrored and kept.")
    judge: Judges = Field(
        default=(),
        description="Who says which of two answers is the better one; a mapping, or a list of "
        "several.",
    )
    classifiers: tuple[Classifier, ...] = Field(
        default=(), description="Who gives each answer a number: how toxic it is, say."
    )
    prices: Text | None = Field(
        default=None,
        description="Price file, relative to the config: what models cost, and as of when.",
    )
    seed: Whole = Field(
        default=0,
        ge=0,
        lt=2**63,
        description="Of everything random: the order of calls, resampling.",
    )
    policy: PolicySection | None = Field(
        default=None, description="What a challenger has to show. Needed as soon as there is one."
    )

    _path: Path = PrivateAttr(default=Path("harness.yaml"))
    _document: dict[str, Any] = PrivateAttr(default_factory=dict)

    @model_validator(mode="after")
    def _champion_can_be_asked(self) -> Config:
        if self.champion_answers == "live" and not (self.champion.url or self.champion.command):
            raise BadValueError(
                "has neither `url` nor `command`",
                "Say where it is, or take its answers from the log: `champion_answers: recorded`",
                key=("champion",),
            )
        if self.champion_answers == "live" and self.baseline == "recorded":
            raise BadValueError(
                "is recorded, and the champion is asked live",
                "Remove it, or take the answers from the log too: `champion_answers: recorded`",
                key=("baseline",),
            )
        return self

    @model_validator(mode="after")
    def _waits_for_labels_that_come(self) -> Config:
        if self.maturity_s is not None and not self.has_later_truth:
            raise BadValueError(
                "is for labels that come later",
                "Add `truth: feedback`, or remove it",
                key=("maturity",),
            )
        return self

    @model_validator(mode="after")
    def _knows_the_segments_of_its_policy(self) -> Config:
        sections: dict[tuple[str | int, ...], SegmentsSection | None] = {
            ("challengers", i, "policy"): one.policy.segments
            for i, one in enumerate(self.challengers)
        }
        sections["policy",] = self.policy.segments if self.policy else None
        for where, section in sections.items():
            for key, name in (section.names if section else {}).items():
                if name not in self.segments:
                    known = ", ".join(self.segments) or "none"
                    raise BadValueError(
                        f"speaks of the segment {name!r}, which is not configured",
                        f"Known under `segments`: {known}",
                        key=(*where, "segments", *key),
                    )
        return self

    @model_validator(mode="after")
    def _repeats_can_be_held_against_each_other(self) -> Config:
        if self.repeat is not None and self.champion_answers == "recorded":
            raise BadValueError(
                "asks the champion, and its answers are recorded",
                "Remove it, or ask the champion live",
                key=("repeat",),
            )
        if self.repeat_challenger is None:
            return self
        if self.repeat is None:
            raise BadValueError(
                "has nothing to be held against",
                "Ask the champion twice too: `repeat: {rate: 0.10}`",
                key=("repeat_challenger",),
            )
        if self.repeat_challenger.rate > self.repeat.rate:
            raise BadValueError(
                f"is {self.repeat_challenger.rate:g}, more than the champion's "
                f"{self.repeat.rate:g}: only requests on which both are asked twice count",
                "Lower it, or raise `repeat.rate`",
                key=("repeat_challenger", "rate"),
            )
        if self.capture.keep_bodies != "all":
            raise BadValueError(
                "needs stored answers to compare, and `capture.keep_bodies` is "
                f"{self.capture.keep_bodies}",
                "Remove it, or keep them all",
                key=("repeat_challenger",),
            )
        return self

    @model_validator(mode="after")
    def _rewrites_of_the_champion_have_its_address(self) -> Config:
        for i, one in enumerate(self.challengers):
            is_nowhere = one.is_elsewhere_unsaid and self.champion.url is None
            if is_nowhere and self.champion_answers == "recorded":
                raise BadValueError(
                    "is the champion rewritten, and the champion has no `url`",
                    "Add the champion's `url`, or one of its own",
                    key=("challengers", i),
                )
        return self

    def came_from(self, path: Path, document: dict[str, Any]) -> None:
        """Note the file, and the document as it was written. For `harness.config.loading`."""
        self._path, self._document = path, document

    @property
    def path(self) -> Path:
        """The file it was read from, for messages."""
        return self._path

    @property
    def directory(self) -> Path:
        """What relative paths in it start from."""
        return self._path.parent

    @property
    def log_path(self) -> str | None:
        """The log, as a path from here, or its URI."""
        written = self.log.path if isinstance(self.log, RecordedLog) else self.log
        if written is None or "://" in written:
            return written
        return str(self.directory / written)

    @property
    def log_format(self) -> str | None:
        """Name of the log's format; None to tell it by content."""
        told = (self.format, self.log.format if isinstance(self.log, RecordedLog) else "auto")
        return next((format for format in told if format != "auto"), None)

    @property
    def nginx_names(self) -> Names | None:
        """Under which names an nginx log has things; None for the usual ones."""
        return self.log.nginx_names if isinstance(self.log, RecordedLog) else None

    @property
    def ledger_path(self) -> Path | None:
        """The ledger of gate runs, as a path from here."""
        if self.policy is None or self.policy.ledger is None:
            return None
        return self.directory / self.policy.ledger

    @property
    def is_live(self) -> bool:
        """Whether it says something of live traffic, or has no log to be replayed."""
        given = self._document.get("capture") or {}
        return self.log is None or any(key not in REPLAY_KEYS for key in given)

    @property
    def annotators(self) -> tuple[Judge | Classifier, ...]:
        """Everybody who is asked about stored pairs."""
        return (*self.judge, *self.classifiers)

    @property
    def truth_path(self) -> str | None:
        """JSONPath of the right label in a request."""
        return None if self.truth == FEEDBACK else self.truth

    @property
    def has_later_truth(self) -> bool:
        """Whether labels come as feedback."""
        return self.truth == FEEDBACK

    @property
    def label_path(self) -> str | None:
        """JSONPath of `output.label`."""
        label = self.output.get("label")
        return label if isinstance(label, str) else None

    @property
    def numeric_outputs(self) -> dict[str, NumericOutput]:
        """The outputs that are numbers, by name."""
        return {
            name: output
            for name, output in self.output.items()
            if isinstance(output, NumericOutput)
        }

    def where(self, deployment: Deployment) -> str:
        """Its address or command for people and for `run.json`: secrets stay references."""
        written: Any = self._document["champion"]
        if isinstance(deployment, Challenger):
            written = self._document["challengers"][self.challengers.index(deployment)]
        if isinstance(deployment, Challenger) and deployment.is_elsewhere_unsaid:
            return f"{self.where(self.champion)}, rewritten"
        return written.get("url") or " ".join(str(word) for word in written.get("command") or ())

    def masked(self) -> dict[str, Any]:
        """The document as it was written, overrides in it, secrets as their references."""
        return deepcopy(self._document)

    def as_run(self) -> dict[str, Any]:
        """`masked()` for a run that is judged again from elsewhere: the ledger from the root."""
        document = self.masked()
        if self.ledger_path is not None:
            document["policy"]["ledger"] = str(self.ledger_path.absolute())
        return document

    @property
    def digest(self) -> str:
        """SHA-256 over `masked()` without the log's path: a log is known by its own digest."""
        told = {key: value for key, value in self._document.items() if key != "log"}
        log = self._document.get("log")
        if isinstance(log, dict):
            told["log"] = {key: value for key, value in log.items() if key != "path"}
        return digest_of(told)

    def policy_for(self, challenger: str) -> Policy:
        """What this challenger has to show, as the gate takes it.

        Raises:
            KeyError: There is no such challenger.
        """
        written = self._policy_of(challenger)
        return Policy(
            rules=tuple(one.rule for one in self._rules_of(written)),
            confidence=written.confidence,
            planned_pairs=None if written.planned_pairs == "all" else written.planned_pairs,
            min_pairing_rate=written.min_pairing_rate,
            max_lag_s=written.max_lag_s,
            sequential=sequential_of(written.sequential),
            window_s=written.window_s,
            min_duration_s=written.min_duration_s,
            segments=written.segments.for_gate if written.segments else None,
        )

    def metrics_for(self, challenger: str) -> tuple[Metric, ...]:
        """The metric of each rule of `policy_for`, in the same order.

        Raises:
            KeyError: There is no such challenger.
        """
        return tuple(one.metric for one in self._rules_of(self._policy_of(challenger)))

    def _rules_of(self, policy: PolicySection) -> tuple[ResolvedRule, ...]:
        return tuple(resolved(rule, self.vocabulary) for rule in policy.rules)

    def _policy_of(self, challenger: str) -> PolicySection:
        """The policy, with what the challenger's own differs in."""
        overrides = {one.name: one.policy for one in self.challengers}
        override = overrides[challenger]
        assert self.policy is not None, "a config with challengers has a policy"
        given = {name: value for name, value in override if value is not None}
        return self.policy.model_copy(update=given)

    @property
    def vocabulary(self) -> Vocabulary:
        """The names of this config that a rule can use."""
        return Vocabulary(
            scores={name: output.score for name, output in self.numeric_outputs.items()},
            comparisons=tuple(comparison.name for comparison in self.compare),
            repeated=self.repeat is not None,
            asked=AskedAbout(
                judges=tuple(one.name for one in self.judge),
                classifiers={one.name: one.score for one in self.classifiers},
            ),
        )


def digest_of(document: Mapping[str, Any]) -> str:
    """SHA-256 of a JSON value, whatever the order of its keys."""
    canonical = json.dumps(document, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()
