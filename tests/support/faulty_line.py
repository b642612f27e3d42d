"""A TCP line that is slow, goes dead or breaks, each direction by itself: put it before a broker or an org.

``with FaultyLine("127.0.0.1:9092") as line``: clients go to ``line.address``; ``line.up`` carries what they send,
``line.down`` what they get. Everything may be changed while connections are open, and holds for all of them.
"""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from attrs import define, field

from tests.support.kafka_broker import Broker
from tests.support.kafka_config import MORTAL
from tests.support.ports import free_ports

_BLOCK = 1 << 14
_BUFFER = 1 << 15  # bytes that the kernel keeps at each end: else a line of megabytes is never felt
_TURN = 0.05  # seconds of traffic that a slow line hands on at once


@define(eq=False)
class Direction:
    """``rate``: bytes a second for all connections together; None: no limit."""

    rate: float | None = None
    passed: int = 0
    _dead: bool = False
    _cut_after: int | None = None
    _free_at: float = 0.0
    _changed: threading.Condition = field(factory=threading.Condition)

    def die(self) -> None:
        """Nothing passes any more, and nobody is told: connections stay open."""
        self._dead = True

    def revive(self) -> None:
        """What was held up passes, and what comes."""
        with self._changed:
            self._dead = False
            self._changed.notify_all()

    def cut_after(self, count: int) -> None:
        """The connection that carries the byte after the next ``count`` ones is closed there; once."""
        self._cut_after = self.passed + count

    def _share(self) -> int:
        """How many bytes may be taken at once."""
        return _BLOCK if self.rate is None else max(1, min(_BLOCK, int(self.rate * _TURN)))

    def _carry(self, data: bytes, to: socket.socket, closing: threading.Event) -> bool:
        """Hand ``data`` on, at the rate of now; False where the connection is cut."""
        while data:
            share = self._share()  # the rate may have changed while these bytes were awaited
            if not self._carry_share(data[:share], to, closing):
                return False
            data = data[share:]
        return True

    def _carry_share(self, data: bytes, to: socket.socket, closing: threading.Event) -> bool:
        if self.rate is not None:
            with self._changed:
                begin = max(time.monotonic(), self._free_at)
                self._free_at = begin + len(data) / self.rate
            closing.wait(self._free_at - time.monotonic())
        with self._changed:
            while self._dead and not closing.is_set():
                self._changed.wait(0.1)
            cut = self._cut_after
            if cut is not None and self.passed + len(data) > cut:
                data, self._cut_after = data[: cut - self.passed], None
            else:
                cut = None
            self.passed += len(data)
        to.sendall(data)
        return cut is None


class FaultyLine:
    """A proxy to ``target`` (host:port) on a port of its own."""

    def __init__(self, target: str, port: int = 0) -> None:
        host, _, number = target.rpartition(":")
        self._target = (host, int(number))
        self.up, self.down = Direction(), Direction()
        self.connections = 0
        self._closing = threading.Event()
        self._refusing = False
        self._sockets: set[socket.socket] = set()
        self._listener = socket.create_server(("127.0.0.1", port), backlog=100)
        self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _BUFFER)
        self.port = self._listener.getsockname()[1]
        self.address = f"127.0.0.1:{self.port}"

    def __enter__(self) -> FaultyLine:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._closing.set()
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.cut()

    def die(self) -> None:
        """A black hole, both ways."""
        self.up.die()
        self.down.die()

    def revive(self) -> None:
        """The end of :meth:`die`."""
        self.up.revive()
        self.down.revive()

    def cut(self) -> None:
        """Close every connection that is open."""
        for sock in list(self._sockets):
            with suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)

    def refuse(self, on: bool = True) -> None:
        """New connections are closed at once; open ones are cut."""
        self._refusing = on
        if on:
            self.cut()

    def _accept(self) -> None:
        while not self._closing.is_set():
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            try:
                if self._refusing:
                    raise ConnectionRefusedError
                server = socket.create_connection(self._target, 10)
            except OSError:
                client.close()
                continue
            server.settimeout(None)  # that of connecting would cut a line that is silent for so long
            server.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _BUFFER)
            pair = (client, server)
            self._sockets.update(pair)
            for source, to, direction in ((client, server, self.up), (server, client, self.down)):
                to.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                arguments = (source, to, direction, pair)
                threading.Thread(target=self._pump, args=arguments, daemon=True).start()

    def _pump(
        self,
        source: socket.socket,
        to: socket.socket,
        direction: Direction,
        pair: tuple[socket.socket, socket.socket],
    ) -> None:
        with suppress(OSError):
            while data := source.recv(direction._share()):
                if not direction._carry(data, to, self._closing):
                    break
        for sock in pair:
            with suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
            self._sockets.discard(sock)


@contextmanager
def broker_behind_a_line(directory: Path) -> Iterator[tuple[Broker, FaultyLine]]:
    """A broker with two addresses: its own for the test, and the line's for whoever is tested."""
    ports = free_ports(("PLAINTEXT", "CONTROLLER", "LINE"))
    urls = {name: f"{name}://127.0.0.1:{port}" for name, port in ports.items()}
    with FaultyLine(f"127.0.0.1:{ports['LINE']}") as line:
        listeners = {
            "listeners": ",".join(urls.values()),
            "advertised.listeners": f"{urls['PLAINTEXT']},LINE://{line.address}",
            "listener.security.protocol.map": "CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,LINE:PLAINTEXT",
        }
        broker = Broker(directory, ports=ports, extra=MORTAL | listeners)
        broker.start()
        try:
            yield broker, line
        finally:
            broker.kill()
