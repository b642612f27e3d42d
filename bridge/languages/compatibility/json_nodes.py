"""A JSON Schema as a tree of what can be compared: one node for a type, several become a combined one.

As the registry's library (everit) reads a schema: keywords of different types beside each other are an ``allOf``, a
list of types is an ``anyOf``, keywords imply their type where ``type`` is missing, and up to draft 7 ``$ref`` stands
alone. Drafts 2019-09 and 2020-12 come to the same tree with their own keywords.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final
from urllib.parse import urljoin

from attrs import Factory, define, field

from bridge.java.regex import Pattern, Unsupported
from bridge.languages.compatibility.json_text import read, write
from bridge.languages.compatibility.source import InvalidSchema, Source

_ARRAY: Final = ("items", "additionalItems", "minItems", "maxItems", "uniqueItems", "contains")
_MODERN_ARRAY: Final = (*_ARRAY, "prefixItems", "unevaluatedItems")
_OBJECT: Final = (
    "properties",
    "required",
    "minProperties",
    "maxProperties",
    "dependencies",
    "patternProperties",
    "additionalProperties",
    "propertyNames",
)
_MODERN_OBJECT: Final = (*_OBJECT, "dependentRequired", "dependentSchemas", "unevaluatedProperties")
_NUMBER: Final = ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf")
_STRING: Final = ("minLength", "maxLength", "pattern", "format")
_COMBINED: Final = ("oneOf", "anyOf", "allOf")
Json = Any


@define(eq=False)
class Node:
    """One type. ``kind``: string number boolean null object array enum const not combined empty false conditional."""

    kind: str
    key: str = ""
    has_default: bool = False
    connect_type: str | None = None
    limits: dict[str, float] = Factory(dict)
    pattern: str | None = None
    integer: bool = False
    values: frozenset[str] = frozenset()
    inner: Node | None = None
    criterion: str = ""
    members: list[Node] = Factory(list)
    properties: dict[str, Node] = Factory(dict)
    required: frozenset[str] = frozenset()
    patterns: dict[str, Node] = Factory(dict)
    needs: dict[str, frozenset[str]] = Factory(dict)
    needs_schema: dict[str, Node] = Factory(dict)
    items: Node | None = None
    tuple: list[Node] = Factory(list)
    unique: bool = False
    additional: bool = True
    additional_schema: Node | None = None
    unevaluated: Node | None = None
    refers: Callable[[], Node] | None = None

    def referred(self) -> Node:
        """The node itself, or the one that it refers to."""
        seen = self
        for _ in range(100):
            if seen.refers is None:
                return seen
            seen = seen.refers()
        raise InvalidSchema("a $ref refers to itself")


@define(eq=False)
class _Document:
    """A document with what is needed to read it."""

    root: Json
    base: str
    modern: bool
    draft4: bool
    nodes: dict[int, Node] = field(factory=dict)


def load(source: Source) -> Node:
    """The tree; references are followed when they are compared. Raises ``InvalidSchema``."""
    return Loader(source.imports).load(read(source.text))


class Loader:
    """Reads a schema in the presence of those it may refer to, by the names it uses for them."""

    def __init__(self, imports: Mapping[str, str]) -> None:
        self._imports = imports
        self._loaded: dict[str, _Document] = {}
        self._pending: list[Node] = []

    def load(self, root: Json) -> Node:
        """The tree of a whole document, every reference in it checked."""
        document = self._document(root, "")
        node = self._node(document, root)
        while self._pending:
            self._pending.pop().referred()
        return node

    def _document(self, root: Json, base: str) -> _Document:
        if not isinstance(root, dict):
            return _Document(root, base, modern=False, draft4=False)
        dialect = str(root.get("$schema", ""))
        modern = "2019-09" in dialect or "2020-12" in dialect
        draft4 = "draft-04" in dialect
        return _Document(root, str(root.get("id" if draft4 else "$id", base)), modern, draft4)

    def _node(self, document: _Document, raw: Json) -> Node:
        if isinstance(raw, bool):
            return Node("empty" if raw else "false", key=str(raw))
        if not isinstance(raw, dict):
            raise InvalidSchema(f"a schema must be an object or a boolean, not {write(raw)[:80]}")
        node = document.nodes.get(id(raw))
        if node is not None:
            return node
        key = write(raw, ordered=True)
        parts = self._extract(document, raw)
        if not parts:
            node = Node("empty")
        elif len(parts) == 1:
            node = parts[0]
        else:
            node = Node("combined", criterion="allOf", members=parts)
            for member in parts:
                member.key = f"{member.kind} {key}"
        node.key = f"{node.kind} {key}"
        node.has_default = "default" in raw
        connect_type = raw.get("connect.type")
        node.connect_type = connect_type if isinstance(connect_type, str) else None
        document.nodes[id(raw)] = node
        return node

    def _extract(self, document: _Document, raw: dict[str, Json]) -> list[Node]:
        nodes: list[Node] = []
        if "$ref" in raw:
            nodes.append(self._reference(document, _string(raw, "$ref")))
            if not document.modern:
                return nodes
        left = dict(raw)
        if "enum" in raw:
            nodes.append(Node("enum", values=frozenset(write(v, ordered=True) for v in _list(raw, "enum"))))
        for criterion in _COMBINED:
            if criterion in raw:
                members = [self._node(document, member) for member in _list(raw, criterion)]
                nodes.append(Node("combined", criterion=criterion, members=_combined_first(members)))
        if "not" in raw:
            nodes.append(Node("not", inner=self._node(document, raw["not"])))
        if "const" in raw and not document.draft4:
            nodes.append(Node("const", values=frozenset({write(raw["const"], ordered=True)})))
        if "type" in raw:
            nodes.append(self._typed(document, raw, left))
        arrays, objects = (_MODERN_ARRAY, _MODERN_OBJECT) if document.modern else (_ARRAY, _OBJECT)
        for kind, keywords in (
            ("array", arrays),
            ("object", objects),
            ("number", _NUMBER),
            ("string", _STRING),
        ):
            if any(keyword in left for keyword in keywords):
                nodes.append(self._of_type(document, raw, kind, {}))
        if not document.draft4 and any(keyword in raw for keyword in ("if", "then", "else")):
            nodes.append(Node("conditional"))
        return nodes

    def _typed(self, document: _Document, raw: dict[str, Json], left: dict[str, Json]) -> Node:
        kinds = raw["type"]
        if isinstance(kinds, str):
            return self._of_type(document, raw, kinds, left)
        members = [self._of_type(document, raw, kind, left) for kind in _list(raw, "type")]
        key = write(raw, ordered=True)
        for member in members:
            member.key = f"{member.kind} {member.integer} {key}"
        return Node("combined", criterion="anyOf", members=_combined_first(members))

    def _of_type(self, document: _Document, raw: dict[str, Json], kind: Json, left: dict[str, Json]) -> Node:
        """A node of one type; the keywords it takes are gone from ``left``."""
        match kind:
            case "string":
                return _taking(left, _STRING, self._string_node(raw))
            case "integer" | "number":
                return _taking(left, _NUMBER, self._number_node(document, raw, integer=kind == "integer"))
            case "boolean" | "null":
                return Node(kind)
            case "array":
                return _taking(left, _MODERN_ARRAY, self._array_node(document, raw))
            case "object":
                return _taking(left, _MODERN_OBJECT, self._object_node(document, raw))
        raise InvalidSchema(f"unknown type: [{kind}]")

    def _string_node(self, raw: dict[str, Json]) -> Node:
        node = Node("string", limits=_counts(raw, ("minLength", "maxLength")))
        node.pattern = _pattern(_string(raw, "pattern")) if "pattern" in raw else None
        return node

    def _number_node(self, document: _Document, raw: dict[str, Json], *, integer: bool) -> Node:
        keywords = ("minimum", "maximum", "multipleOf") if document.draft4 else _NUMBER
        return Node("number", limits=_limits(raw, keywords), integer=integer)

    def _array_node(self, document: _Document, raw: dict[str, Json]) -> Node:
        node = Node("array", limits=_counts(raw, ("minItems", "maxItems")))
        node.unique = raw.get("uniqueItems") is True
        rest = raw.get("additionalItems")
        items = raw.get("items")
        if document.modern and "prefixItems" in raw:
            node.tuple = [self._node(document, item) for item in _list(raw, "prefixItems")]
            rest, items = items, None
        elif document.modern and isinstance(items, bool):
            rest, items = items, None
        if isinstance(items, list):
            node.tuple = [self._node(document, item) for item in items]
        elif items is not None:
            node.items = self._node(document, items)
        if isinstance(rest, dict):
            node.additional_schema = self._node(document, rest)
        elif rest is False and node.items is None:
            node.additional = False
        if document.modern and "unevaluatedItems" in raw:
            node.unevaluated = self._node(document, raw["unevaluatedItems"])
        if not document.modern or "contains" in raw:
            node.limits.update(_limits(raw, ("minContains", "maxContains")))
        if document.modern and "contains" in raw:
            node.limits.setdefault("minContains", 1)
        return node

    def _object_node(self, document: _Document, raw: dict[str, Json]) -> Node:
        node = Node("object", limits=_counts(raw, ("minProperties", "maxProperties")))
        node.properties = self._children(document, raw, "properties")
        node.patterns = self._children(document, raw, "patternProperties")
        for pattern in node.patterns:
            _pattern(pattern)
        node.required = frozenset(str(name) for name in _list(raw, "required"))
        more = raw.get("additionalProperties")
        if isinstance(more, dict):
            node.additional_schema = self._node(document, more)
        elif more is not None and not isinstance(more, bool):
            raise InvalidSchema("additionalProperties must be a boolean or a schema")
        node.additional = more is not False
        for keyword in ("dependencies", "dependentRequired", "dependentSchemas"):
            for name, need in _object(raw, keyword).items():
                if isinstance(need, list):
                    node.needs[name] = frozenset(map(str, need))
                else:
                    node.needs_schema[name] = self._node(document, need)
        if document.modern and "unevaluatedProperties" in raw:
            node.unevaluated = self._node(document, raw["unevaluatedProperties"])
        return node

    def _children(self, document: _Document, raw: dict[str, Json], keyword: str) -> dict[str, Node]:
        return {name: self._node(document, child) for name, child in _object(raw, keyword).items()}

    # ------------------------------------------------------------------ references

    def _reference(self, document: _Document, reference: str) -> Node:
        nodes: list[Node] = []

        def resolve() -> Node:
            if not nodes:
                nodes.append(self._resolve(document, reference))
            return nodes[0]

        node = Node("reference", refers=resolve)
        self._pending.append(node)
        return node

    def _resolve(self, document: _Document, reference: str) -> Node:
        name, _, fragment = reference.partition("#")
        holder, root = document, document.root
        if name and urljoin(document.base, name) != document.base:
            other = _embedded(document.root, name) or _embedded(document.root, urljoin(document.base, name))
            if other is not None:
                root = other
            else:
                holder = self._other(document, name)
                root = holder.root
        return self._node(holder, _pointed(root, fragment, reference))

    def _other(self, document: _Document, name: str) -> _Document:
        for candidate, text in self._imports.items():
            full = urljoin(document.base, candidate)
            if name in (candidate, full, f"./{candidate}") or urljoin(document.base, name) == full:
                if candidate not in self._loaded:
                    self._loaded[candidate] = self._document(read(text), full)
                return self._loaded[candidate]
        raise InvalidSchema(f"$ref {name} is none of the references")


def _pointed(root: Json, fragment: str, reference: str) -> Json:
    if fragment and not fragment.startswith("/"):
        anchored = _anchored(root, fragment)
        if anchored is None:
            raise InvalidSchema(f"$ref {reference} leads nowhere")
        return anchored
    value = root
    parts = [part.replace("~1", "/").replace("~0", "~") for part in fragment.split("/")[1:]]
    for depth, part in enumerate(parts):
        if isinstance(value, dict) and part not in value and depth == 0 and part == "$defs":
            part = "definitions"
        try:
            value = value[int(part)] if isinstance(value, list) else value[part]
        except (KeyError, IndexError, ValueError, TypeError):
            raise InvalidSchema(f"$ref {reference} leads nowhere") from None
    return value


def _embedded(root: Json, name: str) -> Json:
    """The subschema that has this id."""
    return _searched(root, lambda raw: raw.get("$id", raw.get("id")) == name)


def _anchored(root: Json, anchor: str) -> Json:
    return _searched(root, lambda raw: anchor == raw.get("$anchor") or raw.get("$id") == f"#{anchor}")


def _searched(raw: Json, wanted: Callable[[dict[str, Json]], bool]) -> Json:
    if isinstance(raw, dict):
        if wanted(raw):
            return raw
        raw = list(raw.values())
    for child in raw if isinstance(raw, list) else ():
        result = _searched(child, wanted)
        if result is not None:
            return result
    return None


def _combined_first(members: list[Node]) -> list[Node]:
    return sorted(members, key=lambda member: member.kind != "combined")


def _taking(left: dict[str, Json], keywords: tuple[str, ...], node: Node) -> Node:
    for keyword in keywords:
        left.pop(keyword, None)
    return node


def _limits(raw: dict[str, Json], keywords: tuple[str, ...]) -> dict[str, float]:
    limits = {}
    for keyword in keywords:
        if keyword in raw:
            value = raw[keyword]
            if isinstance(value, bool) or not isinstance(value, int | float):
                raise InvalidSchema(f"{keyword} must be a number")
            limits[keyword] = value
    return limits


def _counts(raw: dict[str, Json], keywords: tuple[str, ...]) -> dict[str, float]:
    """Limits that are counts: whole numbers, written without a fraction."""
    limits = _limits(raw, keywords)
    for keyword, value in limits.items():
        if isinstance(value, float):
            raise InvalidSchema(f"#/{keyword}: expected type: Integer, found: Double")
    return limits


def _pattern(text: str) -> str:
    """A regular expression, which the registry compiles as Java's."""
    try:
        Pattern(text)
    except Unsupported:
        return text
    except ValueError as error:
        raise InvalidSchema(f"{text} is no regular expression: {error}") from None
    return text


def _list(raw: dict[str, Json], keyword: str) -> list[Json]:
    value = raw.get(keyword, [])
    if not isinstance(value, list):
        raise InvalidSchema(f"{keyword} must be an array")
    return value


def _object(raw: dict[str, Json], keyword: str) -> dict[str, Json]:
    value = raw.get(keyword, {})
    if not isinstance(value, dict):
        raise InvalidSchema(f"{keyword} must be an object")
    return value


def _string(raw: dict[str, Json], keyword: str) -> str:
    value = raw.get(keyword)
    if not isinstance(value, str):
        raise InvalidSchema(f"{keyword} must be a string")
    return value
