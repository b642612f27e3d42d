"""Transforms of one's own are asked once for an event, however often its conversion begins again.

What they make of an event may depend on what they saw before (the first order of a customer, say), so that they are
shown no sample either: where records go is learned from the records.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from bridge.event import Data
from bridge.model.schema import Schema
from bridge.transforms.record import ConnectRecord

_MOST_SCHEMAS: Final = 100
_MOST_PLACES: Final = 100

Made = ConnectRecord | None
Place = tuple[str | None, int, int]
"""Topic, and which schemas value and key have."""


class Once:
    """What became of the event that is being converted, and where records of each schema went. Outlives routes."""

    def __init__(self) -> None:
        self._data: Data | None = None
        self._made: list[Made] = []
        self._places: dict[int, tuple[Schema, dict[Place, ConnectRecord]]] = {}

    def record(self, data: Data, number: int, make: Callable[[], Made]) -> Made:
        """The event's record of this number (from 0, in order): what ``make`` gave when it was asked."""
        if data is not self._data:
            self._data, self._made = data, []
        if number == len(self._made):
            self._made.append(make())
        return self._made[number]

    def went(self, schema: Schema, record: ConnectRecord) -> None:
        """Remember where a record of an event of this schema goes."""
        if len(self._places) >= _MOST_SCHEMAS and id(schema) not in self._places:
            self._places.clear()
        _, places = self._places.setdefault(id(schema), (schema, {}))
        if len(places) < _MOST_PLACES:
            without = ConnectRecord(record.topic, record.value_schema, None, key_schema=record.key_schema)
            places.setdefault((record.topic, id(record.value_schema), id(record.key_schema)), without)

    def places(self, schema: Schema) -> Sequence[ConnectRecord]:
        """Records without values, one for each place."""
        return tuple(self._places[id(schema)][1].values()) if id(schema) in self._places else ()
