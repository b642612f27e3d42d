"""Change events (Change Data Capture): how they are called, and what their header says happened.

A change event of the object ``Account`` is ``AccountChangeEvent``, one of ``Employee__c`` ``Employee__ChangeEvent``.
The payload's ``ChangeEventHeader`` tells its object. Source: Change Data Capture guide (v66).
"""

from __future__ import annotations

from typing import Final

SUFFIX: Final = "ChangeEvent"
HEADER: Final = "ChangeEventHeader"
CHANGED: Final = "changedFields"
NULLED: Final = "nulledFields"
DIFFS: Final = "diffFields"
"""Fields of the header that name fields: those that changed, were set to null, hold a difference only."""
EVERY_CHANGE: Final = "ChangeEvents"
"""The channel of every object that is selected in Setup, without ``/data/``."""
_CUSTOM: Final = f"__{SUFFIX}"


def entity_of(event: str) -> str | None:
    """The object whose changes an event is about; None for one that is no change event."""
    if event.endswith(_CUSTOM) and event != _CUSTOM:
        return f"{event.removesuffix(_CUSTOM)}__c"
    stem = event.removesuffix(SUFFIX)
    return stem if stem and stem != event and not stem.endswith("_") else None


def event_of(entity: str) -> str:
    """The change event of an object."""
    return f"{entity.removesuffix('__c')}{_CUSTOM}" if entity.endswith("__c") else f"{entity}{SUFFIX}"


def is_gap(change_type: str | None) -> bool:
    """Whether a change is told of without its content: GAP_CREATE, GAP_UPDATE, …, GAP_OVERFLOW."""
    return change_type is not None and change_type.startswith("GAP_")
