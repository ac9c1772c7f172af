"""Write the goldens anew: `python -m tests.report.rewrite_goldens`. Then read the diff."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from harness.report import json_form, junit, markdown, terminal
from harness.verdict import Verdict
from tests.report.samples import SAMPLES

GOLDENS = Path(__file__).parents[2] / "fixtures" / "reports"


def screen(verdict: Verdict) -> str:
    return terminal.render(verdict, width=100, colour=False)


FORMS: dict[str, Callable[[Verdict], str]] = {
    "txt": screen,
    "json": json_form.render,
    "md": markdown.render,
    "xml": junit.render,
}


def main() -> None:
    GOLDENS.mkdir(parents=True, exist_ok=True)
    for name, verdict in SAMPLES.items():
        for suffix, render in FORMS.items():
            (GOLDENS / f"{name}.{suffix}").write_text(render(verdict), encoding="utf-8")


if __name__ == "__main__":
    main()
