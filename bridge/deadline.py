"""A whole reply by a deadline: what ``http.client`` and ``urllib3`` read with.

A socket's own time limit counts for one read. A server, or a line, that gives a byte now and then keeps such a
reader for ever, in the status line, in a header or in the body. Here the time counts for the reply as a whole.
"""

from __future__ import annotations

import http.client
import io
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import partial
from typing import Any, Final

from attrs import define

TICK: Final = 0.5  # seconds after which a waiting read looks whether it is still wanted
LONG_TICK: Final = (
    2.0  # … where it is interrupted as well: each look costs CPU, and a poll is held for minutes
)
SLOWEST: Final = 8_000
"""Bytes a second of a line that is slow and alive: a large reply may take longer by what came at this rate."""


class Interrupted(Exception):
    """The request was ended from our side, because the connector stops."""


class Overdue(TimeoutError):
    """The reply was not complete in time; the text goes on after the server's name."""


def _wanted() -> bool:
    return False


#: Whether the requests that this thread makes are no longer wanted; for clients whose calls cannot be told.
_stopped: ContextVar[Callable[[], bool]] = ContextVar("stopped", default=_wanted)


@contextmanager
def ended_by(stopped: Callable[[], bool]) -> Iterator[None]:
    """Requests inside raise Interrupted when ``stopped`` says so."""
    token = _stopped.set(stopped)
    try:
        yield
    finally:
        _stopped.reset(token)


@define
class Deadline:
    """When a reply has to be complete: ``seconds`` from now, and one more for each ``rate`` bytes that came (0:
    whatever came). ``tick``: seconds after which a waiting read looks whether it is wanted still."""

    seconds: float
    stopped: Callable[[], bool]
    rate: int = 0
    tick: float = TICK
    _until: float = 0.0
    _received: int = 0

    def __attrs_post_init__(self) -> None:
        self._until = time.monotonic() + self.seconds

    @classmethod
    def of_thread(cls, seconds: float) -> Deadline:
        """One that is over, too, when what this thread is doing is no longer wanted (:func:`ended_by`)."""
        return cls(seconds, _stopped.get())

    def passed(self) -> bool:
        """Whether it is over. Raises Interrupted where nobody waits any more."""
        if self.stopped():
            raise Interrupted
        over = time.monotonic() - self._until
        return over > 0 and (not self.rate or over > self._received / self.rate)

    def next_look(self) -> float:
        """Seconds until a waiting read looks again: at the end at the latest, and beyond it while bytes come."""
        left = self._until - time.monotonic()
        return min(self.tick, left) if left > 0.001 else min(self.tick, TICK)

    def add(self, count: int) -> None:
        """So many bytes came."""
        self._received += count

    def error(self) -> Overdue:
        """What to raise when it is over."""
        if not self._received:
            return Overdue(f"was silent for {round(self.seconds, 1):g} s")
        return Overdue(
            f"sent {self._received} bytes of a reply in {round(self.seconds, 1):g} s, and not its end"
        )


class _Reader(io.RawIOBase):
    """A socket's bytes until a deadline. ``_file`` keeps the socket open as long as the reply is read."""

    def __init__(self, sock: socket.socket, deadline: Deadline) -> None:
        self._sock = sock
        self._deadline = deadline
        self._timeout = 0.0
        self._file = sock.makefile("rb", buffering=0)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        deadline = self._deadline
        while True:
            if deadline.passed():
                raise deadline.error()
            if (seconds := deadline.next_look()) != self._timeout:
                self._sock.settimeout(seconds)
                self._timeout = seconds
            try:
                count = self._sock.recv_into(buffer)
            except TimeoutError:
                continue
            deadline.add(count)
            return count

    def close(self) -> None:
        if not self.closed:
            self._file.close()
        super().close()


class _Readable:
    """All that ``HTTPResponse`` wants of a socket."""

    def __init__(self, sock: socket.socket, deadline: Deadline) -> None:
        self._sock = sock
        self._deadline = deadline

    def makefile(self, mode: str) -> io.BufferedReader:
        return io.BufferedReader(_Reader(self._sock, self._deadline))


class _Response(http.client.HTTPResponse):
    def __init__(self, sock: socket.socket, *args: Any, deadline: Deadline, **kwargs: Any) -> None:
        super().__init__(_Readable(sock, deadline), *args, **kwargs)  # type: ignore[arg-type]  # makefile is all it uses


def bounded(connection: http.client.HTTPConnection, deadline: Deadline) -> None:
    """The connection's next reply (a proxy's to CONNECT, too) is read until ``deadline``."""
    connection.response_class = partial(_Response, deadline=deadline)  # type: ignore[assignment]  # called only
