"""What a connector subscribes to: one event, or a custom channel that carries several."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from bridge.config.checks import event_name
from bridge.config.declarations.formats import REGISTRY_TYPES
from bridge.config.property import Values
from bridge.config.topics import TopicTemplate

if TYPE_CHECKING:
    from bridge.config.examine import Examined

TYPE: Final = "salesforce.platform.subscription.type"
EVENT: Final = "salesforce.platform.event.name"
CHANNEL: Final = "salesforce.platform.custom.channel.name"
ENTITIES: Final = "salesforce.platform.channel.entities"


def is_channel(connector: Values) -> bool:
    """Whether it is a custom channel, whose messages may be of several events."""
    return connector.get(TYPE) == "CUSTOM_CHANNEL"


def events(connector: Values) -> tuple[str, ...]:
    """The API names of the events that may come, in the order given."""
    if is_channel(connector):
        return tuple(dict.fromkeys(connector.get(ENTITIES) or ()))
    name = connector.get(EVENT)
    return (name,) if name else ()


def channel(connector: Values) -> str:
    """The channel as Salesforce's Streaming API names it: ``/event/Order_Placed__e``."""
    if not is_channel(connector):
        return f"/event/{connector[EVENT]}"
    name = str(connector[CHANNEL])
    return name if name.startswith("/") else f"/event/{name}"


def event_of(channel: str | None) -> str | None:
    """The event that a message's channel names; None for a custom channel, which names no event."""
    name = (channel or "").rpartition("/")[2]
    return name if name and not name.endswith("__chn") else None


def judge(c: Examined) -> None:
    """What must hold for a custom channel; for one event, that nothing of a channel is named."""
    if not c.sound(TYPE):
        return
    if not is_channel(c.values):
        for key in (CHANNEL, ENTITIES):
            if c.has(key):
                c.fault(key, f"is of no use without {TYPE}=CUSTOM_CHANNEL")
        return
    if c.has(EVENT):
        c.notice(f"{EVENT} has no effect with {TYPE}=CUSTOM_CHANNEL; {ENTITIES} names the events")
    given = c.values.get(ENTITIES) or []
    if twice := next((name for number, name in enumerate(given) if name in given[:number]), None):
        c.fault(ENTITIES, f"names {twice} twice")
    for name in events(c.values):
        if c.sound(ENTITIES) and (wrong := event_name(name)):
            c.fault(ENTITIES, f"names {name}, which {wrong}")
    if not c.sound(CHANNEL, ENTITIES, "kafka.topic", "kafka.topic.lowercase", "output.data.format"):
        return
    names = events(c.values)
    topics = _topics(c, names)
    by_topic = c.given.get(_STRATEGY, "").strip().rpartition(".")[2] in ("", "TopicNameStrategy")
    if (
        len(names) < 2
        or len(topics) == len(names)
        or c.values["output.data.format"] not in REGISTRY_TYPES
        or not by_topic
    ):
        return
    c.fault(
        _STRATEGY,
        f"must be RecordNameStrategy or TopicRecordNameStrategy, because several events go to one topic "
        f"({', '.join(names)}); or give each its own with ${{_ObjectType}} in kafka.topic",
    )


_STRATEGY: Final = "value.converter.value.subject.name.strategy"


def _topics(c: Examined, names: tuple[str, ...]) -> set[str]:
    """The topics that are certain to differ: a field other than the event's name may be the same for all."""
    template = TopicTemplate(c.values["kafka.topic"], c.values["kafka.topic.lowercase"])
    text = template.text
    if template.lowercase:
        return {text.replace("${_ObjectType}", name).lower() for name in names}
    return {text.replace("${_ObjectType}", name) for name in names}
