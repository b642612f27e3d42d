"""Names of fields as the Pub/Sub API writes them into a change event's header: bitmaps over the event's own schema.

An array of texts. ``0x…``, at most once: fields at the top; ``<position>-0x…``: parts of the compound field at that
position. Numbers are hexadecimal with the highest byte first, and bit *i* is field *i*, counted from 0: the header is
field 0. A part that is flagged is not flagged at the top. An empty array names nothing. Sources: Pub/Sub API guide
(*Event Deserialization*), recorded events.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from bridge.documents import Json

Names = Callable[[Sequence[str]], list[str]]


def names_of(document: Mapping[str, Json]) -> Names:
    """What decodes the arrays of events of a schema: ``["0x0100", "4-0x12"]`` → ``["LastModifiedDate", "Site__c.City",
    "Site__c.Country"]``. It raises ValueError for what is no bitmap, and for a bit beyond the fields: then another
    schema is meant."""
    top, parts = fields_of(document)

    def names(array: Sequence[str]) -> list[str]:
        out: list[str] = []
        for element in array:
            position, dash, number = element.rpartition("-")
            if not dash:
                out += (_named(top, bit) for bit in _bits(number))
                continue
            whole = _named(top, int(position))
            out += (f"{whole}.{_named(parts.get(whole, ()), bit)}" for bit in _bits(number))
        return out

    return names


def fields_of(document: Mapping[str, Json]) -> tuple[list[str], dict[str, list[str]]]:
    """The names at the top, and those of each compound field's parts."""
    records: dict[str, Mapping[str, Any]] = {}
    parts: dict[str, list[str]] = {}
    fields: Any = document["fields"]
    for entry in fields:
        if (record := record_in(entry["type"], records)) is not None:
            parts[entry["name"]] = [part["name"] for part in record["fields"]]
    return [entry["name"] for entry in fields], parts


def record_in(type_: Any, records: dict[str, Mapping[str, Any]]) -> Mapping[str, Any] | None:
    """The record that a field may hold; ``records``: those met before, which later fields refer to by name."""
    for branch in type_ if isinstance(type_, list) else [type_]:
        if isinstance(branch, Mapping) and branch.get("type") == "record":
            records[str(branch["name"]).rpartition(".")[2]] = branch
            return branch
        if isinstance(branch, str) and branch.rpartition(".")[2] in records:
            return records[branch.rpartition(".")[2]]
    return None


def _bits(number: str) -> Iterator[int]:
    if not number.lower().startswith("0x"):
        raise ValueError("is no bitmap")
    left, bit = int(number, 16), 0
    while left:
        if left & 1:
            yield bit
        left >>= 1
        bit += 1


def _named(names: Sequence[str], position: int) -> str:
    if not 0 <= position < len(names):
        raise ValueError("names a field that the schema has not")
    return names[position]
