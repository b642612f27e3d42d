"""Converters of keys and headers by their Java class names."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from bridge.model.schema import Kind

_CONNECT: Final = "org.apache.kafka.connect."
STRING: Final = _CONNECT + "storage.StringConverter"
SIMPLE: Final = _CONNECT + "storage.SimpleHeaderConverter"
JSON: Final = _CONNECT + "json.JsonConverter"
AVRO: Final = "io.confluent.connect.avro.AvroConverter"
BYTES: Final = _CONNECT + "converters.ByteArrayConverter"
NUMBERS: Final[dict[str, tuple[Kind, str]]] = {
    _CONNECT + "converters.LongConverter": (Kind.INT64, ">q"),
    _CONNECT + "converters.IntegerConverter": (Kind.INT32, ">i"),
    _CONNECT + "converters.ShortConverter": (Kind.INT16, ">h"),
    _CONNECT + "converters.DoubleConverter": (Kind.FLOAT64, ">d"),
    _CONNECT + "converters.FloatConverter": (Kind.FLOAT32, ">f"),
    _CONNECT + "converters.BooleanConverter": (Kind.BOOLEAN, ">?"),
}
"""Class → the kind it writes, and its bytes as in ``struct``."""
KEY_CONVERTERS: Final = (STRING, JSON, AVRO, BYTES, *NUMBERS)
HEADER_CONVERTERS: Final = (SIMPLE, STRING, JSON)
_EXISTING: Final = (
    *KEY_CONVERTERS,
    SIMPLE,
    "io.confluent.connect.json.JsonSchemaConverter",
    "io.confluent.connect.protobuf.ProtobufConverter",
)


def exists(name: str) -> bool:
    """Whether a converter of keys or headers may have this name: one of Apache's or Confluent's, full or short, or
    another maker's that ends in ``Converter``. Configurations bring such along; without transforms it converts nothing.
    """
    package, _, simple = name.rpartition(".")
    another = bool(package) and not name.startswith(_CONNECT) and simple.endswith("Converter")
    return another or class_of(name, _EXISTING) is not None


def class_of(name: str, classes: Sequence[str]) -> str | None:
    """The class that a full name or one of Connect's short ones stands for; None: none of these."""
    short = {full.rpartition(".")[2]: full for full in classes}
    short |= {alias.removesuffix("Converter"): full for alias, full in short.items()}
    return name if name in classes else short.get(name)
