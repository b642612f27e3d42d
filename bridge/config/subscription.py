"""What a connector subscribes to: one event, or a custom channel that carries several."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

TYPE: Final = "salesforce.platform.subscription.type"
EVENT: Final = "salesforce.platform.event.name"
CHANNEL: Final = "salesforce.platform.custom.channel.name"
ENTITIES: Final = "salesforce.platform.channel.entities"


def is_channel(connector: Mapping[str, Any]) -> bool:
    """Whether it is a custom channel, whose messages may be of several events."""
    return connector.get(TYPE) == "CUSTOM_CHANNEL"


def events(connector: Mapping[str, Any]) -> tuple[str, ...]:
    """The API names of the events that may come, in the order given."""
    if is_channel(connector):
        return tuple(dict.fromkeys(connector.get(ENTITIES) or ()))
    name = connector.get(EVENT)
    return (name,) if name else ()


def channel(connector: Mapping[str, Any]) -> str:
    """The channel as Salesforce's Streaming API names it: ``/event/Order_Placed__e``."""
    if not is_channel(connector):
        return f"/event/{connector[EVENT]}"
    name = str(connector[CHANNEL])
    return name if name.startswith("/") else f"/event/{name}"


def event_of(channel: str | None) -> str | None:
    """The event that a message's channel names; None for a custom channel, which names no event."""
    name = (channel or "").rpartition("/")[2]
    return name if name and not name.endswith("__chn") else None
