"""An event as its org declares it today, with how its fields are classified."""

from __future__ import annotations

from collections.abc import Callable

from bridge.errors import Fatal
from bridge.metadata.classification import UNCLASSIFIED, from_records
from bridge.metadata.infer import event_type
from bridge.metadata.source_format import Declared
from bridge.salesforce.rest import Rest


def declared(rest: Rest, name: str, note: Callable[[str], None]) -> Declared:
    """Describe completes the event's present schema; how fields are classified is asked, too, and ``note`` is told
    where that is not known. Raises Fatal, Retriable."""
    description = rest.describe(name)
    try:
        classified = from_records(rest.field_classification(name))
    except Fatal as refused:
        note(f"how fields are classified is not known: {refused.message}")
        classified = {}
    event = event_type(name, description, rest.event_schema_of(name))
    told = classified | dict.fromkeys(UNCLASSIFIED)
    unnamed = [f.name for f in event.fields if f.part_of is None and f.name not in told]
    if classified and unnamed:
        note(f"how {', '.join(unnamed)} is classified is not known yet")
    return Declared(event, classified)
