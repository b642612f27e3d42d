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
