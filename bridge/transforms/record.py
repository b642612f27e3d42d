"""The record that transforms work on, and the values of records without schema.

With a schema, values are those of ``bridge.model.schema``. Without one a value must say what it is by itself:
``int`` is Java's Long, ``float`` its Double, and the other types are the subclasses below. Steps replace what a
record holds and never change a value or a list in place.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any, Final

from bridge.model.schema import DATE, DECIMAL, TIME, TIMESTAMP, Kind, Schema

Value = Any
"""What a record holds. Its schema, known only at run time, says of which type it is; nothing else can."""
Header = tuple[str, Schema | None, Value]
"""Name, schema, value."""


class ConnectRecord:
    """A source record on its way through a chain."""

    __slots__ = (
        "headers",
        "key",
        "key_schema",
        "partition",
        "timestamp",
        "topic",
        "value",
        "value_schema",
    )  # fmt: skip

    def __init__(
        self,
        topic: str | None,
        value_schema: Schema | None,
        value: Value,
        *,
        key_schema: Schema | None = None,
        key: Value = None,
        partition: int | None = None,
        timestamp: int | None = None,
        headers: tuple[Header, ...] = (),
    ) -> None:
        self.topic = topic
        self.partition = partition
        self.key_schema = key_schema
        self.key = key
        self.value_schema = value_schema
        self.value = value
        self.timestamp = timestamp
        self.headers = headers

    def copy(self) -> ConnectRecord:
        """Another record with the same contents."""
        return ConnectRecord(
            self.topic, self.value_schema, self.value, key_schema=self.key_schema, key=self.key,
            partition=self.partition, timestamp=self.timestamp, headers=self.headers,
        )  # fmt: skip


class Int8(int):
    """A Byte without schema."""


class Int16(int):
    """A Short without schema."""


class Int32(int):
    """An Integer without schema."""


class BigInt(int):
    """A BigInteger; there is no schema for it."""


class Instant(int):
    """A java.util.Date without schema: ms since the epoch."""


class Float32(float):
    """A Float without schema."""


class Struct(dict[str, Any]):
    """A struct where no schema says so."""

    def __init__(self, schema: Schema, values: dict[str, Any]) -> None:
        super().__init__(values)
        self.schema = schema


class ListKey(list[Any]):
    """A list that is the key of a map."""

    def __hash__(self) -> int:  # type: ignore[override]  # a list has none; nothing changes this one
        return hash(tuple(self))


class MapKey(dict[Any, Any]):
    """A map that is the key of another."""

    def __hash__(self) -> int:  # type: ignore[override]  # a dict has none; nothing changes this one
        return hash(frozenset(self.items()))


def as_key(value: Value) -> Value:
    """A value as a map can have it for its key."""
    if isinstance(value, list):
        return ListKey(as_key(item) for item in value)
    if isinstance(value, dict):
        return MapKey((key, as_key(item)) for key, item in value.items())
    return value


_STRUCT: Final = "org.apache.kafka.connect.data.Struct"
_CLASSES: Final[dict[type, tuple[str, Kind | None]]] = {
    bool: ("java.lang.Boolean", Kind.BOOLEAN),
    str: ("java.lang.String", Kind.STRING),
    Int8: ("java.lang.Byte", Kind.INT8),
    Int16: ("java.lang.Short", Kind.INT16),
    Int32: ("java.lang.Integer", Kind.INT32),
    int: ("java.lang.Long", Kind.INT64),
    Float32: ("java.lang.Float", Kind.FLOAT32),
    float: ("java.lang.Double", Kind.FLOAT64),
    Decimal: ("java.math.BigDecimal", None),
    BigInt: ("java.math.BigInteger", None),
    bytes: ("[B", Kind.BYTES),
    list: ("java.util.ArrayList", Kind.ARRAY),
    dict: ("java.util.HashMap", Kind.MAP),
    Instant: ("java.util.Date", None),
    Struct: (_STRUCT, Kind.STRUCT),
    ListKey: ("java.util.ArrayList", Kind.ARRAY),
    MapKey: ("java.util.HashMap", Kind.MAP),
}
_BY_KIND: Final = {
    Kind.BOOLEAN: "java.lang.Boolean",
    Kind.STRING: "java.lang.String",
    Kind.INT8: "java.lang.Byte",
    Kind.INT16: "java.lang.Short",
    Kind.INT32: "java.lang.Integer",
    Kind.INT64: "java.lang.Long",
    Kind.FLOAT32: "java.lang.Float",
    Kind.FLOAT64: "java.lang.Double",
    Kind.BYTES: "[B",
    Kind.ARRAY: "java.util.ArrayList",
    Kind.MAP: "java.util.HashMap",
    Kind.STRUCT: _STRUCT,
}
TEMPORAL: Final = frozenset({DATE, TIME, TIMESTAMP})
LOGICAL: Final = TEMPORAL | {DECIMAL}


def java_class(value: Value, schema: Schema | None = None) -> str:
    """The Java class of a value, ``null`` for null."""
    if value is None:
        return "null"
    if schema is None:
        return _CLASSES[type(value)][0]
    if schema.name in TEMPORAL:
        return "java.util.Date"
    return "java.math.BigDecimal" if schema.name == DECIMAL else _BY_KIND[schema.kind]


def kind_of(value: Value) -> Kind | None:
    """The kind of a value without schema; None: Connect's data model does not have it."""
    return _CLASSES[type(value)][1]
