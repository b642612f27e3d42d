"""The bounded queue between the thread that receives and the thread that works: all that a source says, in order.

A reply that has been received is always accepted, because refusing it would lose it; *full* therefore means
that nothing further is fetched, and the bound may be exceeded by one reply.
"""

from __future__ import annotations

import threading
import time
from collections import deque

from bridge.event import Delivery
from bridge.source import Signal


class Buffer:
    """Signals in order, bounded in the events and bytes of their deliveries."""

    def __init__(self, max_events: int, max_bytes: int) -> None:
        self.max_events = max_events
        self._max_bytes = max_bytes
        self._signals: deque[Signal] = deque()
        self._changed = threading.Condition()
        self._closed = False
        self.events = 0
        self.bytes = 0

    def put(self, signal: Signal) -> None:
        """Take a signal; never blocks."""
        with self._changed:
            self._signals.append(signal)
            if isinstance(signal, Delivery):
                self.events += len(signal.events) + len(signal.unreadable)
                self.bytes += signal.size
            self._changed.notify_all()

    def get(self, timeout: float) -> Signal | None:
        """The oldest signal, or None after ``timeout`` seconds or when closed and empty."""
        with self._changed:
            if not self._signals and not self._closed and timeout > 0:
                self._changed.wait_for(lambda: bool(self._signals) or self._closed, timeout)
            if not self._signals:
                return None
            signal = self._signals.popleft()
            if isinstance(signal, Delivery):
                self.events -= len(signal.events) + len(signal.unreadable)
                self.bytes -= signal.size
                self._changed.notify_all()
            return signal

    def has_room(self) -> bool:
        """May another reply be fetched?"""
        return self.events < self.max_events and self.bytes < self._max_bytes

    def wait_for_room(self, timeout: float) -> bool:
        """Wait up to ``timeout`` seconds for room; False when there is none, or when closed."""
        with self._changed:
            deadline = time.monotonic() + timeout
            while not self._closed and not self.has_room():
                left = deadline - time.monotonic()
                if left <= 0:
                    return False
                self._changed.wait(left)
            return not self._closed

    def close(self) -> None:
        """Wake everybody who waits; what is in the buffer can still be taken."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
