"""One ``Subscribe`` call while it lasts: a thread reads it, and whoever opened it watches that it does not fall
silent."""

from __future__ import annotations

import threading
import time
from typing import Final, Protocol

import grpc
from attrs import define, field

from bridge.salesforce.failures import Failure, SessionOver, Verdict
from bridge.salesforce.pubsub import settings
from bridge.salesforce.pubsub.client import Client, Subscription
from bridge.salesforce.pubsub.decoding import Decoder
from bridge.salesforce.pubsub.refusals import ENDED

_GRACE: Final = 0.05  # seconds after the server's headers: an error that comes with them is known then
_TURN: Final = 5.0


class Listener(Protocol):
    """Whose stream it is."""

    def note_subscription(self, replay_from: int, since_ms: int | None) -> None:
        """It is confirmed; called once, before any response is taken."""

    def take(self, raw: bytes, stream: Stream) -> bool:
        """A response. False: the stream has to end."""


@define(eq=False)
class Stream:
    """``run`` once."""

    listener: Listener
    client: Client
    subscription: Subscription
    decoder: Decoder
    replay_from: int
    since_ms: int | None
    watchdog: float
    listening: bool = False
    _headers_at: float | None = None
    _waits_since: float | None = None
    _failure: Exception | None = None
    _done: threading.Event = field(factory=threading.Event)
    _lock: threading.Lock = field(factory=threading.Lock)

    def run(self) -> None:
        """Returns when it was ended on purpose. Raises what ended it: SessionOver, BridgeError, Interrupted."""
        thread = threading.Thread(target=self._read, name="pubsub-read", daemon=True)
        thread.start()
        try:
            self._watch()
        finally:
            self.subscription.cancel()
            thread.join()
        if self._failure is not None:
            raise self._failure

    def _watch(self) -> None:
        began = self._waits_since = time.monotonic()
        settled = settings.SETTLED if self.since_ms is None else settings.SETTLED_NEW_ONLY
        patience = _GRACE
        while not self._done.wait(patience):
            now, headers, waits = time.monotonic(), self._headers_at, self._waits_since
            heard = headers is not None and self.since_ms is None and now >= headers + _GRACE
            if not self.listening and (heard or now >= began + settled):
                self._confirm()
            if waits is not None and now >= waits + self.watchdog:
                self.client.distrust()
                text = f"{self.client.address.url} said nothing for {now - waits:.0f} s: the connection counts as dead"
                self._failure = SessionOver(Failure(Verdict.UNKNOWN, text))
                return
            left = self.watchdog if waits is None else waits + self.watchdog - now
            patience = min(_TURN, max(_GRACE, left)) if self.listening else _GRACE

    def _read(self) -> None:
        try:
            self.subscription.confirmed()
            self._headers_at = time.monotonic()
            for raw in self.subscription.responses():
                self._waits_since = None
                self._confirm()
                if not self.listener.take(raw, self):
                    return
                self._waits_since = time.monotonic()
            self._end(SessionOver(ENDED))
        except grpc.RpcError as error:
            try:
                self._end(self.client.over(error, asked_for_id=self.replay_from >= 0))
            except Exception as ours:
                self._end(ours)
        except Exception as error:
            self._end(error)
        finally:
            self._done.set()

    def _end(self, failure: Exception) -> None:
        self._failure = self._failure or failure

    def _confirm(self) -> None:
        with self._lock:
            if not self.listening:
                self.listening = True
                self.listener.note_subscription(self.replay_from, self.since_ms)
