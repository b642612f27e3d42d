"""Whether any event of a connector would have something encrypted, asked without an event and without registering."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from bridge.config import TopicTemplate
from bridge.errors import Fatal
from bridge.metadata.infer import record_schema
from bridge.model.schema import EventType, Schema
from bridge.routing.planning import Intent
from bridge.transforms.chain import Chain

Planned = Callable[[EventType, Schema, str | None], Intent | None]
"""The plan of an event's final schema for a topic; None where its subject depends on the event."""


def anything_sealed(
    events: Iterable[EventType], template: TopicTemplate, chain: Chain, planned: Planned
) -> bool:
    """For those events whose subject can be told beforehand. Raises Retriable."""
    try:
        return any(plan.sealing(plan.writes).rules for plan in plans(events, template, chain, planned))
    except Fatal:  # something is to be encrypted and cannot be: that event says so when it comes
        return True


def plans(
    events: Iterable[EventType], template: TopicTemplate, chain: Chain, planned: Planned
) -> Iterator[Intent]:
    """The plans of all that events may become, as far as subjects can be told beforehand. Raises Retriable, Fatal."""
    for event in events:
        topic = None
        if set(template.fields) <= {"_ObjectType"}:
            topic = chain.fixed_topic(template.fill({"_ObjectType": event.name}.__getitem__))
        for end in chain.ends(record_schema(event))[0]:
            if end.value is not None and (plan := planned(event, end.value, topic)) is not None:
                yield plan
