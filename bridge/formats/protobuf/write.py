"""Values → fields of a message of the Protobuf runtime, the complete way: one closure for each field.

The generated functions of ``code.py`` are the quick way for what occurs in every event; whatever they
stumble over comes here, and errors are raised here. The bytes are the runtime's own (upb).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

import msgspec
from attrs import frozen
from google.protobuf.descriptor import FieldDescriptor as Of
from google.protobuf.message_factory import GetMessageClass

from bridge.errors import BadRecord, Fatal, Stage
from bridge.formats.bad_values import unwritable
from bridge.formats.protobuf.logical import LOGICAL, logical
from bridge.model.protection import Seal
from bridge.model.schema import DATE, DECIMAL, TIME, TIMESTAMP, UNSET, Kind, Schema

ALONE: Final = "\0"
"""Begins the source of a column that no event has a value for; no field is called so."""
Put = Callable[[Any, Any], None]
"""Puts a value that is not null into its field of a message."""
Make = Callable[[Any], Any]
"""Makes of a value what the runtime takes for one element: a scalar or a message."""

INTEGERS: Final = frozenset({Kind.INT8, Kind.INT16, Kind.INT32, Kind.INT64})
_WHOLE_NAMES: Final = "INT32 INT64 UINT32 UINT64 SINT32 SINT64 FIXED32 FIXED64 SFIXED32 SFIXED64"
WHOLE: Final = frozenset(getattr(Of, f"TYPE_{name}") for name in _WHOLE_NAMES.split())
FLOATS: Final = frozenset((Of.TYPE_DOUBLE, Of.TYPE_FLOAT))
_TYPE_NAMES: Final = {
    getattr(Of, name): name.removeprefix("TYPE_").lower() for name in dir(Of) if name.startswith("TYPE_")
}
WRAPPERS: Final = frozenset(
    f"google.protobuf.{name}Value"
    for name in ("Double", "Float", "Int64", "UInt64", "Int32", "UInt32", "Bool", "String", "Bytes")
)


@frozen
class Column:
    """A field of the written message and the schema's field that goes there."""

    source: str
    schema: Schema
    field: Of
    put: Put
    default: Any = None
    """What stands for null; None: nothing is written."""
    nested: tuple[int, ...] = ()
    """Of a struct: the numbers of its fields in the written message, all of them or none."""
    seal: Seal | None = None
    """Encrypts the value; ``put`` does so already."""

    @property
    def attribute(self) -> str:
        """The field's name in the class."""
        return str(self.field.name)

    @property
    def required(self) -> bool:
        """Whether the message is not valid without it (proto2)."""
        return bool(self.field.is_required)


@frozen
class Written:
    """The registered file's message with the original names: descriptor for encoding, fields by name."""

    record: str
    message: Any
    names: Mapping[str, Mapping[str, int]]
    """Full name of a message → its fields' names → numbers."""
    seals: Mapping[tuple[str, int], Seal]
    """Full name of a message and number of a protected field → what encrypts it."""
    strict: bool = True
    """Whether a nested field without a place is an error."""

    def field(self, message: Any, name: str) -> Of | None:
        """The field of that original name in a message."""
        number = self.names.get(message.full_name, {}).get(name)
        if number is not None:
            return message.fields_by_number.get(number)
        return None if message.full_name in self.names else message.fields_by_name.get(name)


def columns(
    schema: Schema,
    message: Any,
    written: Written,
    rename: Callable[[str], str],
    path: str = "",
    *,
    fill: bool = True,
) -> list[Column]:
    """For each field of the schema that the message has, where it goes. Fatal(stage=SCHEMA) naming what does not
    fit, and a required field that the event lacks."""
    out = []
    for column in schema.fields:
        field = written.field(message, rename(column.name))
        if field is not None:
            where = f"{path}{column.name}"
            default = column.schema.default if fill and column.schema.default is not UNSET else None
            put = _put(column.schema, field, written, rename, where, fill=fill)
            nested = _nested(column.schema, field, written, rename)
            seal = written.seals.get((message.full_name, field.number))
            if seal is not None and default is None:
                default = _empty(field)
            out.append(Column(column.name, column.schema, field, put, default, nested, seal))
    present = {c.field.number for c in out}
    for field in message.fields:
        if field.is_required and field.number not in present:
            name = next(
                (n for n, i in written.names.get(message.full_name, {}).items() if i == field.number),
                field.name,
            )
            raise Fatal(
                f"the registered schema requires the field {path}{name}, and the event has no such field",
                stage=Stage.SCHEMA,
            )
    return [*out, *_sealed_alone(message, present, written, rename)]


