"""The templates of pages: foreign text is escaped; a page's own style and script have hashes."""

from __future__ import annotations

from base64 import b64encode
from functools import cache
from hashlib import sha256

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from harness.quantity import say
from harness.report import numbers
from harness.report.sanitize import printable
from harness.report.signs import DECISION_SIGNS

LONGEST_TEXT = 600


@cache
def templates() -> tuple[Environment, str, str]:
    """Templates, and the style and script as they stand in the page."""
    loader = PackageLoader("harness.report", "html")
    environment = Environment(
        loader=loader,
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["shown"] = _shown
    environment.filters["prose"] = _prose
    environment.filters["drawn"] = Markup
    environment.filters["count"] = numbers.count
    environment.filters["p_value"] = numbers.p_value
    environment.filters["size"] = numbers.size
    environment.globals["say"] = say
    environment.globals["signs"] = DECISION_SIGNS
    style, script = (
        environment.get_template(name).render().strip() for name in ("style.jinja", "script.jinja")
    )
    return environment, style, script


def _shown(text: str, longest: int = LONGEST_TEXT) -> str:
    """Foreign text as it may stand in a page, still to be escaped."""
    return printable(text, longest=longest)


def _prose(text: str, longest: int = LONGEST_TEXT) -> Markup:
    """A sentence of ours, which may quote foreign text; what is in backticks is code."""
    parts = printable(text, longest=longest).split("`")
    if len(parts) % 2 == 0:
        return Markup("{}").format("`".join(parts))
    return Markup("").join(
        Markup("<code>{}</code>").format(part) if i % 2 else part for i, part in enumerate(parts)
    )


def hash_of(text: str) -> str:
    """As a Content-Security-Policy names a style or a script."""
    return f"sha256-{b64encode(sha256(text.encode()).digest()).decode()}"
