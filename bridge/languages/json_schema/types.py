"""What a registered JSON Schema allows, as far as an encoder must know: objects, their properties, their types.

References are followed: local ones (``#/definitions/…``, ``#/$defs/…``) and those into a document that the registered
text refers to by its name. One into any other document, or to an anchor, allows anything here.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from attrs import field, frozen

from bridge.documents import Broken, Json, json_of
from bridge.errors import Fatal, Stage
from bridge.model.texts import imports_of


@frozen
class Document:
    """A parsed document and those it refers to, by name."""

    node: Any
    others: Mapping[str, Any] = field(factory=dict)


@frozen
class Object:
    """An object's part of a document: its own node, and the document for references."""

    node: dict[str, Json]
    root: Document

    @property
    def properties(self) -> dict[str, Json]:
        """The declared properties."""
        properties = self.node.get("properties")
        return properties if isinstance(properties, dict) else {}

    def extendable(self) -> dict[str, Json]:
        """The declared properties, to be added to; made where there are none."""
        properties = self.node.setdefault("properties", {})
        return properties if isinstance(properties, dict) else {}

    @property
    def required(self) -> frozenset[str]:
        """Names that must be there."""
        required = self.node.get("required")
        return frozenset(str(name) for name in required) if isinstance(required, list) else frozenset()

    def part(self, name: str) -> Object | None:
        """The object that a property holds, None where it is none."""
        return _object(self.properties.get(name), self.root, set())

    def default(self, name: str) -> Json:
        """What a property is where it is not given; None also where nothing is declared."""
        node = self.properties.get(name)
        return node.get("default") if isinstance(node, dict) else None

    def types(self, name: str) -> frozenset[str] | None:
        """JSON types a property may have; None: any."""
        return types(self.properties.get(name), self.root)


def parse(text: str) -> Document:
    """The document. Fatal(stage=SCHEMA) for what is no JSON."""
    try:
        others = {name: json_of(other) for name, other in imports_of(text).items()}
        return Document(json_of(text), others)
    except Broken as broken:
        raise Fatal(f"the registered JSON Schema {broken}", stage=Stage.SCHEMA) from None


def root_object(document: Document) -> Object:
    """The record's object. Fatal(stage=SCHEMA) where the document describes something else."""
    described = _object(document.node, document, set())
    if described is None:
        raise Fatal("the registered JSON Schema describes no object", stage=Stage.SCHEMA)
    return described


def _object(node: Any, root: Document, seen: set[int]) -> Object | None:
    """The first object that a node is or refers to. ``seen``: nodes that were none, by identity."""
    if not isinstance(node, dict) or id(node) in seen:
        return None
    seen.add(id(node))
    if "properties" in node:
        return Object(node, root)
    if "$ref" in node:
        return _object(*_referred(node["$ref"], root), seen)
    for branch in _listed(node, "oneOf", "anyOf", "allOf"):
        described = _object(branch, root, seen)
        if described is not None:
            return described
    kind = node.get("type")
    return Object(node, root) if kind == "object" or (isinstance(kind, list) and "object" in kind) else None


def types(node: Any, root: Document) -> frozenset[str] | None:
    """JSON types a node allows; None: any."""
    return _types(node, root, set()) or None


def _types(node: Any, root: Document, seen: set[int]) -> frozenset[str] | None:
    """The same; empty for a node that was looked at already, since it adds nothing."""
    if not isinstance(node, dict):
        return None
    if id(node) in seen:
        return frozenset()
    seen.add(id(node))
    if "$ref" in node:
        return _types(*_referred(node["$ref"], root), seen)
    kind = node.get("type")
    if isinstance(kind, str):
        return frozenset((kind,))
    if isinstance(kind, list):
        return frozenset(map(str, kind))
    branches = [_types(branch, root, seen) for branch in _listed(node, "oneOf")]
    branches = branches or [_types(branch, root, seen) for branch in _listed(node, "anyOf")]
    if branches:
        return None if None in branches else frozenset().union(*(b for b in branches if b))
    for branch in _listed(node, "allOf"):
        allowed = _types(branch, root, seen)
        if allowed:
            return allowed
    values = [node["const"]] if "const" in node else _listed(node, "enum")
    return frozenset(map(_type_of, values)) or None


def _listed(node: Mapping[str, Any], *keys: str) -> list[Any]:
    """What stands in the lists under the keys; nothing where there is no list."""
    return [item for key in keys if isinstance(node.get(key), list) for item in node[key]]


def _type_of(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int):
        return "integer"
    names = ((float, "number"), (str, "string"), (list, "array"))
    return next((name for kind, name in names if isinstance(value, kind)), "object")


def _referred(reference: Any, root: Document) -> tuple[Any, Document]:
    """The node of a JSON pointer and the document it is in; None for a node that is not at hand."""
    name, _, pointer = str(reference).partition("#")
    if name:
        root = Document(root.others.get(name), root.others)
    node = root.node
    if pointer and not pointer.startswith("/"):
        return None, root
    for step in pointer.split("/")[1:]:
        key = step.replace("~1", "/").replace("~0", "~")
        if not isinstance(node, dict) or key not in node:
            return None, root
        node = node[key]
    return node, root
