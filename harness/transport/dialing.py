"""Open a connection to a deployment, and say in one line why that did not work."""

from __future__ import annotations

import asyncio
import errno
import socket
import ssl
from collections.abc import Callable
from typing import TypeVar

from harness.errors import UnreachableError
from harness.transport.target import Endpoint, Target

_P = TypeVar("_P", bound=asyncio.Protocol)

# Faults of the machine we run on. They look like the deployment's and are not.
_OUR_OWN = {
    errno.EMFILE: "this process has too many open files; raise `ulimit -n`",
    errno.ENFILE: "this machine has too many open files",
    errno.EADDRNOTAVAIL: "this machine has no free port left to connect from",
    errno.ENOBUFS: "this machine has no memory left for sockets",
}


def tls_context(target: Target) -> ssl.SSLContext | None:
    """How TLS is spoken with this deployment: certificate and host name verified; None for http.

    Raises:
        UnreachableError: The CA file cannot be read or holds no certificates.
    """
    if not target.endpoint.is_tls:
        return None
    try:
        context = ssl.create_default_context(cafile=target.ca_file)
    except OSError as exc:
        raise UnreachableError(
            f"{target.name}: CA file {target.ca_file!r}: {exc.strerror or exc}. "
            f"Name a PEM file with the certificates to trust."
        ) from exc
    context.set_alpn_protocols(["http/1.1"])
    return context


async def dial(endpoint: Endpoint, tls: ssl.SSLContext | None, protocol: Callable[[], _P]) -> _P:
    """Connect to the first address that accepts, and through TLS where there is a context.

    The loop makes the socket: one handed to it would have no clear owner when a handshake fails.

    Raises:
        OSError: Nobody there, no such name, TLS refused. `reason` puts it into words.
    """
    loop = asyncio.get_running_loop()
    last = OSError("the name has no addresses")
    for address in await _addresses(endpoint):
        try:
            _, made = await loop.create_connection(
                protocol,
                address,
                endpoint.port,
                ssl=tls,
                server_hostname=endpoint.host if tls is not None else None,
            )
        except ssl.SSLError:
            raise  # the next address would show the same certificate
        except OSError as exc:
            last = exc
        else:
            return made
    raise last


async def _addresses(endpoint: Endpoint) -> list[str]:
    if endpoint.is_address:
        return [endpoint.host]
    found = await asyncio.get_running_loop().getaddrinfo(
        endpoint.host, endpoint.port, type=socket.SOCK_STREAM
    )
    return [str(address[0]) for _, _, _, _, address in found]


def reason(exc: OSError, endpoint: Endpoint) -> str:
    """Why no connection came about, for a person."""
    where = endpoint.authority
    match exc:
        case socket.gaierror():
            return f"the name {endpoint.host!r} cannot be resolved ({exc.strerror})"
        case ssl.SSLCertVerificationError():
            return f"{where} has a certificate that is not accepted: {exc.verify_message}"
        case ssl.SSLError():
            return f"TLS with {where} failed: {_tls_fault(exc)}"
        case ConnectionRefusedError():
            return f"{where} refused the connection"
        case ConnectionError():
            return f"{where} closed the connection while it was being set up"
        case TimeoutError():
            return f"{where} does not accept connections in time"
    return _OUR_OWN.get(exc.errno or 0) or f"{where}: {exc.strerror or exc}"


def _tls_fault(exc: ssl.SSLError) -> str:
    fault = (exc.reason or str(exc)).replace("_", " ").lower()
    if exc.reason in {"WRONG_VERSION_NUMBER", "HTTP_REQUEST", "RECORD_LAYER_FAILURE"}:
        return f"{fault}; is it an http:// server?"
    if exc.reason in {"TLSV1_ALERT_NO_APPLICATION_PROTOCOL", "SSLV3_ALERT_NO_APPLICATION_PROTOCOL"}:
        return "it does not offer HTTP/1.1"
    return fault
