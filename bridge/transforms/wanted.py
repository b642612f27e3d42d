"""Whether a connector has transforms at all, told without loading them: most have none."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

TRANSFORMS_KEY: Final = "transforms"
PREDICATES_KEY: Final = "predicates"
RECORD_KEY: Final = "bridge.record.key"
"""The property that stands for two transforms in front of the others; their aliases begin with it."""
_KEY_FIELDS: Final = {"event_uuid": "EventUuid", "record_id": "Id"}


def needs_chain(given: Mapping[str, str]) -> bool:
    """Whether records go through transforms: those that are listed, or those that give the record its key."""
    return bool(given.get(TRANSFORMS_KEY, "").strip()) or key_field(given) is not None


def key_field(given: Mapping[str, str]) -> str | None:
    """The field that ``bridge.record.key`` makes the record's key; None for no key."""
    chosen = given.get(RECORD_KEY, "").strip()
    if chosen.startswith("field:"):
        return chosen.removeprefix("field:") or None
    return _KEY_FIELDS.get(chosen)
