"""So many at a time, in the order of their coming: what many connectors would otherwise do all at once."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from typing import Final

from attrs import define, field

from bridge.waits import TURN

AT_ONCE: Final = 10
"""Connectors of one login that begin at a time, and sessions with an org that are being opened."""
SILENT: Final = 3.0
"""Seconds after which a wait for a turn is said."""
_LOOK: Final = 0.25  # seconds after which whoever waits looks whether it is still wanted
Say = Callable[[str], None]


def nothing(reason: str) -> None:
    """What is done with a reason to wait, where nobody wants to know."""


@define(eq=False)
class Turn:
    """A place among those whose turn it is, from ``until`` (monotonic) on another's; ``end`` gives it back at once."""

    _turns: Turns
    _key: Hashable
    given: threading.Event = field(factory=threading.Event)
    until: float = 0.0

    def end(self) -> None:
        """The next one's turn. May be called again, and from any thread."""
        self._turns.leave(self._key, self)


@define(eq=False)
class _Queue:
    holding: set[Turn] = field(factory=set)
    waiting: deque[Turn] = field(factory=deque)


@define(eq=False)
class Turns:
    """For each key ``most`` at a time. One that takes longer than ``longest`` seconds is no longer counted, so that
    what hangs soon holds nobody up. ``what`` they do, in the plural: "begin"."""

    what: str
    longest: float = TURN.longest
    most: int = AT_ONCE
    _queues: dict[Hashable, _Queue] = field(factory=dict)
    _lock: threading.Lock = field(factory=threading.Lock)

    def enter(self, key: Hashable, stopped: Callable[[], bool], say: Say = nothing) -> Turn:
        """Wait for a turn, or until it is ``stopped``; either way to be ended. ``say`` is told a longer wait, once."""
        turn, due = Turn(self, key), time.monotonic() + SILENT
        with self._lock:
            queue = self._queues.setdefault(key, _Queue())
            queue.waiting.append(turn)
            self._advance(queue)
        while not turn.given.wait(_LOOK) and not stopped():
            with self._lock:
                self._advance(queue)
            if time.monotonic() >= due and not turn.given.is_set():
                due = float("inf")
                say(self._reason(queue, turn))
        return turn

    def leave(self, key: Hashable, turn: Turn) -> None:
        """See ``Turn.end``."""
        with self._lock:
            queue = self._queues.get(key)
            if queue is None:
                return
            queue.holding.discard(turn)
            if not turn.given.is_set() and turn in queue.waiting:
                queue.waiting.remove(turn)
            self._advance(queue)
            if not queue.holding and not queue.waiting:
                del self._queues[key]

    def _reason(self, queue: _Queue, turn: Turn) -> str:
        with self._lock:
            waiting = list(queue.waiting)
            before = len(queue.holding) + (waiting.index(turn) if turn in waiting else 0)
        return (
            f"waiting for its turn: {before} connectors {self.what} before it, {self.most} at a time; each is waited "
            f"for {self.longest:g} s at most"
        )

    def _advance(self, queue: _Queue) -> None:
        now = time.monotonic()
        queue.holding = {turn for turn in queue.holding if turn.until > now}
        while queue.waiting and len(queue.holding) < self.most:
            turn = queue.waiting.popleft()
            turn.until = now + self.longest
            queue.holding.add(turn)
            turn.given.set()

    @contextmanager
    def turn(self, key: Hashable, stopped: Callable[[], bool], say: Say = nothing) -> Iterator[None]:
        """The same around a block."""
        turn = self.enter(key, stopped, say)
        try:
            yield
        finally:
            turn.end()


STARTS: Final = Turns("begin")
"""Connectors that begin, by their login: login, API version, topics, up to the fence. The org is not known yet."""
SESSIONS: Final = Turns("open a session with the org")
"""Sessions that are being opened, by the org's address and the proxy on the way: handshake and subscription."""
