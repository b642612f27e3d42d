"""Connections that cannot exhaust a worker: their number, how long a request may take to arrive, in how many pieces.

A client that is slow, or that many, costs a connection and nothing else: when there are too many, the one that has
kept us waiting longest goes. One that is being answered is never cut off for another.
"""

from __future__ import annotations

import asyncio
from typing import Any, Final

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from bridge.waits import ANSWER, BODY, HEAD, IDLE

MOST: Final = 256
"""Connections to one listener."""
IDLE_SECONDS: Final = int(IDLE.longest)
"""From an answer to the first byte of the next request: as long as Kafka Connect waits (Jetty, measured), because
clients keep connections for that long and take a closed one for an error."""
HEAD_SECONDS: Final = HEAD.longest
"""From the connection, or a request's first byte, to the end of its headers."""
BODY_SECONDS: Final = BODY.longest
ANSWER_SECONDS: Final = ANSWER.longest
"""A handler's own waits end sooner; a client that does not read its answer ends here."""
_PIECES: Final = 1_000
_LEAST_PIECE: Final = 64  # bytes, on average, of a body in more pieces than that
_BUSY: Final = (
    b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
)


class _Pieces(h11.Connection):
    """Refuses a body that arrives in pieces so small that reading it would keep the event loop to itself."""

    _number = 0
    _size = 0

    def next_event(self) -> Any:
        event = super().next_event()
        if isinstance(event, h11.Data):
            self._number += 1
            self._size += len(event.data)
            if self._number > _PIECES + self._size // _LEAST_PIECE:
                raise h11.RemoteProtocolError("the body is sent in too many pieces", error_status_hint=400)
        elif isinstance(event, h11.Request):
            self._number = self._size = 0
        return event


class Connection(H11Protocol):
    """One connection of uvicorn's, with deadlines."""

    _phase = ""
    _answered = False
    _deadline: asyncio.TimerHandle | None = None

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.conn = _Pieces(h11.SERVER, 32 * 1024)

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        """Makes room by cutting off whoever has kept us waiting longest."""
        super().connection_made(transport)
        self._waiting: dict[Connection, None] = self.app_state.setdefault("waiting", {})
        self._watch()
        if len(self.connections) <= MOST:
            return
        oldest = next((one for one in self._waiting if one is not self), None)
        if oldest is not None:
            oldest.transport.abort()
            return
        transport.write(_BUSY)
        transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the deadline."""
        self._enter("over", None)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Whatever has arrived may begin another phase."""
        super().data_received(data)
        self._watch()

    def on_response_complete(self) -> None:
        """The connection waits for the next request."""
        super().on_response_complete()
        self._answered = True
        self._watch()

    def send_400_response(self, msg: str) -> None:
        """Only where an answer can still be given."""
        if self.conn.our_state in (h11.IDLE, h11.SEND_RESPONSE):
            super().send_400_response(msg)
        self.transport.close()

    def _watch(self) -> None:
        if self.transport.is_closing():
            return
        match self.conn.their_state:
            case h11.IDLE if self._answered and not self.conn.trailing_data[0]:
                self._enter("idle", None)  # uvicorn ends it
            case h11.IDLE:
                self._enter("head", HEAD_SECONDS)
            case h11.SEND_BODY:
                self._enter("body", BODY_SECONDS)
            case _:
                self._enter("answer", ANSWER_SECONDS)

    def _enter(self, phase: str, seconds: float | None) -> None:
        if phase == self._phase:
            return
        self._phase = phase
        if self._deadline is not None:
            self._deadline.cancel()
        self._deadline = None if seconds is None else self.loop.call_later(seconds, self._too_slow)
        if phase != "body":  # which goes on waiting for the same request
            self._waiting.pop(self, None)
        if phase in ("idle", "head", "body"):
            self._waiting.setdefault(self)

    def _too_slow(self) -> None:
        """Nothing is said to somebody who may not be listening either."""
        self.transport.abort()
