"""Which requests may be mirrored at all: by method and path, and none that is a copy already.

Works on a head as it came, because it is asked for every request of the users.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from harness.traffic.forwarding import SHADOW_HEADER

RawHeaders = Sequence[tuple[bytes, bytes]]
"""Names and values as they came, in wire order."""

_SHADOW = SHADOW_HEADER.lower().encode()
_UPGRADE = b"upgrade"
# Lengths are compared before letters: most names differ in them.
_TELLING = frozenset({len(_SHADOW), len(_UPGRADE)})


def path_pattern(patterns: Sequence[str]) -> re.Pattern[bytes] | None:
    """One pattern for all of these, `*` standing for any text; None where every path will do.

    Examples:
        >>> bool(path_pattern(["/v1/*"]).fullmatch(b"/v1/chat/completions"))
        True
    """
    if not patterns:
        return None
    pieces = (".*".join(re.escape(part) for part in one.split("*")) for one in patterns)
    return re.compile("|".join(f"(?:{one})" for one in pieces).encode(), re.DOTALL)


@dataclass(frozen=True, slots=True)
class Eligibility:
    """What of the traffic may be mirrored.

    Attributes:
        methods: Names, in capitals; every other method stays with the champion.
        paths: Patterns, `*` for any text, compared with the path as it was sent, without its query;
            none is all.
    """

    methods: tuple[str, ...]
    paths: tuple[str, ...] = ()
    _methods: frozenset[bytes] = field(init=False, repr=False)
    _paths: re.Pattern[bytes] | None = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_methods", frozenset(one.encode() for one in self.methods))
        object.__setattr__(self, "_paths", path_pattern(self.paths))

    def allows(self, method: bytes, target: bytes, headers: RawHeaders) -> bool:
        """Whether this request may be mirrored.

        A copy from another harness may not, or two sidecars could mirror each other without end;
        nor may what becomes a WebSocket.
        """
        if method not in self._methods:
            return False
        if self._paths is not None and not self._paths.fullmatch(target.partition(b"?")[0]):
            return False
        for name, value in headers:
            if len(name) in _TELLING:
                lower = name.lower()
                if lower == _SHADOW or (lower == _UPGRADE and _is_websocket(value)):
                    return False
        return True


def _is_websocket(value: bytes) -> bool:
    return b"websocket" in value.lower()
