"""Which connector this is."""

from __future__ import annotations

from typing import Final

from bridge.config.checks import at_most
from bridge.config.property import HIGH, STRING, Property, group

MANAGED: Final = "SalesforcePlatformEventSource"
"""The managed connector's class, which is the bridge's own name for it."""

SELF_MANAGED: Final = "io.confluent.salesforce.SalesforcePlatformEventSourceConnector"
"""The class of the connector that people run in their own Kafka Connect."""

IDENTITY = group(
    "How should we connect to your data?",
    Property(
        "connector.class",
        STRING,
        "The connector: the managed connector's name or the self-managed connector's class. Both mean the "
        "same here.",
        importance=HIGH,
        required=True,
        valid=(MANAGED, SELF_MANAGED),
        display="Connector class",
    ),
    Property(
        "name",
        STRING,
        "The connector's name. Together with the worker's group.id it identifies the position in Kafka and "
        "the transactional id, so it must stay the same over the connector's life.",
        importance=HIGH,
        required=True,
        check=at_most(64),
        range_text="at most 64 characters",
        display="Connector name",
    ),
)
