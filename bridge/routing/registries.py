"""Which registry a connector uses, and how it is reached."""

from __future__ import annotations

from bridge.config import Loaded, registry_settings
from bridge.registry.client import Registry
from bridge.registry.http import Http, http_of
from bridge.retry import patience


def registry_of(loaded: Loaded) -> Registry:
    """The registry a connector uses. ConfigurationError."""
    return Registry(registry_http(loaded))


def registry_http(loaded: Loaded) -> Http:
    """How the connector's registry is reached. ConfigurationError."""
    config = loaded.connector
    longest = config.get("errors.retry.delay.max.ms", 60_000) / 1000
    settings = registry_settings(loaded.connector, loaded.worker)
    return http_of(settings, retry_seconds=patience(config), longest_wait=longest, egress=config.egress)
