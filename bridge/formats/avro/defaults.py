"""Avro's numbers and a schema's own defaults as bytes. Source: Avro 1.12 specification, *Binary Encoding*."""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Any, Final

from bridge.errors import Fatal, Stage
from bridge.languages.avro.types import MISSING, AvroField, AvroType
from bridge.model.protection import Seal


def varint(number: int) -> bytes:
    """Avro's int and long: zigzag, then 7 bits a byte, lowest first."""
    return unsigned((number << 1) ^ (number >> 63))


def unsigned(rest: int) -> bytes:
    """7 bits a byte, lowest first, the highest bit saying that more follow."""
    out = bytearray()
    while rest > 127:
        out.append(rest & 127 | 128)
        rest >>= 7
    out.append(rest)
    return bytes(out)


def absent(column: AvroField, path: str) -> bytes:
    """What is written for a field that the record never has: its default, else null."""
    if column.default is not MISSING:
        if column.seal is not None and column.default is not None:
            return _sealed_default(column, column.seal, path)
        return from_default(column.type, column.default, path)
    branches = column.type.branches if column.type.kind == "union" else (column.type,)
    for i, branch in enumerate(branches):
        if branch.kind == "null":
            return varint(i) if column.type.kind == "union" else b""
    raise Fatal(
        f"the registered schema has the field {path} without a default, and the event has no such field; "
        "give it a default or let it be null",
        stage=Stage.SCHEMA,
    )


def _sealed_default(column: AvroField, seal: Seal, path: str) -> bytes:
    """A default that readers will try to decrypt."""
    branches = column.type.branches if column.type.kind == "union" else (column.type,)
    number, chosen = next(
        ((i, b) for i, b in enumerate(branches) if b.kind != "null" and _default_fits(b, column.default)),
        (0, None),
    )
    if chosen is None or chosen.kind not in ("string", "bytes"):
        raise Fatal(f"the default of field {path} is to be encrypted and cannot be", stage=Stage.ENCRYPT)
    text, default = chosen.kind == "string", str(column.default)
    out = seal.text(default.encode()) if text else seal.raw(default.encode("latin-1"))
    return (varint(number) if column.type.kind == "union" else b"") + varint(len(out)) + out


def _text(value: str) -> bytes:
    encoded = value.encode()
    return varint(len(encoded)) + encoded


def from_default(written: AvroType, value: Any, path: str) -> bytes:
    """The bytes of a JSON default. Fatal(stage=SCHEMA) where it is none of the type."""
    if written.kind == "union":
        for i, branch in enumerate(written.branches):
            try:
                return varint(i) + from_default(branch, value, path)
            except Fatal:
                continue
    elif _default_fits(written, value):
        return _DEFAULTS[written.kind](written, value, path)
    raise Fatal(f"the default of field {path} in the registered schema is no {written}", stage=Stage.SCHEMA)


def _default_fits(written: AvroType, value: Any) -> bool:
    kinds: dict[str, Any] = {
        "null": type(None),
        "boolean": bool,
        "int": int,
        "long": int,
        "record": dict,
        "map": dict,
    }
    kinds |= {"float": (int, float), "double": (int, float), "array": list}
    if isinstance(value, bool) and written.kind != "boolean":
        return False
    return isinstance(value, kinds.get(written.kind, str)) and (
        written.kind != "enum" or value in written.symbols
    )


def _default_record(written: AvroType, value: Any, path: str) -> bytes:
    out = b""
    for column in written.fields:
        inner = f"{path}.{column.name}"
        given = column.name in value
        out += from_default(column.type, value[column.name], inner) if given else absent(column, inner)
    return out


def _default_array(written: AvroType, value: Any, path: str) -> bytes:
    assert written.inner is not None
    items = b"".join(from_default(written.inner, item, path) for item in value)
    return varint(len(value)) + items + b"\x00" if value else b"\x00"


def _default_map(written: AvroType, value: Any, path: str) -> bytes:
    assert written.inner is not None
    items = b"".join(_text(k) + from_default(written.inner, v, path) for k, v in value.items())
    return varint(len(value)) + items + b"\x00" if value else b"\x00"


_DEFAULTS: Final[dict[str, Callable[[AvroType, Any, str], bytes]]] = {
    "null": lambda t, v, p: b"",
    "boolean": lambda t, v, p: b"\x01" if v else b"\x00",
    "int": lambda t, v, p: varint(v),
    "long": lambda t, v, p: varint(v),
    "float": lambda t, v, p: struct.pack("<f", v),
    "double": lambda t, v, p: struct.pack("<d", v),
    "string": lambda t, v, p: _text(v),
    "enum": lambda t, v, p: varint(t.symbols.index(v)),
    "bytes": lambda t, v, p: varint(len(v)) + v.encode("latin-1"),
    "fixed": lambda t, v, p: v.encode("latin-1"),
    "record": _default_record,
    "array": _default_array,
    "map": _default_map,
}
