"""Raw sockets on both sides of a proxy: a champion and a client that see every byte."""

import contextlib
import re
import socket
import ssl
import threading
from collections.abc import Callable
from dataclasses import dataclass, field

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


class Wire:
    """A socket that is read message by message, byte for byte."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self.buffer = b""

    def more(self) -> bool:
        """Read something; False at the end."""
        try:
            data = self.sock.recv(65536)
        except ConnectionError:
            return False
        self.buffer += data
        return bool(data)

    def take(self, n_bytes: int) -> bytes:
        taken, self.buffer = self.buffer[:n_bytes], self.buffer[n_bytes:]
        return taken

    def until(self, mark: bytes) -> bytes:
        """Bytes up to and with the mark; what there is when the peer ends before."""
        while mark not in self.buffer:
            if not self.more():
                return self.take(len(self.buffer))
        return self.take(self.buffer.index(mark) + len(mark))

    def exactly(self, n_bytes: int) -> bytes:
        pieces, n_missing = [self.buffer], n_bytes - len(self.buffer)
        self.buffer = b""
        while n_missing > 0 and self.more():
            n_missing -= len(self.buffer)
            pieces.append(self.take(len(self.buffer)))
        self.buffer = b"".join(pieces)
        return self.take(n_bytes)

    def rest(self) -> bytes:
        """Everything up to the end of the connection."""
        while self.more():
            pass
        return self.take(len(self.buffer))

    def chunks(self) -> bytes:
        raw = b""
        while True:
            line = self.until(b"\r\n")
            raw += line
            size = int(line.partition(b";")[0] or b"0", 16) if line.strip() else 0
            if size == 0:
                while line := self.until(b"\r\n"):
                    raw += line
                    if line == b"\r\n":
                        break
                return raw
            raw += self.exactly(size + 2)

    def message(self, *, has_body: bool = True, is_answer: bool = False) -> bytes:
        """One message as it stands; empty at the end of the connection."""
        head = self.until(b"\r\n\r\n")
        length = re.search(rb"(?im)^content-length: *(\d+)", head)
        if not has_body or not head.endswith(b"\r\n\r\n"):
            return head
        if is_answer and (status_of(head) in (204, 304) or 100 <= status_of(head) < 200):
            return head
        if re.search(rb"(?im)^transfer-encoding:.*chunked", head):
            return head + self.chunks()
        if length:
            return head + self.exactly(int(length[1]))
        return head + self.rest() if is_answer else head


def status_of(message: bytes) -> int:
    return int(message[9:12]) if message.startswith(b"HTTP/1.") else 0


def body_of(message: bytes) -> bytes:
    """The body with its chunks taken off."""
    head, _, body = message.partition(b"\r\n\r\n")
    if not re.search(rb"(?im)^transfer-encoding:.*chunked", head):
        return body
    content = b""
    while body:
        line, _, body = body.partition(b"\r\n")
        size = int(line.partition(b";")[0], 16)
        if size == 0:
            return content
        content, body = content + body[:size], body[size + 2 :]
    return content


@dataclass
class Champion:
    """Answers every request with the same bytes, and keeps what it was sent.

    Attributes:
        answer: What it says; a function is given the connection and says it itself.
        closes: Whether it closes the connection after that.
        on_head: Called with the connection and the head before a request's body is read.
        tls: How it speaks TLS; None for plain HTTP.
        seen: Requests as they came, in their order.
        n_connections: How many were made to it.
    """

    answer: bytes | Callable[[Wire, bytes], None] = OK
    closes: bool = False
    on_head: Callable[[Wire, bytes], None] | None = None
    tls: ssl.SSLContext | None = None
    seen: list[bytes] = field(default_factory=list)
    n_connections: int = 0

    def __post_init__(self) -> None:
        self._listening = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.port = self._listening.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def will(
        self,
        answer: bytes | Callable[[Wire, bytes], None],
        *,
        closes: bool = False,
        on_head: Callable[[Wire, bytes], None] | None = None,
    ) -> None:
        """Begin anew: forget what was seen, and answer so."""
        self.answer, self.closes, self.on_head = answer, closes, on_head
        self.seen = []

    def close(self) -> None:
        self._listening.close()

    def _accept(self) -> None:
        while True:
            try:
                sock, _ = self._listening.accept()
            except OSError:
                return
            self.n_connections += 1
            threading.Thread(target=self._serve, args=(sock,), daemon=True).start()

    def _serve(self, sock: socket.socket) -> None:
        if self.tls is not None:
            sock = self.tls.wrap_socket(sock, server_side=True)
        wire = Wire(sock)
        with sock, contextlib.suppress(OSError):
            while head := wire.until(b"\r\n\r\n"):
                if self.on_head is not None:
                    self.on_head(wire, head)
                wire.buffer = head + wire.buffer
                request = wire.message()
                self.seen.append(request)
                if callable(self.answer):
                    self.answer(wire, request)
                else:
                    sock.sendall(self.answer)
                if self.closes:
                    return


def ask(port: int, request: bytes, *, n_answers: int = 1, within_s: float = 5) -> list[bytes]:
    """Send bytes and read that many final answers or fewer; interim ones stay in front of them."""
    with socket.create_connection(("127.0.0.1", port), timeout=within_s) as sock:
        sock.sendall(request)
        wire = Wire(sock)
        answers: list[bytes] = []
        is_head = request.startswith(b"HEAD ")
        for _ in range(n_answers):
            said = b""
            while True:
                message = wire.message(has_body=not is_head, is_answer=True)
                said += message
                if not 100 <= status_of(message) < 200:
                    break
            if not said:
                break
            answers.append(said)
        return answers
