"""The connectors there are, by what ``connector.class`` calls them."""

from __future__ import annotations

from typing import Final

MANAGED: Final = "SalesforcePlatformEventSource"
"""The managed connector's class, which is the bridge's own name for it."""

SELF_MANAGED: Final = "io.confluent.salesforce.SalesforcePlatformEventSourceConnector"
"""The class of the connector that people run in their own Kafka Connect."""

CDC_MANAGED: Final = "SalesforceCdcSource"
"""The managed connector of change events."""

CDC_SELF_MANAGED: Final = "io.confluent.salesforce.SalesforceCdcSourceConnector"
"""The class of the connector of change events that people run in their own Kafka Connect."""

CHANGE_CLASSES: Final = (CDC_MANAGED, CDC_SELF_MANAGED)
CLASSES: Final = (MANAGED, SELF_MANAGED, *CHANGE_CLASSES)
SELF_MANAGED_CLASSES: Final = (SELF_MANAGED, CDC_SELF_MANAGED)
SIMPLE_NAMES: Final = {name.rpartition(".")[2]: name for name in SELF_MANAGED_CLASSES}
"""A class's name without its package → the class: Kafka Connect takes either, and the name without ``Connector``, which
is the managed connector's. (A package with such a short name is no class.)"""


def class_meant(text: str) -> str:
    """The class that a ``connector.class`` means; the text itself where it means none."""
    name = text.strip()
    return SIMPLE_NAMES.get(name, name)


def fits(included: str, asked: str) -> bool:
    """Whether a configuration's class is one that a path's plug-in may judge: as Kafka Connect compares the two
    (``ConnectorPluginsResource.validateConfigs``), which leaves packages out."""
    return _without_suffix(included).endswith(_without_suffix(asked))


def _without_suffix(name: str) -> str:
    return name.removesuffix("Connector") or name
