"""An HTTP server that takes its time, or never ends: pieces of a reply, one after the other, at a pace."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress

Pieces = Callable[[], Iterable[bytes]]


@contextmanager
def dripping(pieces: Pieces, pause: float = 0.0) -> Iterator[str]:
    """The URL of a server whose every reply is what ``pieces()`` gives, ``pause`` seconds after each piece."""
    closing = threading.Event()

    def serve(client: socket.socket) -> None:
        with client, suppress(OSError):
            client.recv(65_536)
            for piece in pieces():
                client.sendall(piece)
                if closing.wait(pause):
                    return

    def accept() -> None:
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=serve, args=(client,), daemon=True).start()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=accept, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            closing.set()
            with suppress(OSError):
                listener.shutdown(socket.SHUT_RDWR)


def slowly(reply: bytes, step: int = 1) -> Pieces:
    """A reply in pieces of ``step`` bytes."""
    return lambda: (reply[begin : begin + step] for begin in range(0, len(reply), step))
