"""Random schemas with values that go with them, and chains that can work on them."""

from __future__ import annotations

import string
from decimal import Decimal
from typing import Any

from attrs import evolve
from hypothesis import strategies as st

from bridge.model.schema import DATE, DECIMAL, TIMESTAMP, UNSET, Field, Kind, Schema

NAMES = st.text(string.ascii_lowercase, min_size=1, max_size=3)
TAGS = st.frozensets(st.sampled_from(["PII", "GDPR"]), max_size=1)
_INTEGERS = {Kind.INT8: 8, Kind.INT16: 16, Kind.INT32: 32, Kind.INT64: 64}

_LEAVES: list[Schema] = [
    *(
        Schema(kind)
        for kind in (*_INTEGERS, Kind.FLOAT32, Kind.FLOAT64, Kind.BOOLEAN, Kind.STRING, Kind.BYTES)
    ),
    Schema(Kind.INT64, name=TIMESTAMP, version=1),
    Schema(Kind.INT32, name=DATE, version=1),
    Schema(Kind.BYTES, name=DECIMAL, version=1, parameters={"scale": "2"}),
    Schema(Kind.ARRAY, value_schema=Schema(Kind.STRING)),
]


@st.composite
def schemas(draw: st.DrawFn, depth: int = 2) -> Schema:
    """A struct of one to five fields, some of them structs, some with defaults."""
    names = draw(st.lists(NAMES, min_size=1, max_size=5, unique=True))
    fields = []
    for name in names:
        nested = depth > 0 and draw(st.integers(0, 4)) == 0
        schema = draw(schemas(depth - 1)) if nested else draw(st.sampled_from(_LEAVES))
        schema = evolve(schema, optional=draw(st.booleans()))
        if schema.kind is not Kind.STRUCT and draw(st.integers(0, 3)) == 0:
            schema = evolve(schema, default=draw(values(evolve(schema, optional=False))))
        fields.append(Field(name, schema, draw(TAGS)))
    return Schema(Kind.STRUCT, optional=draw(st.booleans()), name="com.example.R", fields=tuple(fields))


def values(schema: Schema) -> st.SearchStrategy[Any]:
    """Values of a schema; null where it is optional."""
    found = _present(schema)
    return st.none() | found if schema.optional else found


def _present(schema: Schema) -> st.SearchStrategy[Any]:
    if schema.kind is Kind.STRUCT:
        return st.fixed_dictionaries({f.name: values(f.schema) for f in schema.fields})
    if schema.name == DECIMAL:
        return st.integers(-(10**9), 10**9).map(lambda n: Decimal(n).scaleb(-2))
    if schema.kind in _INTEGERS:
        half = 1 << _INTEGERS[schema.kind] - 1
        limit = min(half - 1, 10**6) if schema.name == DATE else min(half - 1, 10**14)
        return st.integers(-limit, limit)
    simple: dict[Kind, st.SearchStrategy[Any]] = {
        Kind.FLOAT32: st.floats(width=32),
        Kind.FLOAT64: st.floats(),
        Kind.BOOLEAN: st.booleans(),
        Kind.STRING: st.text(max_size=8) | st.sampled_from(["7", "true", "2024-05-01", "1.5"]),
        Kind.BYTES: st.binary(max_size=5),
        Kind.ARRAY: st.lists(st.text(max_size=3), max_size=3),
    }
    return simple[schema.kind]


_APACHE = "org.apache.kafka.connect.transforms."
_CONFLUENT = "io.confluent.connect.transforms."
_COMMON = "com.github.jcustenborder.kafka.connect.transform.common."
_TYPES = st.sampled_from(["int8", "int16", "int32", "int64", "float32", "float64", "boolean", "string"])


@st.composite
def transforms(draw: st.DrawFn, schema: Schema) -> tuple[str, dict[str, str]]:
    """A class and settings that speak of the schema's fields."""
    some = st.lists(st.sampled_from([f.name for f in schema.fields]), min_size=1, max_size=3, unique=True)
    names = draw(some)
    first, joined = names[0], ",".join(names)
    return draw(
        st.sampled_from(
            [
                (_APACHE + "ReplaceField$Value", {"exclude": first, "renames": f"{names[-1]}:renamed"}),
                (_APACHE + "ReplaceField$Value", {"include": joined, "replace.null.with.default": "false"}),
                (_APACHE + "Cast$Value", {"spec": ",".join(f"{name}:{draw(_TYPES)}" for name in names)}),
                (
                    _APACHE + "InsertField$Value",
                    {"static.field": "inserted", "static.value": "x", "topic.field": "t!"},
                ),
                (
                    _APACHE + "TimestampConverter$Value",
                    {"field": first, "target.type": "unix", "format": "yyyy"},
                ),
                (_APACHE + "ExtractField$Value", {"field": first}),
                (_APACHE + "Flatten$Value", {"delimiter": "_"}),
                (_APACHE + "HoistField$Value", {"field": "hoisted"}),
                (_APACHE + "MaskField$Value", {"fields": joined}),
                (_APACHE + "MaskField$Value", {"fields": joined, "replacement": "7"}),
                (_APACHE + "HeaderFrom$Value", {"fields": first, "headers": "h", "operation": "move"}),
                (_APACHE + "HeaderFrom$Value", {"fields": first, "headers": "h", "operation": "copy"}),
                (_APACHE + "SetSchemaMetadata$Value", {"schema.name": "com.example.S"}),
                (_APACHE + "ValueToKey", {"fields": joined}),
                (_APACHE + "InsertHeader", {"header": "h", "value.literal": "[1, 2]"}),
                (_APACHE + "RegexRouter", {"regex": "(.*)", "replacement": "x-$1"}),
                (_CONFLUENT + "ReplaceField$Value", {"exclude": first, "renames": f"{names[-1]}:renamed"}),
                (_CONFLUENT + "Flatten$Value", {"behaviour.on.nested.map": "INCLUDE"}),
                (_CONFLUENT + "Drop$Value", {"schema.behavior": "force_optional"}),
                (_COMMON + "TimestampNowField$Value", {"fields": "now"}),
                (_COMMON + "BytesToString$Value", {"fields": joined}),
            ]
        )
    )


def problem(value: Any, schema: Schema | None) -> str | None:
    """What of a value does not go with its schema, None if all does."""
    if schema is None:
        return None if value is None else "a value without schema"
    if value is None:
        allowed = schema.optional or schema.default is not UNSET
        return None if allowed else f"null in a required {schema.kind}"
    if schema.kind is Kind.STRUCT:
        if list(value) != [f.name for f in schema.fields] and set(value) != {f.name for f in schema.fields}:
            return f"fields {list(value)} instead of {[f.name for f in schema.fields]}"
        return next((p for f in schema.fields if (p := problem(value[f.name], f.schema))), None)
    if schema.kind is Kind.ARRAY:
        return next((p for item in value if (p := problem(item, schema.value_schema))), None)
    types: dict[Kind, type | tuple[type, ...]] = {
        Kind.FLOAT32: float, Kind.FLOAT64: float, Kind.BOOLEAN: bool, Kind.STRING: str, Kind.BYTES: bytes,
    }  # fmt: skip
    expected = Decimal if schema.name == DECIMAL else types.get(schema.kind, int)
    if not isinstance(value, expected) or (expected is int and isinstance(value, bool)):
        return f"{value!r} in a {schema.name or schema.kind}"
    bits = _INTEGERS.get(schema.kind)
    if bits and not -(1 << bits - 1) <= value < 1 << bits - 1:
        return f"{value} in {schema.kind}"
    return None
