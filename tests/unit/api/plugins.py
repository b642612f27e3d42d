"""The plug-ins that the API's tests ask about."""

from __future__ import annotations

from bridge.config import config_of
from bridge.config.declarations import WORKER as WORKER_PROPERTIES
from bridge.metrics import Metrics
from bridge.worker.plugins import Plugin, salesforce_plugins
from tests.vectors.connect_stubs import World, stubs


def every_plugin() -> list[Plugin]:
    """Kafka Connect's stand-ins, and ours for a Kafka that is not there."""
    given = {"bootstrap.servers": "127.0.0.1:1", "security.protocol": "PLAINTEXT"}
    return [*stubs(World()), *salesforce_plugins(config_of(given, WORKER_PROPERTIES), Metrics())]
