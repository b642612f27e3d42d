"""Where the generated encoders find a field's value: in a row, among values by name, or in the event itself."""

from __future__ import annotations

from attrs import frozen

from bridge.formats.rows import Form, Layout
from bridge.model.schema import Schema


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


def of_row(rows: Layout) -> dict[str, Source]:
    """The fields of ``row``, in their final form."""
    return {s.name: Source(f"row.{s.attribute}", is_row=True) for s in rows.slots}


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
