"""JSON Schema: does data that one schema allows stay valid under another?

A content model is open (other properties are allowed), closed (``additionalProperties: false``) or partially open
(they must match a schema). A property may be added to a closed model and removed from an open one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Final

from attrs import define, field

from bridge.java.hash_order import hash_order, map_order
from bridge.java.limited import Limited
from bridge.languages.compatibility.json_nodes import Node, load
from bridge.languages.compatibility.json_words import counts, words
from bridge.languages.compatibility.source import Source

# keyword → the name it has in differences
_LIMITS: Final = {
    "string": ("maxLength", "minLength"),
    "number": ("maximum", "minimum", "exclusiveMaximum", "exclusiveMinimum"),
    "object": ("maxProperties", "minProperties"),
    "array": ("maxItems", "minItems"),
}

Difference = tuple[str, str]


def judge(reader: Source, writer: Source, reader_word: str, writer_word: str, lenient: bool) -> list[str]:
    """What stands against reading ``writer``'s data with ``reader``; ``new`` and ``old`` are the words for them."""
    comparison = _Comparison(lenient)
    comparison.compare(load(writer), load(reader))
    return [words(kind, path, reader_word, writer_word) for kind, path in comparison.differences]


@define
class _Comparison:
    _lenient: bool
    _path: list[str] = field(factory=list)
    _inside: list[int] = field(factory=list)
    differences: list[Difference] = field(factory=list)

    def compare(self, old: Node | None, new: Node | None) -> None:
        """The differences that count, from ``old`` to ``new``."""
        if old is None or new is None:
            if old is None and new is not None:
                self._add("SCHEMA_ADDED")
            return
        old, new = old.referred(), new.referred()
        if self._fits_a_member(old, new):
            return
        if old.kind != new.kind:
            both_bytes = old.connect_type == new.connect_type == "bytes"
            if not (old.kind == "false" or new.kind == "empty" or both_bytes):
                self._add("TYPE_CHANGED")
            return
        if id(old) in self._inside:
            return
        self._inside.append(id(old))
        self._same_kind(old, new)
        self._inside.pop()

    def _fits_a_member(self, old: Node, new: Node) -> bool:
        """A type may become one of several, and one of several that all held may be all that is left."""
        if (old.kind == "combined") == (new.kind == "combined"):
            return False
        combined = old if old.kind == "combined" else new
        single = len(combined.members) == 1
        if not single and (combined.criterion == "allOf") != (combined is old):
            return False
        for member in combined.members:
            trial = self._trial()
            trial.compare(*((member, new) if combined is old else (old, member)))
            if not trial.differences:
                return True
        return False

    def _same_kind(self, old: Node, new: Node) -> None:
        match old.kind:
            case "string":
                self._limits(_LIMITS["string"], old, new)
                if old.pattern != new.pattern and new.pattern is not None:
                    self._add("PATTERN_ADDED" if old.pattern is None else "PATTERN_CHANGED", "pattern")
            case "number":
                self._limits(_LIMITS["number"], old, new)
                self._multiple_of(old.limits.get("multipleOf"), new.limits.get("multipleOf"))
                if new.integer and not old.integer:
                    self._add("TYPE_NARROWED")
            case "const":
                if old.values != new.values:
                    self._add("ENUM_ARRAY_CHANGED", "const")
            case "enum":
                if not old.values <= new.values:
                    narrowed = new.values <= old.values
                    self._add("ENUM_ARRAY_NARROWED" if narrowed else "ENUM_ARRAY_CHANGED", "enum")
            case "not":
                with self._at("not"):
                    trial = self._trial()
                    trial.compare(new.inner, old.inner)
                    if trial.differences:
                        self._add("NOT_TYPE_EXTENDED")
            case "combined":
                self._combined(old, new)
            case "object":
                self._object(old, new)
            case "array":
                self._array(old, new)

    def _limits(self, keywords: Sequence[str], old: Node, new: Node) -> None:
        for keyword in keywords:
            before, after = old.limits.get(keyword), new.limits.get(keyword)
            name = re.sub(r"(?=[A-Z])", "_", keyword).upper()
            is_lower = keyword.lower().startswith(("min", "exclusivemin"))
            if after is None or after == before:
                continue
            if before is None:
                self._add(f"{name}_ADDED", keyword)
            elif is_lower == (after > before):
                self._add(f"{name}_{'INCREASED' if is_lower else 'DECREASED'}", keyword)

    def _multiple_of(self, old: float | None, new: float | None) -> None:
        if new is None or old == new:
            return
        if old is None:
            self._add("MULTIPLE_OF_ADDED", "multipleOf")
        elif int(old) and int(new) % int(old) == 0:
            self._add("MULTIPLE_OF_EXPANDED", "multipleOf")
        elif not int(new) or int(old) % int(new):
            self._add("MULTIPLE_OF_CHANGED", "multipleOf")

    # ------------------------------------------------------------------ combined

    def _combined(self, old: Node, new: Node) -> None:
        if not _criterion_fits(old, new):
            self._add("COMBINED_TYPE_CHANGED")
            return
        before = list({member.key: member for member in old.members}.values())
        after = list({member.key: member for member in new.members}.values())
        if len(before) < len(after) and new.criterion == "allOf":
            self._add("PRODUCT_TYPE_EXTENDED")
        elif len(before) > len(after) and old.criterion != "allOf":
            self._add("SUM_TYPE_NARROWED")
        fits: list[list[int]] = []
        for index, member in enumerate(before):
            with self._at(f"{old.criterion}/{index}"):
                fits.append([number for number, other in enumerate(after) if self._fits(member, other)])
        if _matched(fits) < min(len(before), len(after)):
            self._add("COMBINED_TYPE_SUBSCHEMAS_CHANGED")

    def _fits(self, old: Node, new: Node) -> bool:
        trial = self._trial()
        trial.compare(old, new)
        return not trial.differences

    # ------------------------------------------------------------------ objects

    def _object(self, old: Node, new: Node) -> None:
        with self._at("required"):
            for name in map_order(old.properties):
                newly = name in new.required and name not in old.required
                if name in new.properties and newly and not new.properties[name].has_default:
                    with self._at(name):
                        self._add("REQUIRED_ATTRIBUTE_ADDED")
        with self._at("properties"):
            for name in hash_order(map_order(old.properties), map_order(new.properties)):
                with self._at(name):
                    self._property(old, new, name)
        self._dependencies(old, new)
        self._rest("PROPERTIES", "additionalProperties", old, new)
        self._unevaluated("PROPERTIES", "unevaluatedProperties", old.unevaluated, new.unevaluated)
        self._limits(_LIMITS["object"], old, new)

    def _property(self, old: Node, new: Node, name: str) -> None:
        before, after = old.properties.get(name), new.properties.get(name)
        if before is not None and after is not None:
            self.compare(before, after)
        elif before is not None:
            self._property_removed(before, new, name)
        elif after is not None:
            self._property_added(old, new, name, after)

    def _property_removed(self, before: Node, new: Node, name: str) -> None:
        if _is_open(new):
            return
        covering = _covering(new, name)
        if covering is not None:
            if not self._covered(before, covering):
                self._add("PROPERTY_REMOVED_NOT_COVERED_BY_PARTIALLY_OPEN_CONTENT_MODEL")
        elif before.kind != "false":
            self._add("PROPERTY_REMOVED_FROM_CLOSED_CONTENT_MODEL")

    def _property_added(self, old: Node, new: Node, name: str, after: Node) -> None:
        required = name in new.required
        if _is_open(old):
            if after.kind == "empty":
                return
            if not required:
                self._add("OPTIONAL_PROPERTY_ADDED_TO_OPEN_CONTENT_MODEL")
            else:
                default = "_WITH_DEFAULT" if after.has_default else ""
                self._add(f"REQUIRED_PROPERTY{default}_ADDED_TO_OPEN_CONTENT_MODEL")
            return
        covering = _covering(old, name)
        if covering is not None and not self._covered(covering, after):
            self._add("PROPERTY_ADDED_NOT_COVERED_BY_PARTIALLY_OPEN_CONTENT_MODEL")
        if required and not after.has_default:
            self._add("REQUIRED_PROPERTY_ADDED_TO_UNOPEN_CONTENT_MODEL")

    def _covered(self, old: Node, new: Node) -> bool:
        trial = self._trial()
        trial.compare(old, new)
        self.differences += trial.differences
        return not trial.differences

    def _dependencies(self, old: Node, new: Node) -> None:
        with self._at("dependencies"):
            for name in hash_order(map_order(old.needs), map_order(new.needs)):
                before, after = old.needs.get(name), new.needs.get(name)
                with self._at(name):
                    if before is None:
                        self._add("DEPENDENCY_ARRAY_ADDED")
                    elif after is not None and not after <= before:
                        extended = before <= after
                        self._add("DEPENDENCY_ARRAY_EXTENDED" if extended else "DEPENDENCY_ARRAY_CHANGED")
            for name in hash_order(map_order(old.needs_schema), map_order(new.needs_schema)):
                with self._at(name):
                    if name not in old.needs_schema:
                        self._add("DEPENDENCY_SCHEMA_ADDED")
                    elif name in new.needs_schema:
                        self.compare(old.needs_schema[name], new.needs_schema[name])

    def _rest(self, what: str, keyword: str, old: Node, new: Node) -> None:
        """Additional properties or items."""
        with self._at(keyword):
            if old.additional != new.additional:
                self._add(f"ADDITIONAL_{what}_{'ADDED' if new.additional else 'REMOVED'}")
            elif old.additional_schema is None and new.additional_schema is not None:
                self._add(f"ADDITIONAL_{what}_NARROWED")
            elif new.additional_schema is not None:
                self.compare(old.additional_schema, new.additional_schema)

    def _unevaluated(self, what: str, keyword: str, old: Node | None, new: Node | None) -> None:
        if new is None:
            return
        with self._at(keyword):
            if new.kind == "false":
                if old is None or old.kind != "false":
                    self._add(f"UNEVALUATED_{what}_REMOVED")
            elif old is None or (old.kind == "empty" and new.kind != "empty"):
                self._add(f"UNEVALUATED_{what}_NARROWED")
            elif old.kind != "false" and new.kind != "empty":
                self.compare(old, new)

    # ------------------------------------------------------------------ arrays

    def _array(self, old: Node, new: Node) -> None:
        with self._at("items"):
            self.compare(old.items, new.items)
        for index in range(max(len(old.tuple), len(new.tuple))):
            with self._at(f"items/{index}"):
                self._item(old, new, index)
        self._rest("ITEMS", "additionalItems", old, new)
        self._unevaluated("ITEMS", "unevaluatedItems", old.unevaluated, new.unevaluated)
        self._limits(_LIMITS["array"], old, new)
        if new.unique and not old.unique:
            self._add("UNIQUE_ITEMS_ADDED", "uniqueItems")
        self._limits(("maxContains", "minContains"), old, new)

    def _item(self, old: Node, new: Node, index: int) -> None:
        before, after = (node.tuple[index] if index < len(node.tuple) else None for node in (old, new))
        if before is not None and after is not None:
            self.compare(before, after)
        elif before is not None and not _is_open(new):
            covering = _covering(new, None)
            if covering is None:
                if before.kind != "false":
                    self._add("ITEM_REMOVED_FROM_CLOSED_CONTENT_MODEL")
            elif not self._covered(before, covering):
                self._add("ITEM_REMOVED_NOT_COVERED_BY_PARTIALLY_OPEN_CONTENT_MODEL")
        elif before is None and after is not None:
            covering = _covering(old, None)
            if _is_open(old):
                if after.kind != "empty":
                    self._add("ITEM_ADDED_TO_OPEN_CONTENT_MODEL")
            elif covering is not None and not self._covered(covering, after):
                self._add("ITEM_ADDED_NOT_COVERED_BY_PARTIALLY_OPEN_CONTENT_MODEL")

    # ------------------------------------------------------------------ inside

    def _add(self, kind: str, keyword: str | None = None) -> None:
        if counts(kind, lenient=self._lenient):
            path = self._path if keyword is None else [*self._path, keyword]
            self.differences.append((kind, "#/" + "/".join(path)))

    @contextmanager
    def _at(self, step: str) -> Iterator[None]:
        self._path.append(step)
        yield
        self._path.pop()

    def _trial(self) -> _Comparison:
        return _Comparison(self._lenient, list(self._path), list(self._inside))


