"""Transforms that look at no value need no record to work on: the event's own encoder writes what they would have made.

Which transforms these are they say themselves (``Transform.moved``): those that rename, leave out and insert fields,
name the schema, choose another topic by the topic, set or drop headers. What is sealed is what the registered schema's
rules say, as for any other encoder, and a test holds the bytes to those of the long way.
"""

from __future__ import annotations

from collections.abc import Callable

from bridge.errors import BridgeError
from bridge.event import Data, Record
from bridge.formats import Format, Settings
from bridge.formats.moved import moved as moved_layout
from bridge.formats.rows import Layout
from bridge.model.framing import Framing, Headers
from bridge.model.protection import NOTHING
from bridge.model.schema import UNSET, Schema
from bridge.routing.registration import Written
from bridge.transforms.step import Moved

Convert = Callable[[Data], bytes]


def fused(
    form: Format, settings: Settings, framing: Framing, rows: Layout, moved: Moved, written: Written | None
) -> tuple[Convert, set[str]] | None:
    """From the event to the moved record's bytes, and the full names of the fields whose seals were built in.

    None where values change after all, as a contract's ``otherwise`` may want it, or the encoder cannot be made.
    """
    schema = moved.schema if written is None else written.schema
    if not _as_it_is(schema, moved.schema):
        return None
    watched, placed = (NOTHING if written is None else written.protection).watched()
    text = None if written is None else written.registered.text
    frame = b"" if written is None else framing.frame(written.registered)
    layout = moved_layout(rows, schema, moved.moves)
    try:
        return form.compile_fused(layout, text, frame, settings, watched), placed
    except BridgeError:  # a fixed text that its field does not take: each record is refused, with the reason
        return None


def _as_it_is(written: Schema, moved: Schema) -> bool:
    """Whether every field that is written has the type it has after the transforms, and nothing stands for null."""
    types = {field.name: (field.schema.kind, field.schema.name) for field in moved.fields}
    return all(
        types.get(field.name) == (field.schema.kind, field.schema.name) and field.schema.default is UNSET
        for field in written.fields
    )


def with_headers(topic: str, convert: Convert, headers: Headers, sealed: int) -> Callable[[Data], Record]:
    """The record of a value and headers that are always the same."""
    return lambda data: Record(topic, convert(data), None, headers, sealed=sealed)
