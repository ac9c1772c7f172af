"""The recorded log: where it is, and how it is to be read where that cannot be told by looking."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from difflib import get_close_matches
from typing import Annotated, Any

from pydantic import AfterValidator, Discriminator, Field, Tag, WithJsonSchema

from harness.config.problems import BadValueError
from harness.config.section import HeaderName, Name, Reference, Section, Text
from harness.readers.nginx import Names

KNOWN_NAMES = tuple(field.name for field in fields(Names) if field.name != "headers")
"""What of a request an nginx log may tell, by nginx's own names for it."""


def _known(names: dict[str, str]) -> dict[str, str]:
    for name in names:
        if name not in KNOWN_NAMES:
            close = get_close_matches(name, KNOWN_NAMES, n=1)
            known = f"Did you mean {close[0]!r}?" if close else f"Known: {', '.join(KNOWN_NAMES)}"
            raise BadValueError("is no name that nginx has for a thing", known, key=(name,))
    return names


NginxNames = Annotated[
    dict[str, Text],
    AfterValidator(_known),
    WithJsonSchema(
        {
            "type": "object",
            "properties": {name: {"type": "string", "minLength": 1} for name in KNOWN_NAMES},
            "additionalProperties": False,
        }
    ),
]


class RecordedLog(Section):
    """A log, and how it is to be read."""

    path: Reference = Field(repr=False, description="Where it is, relative to the config.")
    format: Name = Field(
        default="auto", description="Its format. The config's own `format` and `--format` go first."
    )
    names: NginxNames = Field(
        default_factory=dict,
        description="For an nginx log with field names of its own: nginx's name to the log's, for "
        "instance `{request_method: verb, msec: t}`.",
    )
    headers: dict[Text, HeaderName] = Field(
        default_factory=dict,
        description="Likewise: field of the log to the request header it holds, for instance "
        "`{user: X-User-Id}`.",
    )

    @property
    def nginx_names(self) -> Names:
        return Names(**self.names, headers=self.headers)


def _log(value: Any) -> str:
    return "<log>" if isinstance(value, Mapping | RecordedLog) else "<path>"


Log = Annotated[
    Annotated[Reference, Tag("<path>")] | Annotated[RecordedLog, Tag("<log>")],
    Discriminator(_log),
]
