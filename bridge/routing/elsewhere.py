"""Whether any event of a connector would have something encrypted, asked without an event and without registering."""

from __future__ import annotations

from collections.abc import Callable, Iterable

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
    return any(_sealed(event, template, chain, planned) for event in events)


def _sealed(event: EventType, template: TopicTemplate, chain: Chain, planned: Planned) -> bool:
    topic = None
    if set(template.fields) <= {"_ObjectType"}:
        topic = chain.fixed_topic(template.fill(lambda _: event.name))
    for end in chain.ends(record_schema(event))[0]:
        if end.value is None:
            continue
        try:
            plan = planned(event, end.value, topic)
            if plan is not None and plan.sealing(plan.writes).rules:
                return True
        except Fatal:  # something is to be encrypted and cannot be: that event says so when it comes
            return True
    return False
