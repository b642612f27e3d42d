"""An Avro schema's text as a tree of types with names resolved. Source: Avro 1.12 specification."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from attrs import define, field, frozen

from bridge.documents import json_of
from bridge.errors import Fatal, Stage
from bridge.model.protection import NOTHING, Protection, Seal
from bridge.model.texts import imports_of

PRIMITIVES: Final = frozenset({"null", "boolean", "int", "long", "float", "double", "bytes", "string"})
MISSING: Final = object()


@frozen
class AvroField:
    """A field of a record; ``default`` is its JSON value or MISSING, ``seal`` encrypts what is protected."""

    name: str
    type: AvroType
    default: object = MISSING
    seal: Seal | None = None


@define(eq=False)
class AvroType:
    """One type. ``kind`` is Avro's word; what does not belong to the kind is empty."""

    kind: str
    logical: str | None = None
    name: str | None = None
    fields: list[AvroField] = field(factory=list, repr=False)
    symbols: tuple[str, ...] = ()
    branches: tuple[AvroType, ...] = ()
    inner: AvroType | None = None  # an array's items, a map's values
    size: int = 0
    scale: int = 0

    def __str__(self) -> str:
        if self.kind == "union":
            return f"[{', '.join(map(str, self.branches))}]"
        return self.name or (f"{self.kind} ({self.logical})" if self.logical else self.kind)


def parse(text: str, protection: Protection = NOTHING) -> AvroType:
    """The type of a schema's text, with the seal of each protected field. Fatal(stage=SCHEMA) where it is none."""
    parser = _Parser(protection)
    try:
        for imported in imports_of(text).values():
            parser.parse(json_of(imported), "")
        parsed = parser.parse(json_of(str(text)), "")
    except (KeyError, TypeError, ValueError, AttributeError, RecursionError) as error:
        raise Fatal(
            f"the registered schema is no Avro schema the bridge can read: {type(error).__name__} {error}",
            stage=Stage.SCHEMA,
        ) from None
    if unplaced := set(protection.fields) - parser.sealed:
        raise Fatal(
            f"the schema has no field {', '.join(sorted(unplaced))}, which is to be encrypted",
            stage=Stage.ENCRYPT,
        )
    return parsed


def full_name(document: Mapping[str, object], namespace: str) -> str:
    """A named type's full name by the specification's rules."""
    name = str(document["name"])
    if "." in name:
        return name
    space = document.get("namespace", namespace)
    return f"{space}.{name}" if space else name


@define
class _Parser:
    protection: Protection
    named: dict[str, AvroType] = field(factory=dict)
    sealed: set[str] = field(factory=set)

    def parse(self, document: Any, namespace: str) -> AvroType:
        if isinstance(document, str):
            return self._reference(document, namespace)
        if isinstance(document, list):
            return AvroType("union", branches=tuple(self.parse(b, namespace) for b in document))
        kind = document["type"]
        if not isinstance(kind, str):
            return self.parse(kind, namespace)
        if kind in ("record", "error"):
            return self._record(document, namespace)
        if kind in ("enum", "fixed"):
            return self._named(kind, document, namespace)
        logical = document.get("logicalType")
        if kind in ("array", "map"):
            inner = self.parse(document["items" if kind == "array" else "values"], namespace)
            return AvroType(kind, inner=inner)
        if kind not in PRIMITIVES:
            return self._reference(kind, namespace)
        return AvroType(kind, logical=logical, scale=document.get("scale", 0))

    def _reference(self, name: str, namespace: str) -> AvroType:
        if name in PRIMITIVES:
            return AvroType(name)
        definition = self.named.get(f"{namespace}.{name}" if namespace and "." not in name else name)
        if definition is None:
            definition = self.named.get(name)
        if definition is None:
            raise ValueError(f"the type {name} is not defined")
        return definition

    def _named(self, kind: str, document: Mapping[str, Any], namespace: str) -> AvroType:
        name = full_name(document, namespace)
        named_type = self.named[name] = AvroType(
            kind,
            logical=document.get("logicalType"),
            name=name,
            symbols=tuple(document.get("symbols", ())),
            size=document.get("size", 0),
            scale=document.get("scale", 0),
        )
        return named_type

    def _record(self, document: Mapping[str, Any], namespace: str) -> AvroType:
        record = self._named("record", document, namespace)
        assert record.name is not None
        inner = record.name.rpartition(".")[0]
        for entry in document["fields"]:
            default = entry.get("default", MISSING)
            seal = self.protection.fields.get(full := f"{record.name}.{entry['name']}")
            if seal is not None:
                self.sealed.add(full)
            record.fields.append(AvroField(entry["name"], self.parse(entry["type"], inner), default, seal))
        return record
