"""Which connector this is."""

from __future__ import annotations

from bridge.config.checks import at_most
from bridge.config.classes import CLASSES, SIMPLE_NAMES
from bridge.config.property import HIGH, STRING, Property, group

IDENTITY = group(
    "How should we connect to your data?",
    Property(
        "connector.class",
        STRING,
        "The connector: the managed connector's name or the self-managed connector's class, which mean the same here. "
        "SalesforcePlatformEventSource carries platform events, SalesforceCdcSource change events.",
        importance=HIGH,
        required=True,
        valid=CLASSES,
        aliases=SIMPLE_NAMES,
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
