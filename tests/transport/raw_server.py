"""A server on a bare socket, for answers no server library would give."""

import contextlib
import socket
import struct
import threading

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


class RawServer:
    """Listens on loopback and calls `behave(peer)` in a thread for every connection.

    Args:
        tls: An `ssl.SSLContext` to wrap connections in.
    """

    def __init__(self, behave, *, tls=None):
        self._behave = behave
        self._tls = tls
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=512)
        self.port = self._listener.getsockname()[1]
        self.peers = []
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        self._threads[0].start()

    @property
    def n_connections(self):
        return len(self.peers)

    @property
    def received(self):
        """All bytes of all connections, in the order of connecting."""
        return [bytes(peer.received) for peer in self.peers]

    def close(self):
        # Wakes the accept, which closing alone does not.
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for peer in self.peers:
            peer.close()
        for thread in self._threads:
            thread.join(5)

    def _accept(self):
        while True:
            try:
                sock, _ = self._listener.accept()
            except OSError:
                return
            peer = Peer(sock)
            self.peers.append(peer)
            thread = threading.Thread(target=self._serve, args=(peer,), daemon=True)
            self._threads.append(thread)
            thread.start()

    def _serve(self, peer):
        # The client going away in the middle is what many of these tests are about.
        with contextlib.suppress(OSError, EOFError):
            if self._tls is not None:
                peer.sock = self._tls.wrap_socket(peer.sock, server_side=True)
            self._behave(peer)
        peer.close()


class Peer:
    """One accepted connection."""

    def __init__(self, sock):
        self.sock = sock
        self.received = bytearray()
        self.closed = threading.Event()

    def read_request(self):
        """One request, head and body by Content-Length; EOFError when the client has left."""
        start = len(self.received)
        while (end := self.received.find(b"\r\n\r\n", start)) < 0:
            self._receive()
        end += 4
        head = bytes(self.received[start:end]).lower()
        length = head.partition(b"content-length:")[2].partition(b"\r\n")[0]
        while len(self.received) < end + int(length or 0):
            self._receive()
        return bytes(self.received[start:])

    def wait_for_eof(self):
        with contextlib.suppress(EOFError):
            while True:
                self._receive()

    def send(self, data):
        self.sock.sendall(data)

    def reset(self):
        """Close with a reset instead of an orderly end."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.sock.close()

    def close(self):
        with contextlib.suppress(OSError):
            self.sock.shutdown(socket.SHUT_RDWR)
        self.sock.close()
        self.closed.set()

    def _receive(self):
        data = self.sock.recv(65536)
        if not data:
            raise EOFError
        self.received += data


def answering(*answers):
    """Give these answers in turn on each connection, then the last one for ever."""

    def behave(peer):
        i = 0
        while True:
            peer.read_request()
            peer.send(answers[min(i, len(answers) - 1)])
            i += 1

    return behave


@contextlib.contextmanager
def full_backlog():
    """A listening port that lets connections hang: nobody accepts, and the queue is full."""
    with socket.socket() as listener, contextlib.ExitStack() as stack:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        port = listener.getsockname()[1]
        for _ in range(4):  # what the kernel queues, and beyond
            sock = stack.enter_context(socket.socket())
            sock.setblocking(False)
            sock.connect_ex(("127.0.0.1", port))
        yield port
