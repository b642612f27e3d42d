"""Values → JSON that a registered schema allows, where that schema is not Connect's own layout.

A type that is missing a choice of ours gets the next best form: a date or time is ISO 8601 text where only text is
allowed, a whole double an integer. A null that is not allowed is left out unless the property is required.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import msgspec
from attrs import evolve

from bridge.errors import Fatal, Stage
from bridge.formats.bad_values import unwritable
from bridge.formats.json_values import Converter, Style, converter, sealed
from bridge.languages.json_schema.types import Object
from bridge.model.schema import DATE, DECIMAL, TIME, TIMESTAMP, Field, Kind, Schema

_TIMES: Final = (TIMESTAMP, DATE, TIME)
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_ALLOWED: Final[dict[Kind, tuple[str, ...]]] = {
    Kind.STRING: ("string",),
    Kind.BOOLEAN: ("boolean",),
    Kind.BYTES: ("string",),
    Kind.ARRAY: ("array",),
    Kind.STRUCT: ("object",),
}
_WHOLE: Final = (Kind.INT8, Kind.INT16, Kind.INT32, Kind.INT64)


def fits(schema: Schema, written: Object) -> bool:
    """Whether Connect's own form of every value is allowed, so that nothing needs care."""
    if set(written.required) - {f.name for f in schema.fields}:
        return False
    for column in schema.fields:
        allowed = written.types(column.name)
        if column.name not in written.properties:
            return False
        if allowed is not None and (
            (column.schema.optional and "null" not in allowed) or not _own_form(column.schema, allowed)
        ):
            return False
        if column.schema.kind is Kind.STRUCT:
            part = written.part(column.name)
            if part is not None and not fits(column.schema, part):
                return False
    return True


def object_writer(schema: Schema, written: Object, record: str, path: str, style: Style) -> Converter:
    """The closure for a struct. Fatal(stage=SCHEMA) naming a property that no value of ours fits; BadRecord."""
    steps = [
        _step(f, written, record, f"{path}{f.name}", style)
        for f in schema.fields
        if f.name in written.properties
    ]
    lacking = sorted(
        name
        for name in written.required - {f.name for f in schema.fields}
        if not isinstance(node := written.properties.get(name), dict) or "default" not in node
    )
    if lacking:
        raise Fatal(
            f"the registered schema requires {path}{lacking[0]}, and the event has no such field; "
            "give it a default or take it out of required",
            stage=Stage.SCHEMA,
        )
    fixed = {
        name: sealed(lambda value: value, f"{path}{name}", style)(written.default(name))
        for name in sorted(written.required - {f.name for f in schema.fields})
    }

    def convert(value: Any) -> Any:
        given = value if isinstance(value, dict) else msgspec.to_builtins(value)
        out = dict(fixed)
        for name, step, leave_out in steps:
            item = step(given.get(name))
            if item is not None or not leave_out:
                out[name] = item
        return out

    return convert


def _step(
    column: Field, written: Object, record: str, path: str, style: Style
) -> tuple[str, Converter, bool]:
    allowed = written.types(column.name)
    write = converter(column.schema, record, path, style)
    if allowed is not None:
        write = _adapted(column.schema, allowed, write, record, path, style)
    part = written.part(column.name) if column.schema.kind is Kind.STRUCT else None
    if part is not None:
        inner = object_writer(column.schema, part, record, f"{path}.", style)
        write = lambda value: None if value is None else inner(value)  # noqa: E731
    write = sealed(write, path, style)
    if allowed is None or "null" in allowed:
        return column.name, write, False
    if column.name not in written.required:
        return column.name, write, True
    return column.name, _required(write, record, path), False


def _required(write: Converter, record: str, path: str) -> Converter:
    def convert(value: Any) -> Any:
        item = write(value)
        if item is None:
            raise unwritable(record, path, "is null, which the registered schema does not allow")
        return item

    return convert


def _own_form(schema: Schema, allowed: frozenset[str]) -> bool:
    if schema.name == DECIMAL:
        return False  # which of its two forms it has is a setting
    if schema.kind in _WHOLE:
        return bool({"integer", "number"} & allowed)
    if schema.kind in (Kind.FLOAT32, Kind.FLOAT64):
        return "number" in allowed
    return schema.kind is Kind.MAP or bool(set(_ALLOWED[schema.kind]) & allowed)


def _adapted(
    schema: Schema, allowed: frozenset[str], write: Converter, record: str, path: str, style: Style
) -> Converter:
    if schema.name == DECIMAL and {"string", "number"} & allowed:
        numeric = "number" in allowed and (style.numeric_decimals or "string" not in allowed)
        return converter(schema, record, path, evolve(style, numeric_decimals=numeric))
    if _own_form(schema, allowed):
        return write
    if schema.name in _TIMES and "string" in allowed:
        text = _ISO[schema.name or ""]
        return lambda value: None if value is None else text(value)
    if schema.kind is Kind.FLOAT64 and "integer" in allowed:
        return _whole(record, path)
    wanted = schema.name or schema.kind.value
    have = ", ".join(sorted(allowed))
    raise Fatal(f"field {path} is {wanted}, the registered schema has {have} for it", stage=Stage.SCHEMA)


def _whole(record: str, path: str) -> Converter:
    def convert(value: Any) -> Any:
        if value is None:
            return None
        if not float(value).is_integer():
            raise unwritable(record, path, "has a fraction, and the registered schema has integer")
        return int(value)

    return convert


def _moment(value: int) -> str:
    return (_EPOCH + timedelta(milliseconds=value)).isoformat(timespec="milliseconds").replace("+00:00", "Z")


_ISO: Final[dict[str, Callable[[int], str]]] = {
    TIMESTAMP: _moment,
    DATE: lambda days: (_EPOCH + timedelta(days=days)).date().isoformat(),
    TIME: lambda ms: (_EPOCH + timedelta(milliseconds=ms)).time().isoformat(timespec="milliseconds"),
}
