"""Which transport carries a connector's events: the one place that knows them all.

A transport is a module with a class that is a ``bridge.source.Source``, and one line in ``TRANSPORTS``;
``tests/contract/test_sources.py`` holds it to what a source promises.
"""

from __future__ import annotations

from typing import Final, Protocol

from bridge.buffer import Buffer
from bridge.config import Config, subscription
from bridge.metrics import Stats
from bridge.progress import NEW_ONLY
from bridge.salesforce.auth import Login
from bridge.salesforce.cometd import CometdSource, cometd_settings, probe
from bridge.salesforce.cursor import Start
from bridge.salesforce.http_settings import http_settings
from bridge.salesforce.rest import Rest
from bridge.source import Source

__all__ = ["Start", "Transport", "open_source", "try_subscription"]


class Transport(Protocol):
    """How to receive a channel; everything that differs between transports is in the connector's configuration."""

    def source(
        self, config: Config, login: Login, rest: Rest, buffer: Buffer, stats: Stats, start: Start
    ) -> Source:
        """A source of the connector's channel; nothing is asked of Salesforce before it runs but, perhaps, the newest
        API version. Raises BridgeError."""
        ...

    def probe(self, config: Config, login: Login, rest: Rest, replay_from: int) -> None:
        """Subscribe after a replay id (or ``NEW_ONLY``) and take leave. Raises BridgeError, one sentence, when that
        does not work."""
        ...


class _Streaming:
    """The Streaming API: CometD, long polling."""

    def source(
        self, config: Config, login: Login, rest: Rest, buffer: Buffer, stats: Stats, start: Start
    ) -> Source:
        return CometdSource(
            channel=subscription.channel(config),
            login=login,
            settings=cometd_settings(config, rest.api_version()),
            http=http_settings(config),
            buffer=buffer,
            stats=stats,
            start=start,
            accept_any=subscription.is_channel(config),
        )

    def probe(self, config: Config, login: Login, rest: Rest, replay_from: int) -> None:
        settings = cometd_settings(config, rest.api_version())
        probe(subscription.channel(config), login, settings, http_settings(config), replay_from)


TRANSPORTS: Final[dict[str, Transport]] = {"streaming": _Streaming()}


def _transport(config: Config) -> Transport:
    return TRANSPORTS[str(config.get("bridge.salesforce.api", "streaming"))]


def open_source(
    config: Config, login: Login, rest: Rest, buffer: Buffer, stats: Stats, start: Start
) -> Source:
    """The source of a connector's channel, by its transport. Raises BridgeError."""
    return _transport(config).source(config, login, rest, buffer, stats, start)


def try_subscription(config: Config, login: Login, rest: Rest, replay_from: int = NEW_ONLY) -> None:
    """Subscribe to a connector's channel, to new events unless a replay id is given, and take leave. Raises
    BridgeError, one sentence, when that does not work."""
    _transport(config).probe(config, login, rest, replay_from)
