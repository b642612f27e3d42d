"""The Bayeux server as Salesforce runs it: sessions, subscriptions, and what each message is answered with.

Texts and shapes are those of recorded traffic and of Salesforce's Streaming API guide. Sessions live in the
server's event loop only; ``wake`` may be called from any thread.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Callable
from typing import Any, Final

from attrs import define, field, frozen

from bridge.sandbox.org import faults as at
from bridge.sandbox.org.faults import Armed, Faults
from bridge.sandbox.org.log import NEW_ONLY, ChannelLog, InvalidReplayId

COOKIE: Final = "BAYEUX_BROWSER"
BUSY: Final = "503::Server is too busy. Please try your request again later."
UNAUTHENTICATED: Final = "401::Authentication invalid"
UNKNOWN_CLIENT: Final = "403::Unknown client"
INVALID_REPLAY: Final = (
    "400::The replayId {%s} you provided was invalid.  "
    "Please provide a valid ID, -2 to replay all events, or -1 to replay only new events."
)
_REPLAY_EXT: Final = {"replay": True, "payload.format": True}

Reply = dict[str, Any]


@frozen
class Settings:
    """How the org behaves. Times in seconds; ``max_events`` and ``max_bytes`` bound one reply."""

    hold: float = 110.0
    session: float = 40.0
    max_events: int = 400
    max_bytes: int = 10_000_000
    retention: float = 72 * 3600.0
    max_sessions: int = 1000
    gzip: bool = True


@define
class Subscription:
    """Where in a channel's log the session's next event is."""

    log: ChannelLog
    position: int


@define(eq=False)
class Session:
    """One client between handshake and disconnect, or until it stayed away for too long."""

    client_id: str
    browser: str
    version: float
    last_seen: float
    connected: bool = False
    polls: int = 0
    subscriptions: dict[str, Subscription] = field(factory=dict)
    woken: asyncio.Event = field(factory=asyncio.Event)


@frozen
class Caller:
    """What the HTTP side knows of a request: who asks, with which cookie, in which API version."""

    authorized: bool
    has_token: bool
    browser: str | None
    version: float


class Bayeux:
    """Sessions and the answers to meta messages; the HTTP side is in ``cometd``."""

    def __init__(self, logs: dict[str, ChannelLog], faults: Faults, settings: Settings) -> None:
        self._logs = logs
        self._faults = faults
        self.settings = settings
        self.sessions: dict[str, Session] = {}
        self.counters: dict[str, int] = {}
        self._loop: asyncio.AbstractEventLoop | None = None
        self.closing = False

    def answer(self, message: Reply, caller: Caller) -> Reply:
        """The reply to any message but ``/meta/connect``."""
        channel = message.get("channel")
        self.count(str(channel).rpartition("/")[2])
        match channel:
            case "/meta/handshake":
                return self._handshake(message, caller)
            case "/meta/subscribe":
                return self._in_session(message, caller, self._subscribe)
            case "/meta/unsubscribe":
                return self._in_session(message, caller, self._unsubscribe)
            case "/meta/disconnect":
                return self._in_session(message, caller, self._disconnect)
            case None:
                return reply(message, error="400::Channel name not specified")
            case _:
                return reply(message, error=f"403::Cannot create channel {{{channel}}}")

    def open_session(self, message: Reply, caller: Caller) -> Session | Reply:
        """The session a message belongs to, or the reply that says why there is none."""
        self._sweep()
        client_id = message.get("clientId")
        session = self.sessions.get(client_id) if isinstance(client_id, str) else None
        if not caller.authorized:
            if session:
                self.end(session)
            error = UNAUTHENTICATED if caller.has_token else "401::Request requires authentication"
            return reply(message, error=error, advice={"reconnect": "none", "interval": 0})
        handshake = {"reconnect": "handshake", "interval": 0}
        if session is None:
            return reply(message, error=UNKNOWN_CLIENT, advice=handshake)
        if caller.browser is None:
            text = f"400::Client {client_id} has established a session, but no {COOKIE} cookie present"
            return reply(message, error=text, advice=handshake)
        if caller.browser != session.browser:
            return reply(message, error=UNKNOWN_CLIENT, advice=handshake)
        session.last_seen = time.monotonic()
        return session

    def advice(self, session: Session) -> Reply:
        """What a successful connect advises: slower where several clients share a browser's cookie."""
        timeout = int(self.settings.hold * 1000)
        if self.shares_browser(session):
            return {"interval": 2000, "multiple-clients": True, "reconnect": "retry", "timeout": timeout}
        return {"interval": 0, "timeout": timeout, "reconnect": "retry"}

    def shares_browser(self, session: Session) -> bool:
        """Whether another session came with the same browser cookie."""
        return any(o is not session and o.browser == session.browser for o in self.sessions.values())

    def take_events(self, session: Session) -> list[bytes]:
        """The next events of all subscriptions, no more than fit one reply; they count as delivered."""
        events: list[bytes] = []
        room, size = self.settings.max_events, self.settings.max_bytes
        for subscription in session.subscriptions.values():
            if room <= 0 or size <= 0:
                break
            taken, subscription.position = subscription.log.read(subscription.position, room, size)
            events += taken
            room -= len(taken)
            size -= sum(map(len, taken))
        return events

    def rewind(self, session: Session, events: int) -> None:
        """Let the next reply begin with events that were delivered before."""
        for subscription in session.subscriptions.values():
            subscription.position = max(subscription.position - events, 0)

    def end(self, session: Session) -> None:
        """Forget a session; its held poll is answered."""
        self.sessions.pop(session.client_id, None)
        session.woken.set()

    def wake(self, channel: str | None = None) -> None:
        """Answer held polls that wait for this channel, or all. Any thread."""
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._wake, channel)

    def forget(self) -> None:
        """Drop every session, as a restarted Salesforce node does: 403::Unknown client. Any thread."""
        lost = list(self.sessions.values())
        self.sessions.clear()
        if self._loop is not None and not self._loop.is_closed():
            for session in lost:  # whoever holds a poll is told at once
                self._loop.call_soon_threadsafe(session.woken.set)

    def count(self, name: str, amount: int = 1) -> None:
        """Add to a counter of the state that is shown."""
        self.counters[name] = self.counters.get(name, 0) + amount

    def _wake(self, channel: str | None) -> None:
        for session in list(self.sessions.values()):
            if channel is None or channel in session.subscriptions:
                session.woken.set()

    def _sweep(self) -> None:
        limit = time.monotonic() - self.settings.session
        for session in [s for s in self.sessions.values() if not s.polls and s.last_seen < limit]:
            self.end(session)
            self.count("expired_sessions")

    def _handshake(self, message: Reply, caller: Caller) -> Reply:
        self._loop = asyncio.get_running_loop()
        self._sweep()
        fault = self._faults.take(at.HANDSHAKE)
        if not caller.authorized or fault:
            return _denied(message, fault)
        if len(self.sessions) >= self.settings.max_sessions:
            return reply(message, error="403::Organization concurrent user limit exceeded")
        if "long-polling" not in message.get("supportedConnectionTypes", ()):
            return reply(message, error="400::Invalid connection type {}")
        client_id = secrets.token_hex(14)
        browser = caller.browser or secrets.token_hex(8)
        self.sessions[client_id] = Session(client_id, browser, caller.version, time.monotonic())
        return {
            "ext": dict(_REPLAY_EXT),
            "minimumVersion": "1.0",
            "clientId": client_id,
            "supportedConnectionTypes": ["long-polling"],
            "channel": "/meta/handshake",
            **_id(message),
            "version": "1.0",
            "successful": True,
        }

    def _in_session(self, message: Reply, caller: Caller, then: Callable[[Reply, Session], Reply]) -> Reply:
        session = self.open_session(message, caller)
        return then(message, session) if isinstance(session, Session) else session

    def _subscribe(self, message: Reply, session: Session) -> Reply:
        wanted = message.get("subscription")
        replay = (message.get("ext") or {}).get("replay")
        replay = replay if isinstance(replay, dict) else {}
        for channel in wanted if isinstance(wanted, list) else [wanted]:
            error = self._subscribe_one(channel, replay.get(channel, NEW_ONLY), session)
            if error:
                return reply(message, error=error, subscription=wanted)
        session.woken.set()
        return reply(message, subscription=wanted)

    def _subscribe_one(self, channel: Any, replay: Any, session: Session) -> str | None:
        if not channel or not isinstance(channel, str):
            return "400::Channel name not specified"
        if not channel.startswith("/"):
            return "400::Channel subscriptions must start with a leading '/'"
        if channel.startswith("/meta/"):
            return "403::Restricted channel"
        log = self._logs.get(channel)
        if log is None:
            if channel.startswith(("/event/", "/data/", "/topic/")):
                return f"400::The channel you requested to subscribe to doesn't exist {{{channel}}}"
            return f"403::Cannot create channel {{{channel}}}"
        fault = self._faults.take(at.SUBSCRIBE)
        if fault and fault.kind == "subscribe_limit":
            return "403::Subscription limit exceeded for this topic"
        log.expire(time.time() - self.settings.retention)
        try:
            if fault:
                raise InvalidReplayId
            position = log.start(int(replay))
        except (InvalidReplayId, ValueError, TypeError):
            return INVALID_REPLAY % (replay,)
        session.subscriptions[channel] = Subscription(log, position)
        return None

    def _unsubscribe(self, message: Reply, session: Session) -> Reply:
        wanted = message.get("subscription")
        for channel in wanted if isinstance(wanted, list) else [wanted]:
            session.subscriptions.pop(str(channel), None)
        return reply(message, subscription=wanted)

    def _disconnect(self, message: Reply, session: Session) -> Reply:
        self.end(session)
        return reply(message)


def reply(message: Reply, *, error: str | None = None, **fields: Any) -> Reply:
    """A reply to a message: successful, or with an error of the form ``code::text``."""
    message_out = {
        "clientId": message.get("clientId"),
        "channel": message.get("channel"),
        **_id(message),
        **fields,
    }
    message_out = {key: value for key, value in message_out.items() if value is not None}
    return (
        {**message_out, "error": error, "successful": False} if error else {**message_out, "successful": True}
    )


def _id(message: Reply) -> Reply:
    return {"id": message["id"]} if "id" in message else {}


def _denied(message: Reply, fault: Armed | None) -> Reply:
    if fault and fault.kind == "concurrent_limit":
        return reply(message, error="403::Organization concurrent user limit exceeded")
    busy = fault is not None and fault.kind == "handshake_busy"
    return {
        "ext": {"sfdc": {"failureReason": BUSY if busy else UNAUTHENTICATED}, **_REPLAY_EXT},
        "advice": {"reconnect": "none"} if not busy else {"reconnect": "handshake", "interval": 1000},
        "channel": "/meta/handshake",
        **_id(message),
        "error": "403::Handshake denied",
        "successful": False,
    }
