"""Secrets a config refers to, and the few templates a rewrite may hold.

`${env:NAME}` and `${file:PATH}` are resolved when the config is loaded. A config keeps the document
as it was written beside the resolved values; what is printed, stored or digested is taken from
that, so a secret cannot get there.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from harness.config.problems import BadValueError, nearest
from harness.traffic.forwarding import CREDENTIALS

MAX_SECRET_BYTES = 64 * 1024

TEMPLATES = ("now", "now_s", "now_ms", "uuid")
"""What `rewrite` fills in for each request, see `harness.traffic.rewriting`."""

RESOLVED_KEYS = ("url", "command", "headers", "rewrite", "log", "admin_token", "key")
"""Keys in whose values references are resolved."""

_REFERENCE = re.compile(r"\$\{([^}]*)\}?")
_TEMPLATE = re.compile(r"(?<!\$)\{([A-Za-z_]+)\}")

SECRET_HEADERS = CREDENTIALS | {"proxy-authorization"}
"""Headers that carry credentials by their nature."""


@dataclass(frozen=True, slots=True)
class References:
    """Resolves references.

    Args:
        environment: For `${env:NAME}`.
        directory: What a relative `${file:PATH}` starts from.
        resolving: False leaves them as they are: a stored config is judged without its secrets.
    """

    environment: Mapping[str, str]
    directory: Path
    resolving: bool = True

    def resolve(self, text: str) -> str:
        """The text with every reference replaced.

        Raises:
            BadValueError: A reference is misspelled, or there is nothing behind it.
        """
        if not self.resolving:
            return text
        return _REFERENCE.sub(lambda match: self._value(match[0], match[1]), text)

    def _value(self, written: str, inside: str) -> str:
        source, _, name = inside.partition(":")
        if not written.endswith("}") or source not in ("env", "file") or not name:
            raise BadValueError(
                f"holds {written!r}, must be ${{env:NAME}} or ${{file:PATH}}",
            )
        return self._variable(name) if source == "env" else self._file(name)

    def _variable(self, name: str) -> str:
        if name not in self.environment:
            raise BadValueError(
                f"the environment has no variable {name}", f"Set {name} and start again"
            )
        return self.environment[name]

    def _file(self, name: str) -> str:
        try:
            with (self.directory / name).open("rb") as file:
                content = file.read(MAX_SECRET_BYTES + 1)
            if len(content) > MAX_SECRET_BYTES:
                raise BadValueError(
                    f"the file {name} is larger than 64 KiB", "A secret is a line of text"
                )
            # Editors and `echo` end a file with a newline that is no part of the secret.
            return content.decode().rstrip("\r\n")
        except OSError as exc:
            reason = exc.strerror or type(exc).__name__
            raise BadValueError(f"the file {name} cannot be read ({reason})") from exc
        except UnicodeDecodeError as exc:
            raise BadValueError(f"the file {name} is not UTF-8 text") from exc


def is_reference(text: str) -> bool:
    """Whether the text holds `${...}`.

    Examples:
        >>> is_reference("Bearer ${env:TOKEN}"), is_reference("$.label")
        (True, False)
    """
    return "${" in text


def check_templates(text: str) -> str:
    """The text, if every `{word}` in it is a template we know.

    Raises:
        BadValueError: One is not.
    """
    for match in _TEMPLATE.finditer(text):
        if match[1] not in TEMPLATES:
            raise BadValueError(
                f"holds the unknown template {match[0]}", nearest(match[1], TEMPLATES)
            )
    return text
