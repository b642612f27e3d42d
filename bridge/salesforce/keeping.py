"""What the transports do alike: one session after the other, each where the one before left off."""

from __future__ import annotations

import threading
import time
from abc import ABC, abstractmethod
from typing import Protocol

from bridge.buffer import Buffer
from bridge.deadline import Interrupted
from bridge.errors import Retriable
from bridge.log import for_connector
from bridge.metrics import Stats
from bridge.progress import NEW_ONLY
from bridge.salesforce.auth import Login, Session
from bridge.salesforce.backoff import Outage
from bridge.salesforce.cursor import Cursor, Start
from bridge.salesforce.failures import SessionOver
from bridge.salesforce.intake import Intake
from bridge.salesforce.recovery import Recovery
from bridge.source import Gap, Listening


class Endurance(Protocol):
    """What of a transport's settings is said here; times in seconds."""

    @property
    def retry_seconds(self) -> float: ...
    @property
    def when_expired(self) -> str: ...
    @property
    def first_long_wait(self) -> float: ...


class Keeping(ABC):
    """A ``bridge.source.Source`` but for its sessions. ``accept_any``: messages may name other channels."""

    def __init__(
        self,
        *,
        channel: str,
        login: Login,
        endurance: Endurance,
        buffer: Buffer,
        stats: Stats,
        start: Start,
        accept_any: bool,
    ) -> None:
        self.channel = channel
        self._login = login
        self._stats = stats
        self._buffer = buffer
        self._log = for_connector(stats.connector, type(self).__module__)
        self._stop = threading.Event()
        self._cursor = Cursor(start)
        self._recovery = Recovery(
            channel,
            Outage(endurance.retry_seconds),
            endurance.when_expired,
            endurance.first_long_wait,
            login,
            self._cursor,
            stats,
            self._log,
            lambda last: buffer.put(Gap(last)),
        )
        self._intake = Intake(
            channel, accept_any, self._cursor, buffer, stats, self._log, self._recovery.progress
        )
        self._sessions = 0

    def run(self, stop: threading.Event) -> None:
        """Receive until ``stop`` is set, then take leave. May be called again, and continues after the last accepted
        event. Raises Fatal, or Retriable when the time for retries is over."""
        self._stop = self._intake.stop = self._recovery.stop = stop
        self._recovery.progress()
        while self._intake.room_before(float("inf")):
            session = self._login.session()
            self._stats.logins = self._login.logins
            try:
                self._session(session)
            except Interrupted:
                return
            except SessionOver as over:
                if not stop.is_set():
                    self._recovery.after(over, session)
            except Retriable as lost:
                if not stop.is_set():
                    self._recovery.after_loss(lost)

    @abstractmethod
    def interrupt(self) -> None:
        """End whatever a session waits for at once; to be called after the event given to ``run`` was set."""

    @abstractmethod
    def _session(self, session: Session) -> None:
        """One session. Returns when it was ended on purpose, for back-pressure or a stop."""

    def _begun(self) -> None:
        """A session has begun, and its subscription is to follow."""
        self._stats.reconnects += bool(self._sessions)
        self._sessions += 1
        self._recovery.subscribed_at = None

    def _confirmed(self, replay_from: int, since_ms: int | None) -> None:
        """The subscription works. ``since_ms``: of one to new events, when it took effect (Salesforce's clock)."""
        self._recovery.subscribed_at = time.monotonic()
        self._stats.subscribes += 1
        begin = f"after replay id {replay_from}"
        if replay_from < 0:
            begin = "for new events" if replay_from == NEW_ONLY else "for all retained events"
        outage = self._recovery.outage
        back = f", {outage.elapsed():.1f} s after the interruption" if outage.failures else ""
        self._log.info("subscribed to %s %s%s", self.channel, begin, back)
        if since_ms is not None:
            self._cursor.subscribed_new_only(since_ms)
        self._buffer.put(Listening(since_ms))

    def _full_since(self, began: float) -> None:
        """The session ends because the buffer had no room since then (monotonic), unless it ends for a stop."""
        if not self._stop.is_set():
            self._stats.backpressure_disconnects += 1
            self._log.warning(
                "the buffer has been full for %.0f s: the session with Salesforce is ended, and another begins "
                "when there is room",
                time.monotonic() - began,
            )
