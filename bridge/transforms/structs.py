"""What Connect's Struct, SchemaBuilder and Requirements do, for values as dicts."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Final

from attrs import evolve

from bridge.java.exceptions import JavaError, data_error, schema_builder_error
from bridge.model.schema import UNSET, Field, Kind, Schema
from bridge.transforms.record import LOGICAL, Value, java_class

Copy = Callable[[dict[str, Value]], dict[str, Value]]
_Step = tuple[str, Value, Callable[[Value], Value] | None, Schema | None]
"""Of one field: name, default, change, and its schema where it is required."""


def type_name(schema: Schema) -> str:
    """Connect's name of a type, as Java prints it."""
    return schema.kind.upper()


def described(schema: Schema) -> str:
    """A schema as Java prints it."""
    return f"Schema{{{'' if schema.name is None else f'{schema.name}:'}{type_name(schema)}}}"


def default_of(schema: Schema) -> Value:
    """The default, None where there is none."""
    return None if schema.default is UNSET else schema.default


def require_struct(schema: Schema, value: Value, purpose: str) -> None:
    """DataException unless the value is a struct."""
    if schema.kind is not Kind.STRUCT or value is None:
        raise not_a("Struct objects supported", purpose, java_class(value, schema))


def require_map(value: Value, purpose: str) -> None:
    """DataException unless the value (without schema) is a map."""
    if type(value) is not dict:
        raise not_a("Map objects supported in absence of schema", purpose, java_class(value))


def not_a(what: str, purpose: str, actual: str) -> JavaError:
    """DataException: only … supported."""
    return data_error(f"Only {what} for [{purpose}], found: {actual}")


def require_fields(schema: Schema, purpose: str = "") -> tuple[Field, ...]:
    """A struct's fields. DataException for anything else, in other words where Connect looks at the value first."""
    if schema.kind is not Kind.STRUCT and purpose:
        raise not_a("Struct objects supported", purpose, java_class(0, schema))
    if schema.kind is not Kind.STRUCT:
        raise data_error("Cannot list fields on non-struct type")
    return schema.fields


def null_required(name: str, schema: Schema) -> JavaError:
    """What putting null into a required field of a struct throws."""
    return _null_in(f'field: "{name}"', schema)


def _null_in(where: str, schema: Schema) -> JavaError:
    return data_error(f"Invalid value: null used for required {where}, schema type: {type_name(schema)}")


def invalid_default(schema: Schema) -> JavaError | None:
    """What a ``SchemaBuilder`` throws for a primitive default of a logical type; None where the schema has neither."""
    if schema.name in LOGICAL and default_of(schema) is not None:
        return schema_builder_error("Invalid default value")
    return None


def check_value(value: Value, its: Schema, into: Schema, where: str) -> None:
    """``ConnectSchema.validateValue``: that a value of one schema is one of another. DataException.

    ``where``: what the value is put into, such as ``field: "id"``.
    """
    if value is None:
        if not into.optional:
            raise _null_in(where, into)
        return
    if java_class(0, its) != java_class(0, into):
        name = "" if into.name is None else f' "{into.name}"'
        raise data_error(
            f"Invalid Java object for schema{name} with type {type_name(into)}: class {java_class(0, its)} for {where}"
        )
    if into.kind is Kind.STRUCT and its != into:
        raise data_error("Struct schemas do not match.")
    if into.value_schema is None or its.value_schema is None:
        return
    for item in value.values() if into.kind is Kind.MAP else value:
        check_value(item, its.value_schema, into.value_schema, f"{_PART[into.kind]} {where}")


_PART: Final = {Kind.ARRAY: "element of array", Kind.MAP: "value of map"}


def copier(
    fields: Iterable[Field],
    *,
    defaults: bool,
    after: Iterable[Field] | None = None,
    changes: Mapping[str, Callable[[Value], Value]] | None = None,
) -> Copy:
    """A function that copies a struct field by field: null takes its default; then the field is changed; what is null
    then and required is refused.

    ``after``: the fields afterwards, of the same names; ``changes``: by name.
    """
    fields, changes = tuple(fields), changes or {}
    steps: list[_Step] = []
    for field, its in zip(fields, fields if after is None else after, strict=True):
        default = default_of(field.schema) if defaults else None
        change = changes.get(field.name)
        if default is not None or change or not its.schema.optional:
            steps.append((field.name, default, change, None if its.schema.optional else its.schema))
    if not steps:
        return dict.copy

    def copy(value: dict[str, Value]) -> dict[str, Value]:
        out = value.copy()
        for name, default, change, required in steps:
            item = out[name]
            if item is None:
                item = default
            if change is not None:
                try:
                    item = change(item)
                except JavaError as error:
                    raise error.of_field(name) from None
            if item is None and required is not None:
                raise null_required(name, required)
            out[name] = item
        return out

    return copy


def struct_like(
    schema: Schema, fields: Iterable[Field], *, optional: bool = False, default: Value = UNSET
) -> Schema:
    """A struct with the name, version, doc and parameters of another. SchemaBuilderException for bad names."""
    members = tuple(fields)
    check_names(members)
    return evolve(schema, kind=Kind.STRUCT, fields=members, optional=optional, default=default,
                  key_schema=None, value_schema=None)  # fmt: skip


def check_names(fields: Iterable[Field]) -> None:
    """SchemaBuilderException for an empty name or one that occurs twice."""
    seen: set[str] = set()
    for one in fields:
        if not one.name:
            raise schema_builder_error("fieldName cannot be null.")
        if one.name in seen:
            raise schema_builder_error(f"Cannot create field because of field name duplication {one.name}")
        seen.add(one.name)


def read(name: str, schema: Schema, *, defaults: bool) -> Callable[[dict[str, Value]], Value]:
    """A function that reads one field, with its default where it is null."""
    default = default_of(schema) if defaults else None
    if default is None:
        return lambda value: value[name]
    return lambda value: default if (item := value[name]) is None else item
