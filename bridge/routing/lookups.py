"""Routes looked up again beside the data path: one at a time, in a thread that ends with the last of them."""

from __future__ import annotations

import threading
import time
from collections import deque
from typing import Protocol

from attrs import define, field

from bridge.event import Data
from bridge.routing.route import Renewed


class LooksUp(Protocol):
    """Who is asked, in another thread than the data path's."""

    def look_up(self, schema_id: str | None, sample: Data, channel: str | None = None) -> Renewed:
        """Raises as ``resolve`` does."""
        ...


@define(eq=False)
class LookUp:
    """One route that is looked up. ``began``: when (monotonic); what came out is there once it is ``done``."""

    sample: Data
    channel: str | None
    began: float | None = None
    renewed: Renewed | None = None
    failure: Exception | None = None
    done: threading.Event = field(factory=threading.Event)


@define(eq=False)
class LookUps:
    """Those that wait, and those that ended and nobody has taken note of."""

    resolver: LooksUp
    ended: deque[LookUp] = field(factory=deque)
    _waiting: deque[LookUp] = field(factory=deque)
    _lock: threading.Lock = field(factory=threading.Lock)
    _thread: threading.Thread | None = None
    _closed: bool = False

    def ask(self, sample: Data, channel: str | None) -> LookUp:
        """Look a route up when its turn comes."""
        look = LookUp(sample.alone(), channel)
        with self._lock:
            self._waiting.append(look)
            if self._thread is None and not self._closed:
                self._thread = threading.Thread(target=self._run, name="look-up", daemon=True)
                self._thread.start()
        return look

    def take_back(self, look: LookUp) -> bool:
        """Whether it had not begun; then it never will."""
        with self._lock:
            if look in self._waiting:
                self._waiting.remove(look)
                return True
            return False

    def close(self) -> None:
        """Begin none any more."""
        with self._lock:
            self._closed = True
            self._waiting.clear()

    def _run(self) -> None:
        while (look := self._next()) is not None:
            look.began = time.monotonic()
            try:
                look.renewed = self.resolver.look_up(look.sample.schema, look.sample, look.channel)
            except Exception as error:  # whoever needs the route meets it again where it is dealt with
                look.failure = error
            self.ended.append(look)
            look.done.set()

    def _next(self) -> LookUp | None:
        with self._lock:
            if not self._waiting:
                self._thread = None
                return None
            return self._waiting.popleft()
