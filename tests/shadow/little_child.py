"""A child for tests of the supervisor: a front that answers what it was told, or nothing at all.

python -m tests.shadow.little_child FD
"""

import asyncio
import os
import socket
import sys
from contextlib import suppress

from harness.shadow.control import Control, settings_from


async def main(control_fd):
    control_socket = socket.socket(fileno=control_fd)
    settings = settings_from(control_socket)
    if settings.get("dies"):
        sys.exit(3)
    over = asyncio.Event()
    exchanges = set()

    async def answer(reader, writer):
        task = asyncio.current_task()
        exchanges.add(task)
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            await reader.readuntil(b"\r\n\r\n")
            writer.write(b"HTTP/1.1 102 Processing\r\n\r\n")
            await asyncio.sleep(settings.get("takes_s", 0))
            body = f"{settings['text']} {os.getpid()} {settings.get('ppm')}".encode()
            head = b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: %d\r\n\r\n"
            writer.write(head % len(body) + body)
            await writer.drain()
        writer.close()
        exchanges.discard(task)

    server = None
    if "listen_fd" in settings:
        listening = socket.socket(fileno=os.dup(settings["listen_fd"]))
        server = await asyncio.start_server(answer, sock=listening)

    async def drain():
        if server is not None:
            server.close()
        await asyncio.gather(*exchanges)
        over.set()

    def heard(order):
        match order["do"]:
            case "drain":
                heard.draining = asyncio.create_task(drain())
            case "close":
                over.set()
            case "sample":
                settings["ppm"] = order["ppm"]

    control = await Control.on(control_socket, heard, lambda: os._exit(0))
    control.say({"say": "ready"})
    await over.wait()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1])))
