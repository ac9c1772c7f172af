"""Ask whether a deployment is there at all, before anything is written."""

from __future__ import annotations

import asyncio
from typing import cast

from harness.errors import UnreachableError
from harness.transport.dialing import dial, reason, tls_context
from harness.transport.target import Target


class _Knock(asyncio.Protocol):
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)


async def probe(target: Target, timeout_s: float) -> None:
    """Open a connection, TLS included, and close it again. No request is sent.

    Raises:
        UnreachableError: It could not be opened within `timeout_s`.
    """
    endpoint = target.endpoint
    tls = tls_context(target)
    try:
        async with asyncio.timeout(timeout_s):
            knock = await dial(endpoint, tls, _Knock)
    except TimeoutError as exc:
        why = f"{endpoint.authority} accepted no connection within {timeout_s:g} s"
        raise _unreachable(target, why) from exc
    except OSError as exc:
        raise _unreachable(target, reason(exc, endpoint)) from exc
    # Not while it is being made: uvloop is still holding on to the socket then.
    knock.transport.close()


def _unreachable(target: Target, why: str) -> UnreachableError:
    return UnreachableError(
        f"{target.name}: {target.base_url}: {why}. Start the deployment, or correct its `url`."
    )
