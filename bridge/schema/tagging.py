"""Tags in registered schemas: which a schema carries and from where, and how one gets others.

Inline they stand on the field: ``confluent:tags`` in Avro and JSON Schema, ``(confluent.field_meta).tags`` in
Protobuf. ``metadata.tags`` maps patterns of full names to tags; a full name is ``record.field`` in Avro,
``$.field`` in JSON Schema, ``message.field`` in Protobuf. Only the record's own fields are looked at: what the
bridge writes has nothing sensitive below them. Protocol: Schema Registry 8.3, data contracts.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

import msgspec
from attrs import evolve, field, frozen

from bridge.schema.proto import parse
from bridge.schema.proto.tags import FIELD, tags_of
from bridge.schema.registry import Registered

INLINE: Final = "confluent:tags"


@frozen
class Tagged:
    """A schema's tags: of each field every tag with its origin; patterns of ``metadata.tags`` that match none."""

    fields: Mapping[str, Mapping[str, str]]
    unmatched: tuple[str, ...] = ()
    names: Mapping[str, str] = field(factory=dict)
    """Field → full name."""


def tags_in(text: str, type_: str, metadata: Mapping[str, Any] | None = None) -> Tagged:
    """The tags of a registered schema; ``type_`` is the registry's AVRO, JSON or PROTOBUF."""
    inline, names = _READ[type_](text)
    found = {n: dict.fromkeys(tags, "registered schema, inline") for n, tags in inline.items()}
    unmatched = []
    for pattern, tags in ((metadata or {}).get("tags") or {}).items():
        expression = expression_of(pattern)
        matched = [n for n, full in names.items() if expression.fullmatch(full)]
        for name in matched:
            for tag in tags:
                found[name].setdefault(tag, f"registered schema, metadata.tags {pattern}")
        if not matched:
            unmatched.append(pattern)
    return Tagged(found, tuple(unmatched), names)


def expression_of(pattern: str) -> re.Pattern[str]:
    """``?`` one character, ``*`` within a level, ``**`` across levels; ``**.*`` is ``**``."""
    parts = re.split(r"(\*\*|\*|\?)", pattern.replace("**.*", "**"))
    words = {"**": ".*", "*": r"[^.]*", "?": r"[^.]"}
    return re.compile("".join(words.get(part) or re.escape(part) for part in parts), re.DOTALL)


def retagged(
    stored: Registered,
    wanted: Mapping[str, Iterable[str]],
    spoken_for: Iterable[str],
    *,
    in_metadata: bool = False,
) -> Registered:
    """``stored`` with the tags that ``wanted`` adds, and without those it lacks on fields that are ``spoken_for``.

    Inline, but for Protobuf and with ``in_metadata``, where it is an entry of ``metadata.tags``. Returns
    ``stored`` itself where nothing is to be changed. Fields that the schema has not are passed over.
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
    metadata = dict(stored.metadata or {})
    exact = {**(metadata.get("tags") or {})}
    if in_metadata or stored.type == "PROTOBUF":
        for name, tags in changes.items():
            exact[present.names[name]] = tags
        return evolve(stored, metadata={**metadata, "tags": exact})
    for name in changes:
        exact.pop(present.names[name], None)
    if metadata.get("tags"):
        metadata["tags"] = exact
    text = _written(stored.text, stored.type, changes)
    return evolve(stored, text=text, metadata=metadata if stored.metadata is not None else None)


def with_metadata_tags(stored: Registered) -> Registered:
    """``stored`` with every inline tag in ``metadata.tags``, too."""
    found = tags_in(stored.text, stored.type)
    entries = {found.names[name]: sorted(tags) for name, tags in found.fields.items() if tags}
    if not entries:
        return stored
    metadata = dict(stored.metadata or {})
    tags = {**(metadata.get("tags") or {}), **entries}
    return stored if tags == metadata.get("tags") else evolve(stored, metadata={**metadata, "tags": tags})


def _written(text: str, type_: str, changes: Mapping[str, list[str]]) -> str:
    document = msgspec.json.decode(text.encode())
    for name, entry in _entries(document, type_).items():
        if name in changes:
            entry.pop(INLINE, None)
            if changes[name]:
                entry[INLINE] = changes[name]
    return msgspec.json.encode(document).decode()


def _entries(document: Any, type_: str) -> dict[str, dict[str, Any]]:
    if type_ == "JSON":
        properties = document.get("properties") if isinstance(document, dict) else None
        return {n: e for n, e in (properties or {}).items() if isinstance(e, dict)}
    return {entry["name"]: entry for entry in (_record(document) or {}).get("fields", ())}


def _record(document: Any) -> dict[str, Any] | None:
    branches = document if isinstance(document, list) else [document]
    return next((b for b in branches if isinstance(b, dict) and b.get("type") == "record"), None)


def _avro(text: str) -> tuple[dict[str, list[str]], dict[str, str]]:
    document = msgspec.json.decode(text.encode())
    record = _record(document) or {}
    name, space = str(record.get("name", "")), record.get("namespace")
    full = name if "." in name or not space else f"{space}.{name}"
    entries = _entries(document, "AVRO")
    return {n: list(e.get(INLINE) or ()) for n, e in entries.items()}, {n: f"{full}.{n}" for n in entries}


def _json(text: str) -> tuple[dict[str, list[str]], dict[str, str]]:
    entries = _entries(msgspec.json.decode(text.encode()), "JSON")
    return {n: list(e.get(INLINE) or ()) for n, e in entries.items()}, {n: f"$.{n}" for n in entries}


def _protobuf(text: str) -> tuple[dict[str, list[str]], dict[str, str]]:
    file = parse(text)
    if not file.messages:
        return {}, {}
    message = file.messages[0]
    full = f"{file.package}.{message.name}" if file.package else message.name
    tags = {f.name: tags_of(f.options, FIELD) for f in message.every_field()}
    return tags, {name: f"{full}.{name}" for name in tags}


_READ: Final = {"AVRO": _avro, "JSON": _json, "PROTOBUF": _protobuf}
