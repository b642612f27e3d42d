"""What a registered JSON Schema allows, as far as an encoder must know: objects, their properties, their types.

References are followed: local ones (``#/definitions/…``, ``#/$defs/…``) and those into a document that the registered
text refers to by its name. One into any other document, or to an anchor, allows anything here.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

from attrs import field, frozen

from bridge.errors import Fatal, Stage
from bridge.model.texts import imports_of

_DEPTH: Final = 20


@frozen
class Document:
    """A parsed document and those it refers to, by name."""

    node: Any
    others: Mapping[str, Any] = field(factory=dict)


@frozen
class Object:
    """An object's part of a document: its own node, and the document for references."""

    node: dict[str, Any]
    root: Document

    @property
    def properties(self) -> dict[str, Any]:
        """The declared properties."""
        found = self.node.get("properties")
        return found if isinstance(found, dict) else {}

    @property
    def required(self) -> frozenset[str]:
        """Names that must be there."""
        found = self.node.get("required")
        return frozenset(found) if isinstance(found, list) else frozenset()

    def part(self, name: str) -> Object | None:
        """The object that a property holds, None where it is none."""
        return _object(self.properties.get(name), self.root, 0)

    def types(self, name: str) -> frozenset[str] | None:
        """JSON types a property may have; None: any."""
        return types(self.properties.get(name), self.root)


def parse(text: str) -> Document:
    """The document. Fatal(stage=SCHEMA) for what is no JSON."""
    try:
        others = {name: json.loads(other) for name, other in imports_of(text).items()}
        return Document(json.loads(text), others)
    except (ValueError, RecursionError):
        raise Fatal("the registered JSON Schema cannot be parsed", stage=Stage.SCHEMA) from None


def root_object(document: Document) -> Object:
    """The record's object. Fatal(stage=SCHEMA) where the document describes something else."""
    found = _object(document.node, document, 0)
    if found is None:
        raise Fatal("the registered JSON Schema describes no object", stage=Stage.SCHEMA)
    return found


def _object(node: Any, root: Document, depth: int) -> Object | None:
    if not isinstance(node, dict) or depth > _DEPTH:
        return None
    if "properties" in node:
        return Object(node, root)
    if "$ref" in node:
        return _object(*_referred(node["$ref"], root), depth + 1)
    for key in ("oneOf", "anyOf", "allOf"):
        for branch in node.get(key) or ():
            found = _object(branch, root, depth + 1)
            if found is not None:
                return found
    kind = node.get("type")
    return Object(node, root) if kind == "object" or (isinstance(kind, list) and "object" in kind) else None


def types(node: Any, root: Document, depth: int = 0) -> frozenset[str] | None:
    """JSON types a node allows; None: any."""
    if not isinstance(node, dict) or depth > _DEPTH:
        return None
    if "$ref" in node:
        return types(*_referred(node["$ref"], root), depth + 1)
    kind = node.get("type")
    if isinstance(kind, str):
        return frozenset((kind,))
    if isinstance(kind, list):
        return frozenset(map(str, kind))
    for key in ("oneOf", "anyOf"):
        branches = [types(branch, root, depth + 1) for branch in node.get(key) or ()]
        if branches:
            return None if None in branches else frozenset().union(*(b for b in branches if b))
    for branch in node.get("allOf") or ():
        found = types(branch, root, depth + 1)
        if found is not None:
            return found
    values = [node["const"]] if "const" in node else node.get("enum") or ()
    return frozenset(map(_type_of, values)) or None


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