def _sealed_alone(
    message: Any, present: set[int], written: Written, rename: Callable[[str], str]
) -> Iterator[Column]:
    """Protected fields of a registered schema that the event does not have, and that readers decrypt all the same."""
    for field in message.fields:
        seal = written.seals.get((message.full_name, field.number))
        if seal is None or field.number in present or (empty := _empty(field)) is None:
            continue
        schema = Schema(Kind.BYTES if field.type == Of.TYPE_BYTES else Kind.STRING, optional=True)
        put = _put(schema, field, written, rename, field.name, fill=True)
        yield Column(f"{ALONE}{field.name}", schema, field, put, empty, seal=seal)


def _empty(field: Of) -> str | bytes | None:
    """What is encrypted for null: without presence a reader finds an empty value where the field is absent, tries to
    decrypt it, and fails on the whole record (the official Python and JavaScript clients do)."""
    if field.has_presence or field.is_repeated:
        return None
    return "" if field.type == Of.TYPE_STRING else b""


def _nested(schema: Schema, field: Of, written: Written, rename: Callable[[str], str]) -> tuple[int, ...]:
    if schema.kind is not Kind.STRUCT or field.type != Of.TYPE_MESSAGE:
        return ()
    if any(owner == field.message_type.full_name for owner, _ in written.seals):
        return ()
    fields = [written.field(field.message_type, rename(f.name)) for f in schema.fields]
    return tuple(one.number for one in fields if one is not None) if None not in fields else ()


def filler(record: list[Column], name: str, path: str = "") -> Callable[[Any, Any], Any]:
    """The closure that fills a message with a struct's values (a dict or a row)."""
    steps = [(c.source, c.put, c.default, c.required, f"{path}{c.source}") for c in record]

    def fill(message: Any, value: Any) -> Any:
        given = value if isinstance(value, dict) else msgspec.to_builtins(value)
        for source, put, default, required, where in steps:
            one = given.get(source)
            if one is None:
                one = default
            if one is None:
                if required:
                    raise unwritable(name, where, "is null, which the registered schema does not allow")
                continue
            try:
                put(message, one)
            except BadRecord:
                raise
            except (ValueError, TypeError, OverflowError) as error:
                raise unwritable(name, where, f"cannot be written: {_problem(error)}") from None
        return message

    return fill


def _problem(error: Exception) -> str:
    """In words that hold no value."""
    if isinstance(error, UnicodeError):
        return "it has half a surrogate pair"
    text = str(error)
    return "it is out of range" if "range" in text else "it is of another type"


# --- one field -------------------------------------------------------------------------------------------------


def _put(
    schema: Schema, field: Of, written: Written, rename: Callable[[str], str], path: str, *, fill: bool
) -> Put:
    name = field.name
    if schema.kind is Kind.MAP:
        return _put_map(schema, field, written, rename, path, fill=fill)
    if schema.kind is Kind.ARRAY:
        if not field.is_repeated or _is_map(field) or schema.value_schema is None:
            raise _misfit(schema, field, path)
        item = _make(schema.value_schema, field, written, rename, f"{path}[]", fill=fill)
        return lambda message, value: getattr(message, name).extend([item(one) for one in _no_nulls(value)])
    if field.is_repeated:
        raise _misfit(schema, field, path)
    make = _make(schema, field, written, rename, path, fill=fill)
    if field.type != Of.TYPE_MESSAGE:
        return lambda message, value: setattr(message, name, make(value))

    def put(message: Any, value: Any) -> None:
        part = getattr(message, name)
        part.SetInParent()
        part.CopyFrom(make(value))

    return put


def _no_nulls(value: Any) -> Any:
    if any(one is None for one in value):
        raise TypeError("null in a list")
    return value


def _is_map(field: Of) -> bool:
    return field.type == Of.TYPE_MESSAGE and bool(field.message_type.GetOptions().map_entry)


def _put_map(
    schema: Schema, field: Of, written: Written, rename: Callable[[str], str], path: str, *, fill: bool
) -> Put:
    name = field.name
    if (
        not field.is_repeated
        or field.type != Of.TYPE_MESSAGE
        or not schema.key_schema
        or not schema.value_schema
    ):
        raise _misfit(schema, field, path)
    entry = field.message_type
    pair = (("key", schema.key_schema), ("value", schema.value_schema))
    parts: dict[str, Any] = {
        n: entry.fields_by_name.get(n) if _is_map(field) else written.field(entry, n) for n, _ in pair
    }
    if None in parts.values():
        raise _misfit(schema, field, path)
    if _is_map(field):
        key, value = (_make(s, parts[n], written, rename, f"{path}{{}}", fill=fill) for n, s in pair)
        holds_messages = parts["value"].type == Of.TYPE_MESSAGE

        def put_map(message: Any, given: Any) -> None:
            into = getattr(message, name)
            for k, v in given.items():
                if holds_messages:
                    into[key(k)].CopyFrom(value(v))
                else:
                    into[key(k)] = value(v)

        return put_map
    puts = [_put(s, parts[n], written, rename, f"{path}{{}}", fill=fill) for n, s in pair]

    def put_entries(message: Any, given: Any) -> None:
        for pair in given.items():
            new = getattr(message, name).add()
            for one, put in zip(pair, puts, strict=True):
                if one is not None:
                    put(new, one)

    return put_entries


