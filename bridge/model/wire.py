"""How values are written, beyond the neutral model: the frame before them, and types that stand as they are.

The frame is that of Confluent's serializers: a magic byte, then the schema's id in four bytes, the highest first.
"""

from __future__ import annotations

from typing import Final

AS_IT_STANDS: Final = frozenset({"currency", "anyType", "json"})
"""Declared types that may be any JSON value and are written as that value's own text."""

_MAGIC: Final = b"\0"
_FRAME: Final = 5


def frame_of(schema_id: int) -> bytes:
    """The bytes before a value."""
    return _MAGIC + schema_id.to_bytes(4, "big")


def unframed(data: bytes) -> tuple[int, bytes] | None:
    """The schema's id and what stands behind the frame; None for bytes that begin with none."""
    if len(data) < _FRAME or not data.startswith(_MAGIC):
        return None
    return int.from_bytes(data[1:_FRAME], "big"), data[_FRAME:]
