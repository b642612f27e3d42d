"""Flatten: nested structs become fields with joined names."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from attrs import evolve

from bridge.config.property import STRING
from bridge.java.exceptions import JavaError, data_error
from bridge.model.schema import UNSET, Field, Kind, Schema
from bridge.transforms.record import ConnectRecord, java_class, kind_of
from bridge.transforms.spec import Key, Settings, Spec
from bridge.transforms.step import Bound, OnSide, Side, Transform
from bridge.transforms.structs import (
    default_of,
    null_required,
    require_map,
    require_struct,
    struct_like,
    type_name,
)

_PURPOSE: Final = "flattening"
SPEC: Final = Spec(
    "Flatten",
    "Makes one level out of nested structs: names are joined. Arrays stay; a map in a record with schema fails.",
    (Key("delimiter", STRING, "The text between the parts of a name (blanks around it are cut).", "."),),
    {"delimiter": "_"},
    "`Ship_To__c` with a field `City` becomes the field `Ship_To__c_City`",
)
Path = tuple[str, ...]
Flat = tuple[Path, tuple[Any, ...], Field]
"""Names along the way, the default of each step, the field made of it."""


def make(settings: Settings, side: Side) -> Transform:
    """A Flatten."""
    return flatten(settings, side, keep_maps=False)


def flatten(settings: Settings, side: Side, *, keep_maps: bool) -> Transform:
    """Kafka's Flatten, or one that keeps maps inside structs as they are."""
    delimiter = "null" if settings["delimiter"] is None else settings["delimiter"]

    def schemaless(value: Any, _: ConnectRecord) -> Any:
        require_map(value, _PURPOSE)
        return dict(_untyped(value, "", delimiter))

    def bind(schema: Schema | None) -> Bound:
        if schema is None:
            return Bound(None, schemaless)
        require_struct(schema, {}, _PURPOSE) if schema.kind is Kind.STRUCT else None
        if schema.kind is not Kind.STRUCT:
            return Bound(schema, lambda value, _: require_struct(schema, value, _PURPOSE))
        parent = default_of(schema)
        plan = list(_plan(schema, (), (), schema.optional, parent, frozenset(), delimiter, keep_maps))
        after = struct_like(schema, (field for _, _, field in plan))

        def convert(value: Any, _: ConnectRecord) -> Any:
            out = {}
            for path, default, field in plan:
                item = value
                for name in path:
                    if (item := item[name]) is None:
                        break
                else:
                    out[field.name] = item
                    continue
                whole = name is path[-1] and _parent(value, path) is not None
                out[field.name] = default[0] if whole else None
                if whole and out[field.name] is None and not field.schema.optional:
                    raise null_required(field.name, field.schema)
            return out

        return Bound(after, convert)

    return OnSide(side, bind, passes_null=True)


def _parent(value: Any, path: Path) -> Any:
    for name in path[:-1]:
        if (value := value[name]) is None:
            return None
    return value


def _plan(
    schema: Schema, path: Path, prefix: Path, optional: bool, default: Any, tags: frozenset[str], delimiter: str,
    keep_maps: bool,
) -> Iterator[Flat]:  # fmt: skip
    for field in schema.fields:
        names, own = (*path, field.name), default_of(field.schema)
        name = delimiter.join(names)
        loose, all_tags = optional or field.schema.optional, tags | field.tags
        given = own if own is not None else None if default is None else default[field.name]
        if field.schema.kind is Kind.STRUCT:
            yield from _plan(field.schema, names, names, loose, given, all_tags, delimiter, keep_maps)
        elif field.schema.kind is Kind.MAP and not keep_maps:
            raise data_error(
                f"Flatten transformation does not support {type_name(field.schema)} for record with schemas "
                f"(for field {name})."
            )
        else:
            own_schema = evolve(field.schema, optional=loose, default=UNSET if given is None else given)
            yield names, (own,), Field(name, own_schema, all_tags)


def _untyped(value: dict[str, Any], prefix: str, delimiter: str) -> Iterator[tuple[str, Any]]:
    for key, item in value.items():
        if not isinstance(key, str):
            raise JavaError(
                "java.lang.ClassCastException",
                f"a key of the map {prefix or 'at the top'} is {java_class(key)} and no text",
                vague=True,
            )
        name = f"{prefix}{delimiter}{key}" if prefix else key
        kind = None if item is None else kind_of(item)
        if item is None or kind not in (Kind.MAP, Kind.STRUCT, None):
            yield name, item
        elif kind is Kind.MAP:
            yield from _untyped(item, name, delimiter)
        elif kind is None:
            raise data_error(
                f"Flatten transformation was passed a value of type class {java_class(item)} which is not "
                "supported by Connect's data API"
            )
        else:
            raise data_error(
                f"Flatten transformation does not support class {java_class(item)} for record without schemas "
                f"(for field {name})."
            )
