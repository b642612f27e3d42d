"""ReplaceField: leaves fields out, keeps only some, renames."""

from __future__ import annotations

from operator import itemgetter
from typing import Any, Final

from attrs import evolve

from bridge.config.property import LIST
from bridge.java.exceptions import invalid, null_pointer
from bridge.model.schema import Schema
from bridge.transforms.record import ConnectRecord
from bridge.transforms.smt.cast import java_split
from bridge.transforms.spec import REPLACE_NULL, Key, Settings, Spec, valid_list
from bridge.transforms.step import Bound, OnSide, Side, Transform
from bridge.transforms.structs import copier, require_fields, require_map, struct_like

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
    exclude, include = settings["exclude"] or [], settings["include"] or []
    renames = renames_of(settings["renames"])
    back = {new: old for old, new in renames.items()}

    def kept(name: str) -> bool:
        return name not in exclude and (not include or name in include)

    def schemaless(value: Any, _: ConnectRecord) -> Any:
        require_map(value, _PURPOSE)
        return {renames.get(name, name): item for name, item in value.items() if kept(name)}

    def bind(schema: Schema | None) -> Bound:
        if schema is None:
            return Bound(None, schemaless)
        source = [f for f in require_fields(schema) if kept(f.name)]
        after = struct_like(schema, (evolve(f, name=renames.get(f.name, f.name)) for f in source))
        copy = copier(source, defaults=bool(settings["replace.null.with.default"]))
        old, new = [back.get(f.name, f.name) for f in after.fields], [f.name for f in after.fields]
        gone = [f.name for f in schema.fields if not kept(f.name)]
        reads = itemgetter(*old) if len(old) > 1 else lambda value: [value[name] for name in old]

        def remove(value: Any, _: ConnectRecord) -> Any:
            out = copy(value)
            for name in gone:
                del out[name]
            return out

        def convert(value: Any, _: ConnectRecord) -> Any:
            return dict(zip(new, reads(copy(value)), strict=True))

        def convert_plain(value: Any, _: ConnectRecord) -> Any:
            return dict(zip(new, reads(value), strict=True))

        plain = copy is dict.copy
        there = {field.name for field in schema.fields}
        moves = dict(zip(new, old, strict=True)) if plain and there.issuperset(old) else None
        if old == new and len(gone) < len(new):
            return Bound(after, remove, moves=moves)
        return Bound(after, convert_plain if plain else convert, moves=moves)

    return OnSide(side, bind, passes_null=True)
