"""TimestampConverter: between text, unix time, Date, Time and Timestamp."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from attrs import evolve

from bridge.config.property import HIGH, LOW, STRING
from bridge.java.exceptions import InvalidConfig, JavaError, connect_error, data_error, null_pointer
from bridge.java.simple_date_format import SimpleDateFormat
from bridge.model.schema import DATE, TIME, TIMESTAMP, UNSET, Field, Kind, Schema
from bridge.transforms.record import ConnectRecord, Instant, java_class
from bridge.transforms.spec import REPLACE_NULL, Key, Settings, Spec, one_of, replaces_nulls
from bridge.transforms.step import Bound, OnSide, Side, Transform, kind_changed
from bridge.transforms.structs import copier, default_of, described, not_a, require_map, struct_like
from bridge.transforms.temporal import DAY_MS, logical

_PURPOSE: Final = "converting timestamp formats"
_TARGETS: Final = ("string", "unix", "Date", "Time", "Timestamp")
_LOGICAL: Final = {"Date": DATE, "Time": TIME, "Timestamp": TIMESTAMP}
_NAMES: Final = {name: target for target, name in _LOGICAL.items()}
_PER_MS: Final = {"nanoseconds": 1_000_000, "microseconds": 1000, "milliseconds": 1}
_MOST: Final = (1 << 63) - 1

SPEC: Final = Spec(
    "TimestampConverter",
    "Converts a field, or the whole key or value, between text, unix time and Connect's Date, Time, Timestamp.",
    (
        Key("field", STRING, "The field; empty: the whole key or value.", "", HIGH),
        Key(
            "target.type",
            STRING,
            "What it becomes.",
            importance=HIGH,
            validator=one_of(*_TARGETS),
            valid=", ".join(_TARGETS),
        ),
        Key(
            "format",
            STRING,
            "SimpleDateFormat pattern of text, in UTC: of the text that is read, or written.",
            "",
        ),
        Key(
            "unix.precision",
            STRING,
            "The unit of unix time, read and written.",
            "milliseconds",
            LOW,
            one_of(*_PER_MS, "seconds"),
            ", ".join((*_PER_MS, "seconds")),
        ),
        REPLACE_NULL,
    ),
    {"field": "CreatedDate", "target.type": "string", "format": "yyyy-MM-dd'T'HH:mm:ss.SSS'Z'"},
    "`CreatedDate` becomes the text `2024-05-01T10:00:00.123Z`",
)

ToMs = Callable[[Any], int]


def make(settings: Settings, side: Side) -> Transform:
    """A TimestampConverter."""
    defaults = replaces_nulls(settings)
    target, field = settings["target.type"], settings["field"]
    form = _format(settings["format"] or "", target)
    readers, write = (
        _readers(form, settings["unix.precision"]),
        _writer(target, form, settings["unix.precision"]),
    )

    def converter(schema: Schema) -> Callable[[Any], Any]:
        to_ms = readers[_source(schema)]
        return lambda value: None if value is None else write(to_ms(value))

    def untyped(value: Any) -> Any:
        if value is None:
            return None
        source = {int: "unix", str: "string", Instant: "Timestamp"}.get(type(value))
        if source is None:
            raise data_error(
                f"TimestampConverter does not support class {java_class(value)} objects as timestamps"
            )
        ms = readers[source](value)
        if target in ("string", "unix"):
            return write(ms)
        return Instant(ms // DAY_MS * DAY_MS if target == "Date" else write(ms))

    def schemaless(value: Any, _: ConnectRecord) -> Any:
        if field is None:
            raise null_pointer("field")
        if value is None or not field:
            return untyped(value)
        require_map(value, _PURPOSE)
        try:
            return value | {field: untyped(value.get(field))}
        except JavaError as error:
            raise error.of_field(field) from None

    def bind(schema: Schema | None) -> Bound:
        if schema is None:
            return Bound(None, schemaless)
        if field is None:
            raise null_pointer("field")
        if not field:
            whole = converter(schema)
            return Bound(_schema(target, schema.optional), lambda value, _: whole(value))
        return _bind_field(schema, field, target, converter, defaults=defaults)

    return OnSide(side, bind)


def _bind_field(
    schema: Schema, name: str, target: str, converter: Callable[[Schema], Callable[[Any], Any]], *, defaults: bool
) -> Bound:  # fmt: skip
    if schema.kind is not Kind.STRUCT:

        def refuse(value: Any, _: ConnectRecord) -> Any:
            if value is not None:
                raise not_a("Struct objects supported", _PURPOSE, java_class(value, schema))
            raise data_error("Cannot list fields on non-struct type")

        return Bound(schema, refuse)
    field = schema.field_named(name)
    fields = tuple(_retyped(f, target) if f.name == name else f for f in schema.fields)
    change = _refusing_late(converter, field.schema) if field else None
    copy = copier(schema.fields, defaults=defaults, after=fields, changes={name: change} if change else None)

    def convert_struct(value: Any) -> Any:
        return None if value is None else copy(value)

    default = default_of(schema)
    default = UNSET if default is None else convert_struct(default)
    result = struct_like(schema, fields, optional=schema.optional, default=default)
    leaks = kind_changed(field, _schema(target, True)) if field else ()
    return Bound(result, lambda value, _: convert_struct(value), leaks)


def _refusing_late(
    converter: Callable[[Schema], Callable[[Any], Any]], schema: Schema
) -> Callable[[Any], Any]:
    """The converter of a schema's values; a schema that it does not know is refused with the first value, even null."""
    try:
        return converter(schema)
    except JavaError as error:
        unknown = error

    def refuse(value: Any) -> Any:
        raise JavaError(unknown.java_class, unknown.message)

    return refuse


