"""nginx as the reference, with a configuration of its own in a folder of its own."""

import shutil
import socket
import subprocess
import time
from pathlib import Path

# As transparent as nginx gets.
_CONFIG = """
daemon off; master_process off; pid {folder}/nginx.pid; error_log {folder}/error.log;
events {{ worker_connections 256; }}
http {{
    access_log off; underscores_in_headers on; client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/f; uwsgi_temp_path {folder}/u;
    scgi_temp_path {folder}/s; server_tokens off;
    map $http_upgrade $connection_upgrade {{ default upgrade; '' ''; }}
    upstream champion {{ server 127.0.0.1:{champion}; keepalive 8; }}
    server {{
        listen 127.0.0.1:{port};
        location / {{
            proxy_pass http://champion; proxy_http_version 1.1; proxy_buffering off;
            proxy_set_header Host $http_host; proxy_set_header Connection $connection_upgrade;
            proxy_set_header Upgrade $http_upgrade;
        }}
    }}
}}
"""


def installed() -> str | None:
    return shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin:/usr/local/sbin")


def start_nginx(folder: Path, champion_port: int) -> tuple[subprocess.Popen, int]:
    """Start it before a champion; return it and its port."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    config = folder / "nginx.conf"
    config.write_text(_CONFIG.format(folder=folder, champion=champion_port, port=port))
    program = installed()
    assert program is not None
    process = subprocess.Popen(
        [program, "-p", str(folder), "-c", str(config)], stderr=subprocess.DEVNULL
    )
    deadline_s = time.monotonic() + 10
    while time.monotonic() < deadline_s:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except ConnectionRefusedError:
            assert process.poll() is None, (folder / "error.log").read_text()
            time.sleep(0.02)
        else:
            return process, port
    raise AssertionError("nginx did not start")
