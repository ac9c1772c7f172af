"""What requests are known by: our own id of each, and what is the same content."""

from __future__ import annotations

import hashlib

from harness.exchange import Request, RequestId


def request_id_of(run_id: str, entry_key: str) -> RequestId:
    """Unique within and between runs, and the same again when a run is resumed."""
    digest = hashlib.blake2b(f"{run_id}\0{entry_key}".encode(), digest_size=16)
    return RequestId(digest.hexdigest())


def content_hash(request: Request) -> str:
    """Same method, target and body, same hash."""
    head = f"{request.method} {request.target}\0".encode("latin-1", "replace")
    return hashlib.blake2b(head + request.body, digest_size=16).hexdigest()
