"""Avro schemas: parsed and checked as the Java library does, and written back in its canonical order of keys.

The parsed tree is what compatibility is judged on; the text is what is stored and compared.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from attrs import define, field

from bridge.languages.compatibility.json_text import write
from bridge.languages.compatibility.source import InvalidSchema, Source

PRIMITIVES: Final = ("null", "boolean", "int", "long", "float", "double", "bytes", "string")
NAMED: Final = ("record", "error", "enum", "fixed")
_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_RESERVED: Final[Mapping[str, frozenset[str]]] = {
    "record": frozenset({"type", "name", "namespace", "doc", "fields", "aliases"}),
    "enum": frozenset({"type", "name", "namespace", "doc", "symbols", "default", "aliases"}),
    "fixed": frozenset({"type", "name", "namespace", "doc", "size", "aliases"}),
    "array": frozenset({"type", "items"}),
    "map": frozenset({"type", "values"}),
}
_FIELD_KEYS: Final = frozenset({"name", "type", "doc", "default", "order", "aliases"})
TAGS: Final = "confluent:tags"

Json = Any


class InvalidAvro(InvalidSchema):
    """The schema is not valid; the text says why."""


@define(eq=False)
class Field:
    """A record's field; ``default`` holds the JSON value in a list where there is one."""

    name: str
    type: Type
    doc: str | None
    default: list[Json]
    order: str
    aliases: list[str]
    props: dict[str, Json]


@define(eq=False)
class Type:
    """One node. ``kind`` is Avro's word, ``union`` for a union; ``space`` and ``name`` of named types."""

    kind: str
    space: str | None = None
    name: str = ""
    doc: str | None = None
    aliases: list[str] = field(factory=list)
    """As they are written: without the namespace where it is the type's own."""
    is_error: bool = False
    """A record that is declared as an ``error``."""
    fields: list[Field] = field(factory=list)
    symbols: list[str] = field(factory=list)
    enum_default: str | None = None
    size: int = 0
    inner: list[Type] = field(factory=list)
    props: dict[str, Json] = field(factory=dict)

    @property
    def full_name(self) -> str:
        """``namespace.name``."""
        return f"{self.space}.{self.name}" if self.space else self.name

    @property
    def full_aliases(self) -> set[str]:
        """The aliases, those without a namespace in the type's own."""
        return {self.full_alias(alias) for alias in self.aliases}

    def full_alias(self, alias: str) -> str:
        """An alias with its namespace."""
        return alias if "." in alias or not self.space else f"{self.space}.{alias}"

    def same_definition(self, other: Type) -> bool:
        """Whether the library takes two definitions of one name for the same: all but fields, aliases and doc."""
        return (self.kind, self.symbols, self.size, self.props) == (
            other.kind, other.symbols, other.size, other.props,
        )  # fmt: skip


