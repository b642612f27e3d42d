"""The Pub/Sub source: keeps one ``Subscribe`` call alive and puts what arrives into the buffer, each event once, in
order.

A stream lasts until something ends it; what ended it decides what comes next (``recovery``), as with CometD. Two
threads: ``run`` opens streams and watches over them, a thread for each stream reads it, because the library's calls
have no time limit. While a stream is read, cursor and intake belong to its thread.
"""

from __future__ import annotations

import time
from typing import Final

from bridge.buffer import Buffer
from bridge.metrics import Stats
from bridge.progress import NEW_ONLY
from bridge.salesforce.auth import Login, Session
from bridge.salesforce.cursor import Start
from bridge.salesforce.keeping import Keeping
from bridge.salesforce.pubsub.client import Client
from bridge.salesforce.pubsub.decoding import Decoder
from bridge.salesforce.pubsub.replay import preset_of
from bridge.salesforce.pubsub.settings import PubSubSettings
from bridge.salesforce.pubsub.stream import Stream
from bridge.salesforce.server_time import server_ms
from bridge.source import Silent
from bridge.turns import SESSIONS

OUTSTANDING: Final = 100
"""Events that may be asked for and not delivered (Pub/Sub API guide, *Flow Control*)."""


class PubSubSource(Keeping):
    """One channel's events: a ``bridge.source.Source``. ``run`` belongs to one thread; ``interrupt`` may be called from
    any other."""

    def __init__(
        self,
        *,
        channel: str,
        login: Login,
        settings: PubSubSettings,
        buffer: Buffer,
        stats: Stats,
        start: Start,
    ) -> None:
        super().__init__(
            channel=channel,
            login=login,
            endurance=settings,
            buffer=buffer,
            stats=stats,
            start=start,
            accept_any=True,
        )
        self._settings = settings
        self._client: Client | None = None
        self._topic_known = False
        self._most = min(OUTSTANDING, buffer.max_events)

    def interrupt(self) -> None:
        """End the stream at once; to be called after the event given to ``run`` was set."""
        client = self._client
        if client is not None:
            client.cancel()

    def _session(self, session: Session) -> None:
        """One stream. Returns when it was ended on purpose, for back-pressure or a stop."""
        self._begun()
        client = self._client = Client(
            self._settings.address(session), session, self._settings.request_timeout
        )
        try:
            key = session.instance_url, self._settings.http.proxy
            with SESSIONS.turn(key, self._stop.is_set, self._log.info):
                if self._stop.is_set():
                    return
                if not self._topic_known:  # asked once
                    client.check_topic(self.channel)
                    self._topic_known = True
                stream = self._opened(client)
            try:
                stream.run()
            finally:
                self._intake.say_passed_over()
                if stream.listening:
                    self._buffer.put(Silent())
        finally:
            self._client = None
            client.close()

    def _opened(self, client: Client) -> Stream:
        replay_from = self._cursor.subscribe_from()
        since_ms = None
        if replay_from == NEW_ONLY:
            settings = self._settings
            since_ms = server_ms(
                client.session.instance_url, settings.http, settings.request_timeout, self._stop.is_set
            )
        preset, replay_id = preset_of(replay_from, self._cursor.raw_of(replay_from))
        subscription = client.subscribe(self.channel, preset, replay_id, self._most)
        self._stats.handshakes += 1
        decoder = Decoder(self.channel, client.session.org_id, client.schema, client.is_ended)
        return Stream(self, client, subscription, decoder, replay_from, since_ms, self._settings.watchdog)

    # ---- what a stream says, in its thread ---------------------------------------------------------------

    def note_subscription(self, replay_from: int, since_ms: int | None) -> None:
        """The subscription is confirmed, or was not refused for so long that it counts as confirmed."""
        self._confirmed(replay_from, since_ms)

    def take(self, raw: bytes, stream: Stream) -> bool:
        """One response. False: the buffer stays full, and the stream has to end."""
        reply, count, latest = stream.decoder.response(raw)
        stream.subscription.outstanding -= count
        self._intake.receive(reply, False)
        if not count:
            self._recovery.progress()
            if latest is not None and self._cursor.stand_on(latest.replay_id, latest.raw):
                self._buffer.put(latest)
        return self._top_up(stream)

    def _top_up(self, stream: Stream) -> bool:
        """Ask for more when half is on its way, so that the server never waits for a round trip. For all that may be
        asked for, and not for the few that a full buffer has just got room for: the next response would be as small,
        and so on. The buffer takes more than its bound by that much at most."""
        began = time.monotonic()
        if not self._intake.room_before(began + self._settings.room_within):
            self._full_since(began)
            return False
        if stream.subscription.outstanding <= self._most // 2:
            stream.subscription.ask(self._most - stream.subscription.outstanding)
        return True
