"""A CometD server that costs little: prepared replies over TLS, one thread a connection. Runs as a process of its own.

What is not CometD (OAuth, REST) is passed on to a simulated org in the same process. After ``--warm`` events it
holds the poll until ``POST /bench/go/<count>`` allows that many more, so that a measurement begins and ends with
nothing under way. After ``POST /bench/revoke`` the token is not accepted any more.
"""

from __future__ import annotations

import argparse
import contextlib
import http.client
import json
import socket
import ssl
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

from attrs import define, field

from bridge.sandbox.org import Org
from tests.bench.events import KINDS, USUAL, Kind, Replies
from tests.support.certs import Authority

_HOLD = 110.0


class Prepared(Protocol):
    """Replies that are there before they are asked for."""

    size: int

    def body(self, first: int, count: int) -> bytes:
        """So many events from a replay id on."""

    def stamped(self, number: int, nanoseconds: int) -> bytes:
        """One event that says when it was written."""


@define
class Load:
    """What may be sent, and how far it is: ``allowed`` events, then more with each ``go``."""

    replies: Prepared
    allowed: int
    rate: float
    position: int = 0
    live: bool = False
    _more: threading.Condition = field(factory=threading.Condition)
    _started: tuple[float, int] | None = None  # when the live events began, and after how many
    # Set but between a handshake and its subscription: the floor loop does without either.
    subscribed: threading.Event = field(factory=threading.Event)

    def __attrs_post_init__(self) -> None:
        self.subscribed.set()

    def go(self, events: int) -> None:
        """So many more."""
        with self._more:
            self.allowed += events
            self.live, self._started = self.rate > 0, None
            self._more.notify_all()

    def next(self, most: int | None = None) -> bytes:
        """The body of the next reply, of ``most`` events at most; waits where there is nothing to say yet."""
        self.subscribed.wait(_HOLD)
        with self._more:
            if not self._more.wait_for(lambda: self.position < self.allowed, _HOLD):
                return b""
        if self.live:
            return self._stamped()
        count = min(self.allowed - self.position, self.replies.size if most is None else most)
        body = self.replies.body(self.position + 1, count)
        self.position += count
        return body

    def waiting(self, seconds: float) -> int:
        """How many events the next reply may hold; waits where it is none, 0 where it stays so."""
        with self._more:
            self._more.wait_for(lambda: self.live or self.position < self.allowed, seconds)
        return 0 if self.live else min(self.allowed - self.position, self.replies.size)

    def _stamped(self) -> bytes:
        if self._started is None:
            self._started = time.monotonic(), self.position
        began, first = self._started
        time.sleep(max(0.0, began + (self.position - first) / self.rate - time.monotonic()))
        self.position += 1
        return self.replies.stamped(self.position, time.monotonic_ns())