class Parser:
    """Parses schemas that may refer to each other: named types of one are known to the next."""

    def __init__(self) -> None:
        self._names: dict[str, Type] = {}
        self._open: list[Type] = []
        """Records whose fields are being read."""

    def parse(self, text: str) -> Type:
        """The schema's tree. Raises ``InvalidAvro``."""
        try:
            document = json.loads(text, parse_constant=_no_number)
        except (ValueError, RecursionError) as error:
            raise InvalidAvro(f"the text is not JSON: {error}") from None
        return self._type(document, None)

    def known(self) -> dict[str, Type]:
        """The named types so far, by full name."""
        return dict(self._names)

    def _type(self, document: Json, space: str | None) -> Type:
        if isinstance(document, str):
            return self._named(document, space)
        if isinstance(document, list):
            return self._union(document, space)
        if not isinstance(document, dict):
            raise InvalidAvro(f"Schema not yet supported: {json.dumps(document)}")
        kind = document.get("type")
        if isinstance(kind, dict | list):
            return self._type(kind, space)
        if not isinstance(kind, str):
            raise InvalidAvro(f"No type: {json.dumps(document, separators=(',', ':'))}")
        if kind in PRIMITIVES:
            return Type(kind, props=_props(document, frozenset({"type"})))
        if kind in NAMED:
            return self._definition(document, kind, space)
        if kind in ("array", "map"):
            key = "items" if kind == "array" else "values"
            if key not in document:
                raise InvalidAvro(f"{kind.capitalize()} has no {key} type: {json.dumps(document)}")
            return Type(
                kind, inner=[self._type(document[key], space)], props=_props(document, _RESERVED[kind])
            )
        return self._named(kind, space)

    def _named(self, name: str, space: str | None) -> Type:
        if name in PRIMITIVES:
            return Type(name)
        full = name if "." in name or not space else f"{space}.{name}"
        definition = self._names.get(full) or self._names.get(name)
        if definition is None:
            raise InvalidAvro(f"Undefined schema: {full}")
        return definition

    def _union(self, document: list[Json], space: str | None) -> Type:
        branches = [self._type(branch, space) for branch in document]
        seen = set()
        for branch in branches:
            if branch.kind == "union":
                raise InvalidAvro(f"Nested union: {json.dumps(document, separators=(',', ':'))}")
            key = branch.full_name or branch.kind
            if key in seen:
                raise InvalidAvro(f"Duplicate in union:{key}")
            seen.add(key)
        return Type("union", inner=branches)

    def _definition(self, document: dict[str, Json], kind: str, space: str | None) -> Type:
        name = document.get("name")
        if not isinstance(name, str):
            raise InvalidAvro(f"No name in schema: {json.dumps(document, separators=(',', ':'))}")
        own, _, short = name.rpartition(".")
        own = own or (document["namespace"] if isinstance(document.get("namespace"), str) else space) or ""
        for part in (*(own.split(".") if own else ()), short):
            _check_name(part)
        definition = Type("record" if kind == "error" else kind, own or None, short, document.get("doc"))
        definition.aliases = _aliases(document, own)
        definition.is_error = kind == "error"
        definition.props = _props(document, _RESERVED[definition.kind])
        if definition.kind == "record":
            self._declare(definition)
            self._open.append(definition)
            self._fields(definition, document)
            self._open.remove(definition)
            return definition
        if definition.kind == "enum":
            self._enum(definition, document)
        else:
            size = document.get("size")
            if not isinstance(size, int) or isinstance(size, bool) or size < 0:
                raise InvalidAvro(f"Invalid or no size: {json.dumps(document, separators=(',', ':'))}")
            definition.size = size
        self._declare(definition)
        return definition

    def _declare(self, definition: Type) -> None:
        """Make a name known. A name that is known may be defined again in the same words; of a record these are its
        fields, so that only one whose fields are not read yet may be, which is then inside of it (Avro 1.12)."""
        earlier = self._names.setdefault(definition.full_name, definition)
        if earlier is definition:
            return
        if not earlier.same_definition(definition) or (
            earlier.kind == "record" and earlier not in self._open
        ):
            raise InvalidAvro(f"Can't redefine: {definition.full_name}")

    def _fields(self, record: Type, document: dict[str, Json]) -> None:
        if not isinstance(document.get("fields"), list):
            raise InvalidAvro(f"Record has no fields: {json.dumps(document, separators=(',', ':'))}")
        for position, entry in enumerate(document["fields"]):
            if not isinstance(entry, dict) or not isinstance(entry.get("name"), str) or "type" not in entry:
                raise InvalidAvro(f"No field name or type: {json.dumps(entry, separators=(',', ':'))}")
            name = entry["name"]
            _check_name(name)
            kind = self._type(entry["type"], record.space)
            for other, same_name in enumerate(record.fields):
                if same_name.name == name:
                    both = (
                        f"{name} type:{kind.kind.upper()} pos:{position} and "
                        f"{name} type:{same_name.type.kind.upper()} pos:{other}"
                    )
                    raise InvalidAvro(f"Duplicate field {name} in record {record.full_name}: {both}.")
            default = [entry["default"]] if "default" in entry else []
            if default and self._reaches_open(kind, default[0]):
                raise InvalidAvro(
                    f"Schema fields not set yet: the default of {name} needs those of {record.full_name}"
                )
            if default and not valid_default(kind, default[0]):
                value = write(default[0])
                raise InvalidAvro(f"Invalid default for field {name}: {value} not a {render(kind)}")
            order = str(entry.get("order", "ascending")).lower()
            aliases = _listed_aliases(entry)
            record.fields.append(
                Field(name, kind, entry.get("doc"), default, order, aliases, _props(entry, _FIELD_KEYS))
            )

    def _reaches_open(self, kind: Type, value: Json) -> bool:
        """Whether judging a default needs the fields of a record that is still being read."""
        for branch in kind.inner if kind.kind == "union" else (kind,):
            if isinstance(value, dict) and branch in self._open:
                return True
            if valid_default(branch, value):
                return False
        return False

    def _enum(self, definition: Type, document: dict[str, Json]) -> None:
        symbols = document.get("symbols")
        if not isinstance(symbols, list):
            raise InvalidAvro(f"Enum has no symbols: {json.dumps(document, separators=(',', ':'))}")
        for symbol in symbols:
            _check_name(symbol)
        if len(set(symbols)) != len(symbols):
            raise InvalidAvro("Duplicate enum symbol")
        definition.symbols = symbols
        definition.enum_default = document.get("default")
        if definition.enum_default is not None and definition.enum_default not in symbols:
            raise InvalidAvro(
                f"The Enum Default: {definition.enum_default} is not in the enum symbol set: [{', '.join(symbols)}]"
            )


def load(source: Source) -> Type:
    """The tree of a schema whose references are at hand. Raises ``InvalidAvro``."""
    parser = Parser()
    for text in source.imports.values():
        parser.parse(text)
    return parser.parse(source.text)


def _no_number(word: str) -> None:
    raise InvalidAvro(f"the text is not JSON: Non-standard token '{word}'")


