"""What of the pairs of a run is kept, from its config."""

from __future__ import annotations

import secrets

from harness.config import Config
from harness.dialects.redaction.redaction import Redaction
from harness.store.privacy import KeepBodies, Privacy

_KEY_BYTES = 32


def privacy_of(config: Config) -> Privacy:
    """The same for replayed and live pairs.

    Without a key in the config one is drawn, and kept nowhere but in memory.
    """
    redact = config.capture.redact
    redaction = None
    if redact is not None and redact.body:
        key = secrets.token_bytes(_KEY_BYTES) if redact.key is None else redact.key.encode()
        redaction = Redaction(redact.body, key)
    return Privacy(keep_bodies=KeepBodies(config.capture.keep_bodies), redact=redaction)
