"""Sockets that the supervisor holds and its children accept on."""

from __future__ import annotations

import errno
import os
import socket

from harness.errors import UsageError

BACKLOG = 1024
"""Connections that may wait while no front accepts: for the moment in which one is restarted."""


def listener(host: str, port: int, *, key: str) -> socket.socket:
    """A listening TCP socket, inheritable.

    Args:
        host: A name or address; port 0 takes any that is free.
        key: Of the config, for the message.

    Raises:
        UsageError: The address is taken, not ours, or not to be had.
    """
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        sock = socket.socket(family, kind, protocol)
    except OSError as exc:
        raise UsageError(f"{key}: {host} is no address of this machine ({exc.strerror})") from exc
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        sock.bind(address)
        sock.listen(BACKLOG)
        sock.setblocking(False)
    except OSError as exc:
        sock.close()
        raise UsageError(f"{key}: {_why(exc, host, port)}") from exc
    return sock


def where(sock: socket.socket) -> str:
    """Address and port of a listening socket, as a config writes them.

    Examples:
        >>> with listener("127.0.0.1", 0, key="capture.listen") as sock:
        ...     where(sock).startswith("127.0.0.1:")
        True
    """
    host, port = sock.getsockname()[:2]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _why(exc: OSError, host: str, port: int) -> str:
    match exc.errno:
        case errno.EADDRINUSE:
            return f"{host}:{port} is taken by another process. Stop that, or name another port"
        case errno.EACCES:
            return f"port {port} is for root alone. Name one from 1024 on"
        case errno.EADDRNOTAVAIL:
            return f"{host} is no address of this machine. Name one that is, or 0.0.0.0 for all"
        case number:
            said = os.strerror(number) if number else str(exc)
            return f"{host}:{port} cannot be listened on ({said})"
