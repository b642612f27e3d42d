"""A change event of the Pub/Sub API → what CometD carries of the same event.

Avro has every field, and null for one that did not change: the header's bitmaps alone say what was set to null, what
changed, and which texts hold a difference. CometD's JSON has the fields that changed, null where they were set to null,
``{"diff": …}`` for a difference, and names in ``changedFields``; its header has no ``nulledFields`` and no
``diffFields``. Sources: Change Data Capture guide (v66), recorded events.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from bridge.changes import CHANGED, DIFFS, HEADER, NULLED
from bridge.languages.avro.bitmaps import names_of, record_in

Convert = Callable[[Any], object]
_NOT_BY_COMETD: Final = frozenset({NULLED, DIFFS})


def is_change(document: Mapping[str, Any]) -> bool:
    """Whether a schema is that of change events."""
    return any(entry.get("name") == HEADER for entry in document["fields"])


def change_converter(
    document: Mapping[str, Any],
    field: Callable[[Mapping[str, Any], dict[str, Mapping[str, Any]]], Convert | None],
) -> Convert:
    """The function for values of a schema, as the schema's text has them. ``field`` makes that for the values of one
    field. It raises ValueError for a bitmap that does not fit the schema."""
    named: dict[str, Mapping[str, Any]] = {}
    steps = [(str(e["name"]), field(e, named)) for e in document["fields"] if e["name"] != HEADER]
    records: dict[str, Mapping[str, Any]] = {}
    compound = {e["name"] for e in document["fields"] if record_in(e["type"], records) is not None}
    names = names_of(document)

    def convert(values: Mapping[str, Any]) -> object:
        header = values[HEADER]
        changed = names(header.get(CHANGED) or ())
        nulled = {*changed, *names(header.get(NULLED) or ())}
        diffs = frozenset(names(header.get(DIFFS) or ()))
        kept = {name: value for name, value in header.items() if name not in _NOT_BY_COMETD}
        out: dict[str, object] = {HEADER: {**kept, CHANGED: changed}}
        inner = {name.partition(".")[0] for name in nulled if "." in name}
        for name, step in steps:
            value = values[name]
            if name in compound and (isinstance(value, dict) or (value is None and name in inner)):
                parts = _parts(name, step(value) if step and value else value or {}, nulled)
                if parts:
                    out[name] = parts
            elif value is not None:
                made = step(value) if step else value
                out[name] = {"diff": made} if name in diffs else made
            elif name in nulled:
                out[name] = None
        return out

    return convert


def _parts(whole: str, value: Any, nulled: set[str]) -> dict[str, object]:
    """Those that are set, and those that were set to null."""
    there = {part: each for part, each in value.items() if each is not None}
    gone = (
        name.partition(".")[2] for name in sorted(nulled) if name.partition(".")[0] == whole and "." in name
    )
    return there | {part: None for part in gone if part not in there}
