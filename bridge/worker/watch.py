"""What a process keeps in memory of its connectors for those who look: their numbers over time, and their log lines."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection

from attrs import define, field

from bridge.history import STEP, Sampler
from bridge.lines import Lines
from bridge.log import for_connector
from bridge.metrics import Metrics


@define(eq=False)
class Watch:
    """``living``: the connectors that there are; what was kept of others goes within five seconds."""

    metrics: Metrics
    living: Callable[[], Collection[str]]
    sampler: Sampler = field(init=False)
    lines: Lines = field(factory=Lines)
    _stop: threading.Event = field(factory=threading.Event)
    _thread: threading.Thread | None = None

    def __attrs_post_init__(self) -> None:
        self.sampler = Sampler(self.metrics)

    def start(self) -> None:
        """Begin."""
        self.lines.install()
        self._thread = threading.Thread(target=self._loop, name="watch", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Look no more; what was seen can still be asked for."""
        self._stop.set()
        self.lines.remove()
        if self._thread is not None:
            self._thread.join(5)

    def tick(self) -> None:
        """One look."""
        living = self.living()
        self.sampler.tick(living)
        self.lines.forget(living)

    def _loop(self) -> None:
        while not self._stop.wait(STEP):
            try:
                self.tick()
            except Exception:
                for_connector("").exception("unexpected error: this is a fault of the bridge")
