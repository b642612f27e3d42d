"""Cast: fields, or the whole key or value, to another primitive type."""

from __future__ import annotations

import base64
from collections.abc import Callable
from fractions import Fraction
from typing import Any, Final

from attrs import evolve

from bridge.config.property import HIGH, LIST
from bridge.java import numbers as numbers
from bridge.java.exceptions import InvalidConfig, JavaError, data_error, invalid
from bridge.java.texts import trimmed
from bridge.model.schema import DATE, DECIMAL, TIME, TIMESTAMP, UNSET, Field, Kind, Schema
from bridge.transforms.record import ConnectRecord, Float32, Int8, Int16, Int32, Value, java_class, kind_of
from bridge.transforms.spec import REPLACE_NULL, Key, Settings, Spec, replaces_nulls
from bridge.transforms.step import Bound, Leak, OnSide, Side, Transform, all_tags, kind_changed
from bridge.transforms.structs import copier, default_of, invalid_default, require_fields, require_map
from bridge.transforms.temporal import iso_text, to_ms

_BITS: Final = {Kind.INT8: 8, Kind.INT16: 16, Kind.INT32: 32, Kind.INT64: 64}
_FLOATS: Final = (Kind.FLOAT32, Kind.FLOAT64)
_OUTPUT: Final = (*_BITS, *_FLOATS, Kind.BOOLEAN, Kind.STRING)
_INPUT: Final = (*_OUTPUT, Kind.BYTES)
_BOXES: Final[dict[Kind, Callable[[Any], Any]]] = {
    Kind.INT8: Int8, Kind.INT16: Int16, Kind.INT32: Int32, Kind.FLOAT32: Float32,
}  # fmt: skip
_PURPOSE: Final = "cast types"
_WHOLE: Final = ""


def types_of(mappings: list[str] | None) -> dict[str, Kind]:
    """Field → type out of the setting; the empty name stands for the whole. InvalidConfig, JavaError."""
    if not mappings:
        raise InvalidConfig("Must specify at least one field to cast.")
    out: dict[str, Kind] = {}
    whole = False
    for mapping in mappings:
        parts = java_split(mapping)
        if len(parts) > 2:
            raise invalid("renames", mappings, f"Invalid rename mapping: {mapping}")
        if not parts:
            raise JavaError(
                "java.lang.ArrayIndexOutOfBoundsException", "Index 1 out of bounds for length 0", vague=True
            )
        whole = whole or len(parts) == 1
        out["" if len(parts) == 1 else trimmed(parts[0])] = _kind(trimmed(parts[-1]))
    if whole and len(mappings) > 1:
        raise InvalidConfig(
            "Cast transformations that specify a type to cast the entire value to may only specify a single "
            "cast in their spec"
        )
    return out


def java_split(text: str) -> list[str]:
    """``text.split(":")``: empty parts at the end do not count."""
    parts = text.split(":")
    while len(parts) > 1 and not parts[-1]:
        parts.pop()
    return [] if parts == [""] and text else parts


def _kind(name: str) -> Kind:
    try:
        kind = Kind[name.upper()]
    except KeyError:
        raise InvalidConfig(
            "Invalid value java.lang.IllegalArgumentException: No enum constant "
            f"org.apache.kafka.connect.data.Schema.Type.{name.upper()} for configuration Invalid type found in "
            f"casting spec: {name}"
        ) from None
    if kind not in _OUTPUT:
        raise InvalidConfig(
            f"Cast transformation does not support casting to {kind.upper()}; {_listed(_OUTPUT)}"
        )
    return kind


def _listed(kinds: tuple[Kind, ...]) -> str:
    return f"supported types are [{', '.join(k.upper() for k in kinds)}]"


def _valid_spec(name: str, value: Any) -> None:
    types_of(value)


SPEC: Final = Spec(
    "Cast",
    "Casts fields, or the whole key or value, to a primitive type. Numbers wrap and are cut as in Java; an "
    "instant becomes text or its number.",
    (
        Key(
            "spec",
            LIST,
            "field:type pairs, or one type for the whole: int8, int16, int32, int64, float32, float64, boolean, "
            "string.",
            importance=HIGH,
            validator=_valid_spec,
            valid="list of colon-delimited pairs, e.g. foo:bar,abc:xyz",
        ),
        REPLACE_NULL,
    ),
    {"spec": "Quantity__c:int64,Amount__c:string"},
    "a float64 `Quantity__c` 2.0 becomes the int64 2",
)


def make(settings: Settings, side: Side) -> Transform:
    """A Cast."""
    types = types_of(settings["spec"])
    whole = (
        types.get(_WHOLE)
        if len(settings["spec"]) == 1 and len(java_split(settings["spec"][0])) == 1
        else None
    )
    defaults = replaces_nulls(settings)

    def bind(schema: Schema | None) -> Bound:
        if schema is None:
            return Bound(None, _schemaless(whole, types))
        if whole is not None:
            cast = caster(schema, whole)
            leak = Leak("the whole", all_tags(schema), f"one {whole}")
            return Bound(_cast_whole(schema, whole), lambda value, _: cast(value), (leak,))
        return _bind_fields(schema, types, defaults=defaults)

    return OnSide(side, bind, passes_null=True)


def _schemaless(whole: Kind | None, types: dict[str, Kind]) -> Callable[[Any, ConnectRecord], Any]:
    if whole is not None:
        return lambda value, _: cast_untyped(value, whole)

    def convert(value: Any, _: ConnectRecord) -> Any:
        require_map(value, _PURPOSE)
        return value | {name: _cast_field(value, name, kind) for name, kind in types.items()}

    return convert