def _retyped(field: Field, target: str) -> Field:
    return evolve(field, schema=_schema(target, field.schema.optional))


def _schema(target: str, optional: bool) -> Schema:
    if target in _LOGICAL:
        return logical(_LOGICAL[target], optional=optional)
    return Schema(Kind.STRING if target == "string" else Kind.INT64, optional=optional)


def _source(schema: Schema) -> str:
    if schema.name in _NAMES:
        return _NAMES[schema.name]
    if schema.kind is Kind.STRING:
        return "string"
    if schema.kind is Kind.INT64:
        return "unix"
    raise connect_error(f"Schema {described(schema)} does not correspond to a known timestamp type format")


def _format(pattern: str, target: str) -> SimpleDateFormat | None:
    if not pattern.strip():
        if target == "string":
            raise InvalidConfig(
                "TimestampConverter requires format option to be specified when using string timestamps"
            )
        return None
    try:
        return SimpleDateFormat(pattern)
    except ValueError as error:
        raise InvalidConfig(
            f"Invalid value java.lang.IllegalArgumentException: {error} for configuration TimestampConverter "
            f"requires a SimpleDateFormat-compatible pattern for string timestamps: {pattern}"
        ) from None


def _readers(form: SimpleDateFormat | None, precision: str) -> dict[str, ToMs]:
    def text(value: str) -> int:
        if form is None:
            raise null_pointer('"config.format"')
        ms = form.parse(value)
        if ms is None:
            raise data_error(
                f"Could not parse timestamp: value ({value}) does not match pattern ({form.pattern})",
                without_value=f"a timestamp's text does not match the pattern ({form.pattern})",
            )
        return ms

    def unix(value: int) -> int:
        return _saturated(value * 1000) if precision == "seconds" else _cut(value, _PER_MS[precision])

    return {
        "string": text,
        "unix": unix,
        "Timestamp": int,
        "Time": int,
        "Date": lambda value: value * DAY_MS,
    }


def _writer(target: str, form: SimpleDateFormat | None, precision: str) -> Callable[[int], Any]:
    if target == "string":
        assert form is not None
        return form.format
    if target == "unix":
        if precision == "seconds":
            return lambda ms: _cut(ms, 1000)
        return lambda ms: _saturated(ms * _PER_MS[precision])
    if target == "Date":
        return lambda ms: ms // DAY_MS
    return (lambda ms: ms % DAY_MS) if target == "Time" else int


def _cut(value: int, by: int) -> int:
    """Java's integer division: towards zero."""
    return value // by if value >= 0 else -(-value // by)


def _saturated(value: int) -> int:
    return min(max(value, -_MOST - 1), _MOST)
