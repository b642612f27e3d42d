"""Where a tag reaches: the one answer for everybody who encrypts, guards, masks, shows, compares or proves.

A tag stands inline on a field (``confluent:tags`` in Avro and JSON Schema, ``(confluent.field_meta).tags`` in
Protobuf) or in ``metadata.tags``, which maps patterns of full names to tags. Both count at every depth. The places
that a schema has, and how patterns are matched to them, is ``places.py``; here they are joined with the names by
which a record is written. Protocol: Schema Registry 8.3, data contracts.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Iterator, Mapping
from typing import Final

import msgspec
from attrs import evolve, field, frozen

from bridge.documents import Broken, Steps, understood
from bridge.errors import Fatal, Stage
from bridge.languages.avro import places as avro_places
from bridge.languages.json_schema import places as json_places
from bridge.languages.places import Below, Node, Places, exactly, matches
from bridge.languages.protobuf import places as protobuf_places
from bridge.languages.spelling import spellings
from bridge.model.protection import TAGS
from bridge.model.registered import Registered
from bridge.model.registry_documents import MetadataDocument
from bridge.model.schema import Field, Kind, Schema
from bridge.model.texts import ReferringText, imports_of

Path = tuple[str, ...]
"""Names of fields from the record's own down to one of a record within."""
PLACES: Final[Mapping[str, Callable[[str], Places]]] = {
    "AVRO": avro_places.places,
    "JSON": json_places.places,
    "PROTOBUF": protobuf_places.places,
}
"""The registry's word for a format → the places in a schema's text."""
_DEEPEST: Final = 20


@frozen
class Tagged:
    """A schema's tags: of each field every tag with its origin; patterns of ``metadata.tags`` that match none.

    Fields are named by their path with dots between: ``Ship_To__c.City__c``.
    """

    fields: Mapping[str, Mapping[str, str]]
    unmatched: tuple[str, ...] = ()
    names: Mapping[str, str] = field(factory=dict)
    """Field → full name."""
    places: Places = field(factory=lambda: Places(()))
    origins: Mapping[str, Mapping[str, str]] = field(factory=dict)
    """Full name → tag → origin."""

    def follow(self, schema: Schema) -> dict[Path, frozenset[str]]:
        """Of each field of a schema that is written, at every depth, the full names that it has in this text.

        Several where the text has several records for one of the schema's; none for what the text lacks.
        """
        return dict(_followed(schema, [self.places.root], ()))

    def tags(self, names: Iterable[str]) -> frozenset[str]:
        """The tags of fields by their full names."""
        return frozenset(tag for name in names for tag in self.origins.get(name, ()))


def tags_in(text: str, type_: str, metadata: MetadataDocument | None = None, what: str = "") -> Tagged:
    """The tags of a registered schema; ``type_`` is the registry's AVRO, JSON or PROTOBUF. ``what``: what sentences
    call one that is not registered, such as its file.

    Fatal(stage=SCHEMA) for a text that is no such schema.
    """
    with understood(
        what or f"the registered {type_} schema", lambda message: Fatal(message, stage=Stage.SCHEMA)
    ):
        if type_ not in PLACES:
            raise Broken("is of a type that is not known here")
        return _tags_in(text, type_, metadata)


def _tags_in(text: str, type_: str, metadata: MetadataDocument | None) -> Tagged:
    places = PLACES[type_](text)
    origins: dict[str, dict[str, str]] = {}
    for place in places.fields:
        inline = dict.fromkeys(sorted(place.tags), "registered schema, inline")
        origins[place.name] = origins.get(place.name, {}) | inline
    unmatched = []
    for pattern, tags in ((metadata or {}).get("tags") or {}).items():
        matched = [name for name in origins if matches(pattern, name)]
        for name in matched:
            for tag in tags:
                origins[name].setdefault(tag, f"registered schema, metadata.tags {pattern}")
        if not matched:
            unmatched.append(pattern)
    fields: dict[str, dict[str, str]] = {}
    names: dict[str, str] = {}
    for path, each in _paths(places.root, origins, (), frozenset(), Steps()):
        dotted = ".".join(path)
        names.setdefault(dotted, each.full)
        fields[dotted] = origins[each.full] | fields.get(dotted, {})
    return Tagged(fields, tuple(unmatched), names, places, origins)


def every_field(schema: Schema, path: Path = ()) -> Iterator[tuple[Path, Field]]:
    """Every field of a struct, those of structs within behind the one that holds them."""
    for each in schema.fields:
        here = (*path, each.name)
        yield here, each
        inner = struct_in(each.schema)
        if inner is not None:
            yield from every_field(inner, here)


def struct_in(schema: Schema) -> Schema | None:
    """The struct that a value is, or that the items of its arrays and the values of its maps are."""
    if schema.kind is Kind.STRUCT:
        return schema
    return None if schema.value_schema is None else struct_in(schema.value_schema)