def _listed_aliases(document: Mapping[str, Json]) -> list[str]:
    """The aliases, each once. Raises ``InvalidAvro`` for what is no list of texts."""
    aliases = document.get("aliases")
    if aliases is None:
        return []
    if not isinstance(aliases, list):
        raise InvalidAvro(f"aliases not an array: {write(aliases)}")
    for alias in aliases:
        if not isinstance(alias, str):
            raise InvalidAvro(f"alias not a string: {write(alias)}")
    return list(dict.fromkeys(aliases))


def _aliases(document: Mapping[str, Json], space: str) -> list[str]:
    """The aliases of a type, without a namespace where it is the type's own, each once."""
    shown: dict[str, None] = {}
    for alias in _listed_aliases(document):
        own, _, short = alias.rpartition(".")
        for part in (*(own.split(".") if own else ()), short):
            _check_name(part)
        shown[short if own == space or not own else alias] = None
    return list(shown)


def _check_name(name: Any) -> None:
    if not isinstance(name, str) or not name:
        raise InvalidAvro("Empty name")
    if not (name[0].isalpha() or name[0] == "_"):
        raise InvalidAvro(f"Illegal initial character: {name}")
    if not _NAME.fullmatch(name):
        raise InvalidAvro(f"Illegal character in: {name}")


def _props(document: Mapping[str, Json], reserved: frozenset[str]) -> dict[str, Json]:
    return {key: value for key, value in document.items() if key not in reserved}


def valid_default(kind: Type, value: Json) -> bool:
    """Whether a JSON value may be the default of a field of this type (any branch of a union will do)."""
    match kind.kind:
        case "null":
            return value is None
        case "boolean":
            return isinstance(value, bool)
        case "int" | "long":
            bits = 31 if kind.kind == "int" else 63
            whole = isinstance(value, int) and not isinstance(value, bool)
            return whole and -(1 << bits) <= value < 1 << bits
        case "float" | "double":
            number = isinstance(value, int | float) and not isinstance(value, bool)
            return number and not (isinstance(value, float) and math.isnan(value))
        case "string" | "bytes" | "fixed" | "enum":
            return isinstance(value, str)
        case "array":
            return isinstance(value, list) and all(valid_default(kind.inner[0], item) for item in value)
        case "map":
            return isinstance(value, dict) and all(valid_default(kind.inner[0], v) for v in value.values())
        case "union":
            return any(valid_default(branch, value) for branch in kind.inner)
    return isinstance(value, dict) and all(
        valid_default(f.type, value[f.name]) if f.name in value else bool(f.default) for f in kind.fields
    )


def render(kind: Type, *, imported: frozenset[str] = frozenset()) -> str:
    """The schema's text: compact, keys in the Java library's order, named types spelled out once.

    Types whose full name is in ``imported`` (those of references) are only named.
    """
    return write(_document(kind, None, set(imported)))


def _document(kind: Type, space: str | None, written: set[str]) -> Json:
    if kind.kind == "union":
        return [_document(branch, space, written) for branch in kind.inner]
    if kind.kind in PRIMITIVES:
        return {"type": kind.kind, **kind.props} if kind.props else kind.kind
    if kind.kind in ("array", "map"):
        key = "items" if kind.kind == "array" else "values"
        return {"type": kind.kind, key: _document(kind.inner[0], space, written), **kind.props}
    if kind.full_name in written:
        return kind.name if kind.space == space else kind.full_name
    written.add(kind.full_name)
    document: dict[str, Json] = {"type": "error" if kind.is_error else kind.kind, "name": kind.name}
    if kind.space != space:
        document["namespace"] = kind.space or ""
    if kind.doc is not None:
        document["doc"] = kind.doc
    if kind.kind == "record":
        document["fields"] = [_field_document(f, kind.space, written) for f in kind.fields]
    elif kind.kind == "enum":
        document["symbols"] = kind.symbols
        if kind.enum_default is not None:
            document["default"] = kind.enum_default
    else:
        document["size"] = kind.size
    document.update(kind.props)
    if kind.aliases:
        document["aliases"] = kind.aliases
    return document


def _field_document(entry: Field, space: str | None, written: set[str]) -> dict[str, Json]:
    document: dict[str, Json] = {"name": entry.name, "type": _document(entry.type, space, written)}
    if entry.doc is not None:
        document["doc"] = entry.doc
    if entry.default:
        document["default"] = entry.default[0]
    if entry.order != "ascending":
        document["order"] = entry.order
    if entry.aliases:
        document["aliases"] = entry.aliases
    return {**document, **entry.props}


def tagged(kind: Type) -> Iterator[tuple[str, str, dict[str, Json]]]:
    """Every record and field: its path, ``sr_record`` or ``sr_field``, and its properties (tags among them)."""
    seen: set[int] = set()
    waiting = [kind]
    while waiting:
        node = waiting.pop(0)
        if id(node) in seen:
            continue
        seen.add(id(node))
        if node.kind == "record":
            yield node.full_name, "sr_record", node.props
            for entry in node.fields:
                yield f"{node.full_name}.{entry.name}", "sr_field", entry.props
                waiting.append(entry.type)
        waiting += node.inner
