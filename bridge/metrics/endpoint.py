"""What answers the scrapes of a process that has no REST API."""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrs import frozen

if TYPE_CHECKING:
    from threading import Thread
    from wsgiref.simple_server import WSGIServer


@frozen
class Endpoint:
    """A running metrics endpoint."""

    host: str
    port: int
    _server: WSGIServer
    _thread: Thread

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(timeout=5)
