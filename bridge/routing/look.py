"""The keys of a connector for somebody who looks at what it wrote: those that it may use itself."""

from __future__ import annotations

from typing import Final

from bridge.config import Loaded, registry_settings
from bridge.config.subscription import events
from bridge.encryption.deks import Deks
from bridge.log import for_connector
from bridge.metadata.sources import load_contracts
from bridge.registry.http import Http, http_of
from bridge.routing.guard import deks_of
from bridge.routing.keys import judging
from bridge.routing.ledger import Ledger

RETRY: Final = 10.0
"""Seconds for which registry and key management service are asked again: somebody waits."""


def registry_of(loaded: Loaded) -> Http:
    """The connector's registry. ConfigurationError where it has none."""
    settings = registry_settings(loaded.connector, loaded.worker)
    return http_of(settings, retry_seconds=RETRY, longest_wait=2, egress=loaded.connector.egress)


def deks_for_looking(loaded: Loaded) -> Deks:
    """DEKs by what the connector may ask, given up early. Raises ConfigurationError."""
    deks = deks_of(loaded, registry_of(loaded))
    deks.retry_seconds = RETRY
    connector = loaded.connector
    contracts = load_contracts(events(connector), connector.get("bridge.schema.contract"))
    judging(deks, loaded, contracts.values(), Ledger(), for_connector(connector.name).warning)
    return deks
