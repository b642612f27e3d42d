"""Messages that name their schema in a header, in the form with an id before the value, which the readers here read."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final
from uuid import UUID

from attrs import define, field

from bridge.model.framing import GUID_BYTES, GUID_MAGIC, VALUE_HEADER
from bridge.model.wire import frame_of
from bridge.registry.http import Caller, Refused

UNKNOWN: Final = 0xFFFFFFFF
"""Stands for the id of a GUID that the registry does not know."""


Headers = Mapping[str, bytes | str | None] | Iterable[tuple[str, bytes | str | None]] | None
"""A record's, as a consumer has them."""


def pairs_of(headers: Headers) -> Iterable[tuple[str, bytes | str | None]]:
    """Name and value of each."""
    return headers.items() if isinstance(headers, Mapping) else headers or ()


@define
class Framed:
    """Asks for each GUID once. ``context``: ``:.name:``, empty for the default one."""

    registry: Caller | None
    context: str = ""
    _ids: dict[bytes, int] = field(factory=dict)

    def prefixed(self, data: bytes | None, headers: Headers, name: str = VALUE_HEADER) -> bytes | None:
        """The value with its schema's id before it, where a header names the schema; else as it is."""
        named = next((v for k, v in pairs_of(headers) if k == name and isinstance(v, bytes)), None)
        if data is None or self.registry is None or named is None:
            return data
        if named[:1] != GUID_MAGIC or len(named) < GUID_BYTES:
            return data
        guid = named[1:GUID_BYTES]
        if guid not in self._ids:
            self._ids[guid] = self._id(self.registry, guid)
        return frame_of(self._ids[guid]) + named[GUID_BYTES:] + data

    def _id(self, registry: Caller, guid: bytes) -> int:
        try:
            entries = registry.call("GET", f"/schemas/guids/{UUID(bytes=guid)}/ids")
        except Refused:
            return UNKNOWN
        context = self.context.strip(":") or "."
        listed = entries if isinstance(entries, list) else ()
        ids = {entry.get("context"): entry.get("id") for entry in listed if isinstance(entry, dict)}
        schema_id = ids.get(context)
        return schema_id if isinstance(schema_id, int) else UNKNOWN