def _make(
    schema: Schema, field: Of, written: Written, rename: Callable[[str], str], path: str, *, fill: bool
) -> Make:
    seal = written.seals.get((field.containing_type.full_name, field.number))
    if seal is not None:
        return _sealed(schema, field, seal, written, path)
    if field.type == Of.TYPE_ENUM and schema.kind is Kind.STRING and schema.name is None:
        return _enum(field, written.record, path)
    if field.type != Of.TYPE_MESSAGE:
        make = scalar(schema, field.type, written.record, path)
        if make is None:
            raise _misfit(schema, field, path)
        return make
    return _make_message(schema, field, written, rename, path, fill=fill)


def _sealed(schema: Schema, field: Of, seal: Seal, written: Written, path: str) -> Make:
    make = scalar(schema, field.type, written.record, path)
    if make is None or field.type not in (Of.TYPE_STRING, Of.TYPE_BYTES):
        raise Fatal(
            f"field {path} is to be encrypted and is {_TYPE_NAMES[field.type]}; only texts and bytes can be",
            stage=Stage.ENCRYPT,
        )
    if field.type == Of.TYPE_BYTES:
        raw = seal.raw
        return lambda value: raw(bytes(make(value)))
    text = seal.text
    return lambda value: text(make(value).encode()).decode()


def _make_message(
    schema: Schema, field: Of, written: Written, rename: Callable[[str], str], path: str, *, fill: bool
) -> Make:
    kind = field.message_type
    cls = GetMessageClass(kind)
    if kind.full_name in WRAPPERS and schema.name not in LOGICAL:
        inner = scalar(schema, kind.fields_by_name["value"].type, written.record, path)
        if inner is not None:
            return lambda value: cls(value=inner(value))
    elif LOGICAL.get(schema.name or "") == kind.full_name:
        return logical(schema, cls)
    elif schema.kind is Kind.STRUCT and kind.full_name not in (*WRAPPERS, *LOGICAL.values()):
        inside = f"{path}."
        lacking = [f.name for f in schema.fields if written.field(kind, rename(f.name)) is None]
        if lacking and written.strict:
            raise Fatal(
                f"the registered message {kind.full_name} has no field {', '.join(lacking)}, which field {path} of "
                "the event has; add it there, or set value.converter.latest.compatibility.strict=false to drop it",
                stage=Stage.SCHEMA,
            )
        fill_it = filler(columns(schema, kind, written, rename, inside, fill=fill), written.record, inside)
        return lambda value: fill_it(cls(), value)
    raise _misfit(schema, field, path)


def scalar(schema: Schema, kind: int, record: str, path: str) -> Make | None:
    """The closure for a scalar type; None where the schema's values do not fit it."""
    if schema.name in (TIMESTAMP, DATE, TIME):
        narrow = schema.name == TIMESTAMP and kind not in (Of.TYPE_INT64, Of.TYPE_SINT64, Of.TYPE_SFIXED64)
        return int if kind in WHOLE and not narrow else None
    if schema.name == DECIMAL:
        return None
    if schema.kind in INTEGERS:
        return int if kind in WHOLE else float if kind in FLOATS else None
    if schema.kind in (Kind.FLOAT32, Kind.FLOAT64):
        return float if kind in FLOATS else _whole(record, path) if kind in WHOLE else None
    own = {Kind.STRING: Of.TYPE_STRING, Kind.BOOLEAN: Of.TYPE_BOOL, Kind.BYTES: Of.TYPE_BYTES}
    return (lambda value: value) if own.get(schema.kind) == kind else None


def _whole(record: str, path: str) -> Make:
    def make(value: Any) -> int:
        if not float(value).is_integer():
            raise unwritable(record, path, "has a fraction, and the registered schema has an integer")
        return int(value)

    return make


def _enum(field: Of, record: str, path: str) -> Make:
    numbers: dict[str, int] = {value.name: value.number for value in field.enum_type.values}

    def make(value: str) -> int:
        if value not in numbers:
            raise unwritable(record, path, "is none of the values of the registered enum")
        return numbers[value]

    return make


def _misfit(schema: Schema, field: Of, path: str) -> Fatal:
    wanted = schema.name or schema.kind.value
    have = (
        field.message_type.full_name
        if field.type == Of.TYPE_MESSAGE
        else _TYPE_NAMES.get(field.type, "another type")
    )
    have = f"repeated {have}" if field.is_repeated else have
    return Fatal(f"field {path} is {wanted}, the registered schema has {have} for it", stage=Stage.SCHEMA)
