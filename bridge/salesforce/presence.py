"""Is Salesforce there again? While connectors wait to start again, one cheap question every five seconds.

The question is unauthenticated (the list of API versions, which needs no token) and asked once for each address and
process, however many connectors wait. It is never a login, and never asked before the moment that the other side
named in a ``Retry-After``.
"""

from __future__ import annotations

import contextlib
import http.client
import logging
import random
import threading
import time
from typing import Final

from attrs import define, evolve, field

from bridge.deadline import Deadline, Interrupted, bounded
from bridge.errors import BridgeError, Stage
from bridge.salesforce.http import connect
from bridge.salesforce.http_settings import USER_AGENT, HttpSettings
from bridge.waits import PROBE, retry_after

_PATH: Final = "/services/data"
_TURN: Final = 0.5  # seconds after which whoever waits looks around
_SPREAD: Final = 2.0  # seconds over which connectors that waited together come back

log = logging.getLogger(__name__)


@define(eq=False)
class _Watch:
    """What is known of one address, for those who wait: when it was last there, and last away (monotonic)."""

    url: str
    settings: HttpSettings
    waiting: int = 0
    here_at: float = 0.0
    away_at: float = 0.0
    probes: int = 0
    _not_before: float = 0.0
    _lock: threading.Lock = field(factory=threading.Lock)
    _leave: threading.Event = field(factory=threading.Event)

    def enter(self, not_before: float) -> None:
        """One more waits; nobody asks before ``not_before``."""
        with self._lock:
            self.waiting += 1
            self._not_before = max(self._not_before, not_before)
            if self.waiting == 1:
                self._leave = threading.Event()
                name = f"presence of {self.url}"
                threading.Thread(target=self._run, args=(self._leave,), name=name, daemon=True).start()

    def leave(self) -> None:
        """One less; the last one ends the asking."""
        with self._lock:
            self.waiting -= 1
            if not self.waiting:
                self._leave.set()

    def _run(self, leave: threading.Event) -> None:
        seconds = PROBE.longest
        while not leave.wait(max(seconds, self._not_before - time.monotonic())):
            asked_at = time.monotonic()
            if self._is_here(leave):
                self.here_at = asked_at
            else:
                self.away_at = asked_at

    def _is_here(self, leave: threading.Event) -> bool:
        """Any answer but an overload or a fault of the server."""
        seconds = PROBE.longest
        self.probes += 1
        settings = evolve(self.settings, connect_timeout=min(seconds, self.settings.connect_timeout))
        try:
            connection = connect(self.url, settings, seconds, stage=Stage.LOGIN, stopped=leave.is_set)
        except (BridgeError, Interrupted):
            return False
        with contextlib.closing(connection):
            try:
                bounded(connection, Deadline(seconds, leave.is_set))
                connection.request("GET", _PATH, headers={"User-Agent": USER_AGENT, "Connection": "close"})
                response = connection.getresponse()
            except (OSError, http.client.HTTPException, Interrupted):
                return False
            asked = retry_after(response.headers.get("Retry-After"), self.url)
            if asked:
                self._not_before = time.monotonic() + asked
            return response.status < 500 and response.status not in (408, 429)


_watches: dict[tuple[str, HttpSettings], _Watch] = {}
_lock = threading.Lock()


def wait_for(
    url: str, settings: HttpSettings, stop: threading.Event, seconds: float, *, asked: float, again: bool
) -> bool:
    """Wait ``seconds``, or until the address answers; whether it did. A stop ends it, too.

    ``asked``: seconds that the other side wants to be left alone. ``again``: an answer counts only after the address
    was seen away, because the answer of before led to nothing.
    """
    began = time.monotonic()
    with _lock:
        watch = _watches.setdefault((url, settings), _Watch(url, settings))
    watch.enter(began + asked)
    try:
        while (left := began + seconds - time.monotonic()) > 0:
            if stop.wait(min(left, _TURN)):
                return False
            since = max(began, watch.away_at) if again else began
            if watch.here_at > since and not (again and watch.away_at < began):
                log.info("%s answers again after %.0f s", url, time.monotonic() - began)
                spread = min(
                    max(_SPREAD, asked / 10), left
                )  # who waited for long may come back less close together
                stop.wait(random.uniform(0, spread))  # noqa: S311 - jitter
                return True
        return False
    finally:
        watch.leave()
