"""Whether a topic has been read up to a moment, for somebody who must not wait for Kafka."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Final

from attrs import define, field

from bridge.errors import BridgeError
from bridge.log import Seldom, for_connector

MOMENT: Final = 0.5
"""Seconds that are waited for an answer: as a rule it is there by then."""


@define(eq=False)
class CatchingUp:
    """``catch_up`` reads to the end as of then, or raises BridgeError. It is called in a thread of its own, once for
    all who ask meanwhile."""

    catch_up: Callable[[], None]
    _read_at: float = float("-inf")
    """When (monotonic) what was read was the end of the topic."""
    _thread: threading.Thread | None = None
    _seldom: Seldom = field(factory=Seldom)

    def has_read(self, moment: float) -> bool:
        """Whether all has been read that was there at a moment (monotonic). Where not, it is being read: ask again."""
        if self._read_at < moment and (self._thread is None or not self._thread.is_alive()):
            self._thread = threading.Thread(target=self._read, name="catch-up", daemon=True)
            self._thread.start()
            self._thread.join(MOMENT)
        return self._read_at >= moment

    def _read(self) -> None:
        began = time.monotonic()
        try:
            self.catch_up()
        except BridgeError as error:
            text = f"who is to run a connector that was fenced cannot be told yet: {error.message}"
            self._seldom.warn(for_connector(""), error.message, text)
        else:
            self._read_at = began
