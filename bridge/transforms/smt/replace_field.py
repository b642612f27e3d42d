"""ReplaceField: leaves fields out, keeps only some, renames."""

from __future__ import annotations

from collections.abc import Callable
from operator import itemgetter
from typing import Any, Final

from attrs import evolve

from bridge.config.property import LIST
from bridge.java.exceptions import data_error, invalid, null_pointer
from bridge.java.hash_order import map_order
from bridge.model.schema import DATE, Field, Schema
from bridge.transforms.record import TEMPORAL, ConnectRecord
from bridge.transforms.smt.cast import java_split
from bridge.transforms.spec import REPLACE_NULL, Key, Settings, Spec, replaces_nulls, valid_list
from bridge.transforms.step import Bound, Convert, OnSide, Side, Transform
from bridge.transforms.structs import (
    check_value,
    copier,
    default_of,
    null_required,
    read,
    require_fields,
    require_map,
    struct_like,
)
from bridge.transforms.temporal import DAY_MS, to_ms

_PURPOSE: Final = "field replacement"


def renames_of(mappings: list[str] | None) -> dict[str, str]:
    """Old name → new name. InvalidConfig."""
    if mappings is None:
        raise null_pointer("renames")
    out: dict[str, str] = {}
    for mapping in mappings:
        parts = java_split(mapping)
        if len(parts) != 2:
            raise invalid("renames", mappings, f"Invalid rename mapping: {mapping}")
        out[parts[0]] = parts[1]
    return out


def _valid_renames(name: str, value: Any) -> None:
    renames_of(value)


SPEC: Final = Spec(
    "ReplaceField",
    "Leaves fields out, keeps only some, or renames them.",
    (
        Key(
            "exclude",
            LIST,
            "Fields to leave out; goes before include.",
            [],
            validator=valid_list(empty_allowed=True),
            distinct=True,
        ),
        Key(
            "include",
            LIST,
            "The only fields to keep; empty: all.",
            [],
            validator=valid_list(empty_allowed=True),
            distinct=True,
        ),
        Key(
            "renames",
            LIST,
            "old:new pairs.",
            [],
            validator=_valid_renames,
            valid="list of colon-delimited pairs, e.g. foo:bar,abc:xyz",
        ),
        REPLACE_NULL,
    ),
    {"exclude": "CreatedById", "renames": "Order_Number__c:orderNumber"},
    "`CreatedById` is left out, `Order_Number__c` is called `orderNumber`",
)


def make(settings: Settings, side: Side) -> Transform:
    """A ReplaceField."""
    defaults = replaces_nulls(settings)
    exclude, include = settings["exclude"] or [], settings["include"] or []
    renames = renames_of(settings["renames"])
    # of two that become one, the later in the order of Java's map
    back = {renames[old]: old for old in map_order(renames)}

    def kept(name: str) -> bool:
        return name not in exclude and (not include or name in include)

    def schemaless(value: Any, _: ConnectRecord) -> Any:
        require_map(value, _PURPOSE)
        names = [name for name in value if kept(name)]
        out = {renames.get(name, name): value[name] for name in names}
        if len(out) == len(names):
            return out
        # two become one: the later in the order of Java's map is kept
        return {renames.get(name, name): value[name] for name in map_order(value) if kept(name)}

    def bind(schema: Schema | None) -> Bound:
        if schema is None:
            return Bound(None, schemaless)
        source = [f for f in require_fields(schema, _PURPOSE) if kept(f.name)]
        after = struct_like(schema, (evolve(f, name=renames.get(f.name, f.name)) for f in source))
        pairs = [(back.get(f.name, f.name), f) for f in after.fields]
        old, new = [name for name, _ in pairs], [f.name for f in after.fields]
        gone = [f.name for f in schema.fields if not kept(f.name)]
        if old == new == [f.name for f in source] and len(gone) < len(new):
            return _without(after, gone, source, defaults=defaults)
        if not _takes_all(schema, pairs, defaults=defaults):
            return Bound(after, _one_by_one(schema, pairs, defaults=defaults))
        reads = itemgetter(*old) if len(old) > 1 else lambda value: [value[name] for name in old]

        def convert(value: Any, _: ConnectRecord) -> Any:
            return dict(zip(new, reads(value), strict=True))

        return Bound(after, convert, moves=dict(zip(new, old, strict=True)))

    return OnSide(side, bind, passes_null=True)


Pairs = list[tuple[str, Field]]
"""Which field's value is read, and the field that takes it."""


def _without(after: Schema, gone: list[str], kept: list[Field], *, defaults: bool) -> Bound:
    """Nothing but left out fields."""
    copy = copier(kept, defaults=defaults)

    def remove(value: Any, _: ConnectRecord) -> Any:
        out = copy(value)
        for name in gone:
            del out[name]
        return out

    return Bound(after, remove, moves={f.name: f.name for f in kept} if copy is dict.copy else None)


def _takes_all(schema: Schema, pairs: Pairs, *, defaults: bool) -> bool:
    """Whether no value can be refused, and none takes a default."""
    for name, field in pairs:
        its = schema.field_named(name)
        if its is None or its.schema != field.schema or not field.schema.optional:
            return False
        if defaults and default_of(its.schema) is not None:
            return False
    return True


def _one_by_one(schema: Schema, pairs: Pairs, *, defaults: bool) -> Convert:
    def convert(value: Any, _: ConnectRecord) -> Any:
        out: dict[str, Any] = {}
        for name, field, its, get in steps:
            if get is None or its is None:
                raise data_error(f"{name} is not a valid field name")
            item = out[field.name] = get(value)
            if item is None and not field.schema.optional:
                raise null_required(field.name, field.schema)
            if its is not field.schema:
                check_value(item, its, field.schema, f'field: "{field.name}"')
                out[field.name] = _same_instant(item, its, field.schema)
        return out

    steps: list[tuple[str, Field, Schema | None, Callable[[dict[str, Any]], Any] | None]] = []
    for name, field in pairs:
        its = schema.field_named(name)
        get = read(name, its.schema, defaults=defaults) if its else None
        steps.append((name, field, its.schema if its else None, get))
    return convert


def _same_instant(value: Any, its: Schema, into: Schema) -> Any:
    """The value of another temporal schema for the same instant; other values as they are."""
    if value is None or its.name not in TEMPORAL or into.name not in TEMPORAL:
        return value
    ms = to_ms(its, value)
    return ms // DAY_MS if into.name == DATE else ms
