"""What the ledger of a policy says of the gate run at hand, and the entry of that run in it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from harness.config import Config
from harness.gate.ledger import Use, alpha_of, number_of
from harness.gate.policy import Policy
from harness.store.ledger import Entry, Ledger, held
from harness.store.reader import StoredRun
from harness.verdict import LedgerUse, Verdict


@dataclass(frozen=True, slots=True)
class Account:
    """One gate run in the ledger it is to be entered in.

    Attributes:
        file: The name of the ledger's file.
        number: Which gate run against its logs it is.
        spends_alpha: Whether the error of a rule follows the number.
    """

    file: str
    ledger: Ledger
    use: Use
    number: int
    spends_alpha: bool
    config_digest: str

    def policy(self, policy: Policy) -> Policy:
        """A policy with the confidence that is asked of this run."""
        if not self.spends_alpha:
            return policy
        return replace(policy, confidence=1 - alpha_of(1 - policy.confidence, self.number))

    def booked(self, verdict: Verdict, *, alpha: float) -> Verdict:
        """Enter the gate run, and say so in its verdict.

        Entered before the verdict is shown to anybody: what was seen is counted.
        """
        self.ledger.append(
            Entry(
                use=self.use,
                number=self.number,
                alpha=alpha,
                config_digest=self.config_digest,
                decision=verdict.decision,
                at=datetime.now(UTC),
            )
        )
        return replace(
            verdict,
            notes=(*verdict.notes, self._note(alpha)),
            ledger=LedgerUse(self.file, self.number, alpha),
        )

    def _note(self, alpha: float) -> str:
        said = f"Gate run number {self.number} against this log ({self.file})"
        if self.spends_alpha:
            return f"{said}: each rule is held to an error of {alpha:.2g}, by `alpha_ledger`."
        if self.number == 1:
            return f"{said}."
        return (
            f"{said}, each at the full error of {alpha:.2g}: the more often one log is asked, the "
            f"more a pass owes to chance. Judge the last candidate on a fresh log, or set "
            f"`alpha_ledger: true`."
        )


@contextmanager
def account(
    runs: Sequence[StoredRun], config: Config, policy_digest: str
) -> Iterator[Account | None]:
    """The account of a gate run, its ledger held until it is entered; None without a ledger.

    Raises:
        StoreError: The ledger cannot be used.
    """
    path, policy = config.ledger_path, config.policy
    if path is None or policy is None:
        yield None
        return
    use = Use(
        corpora=tuple(sorted({one.manifest.log_digest or one.manifest.run_id for one in runs})),
        run_ids=tuple(one.manifest.run_id for one in runs),
        policy_digest=policy_digest,
    )
    with held(path) as ledger:
        yield Account(
            file=path.name,
            ledger=ledger,
            use=use,
            number=number_of(use, (entry.use for entry in ledger.entries)),
            spends_alpha=policy.alpha_ledger,
            config_digest=config.digest,
        )
