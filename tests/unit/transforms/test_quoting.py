"""No transform's error quotes an event's value: each on values of every kind, most of which do not suit it."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

from bridge.errors import BadRecord, ConfigurationError
from bridge.model.schema import DATE, TIMESTAMP, Field, Kind, Schema
from bridge.transforms.configuration import chain_of
from bridge.transforms.record import ConnectRecord
from bridge.transforms.table import TRANSFORMS

TEXT, NUMBER = "zdenka tajemna", 91827364
CANARIES = ("zdenka", "tajemna", str(NUMBER))
_S = Schema(Kind.STRING, optional=True)
FIELDS = {
    "text": (_S, TEXT),
    "long": (Schema(Kind.INT64, optional=True), NUMBER),
    "double": (Schema(Kind.FLOAT64, optional=True), float(NUMBER) * 1e60),
    "raw": (Schema(Kind.BYTES, optional=True), TEXT.encode()),
    "moment": (Schema(Kind.INT64, optional=True, name=TIMESTAMP, version=1), NUMBER * 10**15),
    "day": (Schema(Kind.INT32, optional=True, name=DATE, version=1), NUMBER * 10**6),
    "items": (Schema(Kind.ARRAY, optional=True, value_schema=_S), [TEXT, TEXT]),
    "map": (Schema(Kind.MAP, optional=True, key_schema=_S, value_schema=_S), {TEXT: TEXT}),
    "inner": (Schema(Kind.STRUCT, optional=True, fields=(Field("text", _S),)), {"text": TEXT}),
}
SCHEMA = Schema(Kind.STRUCT, name="E__e", fields=tuple(Field(n, s) for n, (s, _) in FIELDS.items()))
OF_FIELD = frozenset(
    [
        "field",
        "fields",
        "spec",
        "include",
        "timestamp.field",
        "topic.field",
        "field.path",
        "input.inner.field.name",
    ]
)
TYPES = [
    "string",
    "int8",
    "int16",
    "int32",
    "int64",
    "float32",
    "float64",
    "boolean",
    "Date",
    "Time",
    "Timestamp",
    "unix",
]


def settings(alias: str, name: str, field: str, target: str) -> dict[str, str]:
    """The transform's own example, made to concern one field of ours."""
    entry = TRANSFORMS[name]
    given = dict(entry.spec.example)
    for key in entry.spec.keys:
        if key.name in OF_FIELD:
            given[key.name] = f"{field}:{target}" if key.name == "spec" else field
        elif key.name == "target.type":
            given[key.name] = target
        elif key.name == "format":
            given[key.name] = "yyyy-MM-dd"
        elif key.name == "replacement" and name.partition("$")[0].endswith("MaskField"):
            given[key.name] = "X"
        elif key.name == "message.timestamp.keys":
            given[key.name] = field
    base = f"transforms.{alias}"
    return {"transforms": alias, f"{base}.type": name, **{f"{base}.{k}": v for k, v in given.items()}}


def records(field: str) -> Iterator[ConnectRecord]:
    values: dict[str, Any] = {n: v for n, (_, v) in FIELDS.items()}
    schema, value = FIELDS[field]
    headers = (("h", schema, value), ("field", schema, value))
    yield ConnectRecord("t", SCHEMA, values, key_schema=SCHEMA, key=values, timestamp=NUMBER, headers=headers)
    yield ConnectRecord("t", schema, value, key_schema=schema, key=value, headers=headers)
    yield ConnectRecord("t", None, values, key=values, headers=headers)
    yield ConnectRecord("t", None, value, key=value, headers=headers)


def refusals(name: str) -> Iterator[str]:
    """What a transform says of records that it does not take."""
    for field, target in itertools.product(FIELDS, TYPES):
        try:
            chain = chain_of(settings("t", name, field, target))
        except ConfigurationError:
            continue
        for record in records(field):
            try:
                chain.apply(record)
            except BadRecord as error:
                yield error.message
            except Exception:
                continue


def test_no_error_of_a_transform_quotes_a_value() -> None:
    said = {name: list(refusals(name)) for name in TRANSFORMS}
    quoting = {(n, t) for n, texts in said.items() for t in texts if any(c in t.lower() for c in CANARIES)}
    assert quoting == set()
    assert sum(map(bool, said.values())) >= 30, "transforms that refused something"
    assert sum(map(len, said.values())) >= 1000
