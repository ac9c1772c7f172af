"""What every part of a config has in common, and the types its values are made of.

A section is frozen, and takes no key it does not know. A `BadValueError`, raised by a type here or
by a section's own check, becomes a message with the place where it happened.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    Strict,
    ValidationInfo,
    WithJsonSchema,
    model_validator,
)

from harness.config import amounts
from harness.config.problems import BadValueError
from harness.config.references import SECRET_HEADERS, References, is_reference
from harness.dialects import paths
from harness.traffic.forwarding import Destination
from harness.transport.target import Endpoint


class Section(BaseModel):
    """A mapping of the config. Attributes carry their unit, keys are those of the YAML."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    @model_validator(mode="before")
    @classmethod
    def _note_keys(cls, value: Any, info: ValidationInfo) -> Any:
        """Tell the messages which section this is, to name the keys that belong here."""
        if isinstance(value, dict) and info.context is not None:
            info.context.sections[id(value)] = cls
        return value


def keys_of(section: type[BaseModel]) -> dict[str, str]:
    """The keys of a section as YAML spells them, with what they are for."""
    return {
        field.alias or name: field.description or "" for name, field in section.model_fields.items()
    }


class Reading:
    """What validation needs besides the values, and what it notes on the way."""

    def __init__(self, references: References) -> None:
        self.references = references
        self.sections: dict[int, type[BaseModel]] = {}


def _resolved(value: Any, info: ValidationInfo) -> Any:
    if isinstance(value, str) and info.context is not None:
        return info.context.references.resolve(value)
    return value


def _url(value: str) -> str:
    if is_reference(value):
        return value  # a stored config, whose references stay as they are
    try:
        parts = urlsplit(value)
        if parts.username is not None:
            raise BadValueError(
                "holds a user name or password",
                "Send them as a header: `headers: {Authorization: ...}`",
            )
        if parts.query or parts.fragment:
            raise BadValueError(
                "is {value}, must end before the ? or #",
                "The request's own target is appended to it",
            )
        Endpoint.of(value)
    except BadValueError:
        raise
    except ValueError as exc:
        raise BadValueError(_NO_URL) from exc
    if not value.isprintable() or " " in value:
        raise BadValueError(_NO_URL)
    return value


_NO_URL = "is {value}, must be an address such as http://127.0.0.1:9102"


def _target(value: str) -> str:
    if not value.startswith("/") or not value.isascii() or not value.isprintable() or " " in value:
        raise BadValueError("is {value}, must be a path such as /v1/predict")
    return value


def json_path(value: str) -> str:
    """A JSONPath, checked.

    Raises:
        BadValueError: It is none.
    """
    try:
        paths.JsonPath(value)
    except (ValueError, RecursionError) as exc:
        raise BadValueError("is {value}, must be a JSONPath such as $.label") from exc
    return value


def _header_value(value: str) -> str:
    if any(ord(character) < 32 and character != "\t" for character in value):
        raise BadValueError(
            "holds a line break or another control character", "Header values are a line"
        )
    if not value.isascii():
        raise BadValueError("holds a character that is not ASCII", "Percent-encode it")
    return value


def no_literal_secrets(headers: dict[str, Any]) -> None:
    """Refuse credentials written into the config; called with the document's own values.

    Raises:
        BadValueError: A header that carries credentials holds no reference.
    """
    for name, value in headers.items():
        if name.lower() in SECRET_HEADERS and isinstance(value, str) and not is_reference(value):
            raise BadValueError(
                "holds the secret itself",
                f"Write ${{env:NAME}} or ${{file:PATH}}, for instance {_example(name)}",
                key=(name,),
            )


def _example(name: str) -> str:
    return '"Bearer ${env:TOKEN}"' if "authorization" in name.lower() else '"${env:TOKEN}"'


def _headers(value: Any) -> Any:
    if isinstance(value, dict):
        no_literal_secrets(value)
        for name in value:
            try:
                Destination("localhost", headers=((name, ""),))
            except ValueError as exc:
                raise BadValueError("cannot be set", _FRAMES, key=(name,)) from exc
    return value


_FRAMES = "Harness frames requests and keeps connections itself"

_TOKEN = r"^[!#$%&'*+.^_`|~0-9A-Za-z-]+$"


def _as(pattern: str, *examples: str) -> WithJsonSchema:
    """How a value written with a unit looks to an editor."""
    return WithJsonSchema({"type": "string", "pattern": pattern, "examples": list(examples)})


Whole = Annotated[int, Strict()]
Number = Annotated[float, Strict()]
Flag = Annotated[bool, Strict()]
Text = Annotated[str, Field(min_length=1)]
Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")]
"""A name that can stand in a path, a metric and a sentence."""

Reference = Annotated[str, BeforeValidator(_resolved), Field(min_length=1)]
"""Text in which `${env:NAME}` and `${file:PATH}` are replaced."""

Url = Annotated[Reference, AfterValidator(_url)]
Target = Annotated[str, AfterValidator(_target)]
JsonPath = Annotated[str, AfterValidator(json_path)]
HeaderName = Annotated[str, Field(pattern=_TOKEN)]
HeaderValue = Annotated[str, BeforeValidator(_resolved), AfterValidator(_header_value)]
Headers = Annotated[dict[HeaderName, HeaderValue], BeforeValidator(_headers)]

Duration = Annotated[
    float,
    BeforeValidator(amounts.duration_s),
    _as(r"^\d+(\.\d+)?\s*(us|ms|s|m|h|d)$", "250ms", "2s", "5m"),
]
PositiveDuration = Annotated[
    float,
    BeforeValidator(amounts.positive_duration_s),
    _as(r"^\d+(\.\d+)?\s*(us|ms|s|m|h|d)$", "250ms", "2s", "5m"),
]
Size = Annotated[
    int,
    BeforeValidator(amounts.size_bytes),
    _as(r"^\d+(\.\d+)?\s*([KMGT]i?B|B)$", "64KiB", "1MiB"),
]
Rate = Annotated[
    float, BeforeValidator(amounts.rate_per_s), _as(r"^\d+(\.\d+)?\s*/\s*(s|m|h)$", "200/s")
]
Money = Annotated[
    Decimal,
    BeforeValidator(amounts.money_usd),
    WithJsonSchema({"type": ["number", "string"], "minimum": 0, "examples": [1.2]}),
]
Share = Annotated[float, Strict(), Field(ge=0, le=1)]
"""A fraction, 0 to 1."""
