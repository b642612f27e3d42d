"""The CometD source: keeps one subscription alive and puts what arrives into the buffer, each event once, in
order.

A session (``dialogue``) lasts until something ends it; what ended it decides what comes next (``recovery``).
Every new session subscribes after the highest replay id accepted into the buffer, so that whatever ended the
one before, nothing is lost; what comes twice is recognised by its replay id (``cursor``).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

from attrs import frozen

from bridge.buffer import Buffer
from bridge.deadline import Interrupted
from bridge.errors import BridgeError, Retriable, Stage
from bridge.metrics import Stats
from bridge.progress import NEW_ONLY
from bridge.salesforce.auth import Login, Session
from bridge.salesforce.cursor import Start
from bridge.salesforce.dialogue import Dialogue
from bridge.salesforce.exchange import Exchange
from bridge.salesforce.failures import SessionOver, Verdict, refusal
from bridge.salesforce.http_settings import HttpSettings
from bridge.salesforce.keeping import Keeping
from bridge.source import Silent
from bridge.turns import SESSIONS
from bridge.waits import OUTAGE, POLL, REQUEST, ROOM

__all__ = ["CometdSettings", "CometdSource", "Start", "cometd_settings", "probe"]

_IMMEDIATE = 0.05  # seconds: a poll without events that was answered so fast was not held
_STILL_ALIVE = (
    Verdict.EXPIRED,
    Verdict.LIMIT,
    Verdict.FATAL,
)  # errors after which a session needs a disconnect


@frozen
class CometdSettings:
    """How the source behaves; times in seconds. Only the first six come from the configuration."""

    path: str  # /cometd/66.0
    request_timeout: float = 30.0
    retry_seconds: float = 30.0
    max_reply_bytes: int = 104_857_600
    when_expired: str = "all"
    watchdog: float = 150.0
    poll_margin: float = 30.0  # beyond the time that the server says it holds a poll
    reconnect_within: float = ROOM.longest  # Salesforce forgets a client that stays away for 40 s
    slice_bytes: int = 8 << 20
    first_long_wait: float = 60.0
    goodbye: float = 2.0


def cometd_settings(connector: Mapping[str, Any], api_version: str) -> CometdSettings:
    """From a connector's configuration and an API version such as ``66.0``."""
    return CometdSettings(
        path=f"/cometd/{api_version}",
        request_timeout=connector[REQUEST.key] / 1000,
        retry_seconds=connector[OUTAGE.key] / 1000,
        max_reply_bytes=connector["connection.max.message.size"],
        when_expired=connector["invalid.replay.id.behaviour"],
        watchdog=connector[POLL.key] / 1000,
    )


