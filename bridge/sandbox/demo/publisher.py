"""Publishes sample orders at a rate a person can follow, and remembers them for comparison."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from typing import Any

from attrs import frozen

from bridge.sandbox import samples
from bridge.sandbox.org import Org
from bridge.sandbox.site import Sandbox, present


@frozen
class Published:
    """An event as it was published: its number from 1, when (seconds since the epoch), its payload."""

    number: int
    at: float
    payload: Mapping[str, Any]


class Publisher:
    """A thread that publishes; ``sent`` maps replay ids to what was published."""

    def __init__(self, org: Org, *, rate: float, limit: int | None) -> None:
        self.sent: dict[int, Published] = {}
        self._org = org
        self._pause = 1 / rate
        self._limit = limit
        self._started = False
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="sandbox-publisher", daemon=True)

    @classmethod
    def of(cls, sandbox: Sandbox, *, rate: float, limit: int | None) -> Publisher:
        """Publishes to the sandbox's org."""
        return cls(present(sandbox.org), rate=rate, limit=limit)

    def start(self) -> None:
        """Begin, unless it has begun; the first event goes out at once."""
        if not self._started:
            self._started = True
            self._thread.start()

    def stop(self) -> None:
        """Publish nothing more."""
        self._stopped.set()
        if self._started:
            self._thread.join()

    def _run(self) -> None:
        number = 0
        while self._limit is None or number < self._limit:
            number += 1
            payload = samples.payload(samples.ORDER_PLACED, number)
            at = time.time()
            self.sent[self._org.publish(samples.ORDER_PLACED.name, payload)] = Published(number, at, payload)
            if self._stopped.wait(self._pause):
                return
