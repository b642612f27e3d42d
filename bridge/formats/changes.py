"""What the row of a change event has that its payload has elsewhere: the record's id, which stands in the header, and
the parts of a person's name, which stand in ``Name``."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

import msgspec

from bridge.changes import CHANGED, HEADER

_ID: Final = "Id"
_DIFF: Final = "diff"
_diff = msgspec.json.Decoder(dict[str, str]).decode


def settling(
    attributes: Mapping[str, str], name: str | None, parts: Mapping[str, str]
) -> Callable[[Any], None]:
    """A function that brings values of a row, just decoded, to their places. ValueError for a row without a record id.

    ``attributes``: of the row, by the record's field names. ``name``: the field that may be a person's name, ``parts``:
    what its parts are called → the fields they go to.
    """
    header_at, id_at = attributes[HEADER], attributes[_ID]
    name_at = None if name is None else attributes.get(name)
    moved = [(part, attributes[field]) for part, field in parts.items() if field in attributes]

    def settle(row: Any) -> None:
        header = getattr(row, header_at)
        if header is None:
            raise ValueError("no header")
        ids = header["recordIds"] if isinstance(header, dict) else header.recordIds
        setattr(row, id_at, ids[0] if ids else _none())
        if name_at is None or (person := getattr(row, name_at)) is None or isinstance(person, str):
            return
        for part, at in moved:
            setattr(row, at, person.get(part) if isinstance(person, dict) else getattr(person, part))
        setattr(row, name_at, None)

    return settle


def changed_only(values: Any) -> Any:
    """A change event's values without the fields that did not change: those that are null and that the header's
    ``changedFields`` does not name. What is no event with a header stays as it is."""
    header = values.get(HEADER) if isinstance(values, dict) else None
    if not isinstance(header, dict):
        return values
    named: set[str] = set()
    for name in header.get(CHANGED) or ():
        whole, _, inner = name.partition(".")
        named |= {name, inner if whole == "Name" and inner else whole}
    out: dict[str, Any] = {}
    for name, value in values.items():
        if isinstance(value, dict) and name != HEADER:
            value = {k: v for k, v in value.items() if v is not None or f"{name}.{k}" in named}
        if value is not None or name in named:
            out[name] = value
    return out


def part(holder: object, name: str) -> object:
    """A field of a header or an address: of the row's own struct, or of what the careful way makes of it."""
    return holder.get(name) if isinstance(holder, dict) else getattr(holder, name, None)


def put(holder: object, name: str, value: object) -> None:
    """Set such a field."""
    if isinstance(holder, dict):
        holder[name] = value
    else:
        setattr(holder, name, value)


def texts(header: object, name: str) -> list[str]:
    """A field of the header that is a list."""
    found = part(header, name)
    return found if isinstance(found, list) else []


def text(header: object, name: str) -> str | None:
    """A field of the header that is a text."""
    found = part(header, name)
    return found if isinstance(found, str) else None


def committed_ms(header: object) -> int | None:
    """When the change was committed, in ms since the epoch."""
    found = part(header, "commitTimestamp")
    return found if isinstance(found, int) else None


def diff_in(text: str) -> str:
    """The difference that stands for a long text: ``{"diff": "--- …"}``. ValueError for any other object."""
    found = _diff(text)
    if set(found) != {_DIFF}:
        raise ValueError("no difference")
    return found[_DIFF]


def _none() -> str:
    raise ValueError("no record id")
