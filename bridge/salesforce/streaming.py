"""The transport ``streaming``: the Streaming API, CometD by long polling."""

from __future__ import annotations

from bridge.buffer import Buffer
from bridge.config import Config, subscription
from bridge.metrics import Stats
from bridge.salesforce import cometd
from bridge.salesforce.auth import Login
from bridge.salesforce.cursor import Start
from bridge.salesforce.http_settings import http_settings
from bridge.salesforce.rest import Rest
from bridge.source import Source


def source(config: Config, login: Login, rest: Rest, buffer: Buffer, stats: Stats, start: Start) -> Source:
    """See ``salesforce.transport.Transport``."""
    return cometd.CometdSource(
        channel=subscription.channel(config),
        login=login,
        settings=cometd.cometd_settings(config, rest.api_version()),
        http=http_settings(config),
        buffer=buffer,
        stats=stats,
        start=start,
        accept_any=subscription.is_channel(config),
    )


def metadata(config: Config, login: Login) -> Rest:
    """See ``salesforce.transport.Transport``."""
    return Rest(login, config)


def probe(config: Config, login: Login, rest: Rest, replay_from: int) -> None:
    """See ``salesforce.transport.Transport``."""
    settings = cometd.cometd_settings(config, rest.api_version())
    cometd.probe(subscription.channel(config), login, settings, http_settings(config), replay_from)
