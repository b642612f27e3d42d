"""Confluent's ReplaceField: as Apache's, with dotted paths to nested fields. Paths are those of the input."""

from __future__ import annotations

from typing import Any, Final

from attrs import evolve

from bridge.config.property import LIST
from bridge.java.exceptions import invalid
from bridge.model.schema import Field, Kind, Schema
from bridge.transforms.record import ConnectRecord
from bridge.transforms.smt.replace_field import renames_of
from bridge.transforms.spec import Key, Settings, Spec
from bridge.transforms.step import Bound, OnSide, Side, Transform
from bridge.transforms.structs import require_map, require_struct, struct_like

_PURPOSE: Final = "field replacement"


def _valid_renames(name: str, value: Any) -> None:
    if any("." in new for new in renames_of(value).values()):
        raise invalid(name, value, "a new name is the last part only and has no dot")


SPEC: Final = Spec(
    "ReplaceField",
    "Leaves fields out, keeps only some, or renames them; `a.b` is the field b inside a. Including a field keeps "
    "of its parents what is included.",
    (
        Key("exclude", LIST, "Paths to leave out; goes before include.", []),
        Key("include", LIST, "The only paths to keep, with all that is in them; empty: all.", []),
        Key("renames", LIST, "path:name pairs; the name is the new last part.", [], validator=_valid_renames),
    ),
    {"exclude": "Ship_To__c.Street", "renames": "Ship_To__c.City:town"},
    "inside `Ship_To__c` there is no `Street`, and `City` is called `town`",
)


class _Rules:
    def __init__(self, settings: Settings) -> None:
        self.exclude = frozenset(settings["exclude"])
        self.include = frozenset(settings["include"])
        self.renames = renames_of(settings["renames"])

    def inside(self, path: str) -> bool:
        """Whether something below the path is included."""
        return any(one.startswith(path + ".") for one in self.include)

    def kept(self, path: str, whole: bool) -> bool:
        return path not in self.exclude and (whole or path in self.include or self.inside(path))

    def whole(self, path: str, parent: bool) -> bool:
        """Whether everything below is kept."""
        return parent or path in self.include

    def name(self, path: str, name: str) -> str:
        return self.renames.get(path, name)


def make(settings: Settings, side: Side) -> Transform:
    """A ReplaceField with paths."""
    rules = _Rules(settings)

    def schemaless(value: Any, _: ConnectRecord) -> Any:
        require_map(value, _PURPOSE)
        return _map(rules, value, "", not rules.include)

    def bind(schema: Schema | None) -> Bound:
        if schema is None:
            return Bound(None, schemaless)
        require_struct(schema, {}, _PURPOSE)
        after = _schema(rules, schema, "", not rules.include)
        return Bound(after, lambda value, _: _struct(rules, schema, value, "", not rules.include))

    return OnSide(side, bind, passes_null=True)


def _schema(rules: _Rules, schema: Schema, prefix: str, whole: bool) -> Schema:
    fields: list[Field] = []
    for field in schema.fields:
        path = prefix + field.name
        if rules.kept(path, whole):
            inner = field.schema
            if inner.kind is Kind.STRUCT:
                inner = evolve(
                    _schema(rules, inner, f"{path}.", rules.whole(path, whole)), optional=inner.optional
                )
            fields.append(evolve(field, name=rules.name(path, field.name), schema=inner))
    return struct_like(schema, fields)


def _struct(rules: _Rules, schema: Schema, value: Any, prefix: str, whole: bool) -> Any:
    out = {}
    for field in schema.fields:
        path, item = prefix + field.name, value[field.name]
        if rules.kept(path, whole):
            if field.schema.kind is Kind.STRUCT and item is not None:
                item = _struct(rules, field.schema, item, f"{path}.", rules.whole(path, whole))
            out[rules.name(path, field.name)] = item
    return out


def _map(rules: _Rules, value: dict[str, Any], prefix: str, whole: bool) -> dict[str, Any]:
    out = {}
    for name, item in value.items():
        path = f"{prefix}{name}"
        if rules.kept(path, whole):
            inner = type(item) is dict
            out[rules.name(path, name)] = (
                _map(rules, item, f"{path}.", rules.whole(path, whole)) if inner else item
            )
    return out
