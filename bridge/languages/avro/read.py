"""Avro's binary form read value by value: what code that is generated for one schema leaves to a call.

Every reader takes the bytes and where the value begins, and gives the value and where the next one does. What is cut
or is no such value raises ValueError or IndexError. Source: Avro 1.12 specification, *Binary Encoding*.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Final, TypeAlias

from bridge.languages.avro.types import AvroType

Read: TypeAlias = Callable[[bytes, int], tuple[object, int]]

double_at: Final = struct.Struct("<d").unpack_from
_float_at: Final = struct.Struct("<f").unpack_from


def varint(data: bytes, at: int) -> tuple[int, int]:
    """An int or a long as it stands, with its sign in the lowest bit."""
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 127) << shift
        if byte < 128:
            return value, at
        shift += 7
        if shift > 63:
            raise ValueError("a number of more than 64 bits")


def whole(data: bytes, at: int) -> tuple[int, int]:
    """An int or a long."""
    value, at = varint(data, at)
    return (value >> 1) ^ -(value & 1), at


def length(data: bytes, at: int) -> tuple[int, int]:
    """Of a text or of bytes, all of which are there."""
    value, at = whole(data, at)
    if value < 0 or at + value > len(data):
        raise ValueError("a length beyond the end")
    return value, at


def text(data: bytes, at: int) -> tuple[str, int]:
    """A string."""
    size, at = length(data, at)
    return data[at : at + size].decode(), at + size


def reader(written: AvroType) -> Read:
    """For values of a type."""
    match written.kind:
        case "union":
            return _union(written)
        case "record":
            return _record(written)
        case "array" | "map":
            return _blocks(written)
        case "enum":
            return _enum(written)
        case "fixed":
            return _fixed(written.size)
    return _PRIMITIVES[written.kind]


def _null(data: bytes, at: int) -> tuple[None, int]:
    return None, at


def _boolean(data: bytes, at: int) -> tuple[bool, int]:
    if data[at] > 1:
        raise ValueError("no boolean")
    return data[at] == 1, at + 1


def _double(data: bytes, at: int) -> tuple[float, int]:
    value: float = _unpacked(double_at, data, at)
    return value, at + 8


def _float(data: bytes, at: int) -> tuple[float, int]:
    return _unpacked(_float_at, data, at), at + 4


def _unpacked(unpack: Callable[[bytes, int], tuple[float, ...]], data: bytes, at: int) -> float:
    try:
        return unpack(data, at)[0]
    except struct.error:
        raise ValueError("a number beyond the end") from None


def _bytes(data: bytes, at: int) -> tuple[bytes, int]:
    size, at = length(data, at)
    return data[at : at + size], at + size


_PRIMITIVES: Final[dict[str, Read]] = {
    "null": _null,
    "boolean": _boolean,
    "int": whole,
    "long": whole,
    "float": _float,
    "double": _double,
    "bytes": _bytes,
    "string": text,
}


def _union(written: AvroType) -> Read:
    branches = [reader(branch) for branch in written.branches]

    def read(data: bytes, at: int) -> tuple[object, int]:
        index, at = whole(data, at)
        if not 0 <= index < len(branches):
            raise ValueError("no such branch")
        return branches[index](data, at)

    return read


def _record(written: AvroType) -> Read:
    steps = [(field.name, reader(field.type)) for field in written.fields]

    def read(data: bytes, at: int) -> tuple[object, int]:
        values = {}
        for name, step in steps:
            values[name], at = step(data, at)
        return values, at

    return read


def _blocks(written: AvroType) -> Read:
    assert written.inner is not None
    item, keyed = reader(written.inner), written.kind == "map"

    def read(data: bytes, at: int) -> tuple[object, int]:
        items: list[object] = []
        entries: dict[str, object] = {}
        while True:
            count, at = whole(data, at)
            if not count:
                return (entries if keyed else items), at
            if count < 0:  # followed by the block's size in bytes
                _, at = whole(data, at)
            for _ in range(abs(count)):
                if keyed:
                    key, at = text(data, at)
                    entries[key], at = item(data, at)
                else:
                    value, at = item(data, at)
                    items.append(value)

    return read


def _enum(written: AvroType) -> Read:
    symbols = written.symbols

    def read(data: bytes, at: int) -> tuple[object, int]:
        index, at = whole(data, at)
        if not 0 <= index < len(symbols):
            raise ValueError("no such symbol")
        return symbols[index], at

    return read


def _fixed(size: int) -> Read:
    def read(data: bytes, at: int) -> tuple[object, int]:
        if at + size > len(data):
            raise ValueError("cut")
        return data[at : at + size], at + size

    return read
