"""An ASGI application served by uvicorn in a thread, on 127.0.0.1, over TLS where a certificate is given."""

from __future__ import annotations

import asyncio
import logging
import socket
import threading
import time
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

import uvicorn

from bridge.errors import ConfigurationError, Fatal, Fault, Stage
from bridge.sandbox.tls import Certificate

HOST = "127.0.0.1"
TRANSPORT = "sandbox.transport"

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

logging.getLogger("uvicorn.error").setLevel(logging.ERROR)


class Server:
    """One listening application. ``start`` returns when it accepts connections; ``stop`` when it is gone."""

    def __init__(
        self, app: App, *, port: int = 0, certificate: Certificate | None = None, name: str = "server"
    ):
        self._name = name
        self._scheme = "https" if certificate else "http"
        self._socket = listen(port, name)
        self.port: int = self._socket.getsockname()[1]
        config = uvicorn.Config(
            _expose_transport(app),
            http="h11",
            ws="none",
            lifespan="off",
            proxy_headers=False,
            server_header=False,
            access_log=False,
            log_config=None,
            timeout_keep_alive=600,
            timeout_graceful_shutdown=1,
            ssl_certfile=str(certificate.server_file) if certificate else None,
        )
        self._server = _Uvicorn(config)
        self._thread = threading.Thread(target=self._run, name=f"sandbox-{name}", daemon=True)

    @property
    def url(self) -> str:
        """Where it listens, by name: a cookie jar may refuse cookies of a bare address, as aiohttp's does."""
        return f"{self._scheme}://localhost:{self.port}"

    def start(self) -> None:
        """Serve. Raises ``Fatal`` when the server does not come up within ten seconds."""
        self._thread.start()
        deadline = time.monotonic() + 10
        while not self._server.started:
            if time.monotonic() > deadline or not self._thread.is_alive():
                raise Fatal(f"The sandbox's {self._name} did not start.", stage=Stage.CONFIGURATION)
            time.sleep(0.005)

    def stop(self) -> None:
        """Stop listening, end the connections, and wait for the thread."""
        if self._thread.is_alive():
            self._server.should_exit = True
            self._thread.join(timeout=10)
        self._socket.close()

    def _run(self) -> None:
        self._server.run(sockets=[self._socket])


class _Uvicorn(uvicorn.Server):
    """Ends without waiting for clients that keep idle connections open."""

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Let what is being answered be answered, then cut every connection."""
        for _ in range(50):
            if not any(_answering(connection) for connection in self.server_state.connections):
                break
            await asyncio.sleep(0.01)
        for connection in list(self.server_state.connections):
            connection.transport.abort()
        await super().shutdown(sockets)


def _answering(connection: Any) -> bool:
    return connection.cycle is not None and not connection.cycle.response_complete


def listen(port: int, name: str) -> socket.socket:
    """A bound socket on 127.0.0.1; 0 takes a free port. ``ConfigurationError`` when the port is taken."""
    # asyncio turns Nagle's algorithm off only where the protocol is named: else each reply waits 40 ms.
    sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        sock.bind((HOST, port))
    except (OSError, OverflowError) as error:
        sock.close()
        why = getattr(error, "strerror", None) or error
        reason = f"port {port} for the sandbox's {name} cannot be used ({why}): choose another, or 0"
        raise ConfigurationError([Fault("--port-base", reason, str(port))]) from None
    return sock


def _expose_transport(app: App) -> App:
    """Puts the connection's transport into the scope: a reply that breaks off half-way needs to cut it."""

    async def exposed(scope: Scope, receive: Receive, send: Send) -> None:
        scope[TRANSPORT] = getattr(getattr(send, "__self__", None), "transport", None)
        await app(scope, receive, send)

    return exposed
