"""A registered Avro schema extended by the fields that it lacks; everything else in it stays as it is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

import msgspec
from attrs import evolve

from bridge.errors import Fatal, Stage
from bridge.formats.avro.render import Options, Renderer
from bridge.languages.avro.types import full_name, parse
from bridge.model.schema import Field, Kind, Schema

TAGS: Final = "confluent:tags"
_NAMED: Final = ("record", "enum", "fixed")
_INSIDE: Final = ("type", "items", "values")


def with_fields(schema: Schema, written: str, settings: Mapping[str, str]) -> str:
    """The text of a registered record with the fields of ``schema`` that it lacks, each behind the field that it
    follows in our layout. A struct that the record has already is referred to by its name, and then the field comes
    behind the one that defines it.

    Fatal(stage=SCHEMA) for a name that Avro does not allow, and for a schema that is no record.
    """
    if schema.kind is not Kind.STRUCT:
        return msgspec.json.encode(Renderer(Options.of(settings)).document(schema)).decode()
    parse(written)
    document = msgspec.json.decode(written.encode())
    if _record_in(document) is None:
        raise Fatal("the registered schema is not a record", stage=Stage.SCHEMA)
    renderer = Renderer(Options.of(settings))
    renderer.taken.update(name for name, _ in _definitions(document, ""))
    _extend(schema, document, "", renderer)
    return msgspec.json.encode(document).decode()


def _definitions(node: Any, namespace: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Named types defined in a part of a schema, with their full names."""
    if isinstance(node, list):
        for branch in node:
            yield from _definitions(branch, namespace)
    elif isinstance(node, dict):
        if node.get("type") in _NAMED and "name" in node:
            name = full_name(node, namespace)
            yield name, node
            namespace = name.rpartition(".")[0]
        for entry in node.get("fields", ()):
            yield from _definitions(entry.get("type"), namespace)
        for key in _INSIDE:
            if isinstance(node.get(key), dict | list):
                yield from _definitions(node[key], namespace)


def _record_in(node: Any) -> dict[str, Any] | None:
    branches = node if isinstance(node, list) else [node]
    return next((b for b in branches if isinstance(b, dict) and b.get("type") == "record"), None)


def _extend(schema: Schema, node: Any, namespace: str, renderer: Renderer) -> None:
    record = _record_in(node)
    if record is None:
        return
    space = full_name(record, namespace).rpartition(".")[0]
    columns = {renderer.name(column.name): column for column in schema.fields}
    for entry in record["fields"]:
        column = columns.get(entry["name"])
        if column is not None and column.schema.kind is Kind.STRUCT:
            _extend(column.schema, entry["type"], space, renderer)
            _remember(column.schema, entry["type"], space, renderer)
    _insert(columns, record["fields"], space, renderer)


def _insert(
    columns: Mapping[str, Field], entries: list[dict[str, Any]], space: str, renderer: Renderer
) -> None:
    place = 0
    for name, column in columns.items():
        present = next((i for i, entry in enumerate(entries) if entry["name"] == name), None)
        if present is None:
            entry = renderer.record_field(column, space)
            place = max(place, _behind_definitions(entry, entries, space))
            entries.insert(place, entry)
            place += 1
        else:
            place = present + 1


def _behind_definitions(entry: dict[str, Any], entries: list[dict[str, Any]], space: str) -> int:
    """The first place at which everything that a new field refers to is defined."""
    names = set(_references(entry["type"], space))
    return max(
        (i + 1 for i, e in enumerate(entries) if names & {n for n, _ in _definitions(e["type"], space)}),
        default=0,
    )


def _references(node: Any, namespace: str) -> Iterator[str]:
    """Full names that a part of a schema may refer to; names of primitive types among them."""
    if isinstance(node, str):
        yield node if "." in node or not namespace else f"{namespace}.{node}"
    elif isinstance(node, list):
        for branch in node:
            yield from _references(branch, namespace)
    elif isinstance(node, dict):
        if "fields" in node:
            namespace = full_name(node, namespace).rpartition(".")[0]
        for inner in (*(e["type"] for e in node.get("fields", ())), *(node[k] for k in _INSIDE if k in node)):
            yield from _references(inner, namespace)


def _remember(schema: Schema, node: Any, namespace: str, renderer: Renderer) -> None:
    """Tell the renderer of a struct that the document has, where it is what the renderer would make of it: the same
    fields with the same types, and at least its tags."""
    record = _record_in(node)
    if record is None:
        return
    full = full_name(record, namespace)
    fresh = Renderer(renderer.options)
    rendered = [fresh.record_field(column, full.rpartition(".")[0]) for column in schema.fields]
    entries = {entry["name"]: entry for entry in record["fields"]}
    if [wanted["name"] for wanted in rendered] == list(entries) and all(
        wanted["type"] == entries[wanted["name"]]["type"]
        and set(wanted.get(TAGS, ())) <= set(entries[wanted["name"]].get(TAGS) or ())
        for wanted in rendered
    ):
        renderer.structs[full] = evolve(schema, optional=False)
