"""Places in an Avro schema, and decoded values changed at them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from attrs import define, field, frozen

from bridge.documents import json_of
from bridge.languages.avro.types import PRIMITIVES, full_name
from bridge.languages.places import Below, Change, Changer, Place, Places, Stray, tags_in
from bridge.model.texts import imports_of

_SEALED: Final = ("string", "bytes")


def places(text: str) -> Places:
    """Every field of every record of a schema."""
    walk, document = _walked(text)
    return Places(tuple(walk.fields), tuple(walk.stray), _Type(walk, document, ""), document)


def changer(text: str) -> Changer:
    """What makes of a value the same value, ``to`` applied to each leaf of the fields, null left alone: arrays item by
    item, maps value by value, union branches with strings and bytes only. Values are as a decoder without logical
    types gives them."""
    walk, document = _walked(text)
    return lambda value, to: walk.change(document, "", value, None, to)


def _walked(text: str) -> tuple[_Walk, Any]:
    walk = _Walk()
    for text_of_import in imports_of(text).values():
        walk.type(json_of(text_of_import), "", "")
    document = json_of(text)
    walk.type(document, "", "")
    return walk, document


@frozen(eq=False)
class _Type:
    walk: _Walk
    type: Any
    space: str

    def below(self) -> Iterator[Below]:
        yield from self.walk.below(self.type, self.space)


@define
class _Walk:
    fields: list[Place] = field(factory=list)
    stray: list[Stray] = field(factory=list)
    named: dict[str, tuple[Any, str]] = field(factory=dict)

    def type(self, node: Any, space: str, owner: str) -> None:
        """Collect below a type."""
        if isinstance(node, list):
            for branch in node:
                self.type(branch, space, owner)
        elif isinstance(node, dict):
            kind = node.get("type")
            if kind in ("record", "error", "enum", "fixed"):
                name = full_name(node, space)
                owner, space = name, name.rpartition(".")[0]
                self.named[name] = (node, space)
            if tags_in(node) and "fields" not in node and owner:
                self.stray.append(Stray(f"the type of {owner}", tags_in(node)))
            elif tags_in(node):
                self.stray.append(Stray(f"the record {owner or node.get('name')}", tags_in(node)))
            if "fields" in node:
                self._record(node, space, owner)
            for key in ("type", "items", "values"):
                if isinstance(node.get(key), dict | list):
                    self.type(node[key], space, owner)

    def _record(self, node: Mapping[str, Any], space: str, name: str) -> None:
        for entry in node["fields"]:
            full = f"{name}.{entry['name']}"
            self.type(entry["type"], space, full)
            word, fits, note = self._judged(entry["type"], space)
            container = word.rpartition(" of ")[2] in ("record", "error")
            parts = self._parts(entry["type"], space)
            self.fields.append(Place(full, tags_in(entry), word, fits, container, parts, note))

    def _judged(self, node: Any, space: str) -> tuple[str, bool, str]:
        """The type in a word, whether it can be encrypted, and who cannot read that."""
        if isinstance(node, list):
            verdicts = [self._judged(b, space) for b in node if b != "null"]
            note = next((n for _, _, n in verdicts if n), "")
            return " or ".join(w for w, _, _ in verdicts) or "null", any(f for _, f, _ in verdicts), note
        if isinstance(node, str):
            definition = self._found(node, space)
            return (node, node in _SEALED, "") if definition is None else self._judged(*definition)
        kind = node["type"]
        if kind in ("array", "map"):
            word, fits, note = self._judged(node["items" if kind == "array" else "values"], space)
            return f"{kind} of {word}", fits, note
        if not isinstance(kind, str) or (kind not in PRIMITIVES and "name" not in node):
            return self._judged(kind, space)
        logical = node.get("logicalType")
        note = f"the Python client cannot read an encrypted {logical}" if logical in _UNREAD else ""
        return logical or kind, kind in _SEALED, note if kind in _SEALED else ""

    def _parts(self, node: Any, space: str) -> tuple[str, ...]:
        """Leaves of the record that a field's type is, or may be."""
        if isinstance(node, list):
            return tuple(part for branch in node for part in self._parts(branch, space))
        if isinstance(node, str):
            definition = self._found(node, space)
            return () if definition is None else self._parts(*definition)
        if "fields" in node:
            own = full_name(node, space)
            inner = own.rpartition(".")[0]
            return tuple(f"{own}.{e['name']}" for e in node["fields"] if self._judged(e["type"], inner)[1])
        kind = node["type"]
        below = {"array": "items", "map": "values"}.get(kind) if isinstance(kind, str) else "type"
        return self._parts(node[below], space) if below else ()

    def below(self, node: Any, space: str) -> Iterator[Below]:
        """Fields of the records that a value of the type is or holds."""
        if isinstance(node, list):
            for branch in node:
                yield from self.below(branch, space)
        elif isinstance(node, str):
            definition = self._found(node, space)
            if definition is not None:
                yield from self.below(*definition)
        elif "fields" in node:
            own = full_name(node, space)
            inner = own.rpartition(".")[0]
            for entry in node["fields"]:
                node = _Type(self, entry["type"], inner)
                yield Below(entry["name"], f"{own}.{entry['name']}", node, entry)
        else:
            kind = node["type"]
            key = {"array": "items", "map": "values"}.get(kind, "") if isinstance(kind, str) else "type"
            if key:
                yield from self.below(node[key], space)

    def _found(self, name: str, space: str) -> tuple[Any, str] | None:
        if name in PRIMITIVES:
            return None
        return self.named.get(f"{space}.{name}" if space and "." not in name else name) or self.named.get(
            name
        )

    def change(self, node: Any, space: str, value: Any, name: str | None, to: Change) -> Any:
        if value is None:
            return None
        if isinstance(node, list):
            return self._union(node, space, value, name, to)
        if isinstance(node, str):
            definition = self._found(node, space)
            if definition is not None:
                return self.change(*definition, value, name, to)
            return to(name, value) if name is not None and node in _SEALED else value
        kind = node["type"]
        if "fields" in node:
            own = full_name(node, space)
            inner = own.rpartition(".")[0]
            return {
                e["name"]: self.change(e["type"], inner, value[e["name"]], f"{own}.{e['name']}", to)
                for e in node["fields"]
                if e["name"] in value
            }
        if kind == "array":
            return [self.change(node["items"], space, item, name, to) for item in value]
        if kind == "map":
            return {key: self.change(node["values"], space, item, name, to) for key, item in value.items()}
        if kind in ("enum", "fixed"):
            return value
        return self.change(kind, space, value, name, to)

    def _union(self, branches: list[Any], space: str, value: Any, name: str | None, to: Change) -> Any:
        for branch in branches:
            if branch != "null" and self._is(branch, space, value):
                return self.change(branch, space, value, name, to)
        return value

    def _is(self, node: Any, space: str, value: Any) -> bool:
        definition = self._found(node, space) if isinstance(node, str) else None
        if definition is not None:
            return self._is(*definition, value)
        kind = node if isinstance(node, str) else node["type"]
        if not isinstance(kind, str):
            return self._is(kind, space, value)
        wanted = _PYTHON.get(kind)
        if wanted is None or not isinstance(value, wanted) or (isinstance(value, bool) and kind != "boolean"):
            return False
        return kind != "record" or set(value) <= {e["name"] for e in node["fields"]}


_UNREAD: Final = ("uuid", "decimal")
_PYTHON: Final[Mapping[str, Any]] = {
    "boolean": bool,
    "int": int,
    "long": int,
    "float": float,
    "double": float,
    "string": str,
    "enum": str,
    "bytes": bytes,
    "fixed": bytes,
    "array": list,
    "map": dict,
    "record": dict,
}
