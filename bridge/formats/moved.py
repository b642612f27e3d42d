"""Layouts whose fields are moved on the way out: read as the event has them, written as transforms left their names.

Only the output of a layout changes. What decodes a payload stays what it is, so that an event that does not fit its
declaration is refused alike with and without transforms.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec
from attrs import evolve

from bridge.formats.code import Code
from bridge.formats.rows import Layout, attribute_name
from bridge.model.moves import Fixed, Moves
from bridge.model.schema import Schema


def moved(rows: Layout, schema: Schema, moves: Moves) -> Layout:
    """The layout that reads what ``rows`` reads and writes ``schema``, whose every field is in ``moves``."""
    kept = {field.name: moves[field.name] for field in schema.fields}
    if list(kept.items()) == [(slot.name, slot.name) for slot in rows.slots]:
        return evolve(rows, schema=schema)
    names = {attribute_name(name, position): name for position, name in enumerate(kept)}
    columns = [(attribute, object, None) for attribute in names]
    shape = msgspec.defstruct("Moved", columns, gc=False, rename=names)
    return evolve(rows, schema=schema, moves=kept, shape=shape)


def places(rows: Layout) -> dict[str, str]:
    """The expressions of what is written, by the names of the output, for a ``row`` in its final form."""
    attributes = {slot.name: f"row.{slot.attribute}" for slot in rows.slots}
    if rows.moves is None:
        return attributes
    return {
        name: repr(move.text) if isinstance(move, Fixed) else attributes[move]
        for name, move in rows.moves.items()
    }


def written_as(code: Code, rows: Layout, found: Mapping[str, str]) -> str:
    """The expression of the object that stands for the record in JSON: the row itself, or one made of its fields."""
    if rows.shape is None:
        return "row"
    return f"{code.use(rows.shape, 'Moved')}({', '.join(found.values())})"