def _followed(schema: Schema, nodes: list[Node], path: Path) -> Iterator[tuple[Path, frozenset[str]]]:
    for each in schema.fields:
        here, wanted = (*path, each.name), spellings(each.name)
        hits = [below for node in nodes for below in node.below() if below.name in wanted]
        below = [hit.node for hit in hits]
        full = {hit.full for hit in hits}
        inner = struct_in(each.schema)
        if inner is None:  # whatever the text has below it is a part of this value
            yield here, frozenset(full | _everything(below))
            continue
        # a map may be written as entries with key and value
        entries = [e for node in below for e in node.below()] if _has_map(each.schema) else []
        full |= {entry.full for entry in entries if entry.name in ("key", "value")}
        yield here, frozenset(full)
        values = [entry.node for entry in entries if entry.name == "value"]
        yield from _followed(inner, [*below, *values], here)


def _everything(nodes: Iterable[Node]) -> set[str]:
    """The full names of all that is below; what is below itself is looked into once."""
    waiting, full_names, seen = list(nodes), set[str](), set[int | str]()
    while waiting:
        for below in waiting.pop().below():
            full_names.add(below.full)
            mark = below.full if below.entry is None else id(below.entry)
            if mark not in seen:
                seen.add(mark)
                waiting.append(below.node)
    return full_names


def _has_map(schema: Schema) -> bool:
    return schema.kind is Kind.MAP or (schema.value_schema is not None and _has_map(schema.value_schema))


def _paths(
    node: Node, wanted: Container[str], path: Path, within: frozenset[str], steps: Steps
) -> Iterator[tuple[Path, Below]]:
    """Each field by its path; those of a record that holds itself once."""
    below = [b for b in node.below() if b.full in wanted and b.full not in within]
    for each in below:
        steps.take()
        yield (*path, each.name), each
    if len(path) < _DEEPEST:
        for each in below:
            yield from _paths(each.node, wanted, (*path, each.name), within | {each.full}, steps)


def retagged(
    stored: Registered,
    wanted: Mapping[str, Iterable[str]],
    spoken_for: Iterable[str],
    *,
    in_metadata: bool = False,
) -> Registered:
    """``stored`` with the tags that ``wanted`` adds, and without those it lacks on fields that are ``spoken_for``.

    Fields are named as in ``Tagged``. Inline, but for Protobuf, for fields of schemas that are referred to and with
    ``in_metadata``, where it is an entry of ``metadata.tags``. Returns ``stored`` itself where nothing is to be
    changed. Fields that the schema has not are passed over.
    """
    present = tags_in(stored.text, stored.type, stored.metadata)
    final = set(spoken_for)
    changes: dict[str, list[str]] = {}
    for name, tags in wanted.items():
        if name not in present.names:
            continue
        has = set(present.fields[name])
        wish = set(tags) if name in final else has | set(tags)
        if wish != has:
            changes[name] = sorted(wish)
    if not changes:
        return stored
    metadata: MetadataDocument = {**(stored.metadata or {})}
    exact = {**(metadata.get("tags") or {})}
    text = stored.text if in_metadata else _with_inline(stored, changes)
    if text != stored.text:
        for name in changes:
            exact.pop(exactly(present.names[name]), None)
    reached = tags_in(text, stored.type, {"tags": exact}).fields
    for name, tags in changes.items():
        if not set(tags) <= set(reached[name]) or (text == stored.text and not tags):
            exact[exactly(present.names[name])] = tags
    if exact or metadata.get("tags"):
        metadata["tags"] = exact
    return evolve(stored, text=text, metadata=metadata if metadata or stored.metadata is not None else None)


def with_metadata_tags(stored: Registered) -> Registered:
    """``stored`` with every inline tag in ``metadata.tags``, too."""
    places = PLACES[stored.type](stored.text)
    entries = {exactly(place.name): sorted(place.tags) for place in places.fields if place.tags}
    if not entries:
        return stored
    metadata: MetadataDocument = {**(stored.metadata or {})}
    tags = {**(metadata.get("tags") or {}), **entries}
    return stored if tags == metadata.get("tags") else evolve(stored, metadata={**metadata, "tags": tags})


def _with_inline(stored: Registered, changes: Mapping[str, list[str]]) -> str:
    """The text with these tags on the fields themselves, as far as they stand in its own document."""
    places = PLACES[stored.type](stored.text)
    every = frozenset(place.name for place in places.fields)
    for path, each in _paths(places.root, every, (), frozenset(), Steps()):
        tags = changes.get(".".join(path))
        if tags is not None and each.entry is not None:
            each.entry.pop(TAGS, None)
            if tags:
                each.entry[TAGS] = tags
    if places.document is None:
        return stored.text
    text, imports = msgspec.json.encode(places.document).decode(), imports_of(stored.text)
    return ReferringText(text, imports) if imports else text
