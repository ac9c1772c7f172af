"""A child for tests of the supervisor: a front that answers what it was told, or nothing at all.

python -m tests.shadow.little_child FD
"""

import asyncio
import os
import socket
import sys
from contextlib import suppress

from harness.shadow.control import Control, settings_from

HEAD = b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: %d\r\n\r\n"


async def main(control_fd):
    control_socket = socket.socket(fileno=control_fd)
    settings = settings_from(control_socket)
    if settings.get("dies"):
        sys.exit(3)
    loop, over, exchanges = asyncio.get_running_loop(), asyncio.Event(), set()

    async def answer(connection):
        reader, writer = await asyncio.open_connection(sock=connection)
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            await reader.readuntil(b"\r\n\r\n")
            writer.write(b"HTTP/1.1 102 Processing\r\n\r\n")
            await asyncio.sleep(settings.get("takes_s", 0))
            body = f"{settings['text']} {os.getpid()} {settings.get('ppm')}".encode()
            writer.write(HEAD % len(body) + body)
            await writer.drain()
        writer.close()

    def accept():
        with suppress(BlockingIOError):  # another front was faster
            connection, _ = listening.accept()
            task = loop.create_task(answer(connection))
            exchanges.add(task)
            task.add_done_callback(exchanges.discard)

    async def drain():
        if "listen_fd" in settings:
            loop.remove_reader(settings["listen_fd"])
        await asyncio.gather(*exchanges)
        over.set()

    def heard(order):
        match order["do"]:
            case "drain":
                heard.draining = loop.create_task(drain())
            case "close":
                over.set()
            case "sample":
                settings["ppm"] = order["ppm"]

    if "listen_fd" in settings:
        listening = socket.socket(fileno=settings["listen_fd"])
        loop.add_reader(listening, accept)
    control = await Control.on(control_socket, heard, lambda: os._exit(0))
    control.say({"say": "ready"})
    await over.wait()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1])))