def _criterion_fits(old: Node, new: Node) -> bool:
    single_old, single_new = len(old.members) == 1, len(new.members) == 1
    return (
        old.criterion == new.criterion
        or new.criterion == "anyOf"
        or (single_old and (single_new or new.criterion == "oneOf"))
        or (single_new and old.criterion == "allOf")
    )


def _matched(fits: list[list[int]]) -> int:
    """How many of the left can be paired with a right each (Kuhn's augmenting paths)."""
    partner: dict[int, int] = {}

    def pair(left: int, tried: set[int]) -> bool:
        for right in fits[left]:
            if right not in tried:
                tried.add(right)
                if right not in partner or pair(partner[right], tried):
                    partner[right] = left
                    return True
        return False

    return sum(pair(left, set()) for left in range(len(fits)))


def _is_open(node: Node) -> bool:
    if not node.additional or node.additional_schema is not None or node.patterns:
        return False
    return node.unevaluated is None or node.unevaluated.kind == "empty"


def _covering(node: Node, name: str | None) -> Node | None:
    """What a property or item that is not listed must match in a partially open content model."""
    for pattern in map_order(node.patterns) if name is not None else ():
        if _matches(pattern, str(name)):
            return node.patterns[pattern]
    if node.additional_schema is not None:
        return node.additional_schema
    if node.additional and node.unevaluated is not None and node.unevaluated.kind not in ("false", "empty"):
        return node.unevaluated
    return None


def _matches(pattern: str, name: str) -> bool:
    try:
        return Limited(pattern).search(name) is not None
    except re.error:
        return False
