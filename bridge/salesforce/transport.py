"""Which transport carries a connector's events: the one place that chooses.

A transport is a module with these two functions, and one line in ``config/declarations/transports.py``;
``tests/contract/test_sources.py`` holds it to what a source promises.
"""

from __future__ import annotations

import importlib
import os
from typing import Protocol, cast

from bridge.buffer import Buffer
from bridge.config import Config
from bridge.config.declarations.transports import TRANSPORTS
from bridge.metrics import Stats
from bridge.progress import NEW_ONLY
from bridge.salesforce.auth import Login
from bridge.salesforce.cursor import Start
from bridge.salesforce.rest import Rest
from bridge.source import Source

__all__ = ["Start", "Transport", "open_rest", "open_source", "try_subscription"]


class Transport(Protocol):
    """How to receive a channel; everything that differs between transports is in the connector's configuration."""

    def source(
        self, config: Config, login: Login, rest: Rest, buffer: Buffer, stats: Stats, start: Start
    ) -> Source:
        """A source of the connector's channel; nothing is asked of Salesforce before it runs but, perhaps, the newest
        API version. Raises BridgeError."""
        ...

    def metadata(self, config: Config, login: Login) -> Rest:
        """What an org's events are; schemas come by the transport where it gives them out. Raises BridgeError."""
        ...

    def probe(self, config: Config, login: Login, rest: Rest, replay_from: int) -> None:
        """Subscribe after a replay id (or ``NEW_ONLY``) and take leave. Raises BridgeError, one sentence, when that
        does not work."""
        ...


def open_source(
    config: Config, login: Login, rest: Rest, buffer: Buffer, stats: Stats, start: Start
) -> Source:
    """The source of a connector's channel, by its transport. Raises BridgeError."""
    return _transport(config).source(config, login, rest, buffer, stats, start)


def open_rest(config: Config, login: Login) -> Rest:
    """The metadata of a connector's org, as its transport gives it. Raises BridgeError."""
    return _transport(config).metadata(config, login)


def try_subscription(config: Config, login: Login, rest: Rest, replay_from: int = NEW_ONLY) -> None:
    """Subscribe to a connector's channel, to new events unless a replay id is given, and take leave. Raises
    BridgeError, one sentence, when that does not work."""
    _transport(config).probe(config, login, rest, replay_from)


def _transport(config: Config) -> Transport:
    # gRPC writes to stderr what it makes of broken handshakes, whoever uses it; what is wrong is said in our words.
    os.environ.setdefault("GRPC_VERBOSITY", "NONE")
    # By its name, so that nobody pays for a transport (gRPC: 0.5 s, 22 MB) that the connector does not use.
    return cast(Transport, importlib.import_module(TRANSPORTS[config["bridge.salesforce.api"]]))
