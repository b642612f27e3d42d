"""The transport ``pubsub``: the Pub/Sub API, gRPC. Imported only where a connector uses it."""

from __future__ import annotations

import threading
from typing import Final

import grpc

from bridge.buffer import Buffer
from bridge.config import Config, subscription
from bridge.metrics import Stats
from bridge.salesforce.auth import Login, Session
from bridge.salesforce.cursor import Start
from bridge.salesforce.failures import SessionOver, Verdict, refusal
from bridge.salesforce.pubsub import settings as settings_of
from bridge.salesforce.pubsub.client import Client
from bridge.salesforce.pubsub.metadata import PubSubRest
from bridge.salesforce.pubsub.replay import preset_of
from bridge.salesforce.pubsub.settings import PubSubSettings
from bridge.salesforce.pubsub.source import PubSubSource
from bridge.salesforce.rest import Rest
from bridge.source import Source

_GRACE: Final = 0.2  # seconds


def source(config: Config, login: Login, rest: Rest, buffer: Buffer, stats: Stats, start: Start) -> Source:
    """See ``salesforce.transport.Transport``."""
    return PubSubSource(
        channel=subscription.channel(config),
        login=login,
        settings=PubSubSettings.of(config),
        buffer=buffer,
        stats=stats,
        start=start,
    )


def metadata(config: Config, login: Login) -> Rest:
    """See ``salesforce.transport.Transport``."""
    return PubSubRest(login, config)


def probe(config: Config, login: Login, rest: Rest, replay_from: int) -> None:
    """See ``salesforce.transport.Transport``."""
    session = login.session()
    try:
        _probe(config, session, replay_from)
    except SessionOver as over:
        if over.failure.verdict is not Verdict.RENEW:
            raise refusal(subscription.channel(config), over.failure) from None
        try:
            _probe(config, login.renew(session), replay_from)
        except SessionOver as again:
            raise refusal(subscription.channel(config), again.failure) from None


def _probe(config: Config, session: Session, replay_from: int) -> None:
    """One event is asked for, and an answer waited for for a while: a subscription that is not refused stands."""
    settings, topic = PubSubSettings.of(config), subscription.channel(config)
    client = Client(settings.address(session), session, settings.request_timeout)
    try:
        client.check_topic(topic)
        asked = client.subscribe(topic, *preset_of(replay_from), 1)
        timers = [threading.Timer(settings_of.SETTLED_NEW_ONLY, asked.cancel)]
        timers[0].start()
        try:
            asked.confirmed()  # after the headers an error that came with them is not far
            timers.append(threading.Timer(_GRACE, asked.cancel))
            timers[1].start()
            next(iter(asked.responses()), None)
        except grpc.RpcError as error:
            if error.code() is not grpc.StatusCode.CANCELLED:
                raise client.over(error, asked_for_id=replay_from >= 0) from None
        finally:
            for timer in timers:
                timer.cancel()
            asked.cancel()
    finally:
        client.close()