@define
class Server:
    """Accepts connections until the process ends."""

    load: Load
    org: Org
    port: int
    context: ssl.SSLContext
    fresh: bool = False
    revoked: bool = False

    def serve(self, listener: socket.socket) -> None:
        """Accept for ever."""
        while True:
            accepted, _ = listener.accept()
            accepted.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            threading.Thread(target=self._connection, args=(accepted,), daemon=True).start()

    def _connection(self, plain: socket.socket) -> None:
        with (
            contextlib.suppress(OSError, ValueError),
            self.context.wrap_socket(plain, server_side=True) as client,
        ):
            reader = client.makefile("rb", buffering=65536)
            while request := _read_request(reader):
                method, path, headers, body = request
                if path.startswith("/cometd"):
                    self._cometd(client, body)
                elif path.startswith("/bench/go/"):
                    self.load.go(int(path.rpartition("/")[2]))
                    _answer(client, b"{}")
                elif path == "/bench/revoke":
                    self.revoked = True
                    _answer(client, b"{}")
                else:
                    self._pass_on(client, method, path, headers, body)

    def _cometd(self, client: ssl.SSLSocket, body: bytes) -> None:
        """Events are written as late as can be: a live one carries the moment of its writing."""
        parts: list[bytes] = []
        for message in json.loads(body):
            channel = message["channel"]
            reply = {"channel": channel, "id": message.get("id"), "successful": True, "clientId": "bench"}
            if channel == "/meta/handshake":
                kinds = ["long-polling"]
                self.load.subscribed.clear()
                self.fresh, self.revoked = True, False
                reply |= {"version": "1.0", "supportedConnectionTypes": kinds, "ext": {"replay": True}}
            elif channel == "/meta/subscribe":
                reply["subscription"] = message["subscription"]
                replay = int(message.get("ext", {}).get("replay", {}).get(message["subscription"], -1))
                self.load.position = max(replay, 0)
                self.load.subscribed.set()
            elif channel == "/meta/connect" and self.revoked:
                reply |= {"successful": False, "error": "401::Authentication invalid"}
                reply["advice"] = {"reconnect": "none"}
            elif channel == "/meta/connect":
                reply["advice"] = {"reconnect": "retry", "interval": 0, "timeout": int(_HOLD * 1000)}
                # The first connect of a session is answered at once: clients wait for it before they subscribe.
                at_once, self.fresh = self.fresh, False
                events = b"" if at_once else self.load.next()
                parts += [events] if events else []
            parts.append(json.dumps(reply).encode())
        _answer(client, b"[" + b",".join(parts) + b"]")

    def _pass_on(
        self, client: ssl.SSLSocket, method: str, path: str, headers: dict[str, str], body: bytes
    ) -> None:
        trusting = ssl.create_default_context(cafile=str(self.org.ca_file))
        origin = http.client.HTTPSConnection("localhost", self.org.port, context=trusting)
        kept = {key: value for key, value in headers.items() if key not in ("host", "accept-encoding")}
        origin.request(method, path, body or None, kept)
        response = origin.getresponse()
        content = response.read().replace(self.org.url.encode(), b"https://localhost:%d" % self.port)
        _answer(client, content, response.status, response.headers.get("Content-Type", "application/json"))
        origin.close()


def _read_request(reader: Any) -> tuple[str, str, dict[str, str], bytes] | None:
    first = reader.readline().split()
    if len(first) < 2:
        return None
    headers = {}
    while line := reader.readline().strip():
        name, _, value = line.partition(b":")
        headers[name.decode().lower()] = value.strip().decode()
    return first[0].decode(), first[1].decode(), headers, reader.read(int(headers.get("content-length", 0)))


def _answer(client: ssl.SSLSocket, body: bytes, status: int = 200, kind: str = "application/json") -> None:
    head = f"HTTP/1.1 {status} OK\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n\r\n".encode()
    client.sendall(head + body)


def main(
    replies: Callable[[Kind, str, int], Prepared] = Replies,
    beside: Callable[[Load, Org, Path], dict[str, str]] = lambda load, org, certificate: {},
) -> None:
    """Serve until killed; the first line on standard output says where. ``beside``: what else serves the same events,
    with the certificate of this file, and what the line says of it."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.server", description=__doc__)
    parser.add_argument("--kind", choices=KINDS, default=USUAL, help="what kind of events")
    parser.add_argument("--warm", type=int, default=10_000, help="events that are sent at once")
    parser.add_argument("--reply", type=int, default=400, help="messages a reply")
    parser.add_argument("--rate", type=float, default=0, help="after the warm events: live events a second")
    args = parser.parse_args()
    kind = KINDS[args.kind]
    with tempfile.TemporaryDirectory() as folder:
        directory = Path(folder)
        authority = Authority.create(directory)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        certificate = authority.issue("localhost")
        context.load_cert_chain(certificate)
        with (
            Org([kind.event], directory=directory / "org") as org,
            socket.create_server(("127.0.0.1", 0)) as listener,
        ):
            port = listener.getsockname()[1]
            schema_id = org.state()["schemas"][kind.event.name]
            load = Load(replies(kind, schema_id, args.reply), args.warm, args.rate)
            up = {"url": f"https://localhost:{port}", "ca_file": str(authority.file), "schema_id": schema_id}
            credentials = org.credentials
            up |= {"event": kind.event.name}
            up |= {"username": credentials.username, "password": credentials.password}
            up |= {"token": credentials.security_token, "key": credentials.client_id}
            up |= {"secret": credentials.client_secret} | beside(load, org, certificate)
            print(json.dumps(up), flush=True)
            threading.Thread(
                target=Server(load, org, port, context).serve, args=(listener,), daemon=True
            ).start()
            sys.stdin.read()  # ends with the process that started it


if __name__ == "__main__":
    main()
