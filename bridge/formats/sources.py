"""Where the generated encoders find a field's value: in a row, among values by name, or in the event itself."""

from __future__ import annotations

from attrs import frozen

from bridge.formats.rows import Form, Layout
from bridge.languages.avro.types import AvroType
from bridge.model.moves import Fixed
from bridge.model.schema import Schema


@frozen
class Encoded:
    """A field's bytes in the payload ``p``, from one variable to another, and their type."""

    begin: str
    end: str
    type: AvroType


@frozen
class Source:
    """An expression and the form of what it yields.

    ``count``: a number ≥ 0 that is written as text. ``constant``: the same for every record. ``is_row``: a nested
    struct is an object with attributes, and no dict.
    """

    expression: str
    form: Form = Form.FINAL
    count: bool = False
    constant: str | None = None
    is_row: bool = False
    encoded: Encoded | None = None
    """Where the event has the value in Avro."""


def of_row(rows: Layout) -> dict[str, Source]:
    """What is written of ``row``, whose fields have their final form."""
    return moved_sources(rows, {s.name: Source(f"row.{s.attribute}", is_row=True) for s in rows.slots})


def moved_sources(rows: Layout, found: dict[str, Source]) -> dict[str, Source]:
    """The same by the names under which they are written."""
    if rows.moves is None:
        return found
    return {
        name: Source("", constant=move.text) if isinstance(move, Fixed) else found[move]
        for name, move in rows.moves.items()
    }


def of_values(schema: Schema) -> dict[str, Source]:
    """The fields in ``values``, by name."""
    return {f.name: Source(f"values[{f.name!r}]") for f in schema.fields}


def of_json(rows: Layout) -> dict[str, Source]:
    """The fields of ``row`` as a payload in JSON has them, and what ``head`` and the layout give."""
    sources = {s.name: Source(f"row.{s.attribute}", s.form, is_row=True) for s in rows.slots}
    sources |= {name: Source("", constant=value) for name, value in rows.constants.items()}
    sources["ReplayId"] = Source("head.replayId", count=True)
    sources["EventUuid"] = Source("head.EventUuid")
    return sources
