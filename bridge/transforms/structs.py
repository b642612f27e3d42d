"""What Connect's Struct, SchemaBuilder and Requirements do, for values as dicts."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from attrs import evolve

from bridge.java.exceptions import JavaError, data_error, schema_builder_error
from bridge.model.schema import UNSET, Field, Kind, Schema
from bridge.transforms.record import Value, java_class

Copy = Callable[[dict[str, Value]], dict[str, Value]]


def type_name(schema: Schema) -> str:
    """Connect's name of a type, as Java prints it."""
    return schema.kind.upper()


def described(schema: Schema) -> str:
    """A schema as Java prints it."""
    return f"Schema{{{f'{schema.name}:' if schema.name else ''}{type_name(schema)}}}"


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


def require_fields(schema: Schema) -> tuple[Field, ...]:
    """A struct's fields. DataException for anything else."""
    if schema.kind is not Kind.STRUCT:
        raise data_error("Cannot list fields on non-struct type")
    return schema.fields


def null_required(name: str, schema: Schema) -> JavaError:
    """What putting null into a required field of a struct throws."""
    return data_error(
        f'Invalid value: null used for required field: "{name}", schema type: {type_name(schema)}'
    )


def copier(fields: Iterable[Field], *, defaults: bool) -> Copy:
    """A function that copies a struct field by field: null takes its default; a required null is refused."""
    fields = tuple(fields)
    filled = {f.name: d for f in fields if defaults and (d := default_of(f.schema)) is not None}
    required = {f.name: f.schema for f in fields if not f.schema.optional}
    if not filled and not required:
        return dict.copy

    def copy(value: dict[str, Value]) -> dict[str, Value]:
        out = value.copy()
        for name, default in filled.items():
            if out[name] is None:
                out[name] = default
        for name, schema in required.items():
            if out[name] is None:
                raise null_required(name, schema)
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
