"""Asks each org of a process how much is left of its limits, once for all connectors that run: ``/limits`` every five
minutes, which is itself one API request. The user may lack the right to ask; then nothing is known, and nothing fails.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Final

from attrs import define, field

from bridge.errors import BridgeError
from bridge.limits import ORG_LIMITS, Limit, OrgLimits

EVERY: Final = 300.0  # seconds
# Of the many limits that an org has, those a bridge can run into.
NAMES: Final = (
    "DailyApiRequests",
    "DailyDeliveredPlatformEvents",
    "DailyStandardVolumePlatformEvents",
    "DailyDurableStreamingApiEvents",
    "DurableStreamingApiConcurrentClients",
)
Answer = Mapping[str, object]
log = logging.getLogger(__name__)


@define(eq=False)
class LimitsWatch:
    """Of one process. A thread asks as long as anybody watches; it ends with the last."""

    table: OrgLimits = field(factory=lambda: ORG_LIMITS)
    every: float = EVERY
    _asking: dict[str, list[Callable[[], Answer]]] = field(factory=dict)
    _lock: threading.Lock = field(factory=threading.Lock)
    _wake: threading.Event = field(factory=threading.Event)
    _thread: threading.Thread | None = None

    @contextmanager
    def watching(self, org: str, ask: Callable[[], Answer]) -> Iterator[None]:
        """While a connector of this org runs; ``ask`` is its way to the org's ``/limits``, used by one thread only."""
        self._enter(org, ask)
        try:
            yield
        finally:
            self._leave(org, ask)

    def _enter(self, org: str, ask: Callable[[], Answer]) -> None:
        with self._lock:
            is_new = org not in self._asking
            self._asking.setdefault(org, []).append(ask)
            if self._thread is None:
                self._wake.clear()
                self._thread = threading.Thread(target=self._run, name="org-limits", daemon=True)
                self._thread.start()
            elif is_new:
                self._wake.set()

    def _leave(self, org: str, ask: Callable[[], Answer]) -> None:
        with self._lock:
            self._asking[org].remove(ask)
            if not self._asking[org]:
                del self._asking[org]
                self.table.forget(org)
            if not self._asking:
                self._thread = None
                self._wake.set()

    def _run(self) -> None:
        while self._thread is threading.current_thread():
            with self._lock:
                asking = {org: asks[0] for org, asks in self._asking.items()}
            for org, ask in asking.items():
                if not self._ask(org, ask):
                    self._let_another(org, ask)
            self._wake.wait(self.every)
            self._wake.clear()

    def _let_another(self, org: str, ask: Callable[[], Answer]) -> None:
        """Next time: its user may be one who has the right to ask."""
        with self._lock:
            asks = self._asking.get(org, [])
            if ask in asks:
                asks.remove(ask)
                asks.append(ask)

    def _ask(self, org: str, ask: Callable[[], Answer]) -> bool:
        try:
            limits = chosen(ask())
        except BridgeError as error:
            log.debug("the limits of org %s are not known: %s", org, error.message)
            return False
        except Exception as error:  # what is only watched must not end a thread
            log.debug("the limits of org %s are not known: %s", org, type(error).__name__)
            return False
        with self._lock:
            if org in self._asking:
                self.table.told(org, limits)
        return True


def chosen(answer: Answer) -> dict[str, Limit]:
    """Of Salesforce's answer (``{"DailyApiRequests": {"Max": 15000, "Remaining": 14998}}``) what concerns a bridge."""
    limits = {}
    for name in NAMES:
        one = answer.get(name)
        if isinstance(one, Mapping):
            most, left = one.get("Max"), one.get("Remaining")
            if isinstance(most, int) and isinstance(left, int):
                limits[name] = Limit(most, left)
    return limits


LIMITS: Final = LimitsWatch()
