"""So many at a time, in the order of their coming: what many connectors would otherwise do all at once."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from typing import Final

from attrs import define, field

AT_ONCE: Final = 10
"""Connectors of one org that begin at a time, and sessions with it that are being opened."""
_LOOK: Final = 0.25  # seconds after which whoever waits looks whether it is still wanted


@define(eq=False)
class Turn:
    """A place among those whose turn it is, from ``until`` (monotonic) on another's; ``end`` gives it back at once."""

    _queue: _Queue
    given: threading.Event = field(factory=threading.Event)
    until: float = 0.0

    def end(self) -> None:
        """The next one's turn. May be called again, and from any thread."""
        self._queue.leave(self)


@define(eq=False)
class _Queue:
    most: int
    longest: float
    _lock: threading.Lock = field(factory=threading.Lock)
    _holding: set[Turn] = field(factory=set)
    _waiting: deque[Turn] = field(factory=deque)

    def enter(self, stopped: Callable[[], bool]) -> Turn:
        turn = Turn(self)
        with self._lock:
            self._waiting.append(turn)
            self._advance()
        while not turn.given.wait(_LOOK) and not stopped():
            with self._lock:
                self._advance()
        return turn

    def leave(self, turn: Turn) -> None:
        with self._lock:
            self._holding.discard(turn)
            if not turn.given.is_set() and turn in self._waiting:
                self._waiting.remove(turn)
            self._advance()

    def _advance(self) -> None:
        now = time.monotonic()
        self._holding = {turn for turn in self._holding if turn.until > now}
        while self._waiting and len(self._holding) < self.most:
            turn = self._waiting.popleft()
            turn.until = now + self.longest
            self._holding.add(turn)
            turn.given.set()


@define(eq=False)
class Turns:
    """For each key ``most`` at a time. One that takes longer than ``longest`` seconds is no longer counted, so that
    what hangs holds nobody up."""

    longest: float
    most: int = AT_ONCE
    _queues: dict[Hashable, _Queue] = field(factory=dict)
    _lock: threading.Lock = field(factory=threading.Lock)

    def enter(self, key: Hashable, stopped: Callable[[], bool]) -> Turn:
        """Wait for a turn, or until it is ``stopped``; either way to be ended."""
        with self._lock:
            queue = self._queues.setdefault(key, _Queue(self.most, self.longest))
        return queue.enter(stopped)

    @contextmanager
    def turn(self, key: Hashable, stopped: Callable[[], bool]) -> Iterator[None]:
        """The same around a block."""
        turn = self.enter(key, stopped)
        try:
            yield
        finally:
            turn.end()


STARTS: Final = Turns(longest=10.0)
"""Connectors that begin, by the address of their login: login, API version, topics, up to the fence."""
SESSIONS: Final = Turns(longest=30.0)
"""Sessions that are being opened, by the org's address: handshake and subscription."""
