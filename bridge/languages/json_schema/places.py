"""Places in a JSON Schema, and parsed values changed at them.

Only a tag on the property itself counts for every official client; one in a ``oneOf`` branch, on ``items``, at a
``$ref``'s target or on the root is stray. References to other documents are not followed here; some clients do follow
them, so that a pattern that may reach behind one cannot be heeded (``unfollowed``).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from attrs import define, field, frozen

from bridge.documents import Steps, json_of
from bridge.languages.places import Below, Change, Changer, Place, Places, Stray, tags_in
from bridge.model.texts import imports_of

_BRANCHES: Final = ("oneOf", "anyOf", "allOf")


def places(text: str) -> Places:
    """Every property that the schema names."""
    walk, others = _Walk(json_of(text)), imports_of(text)
    walk.node(walk.root, "$", frozenset(), top=True)
    for name, other in others.items():
        walk.elsewhere(json_of(other), f"the document {name}")
    root = _Type(walk.root, walk.root, "$")
    unfollowed = [
        r for r in walk.unfollowed if '"properties"' in others.get(r.partition("#")[0], '"properties"')
    ]
    return Places(tuple(walk.fields.values()), tuple(walk.stray), root, walk.root, tuple(unfollowed))


def changer(text: str) -> Changer:
    """What makes of a value the same value, ``to`` applied to each text of the properties; arrays item by item."""
    root = json_of(text)
    return lambda value, to: _changed(root, root, "$", value, None, to)


@frozen(eq=False)
class _Type:
    root: Any
    node: Any
    path: str

    def below(self) -> Iterator[Below]:
        return self._below(set())

    def _below(self, seen: set[int]) -> Iterator[Below]:
        """``seen``: items that were looked into, by identity, so that an array of itself ends."""
        for one in _every(self.root, self.node):
            for name, entry in _own(one).items():
                full = f"{self.path}.{name}"
                its = entry if isinstance(entry, dict) else None
                yield Below(name, full, _Type(self.root, entry, full), its)
            items = one.get("items")
            if isinstance(items, dict) and id(items) not in seen:
                seen.add(id(items))
                yield from _Type(self.root, items, f"{self.path}[0]")._below(seen)


@define
class _Walk:
    root: Any
    fields: dict[str, Place] = field(factory=dict)
    stray: list[Stray] = field(factory=list)
    unfollowed: dict[str, None] = field(factory=dict)
    steps: Steps = field(factory=Steps)

    def node(self, node: Any, path: str, seen: frozenset[str], *, top: bool = False) -> None:
        self.steps.take()
        if not isinstance(node, dict):
            return
        if top and tags_in(node):
            self.stray.append(Stray("the schema's root", tags_in(node)))
        reference = node.get("$ref")
        if isinstance(reference, str) and reference not in seen:
            target = resolved(self.root, node)
            if target is node:
                self.unfollowed[reference] = None
            else:
                self._stray(target, f"the definition {reference}")
                self.node(target, path, seen | {reference})
        for branch in _branches(node):
            self._stray(branch, f"a branch of {path}")
            self.node(branch, path, seen)
        items = node.get("items")
        if isinstance(items, dict):
            self._stray(items, f"the items of {path}")
            self.node(items, f"{path}[0]", seen)
        for name, entry in _own(node).items():
            full = f"{path}.{name}"
            if isinstance(entry, dict | bool):  # true stands for anything
                word, fits, note = _judged(self.root, entry, frozenset(), self.steps)
                place = self.fields.get(full)
                inline = tags_in(entry) if isinstance(entry, dict) else frozenset[str]()
                tags = inline | (place.tags if place else frozenset())
                parts = tuple(
                    f"{full}.{name}"
                    for name, part in _properties(self.root, entry).items()
                    if _judged(self.root, part, frozenset(), self.steps)[1]
                )
                self.fields[full] = Place(
                    full, tags, word, fits, word.rpartition(" of ")[2] == "object", parts, note
                )
                self.node(entry, full, seen)

    def elsewhere(self, node: Any, where: str) -> None:
        """Tags anywhere in another document: not every client follows references to it."""
        self._stray(node, where)
        for inner in node.values() if isinstance(node, dict) else node if isinstance(node, list) else ():
            self.elsewhere(inner, where)

    def _stray(self, node: Any, where: str) -> None:
        if isinstance(node, dict) and tags_in(node):
            self.stray.append(Stray(where, tags_in(node)))


def resolved(root: object, node: Mapping[str, object]) -> object:
    """The target of a local reference; the node itself where there is none."""
    reference = node.get("$ref")
    if not isinstance(reference, str) or not reference.startswith("#"):
        return node
    target = root
    for step in reference.removeprefix("#").strip("/").split("/"):
        if step:
            target = (
                target.get(step.replace("~1", "/").replace("~0", "~")) if isinstance(target, dict) else None
            )
    return node if target is None else target


def _branches(node: Mapping[str, Any]) -> Iterator[Any]:
    for key in _BRANCHES:
        branches = node.get(key)
        if isinstance(branches, list):
            yield from branches


def _own(node: Mapping[str, Any]) -> Mapping[str, Any]:
    properties = node.get("properties")
    return properties if isinstance(properties, dict) else {}


def _judged(root: Any, node: Any, seen: frozenset[str], steps: Steps) -> tuple[str, bool, str]:
    steps.take()
    if not isinstance(node, dict):
        return "anything", False, ""
    reference = node.get("$ref")
    if isinstance(reference, str):
        target = resolved(root, node)
        if target is node or reference in seen:
            return f"a reference to {reference}", False, ""
        return _judged(root, target, seen | {reference}, steps)
    branches = [b for b in _branches(node) if not (isinstance(b, dict) and b.get("type") == "null")]
    if branches:
        verdicts = [_judged(root, b, seen, steps) for b in branches]
        return " or ".join(w for w, _, _ in verdicts), any(f for _, f, _ in verdicts), ""
    kinds = node.get("type")
    kinds = [k for k in (kinds if isinstance(kinds, list) else [kinds]) if k not in ("null", None)]
    if kinds == ["array"]:
        word, fits, note = _judged(root, node.get("items"), seen, steps)
        return f"array of {word}", fits, note
    if not kinds:
        return "an enum without a type" if "enum" in node else "anything", False, ""
    note = "the Python client cannot read an encrypted enum" if "enum" in node else ""
    return " or ".join(map(str, kinds)), "string" in kinds, note


def _changed(root: Any, node: Any, path: str, value: Any, name: str | None, to: Change) -> Any:
    """``name``: the property a text belongs to."""
    if isinstance(value, str):
        return value if name is None else to(name, value)
    if isinstance(value, list):
        items = _first(root, node, "items")
        return [_changed(root, items, f"{path}[0]", item, name, to) for item in value]
    if isinstance(value, dict):
        properties = _properties(root, node)
        return {
            key: _changed(root, properties[key], f"{path}.{key}", item, f"{path}.{key}", to)
            if key in properties
            else item
            for key, item in value.items()
        }
    return value


def _every(root: Any, node: Any, seen: set[int] | None = None) -> Iterator[Mapping[str, Any]]:
    """A node, what it refers to, and its branches, each once. ``seen``: by identity."""
    seen = set() if seen is None else seen
    if not isinstance(node, dict) or id(node) in seen:
        return
    seen.add(id(node))
    yield node
    yield from _every(root, resolved(root, node), seen)
    for branch in _branches(node):
        yield from _every(root, branch, seen)


def _first(root: Any, node: Any, key: str) -> Any:
    return next((n[key] for n in _every(root, node) if key in n), None)


def _properties(root: Any, node: Any) -> dict[str, Any]:
    properties: dict[str, Any] = {}
    for one in reversed(list(_every(root, node))):
        properties |= _own(one)
    return properties