def _cast_field(value: Any, name: str, target: Kind) -> Any:
    try:
        return cast_untyped(value.get(name), target)
    except JavaError as error:
        raise error.of_field(name) from None


def cast_untyped(value: Any, target: Kind) -> Any:
    """A value without schema, boxed."""
    if value is None:
        return None
    kind = kind_of(value)
    if kind is None:
        raise data_error(
            f"Cast transformation was passed a value of type class {java_class(value)} which is not supported "
            "by Connect's data API"
        )
    result = caster(Schema(kind), target)(value)
    return _BOXES[target](result) if target in _BOXES else result


def _cast_whole(schema: Schema, target: Kind) -> Schema:
    default = default_of(schema)
    default_after = UNSET if default is None else caster(schema, target)(default)
    if (error := invalid_default(schema)) is not None:
        raise error
    return evolve(schema, kind=target, default=default_after, key_schema=None, value_schema=None, fields=())


def _bind_fields(schema: Schema, types: dict[str, Kind], *, defaults: bool) -> Bound:
    fields = require_fields(schema)
    fields_after: list[Field] = []
    casts: dict[str, Callable[[Any], Any]] = {}
    leaks: tuple[Leak, ...] = ()
    for field in fields:
        target = types.get(field.name)
        if target is None:
            fields_after.append(field)
            continue
        cast = caster(field.schema, target)
        default = default_of(field.schema)
        default = UNSET if default is None else cast(default)
        fields_after.append(
            evolve(field, schema=Schema(target, optional=field.schema.optional, default=default))
        )
        leaks += kind_changed(field, fields_after[-1].schema)
        casts[field.name] = cast
    if (default := default_of(schema)) is not None:
        caster(schema, Kind.STRING)(default)  # Connect casts it too, which no struct stands
    copy = copier(fields, defaults=defaults, after=fields_after, changes=casts)
    return Bound(evolve(schema, fields=tuple(fields_after)), lambda value, _: copy(value), leaks)


# --- values ----------------------------------------------------------------------------------------------------

_TEMPORAL: Final = (DATE, TIME, TIMESTAMP)


def caster(schema: Schema, target: Kind) -> Callable[[Value], Value]:
    """The function that casts values of a schema; null stays null. It raises DataException."""

    def refused(value: Any) -> Any:
        raise data_error(
            f"Cast transformation does not support casting from {schema.kind.upper()}; {_listed(_INPUT)}"
        )

    if schema.kind not in _INPUT:
        return lambda value: None if value is None else refused(value)
    plain = _plain(schema, target)

    def cast(value: Any) -> Any:
        if value is None:
            return None
        try:
            return plain(value)
        except ValueError:
            raise data_error(
                f"Value ({value}) was out of range for requested data type",
                without_value=f"a value was out of range for {target}",
            ) from None

    return cast


def _plain(schema: Schema, target: Kind) -> Callable[[Any], Any]:
    kind = schema.kind
    if target is Kind.STRING:
        return _to_text(schema)
    if kind is Kind.BYTES and schema.name != DECIMAL:
        return _unexpected
    if target is Kind.BOOLEAN:
        return _to_boolean(schema)
    if target in _BITS:
        return _to_int(schema, _BITS[target])
    return _to_float(schema, single=target is Kind.FLOAT32)


def _unexpected(value: Any) -> Any:
    raise data_error("Unexpected type in Cast transformation: class [B")


def _to_int(schema: Schema, bits: int) -> Callable[[Any], int]:
    if schema.kind is Kind.STRING:
        return lambda value: numbers.parse_whole(value, bits)
    if schema.kind in _FLOATS:
        return _float_to_int(bits)
    if _BITS.get(schema.kind, 99) <= bits:
        return int
    return lambda value: numbers.wrap(int(value), bits)


def _float_to_int(bits: int) -> Callable[[Any], int]:
    least, most = -(2.0 ** (bits - 1)), 2.0 ** (bits - 1) - 1  # in double's arithmetic

    def cut(value: float) -> int:
        if least < value < most:
            return int(value)
        return numbers.float_to_int(value, bits)

    return cut


def _to_float(schema: Schema, *, single: bool) -> Callable[[Any], float]:
    if schema.kind is Kind.STRING:
        return lambda value: numbers.parse_float(value, single=single)
    if schema.kind is Kind.BOOLEAN or not single:
        return _float
    if schema.kind in _FLOATS:
        return lambda value: numbers.float32(float(value))
    return lambda value: numbers.float32(Fraction(value))


def _float(value: Any) -> float:
    return float(value)


def _to_boolean(schema: Schema) -> Callable[[Any], bool]:
    if schema.kind is Kind.STRING:
        return lambda value: value.lower() == "true"
    if schema.kind in _FLOATS:
        return lambda value: numbers.saturate(value, 64) != 0
    return lambda value: numbers.wrap(int(value), 64) != 0


def _to_text(schema: Schema) -> Callable[[Any], str]:
    if schema.name in _TEMPORAL:
        return lambda value: iso_text(to_ms(schema, value))
    if schema.kind is Kind.STRING:
        return lambda value: value
    if schema.kind is Kind.BOOLEAN:
        return lambda value: "true" if value else "false"
    if schema.kind is Kind.FLOAT64:
        return numbers.double_text
    if schema.kind is Kind.FLOAT32:
        return numbers.float_text
    if schema.kind is Kind.BYTES and schema.name != DECIMAL:
        return lambda value: base64.b64encode(value).decode()
    return str
