"""What a connector subscribes to: one event, or a channel that carries several; platform events or change events."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from bridge.changes import EVERY_CHANGE, entity_of
from bridge.config.checks import change_event, event_name
from bridge.config.declarations.formats import REGISTRY_TYPES
from bridge.config.property import Values
from bridge.config.topics import TopicTemplate

if TYPE_CHECKING:
    from bridge.config.examine import Examined

TYPE: Final = "salesforce.platform.subscription.type"
EVENT: Final = "salesforce.platform.event.name"
CHANNEL: Final = "salesforce.platform.custom.channel.name"
ENTITIES: Final = "salesforce.platform.channel.entities"
CHANGE_TYPE: Final = "salesforce.channel.type"
CHANGE: Final = "salesforce.cdc.name"
CHANGE_TOO: Final = "salesforce.cdc.channel"
CHANGED_ENTITIES: Final = "salesforce.channel.entities"


EVENTS: Final = "/event/"
"""Before the name of an event, or of a custom channel, in the name of its channel."""
CHANGES: Final = "/data/"
"""The same of change events."""


def is_change(connector: Values) -> bool:
    """Whether it carries change events."""
    return _change(connector) is not None


def _change(connector: Values) -> str | None:
    """The change event or channel, without ``/data/``."""
    name = connector.get(CHANGE) or connector.get(CHANGE_TOO)
    return str(name).removeprefix(CHANGES) if name else None


def is_channel(connector: Values) -> bool:
    """Whether it is a channel whose messages may be of several events."""
    if (name := _change(connector)) is not None:
        return _carries_several(name)
    return connector.get(TYPE) == "CUSTOM_CHANNEL"


def _carries_several(name: str) -> bool:
    return name == EVERY_CHANGE or name.endswith("__chn")


def events(connector: Values) -> tuple[str, ...]:
    """The API names of the events that may come, in the order given; none of a channel of change events that names
    none, and carries all."""
    name = _change(connector)
    if is_channel(connector):
        return tuple(dict.fromkeys(connector.get(ENTITIES if name is None else CHANGED_ENTITIES) or ()))
    name = name or connector.get(EVENT)
    return (name,) if name else ()


def carries_more(connector: Values) -> bool:
    """Whether its channel may deliver events that ``events`` does not name, and that are passed over: one of change
    events that carries several."""
    return is_change(connector) and is_channel(connector)


def channel_of(event: str) -> str:
    """The channel of one event: ``/event/Order_Placed__e``, ``/data/AccountChangeEvent``."""
    return f"{EVENTS if entity_of(event) is None else CHANGES}{event}"


def channel(connector: Values) -> str:
    """The channel as the Streaming API names it: ``/event/Order_Placed__e``, ``/data/AccountChangeEvent``."""
    if (change := _change(connector)) is not None:
        return f"{CHANGES}{change}"
    if not is_channel(connector):
        return f"{EVENTS}{connector[EVENT]}"
    name = str(connector[CHANNEL])
    return name if name.startswith("/") else f"{EVENTS}{name}"


def event_of(channel: str | None) -> str | None:
    """The event that a message's channel names; None for a custom channel, which names no event."""
    name = (channel or "").rpartition("/")[2]
    return name if name and not _carries_several(name) else None


def judge(c: Examined) -> None:
    """What must hold for a channel; for one event, that nothing of a channel is named."""
    if CHANGE in c.catalogue.properties:
        _judge_changes(c)
        return
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
    _judge_entities(c, ENTITIES, given, event_name)
    _judge_subjects(c, CHANNEL, ENTITIES)


def _judge_entities(
    c: Examined, key: str, given: list[str], what_is_wrong: Callable[[str], str | None]
) -> None:
    if twice := next((name for number, name in enumerate(given) if name in given[:number]), None):
        c.fault(key, f"names {twice} twice")
    for name in given:
        if c.sound(key) and (wrong := what_is_wrong(name)):
            c.fault(key, f"names {name}, which {wrong}")


def _judge_changes(c: Examined) -> None:
    if not c.has(CHANGE) and not c.has(CHANGE_TOO) and c.sound(CHANGE):
        c.fault(CHANGE, "is required: a change event such as AccountChangeEvent, or a channel")
    if not c.sound(CHANGE, CHANGE_TOO, CHANGE_TYPE, CHANGED_ENTITIES):
        return
    if c.has(CHANGE) and c.has(CHANGE_TOO) and c.values[CHANGE] != c.values[CHANGE_TOO]:
        c.fault(CHANGE_TOO, f"is another channel than {CHANGE} names; keep one of them")
        return
    key = CHANGE if c.has(CHANGE) else CHANGE_TOO
    name, several, type_ = _change(c.values), is_channel(c.values), c.values[CHANGE_TYPE]
    if type_ is not None and several is not (type_ == "MULTI"):
        wanted = "a channel such as ChangeEvents or Sales__chn" if type_ == "MULTI" else "one change event"
        c.fault(key, f"is {name}, and {CHANGE_TYPE}={type_} needs {wanted}")
        return
    given = c.values[CHANGED_ENTITIES] or []
    if given and not several:
        if given != [name]:
            c.fault(CHANGED_ENTITIES, f"is of no use with {key}={name}, which carries one change event")
        return
    _judge_entities(c, CHANGED_ENTITIES, given, change_event)
    if several and not given and c.values.get("csfle.enabled"):
        c.fault(
            CHANGED_ENTITIES,
            "must name the change events to carry where csfle.enabled is true, so that what is sensitive is known",
        )
    _judge_subjects(c, key, CHANGED_ENTITIES)


def _judge_subjects(c: Examined, channel: str, entities: str) -> None:
    """Several events in one topic need a subject each."""
    if not c.sound(channel, entities, "kafka.topic", "kafka.topic.lowercase", "output.data.format"):
        return
    names = events(c.values) or (("each", "other") if is_channel(c.values) else ())
    topics = _topics(c, names)
    by_topic = c.given.get(_STRATEGY, "").strip().rpartition(".")[2] in ("", "TopicNameStrategy")
    if (
        len(names) < 2
        or len(topics) == len(names)
        or c.values["output.data.format"] not in REGISTRY_TYPES
        or not by_topic
    ):
        return
    named = ", ".join(events(c.values)) or "all that the channel carries"
    c.fault(
        _STRATEGY,
        f"must be RecordNameStrategy or TopicRecordNameStrategy, because several events go to one topic "
        f"({named}); or give each its own with ${{_ObjectType}} in kafka.topic",
    )


_STRATEGY: Final = "value.converter.value.subject.name.strategy"


def _topics(c: Examined, names: tuple[str, ...]) -> set[str]:
    """The topics that are certain to differ: a field other than the event's name may be the same for all."""
    template = TopicTemplate(c.values["kafka.topic"], c.values["kafka.topic.lowercase"])
    text = template.text
    if template.lowercase:
        return {text.replace("${_ObjectType}", name).lower() for name in names}
    return {text.replace("${_ObjectType}", name) for name in names}
