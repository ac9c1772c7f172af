"""What the mirror process is told."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Self


@dataclass(frozen=True, slots=True)
class MirrorSettings:
    """The mirror's part of a config, which travels as it was written: no secret is in it.

    Attributes:
        config: The document, `Config.masked`; references are resolved where it arrives.
        config_path: The file it came from: what relative paths in it start from.
        urls: Base URL of each deployment, those that harness started among them.
        run: Folder of the run; where there is one already, it is gone on with.
        link: Socket at which fronts find the mirror.
        page: Where the mirror counts.
        pages: Folder with the pages of all fronts.
    """

    config: Mapping[str, Any]
    config_path: str
    urls: Mapping[str, str]
    run: str
    link: str
    page: str
    pages: str

    def to_json(self) -> dict[str, Any]:
        """As an object for `json`; `from_json` reads it back."""
        return asdict(self)

    @classmethod
    def from_json(cls, plain: Mapping[str, Any]) -> Self:
        return cls(**plain)