class CometdSource(Keeping):
    """One channel's events: a ``bridge.source.Source``. ``run`` belongs to one thread; ``interrupt`` may be called from
    any other. ``accept_any``: a custom channel, whose messages may name other channels.
    """

    def __init__(
        self,
        *,
        channel: str,
        login: Login,
        settings: CometdSettings,
        http: HttpSettings,
        buffer: Buffer,
        stats: Stats,
        start: Start,
        accept_any: bool = False,
    ) -> None:
        super().__init__(
            channel=channel,
            login=login,
            endurance=settings,
            buffer=buffer,
            stats=stats,
            start=start,
            accept_any=accept_any,
        )
        self.subscribed = False
        self._settings = settings
        self._http = http
        self._exchange: Exchange | None = None
        self._connect_first = False
        self._warned_of_others = False

    def interrupt(self) -> None:
        """End a held poll at once; to be called after the event given to ``run`` was set."""
        exchange = self._exchange
        if exchange is not None:
            exchange.interrupt()

    def _session(self, session: Session) -> None:
        """One session. Returns when it was ended on purpose, for back-pressure or a stop."""
        talk = _dialogue(
            session, self.channel, self._settings, self._http, self._intake.receive, self._stop.is_set
        )
        self._exchange = talk.exchange
        polite = True
        try:
            self._open(talk)
            while self._ready_for_next(talk):
                self._poll(talk)
        except SessionOver as over:
            polite = over.failure.verdict in _STILL_ALIVE
            raise
        except BridgeError:
            polite = self._stop.is_set()
            raise
        finally:
            self._intake.say_passed_over()
            if self.subscribed:
                self.subscribed = False
                self._buffer.put(Silent())
            if polite:
                talk.disconnect(self._settings.goodbye)
            self._exchange = None
            talk.exchange.close()

    def _open(self, talk: Dialogue) -> None:
        key = talk.exchange.url, self._http.proxy
        with SESSIONS.turn(key, self._stop.is_set, self._log.info):
            if self._stop.is_set():
                raise Interrupted
            self._begin(talk)

    def _begin(self, talk: Dialogue) -> None:
        self._begun()
        talk.handshake()
        self._stats.handshakes += 1
        if self._connect_first:
            self._poll(talk)
        try:
            talk.subscribe(self._cursor.subscribe_from())
        except SessionOver as over:
            if over.failure.verdict is Verdict.HANDSHAKE:
                self._connect_first = not self._connect_first  # some servers want a connect before
            raise
        self._note_subscription(talk)

    def _poll(self, talk: Dialogue) -> None:
        settings, held = self._settings, talk.connects > 0
        talk.connect(min(talk.advice.timeout + settings.poll_margin, settings.watchdog))
        self._note_subscription(talk)
        if talk.refused is not None:
            self._stats.receive_errors += 1
            self._log.warning("a poll is refused (%s); asked again, as Salesforce advises", talk.refused.text)
        elif held and talk.took >= 1.0:
            self._recovery.progress()
        if talk.connects > 3 and not talk.subscribed:
            raise Retriable("the subscription was not answered", stage=Stage.SUBSCRIBE)
        if talk.advice.multiple_clients and not self._warned_of_others:
            self._warned_of_others = True
            self._log.warning(
                "another client shares this session's cookies, for which Salesforce slows both down (said once)"
            )
        talk.follow_advice()

    def _note_subscription(self, talk: Dialogue) -> None:
        if self.subscribed or not talk.subscribed:
            return
        self.subscribed = True
        self._confirmed(talk.replay_from, talk.asked_at_ms if talk.replay_from == NEW_ONLY else None)

    def _ready_for_next(self, talk: Dialogue) -> bool:
        """Wait as the advice says and for room. False: the session has to end, or was stopped."""
        interval = talk.advice.interval if talk.connects else 0.0
        if talk.empty_in_a_row > 5 and talk.took < _IMMEDIATE:
            interval = max(interval, 0.2)  # a server that does not hold polls is not asked in a tight loop
        if talk.refusals_in_a_row:
            interval = max(interval, 0.25 * 2.0**talk.refusals_in_a_row)
        if interval:
            self._stop.wait(interval - (time.monotonic() - talk.replied_at))
        deadline = talk.replied_at + interval + self._settings.reconnect_within
        if self._intake.room_before(deadline) and time.monotonic() <= deadline:
            return True
        self._full_since(talk.replied_at)
        return False


def probe(
    channel: str, login: Login, settings: CometdSettings, http: HttpSettings, replay_from: int = NEW_ONLY
) -> None:
    """Handshake, subscribe (to new events, unless a replay id is given), disconnect. Raises BridgeError, one
    sentence, when that does not work."""
    session = login.session()
    for last in (False, True):
        talk = _dialogue(session, channel, settings, http, lambda _reply, _more: None, lambda: False)
        try:
            talk.handshake()
            talk.subscribe(replay_from)
            return
        except SessionOver as over:
            failure = over.failure
            if failure.verdict is Verdict.RENEW and not last:
                session = login.renew(session)
                continue
            raise refusal(channel, failure) from None
        finally:
            talk.disconnect(settings.goodbye)
            talk.exchange.close()


def _dialogue(
    session: Session,
    channel: str,
    settings: CometdSettings,
    http: HttpSettings,
    receive: Any,
    stopped: Callable[[], bool],
) -> Dialogue:
    exchange = Exchange(session.instance_url, settings.path, http, settings.max_reply_bytes, stopped)
    return Dialogue(
        exchange, session.access_token, channel, settings.request_timeout, settings.slice_bytes, receive
    )
