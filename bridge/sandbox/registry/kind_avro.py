"""Avro schemas in the registry."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from bridge.languages.compatibility import Source
from bridge.languages.compatibility.avro_normal import normalized
from bridge.languages.compatibility.avro_schema import TAGS, Parser, Type, load, render, tagged
from bridge.sandbox.registry.error_codes import UnknownEntity

RESERVED_PREFIX: Final = "$$"


def canonical(source: Source, *, normalize: bool, edits: tuple[Any, ...]) -> str:
    """The text that is stored: keys in the Java library's order, types of references only named."""
    parser = Parser()
    # only what a reference names is not spelled out again; a type that is defined within one is
    imported = frozenset(parser.parse(text).full_name for text in source.imports.values())
    tree = parser.parse(source.text)
    if edits:
        _edit(tree, edits)
    if normalize:
        normalized(tree)
    return render(tree, imported=imported)


def tags(source: Source) -> Iterator[tuple[str, str, list[str]]]:
    """Tags of records and fields, by full name."""
    for path, kind, props in tagged(load(source)):
        yield path, kind, list(props.get(TAGS, ()))


def formatted(source: Source, form: str) -> str:
    """``resolved``: references spelled out."""
    return render(load(source)) if form == "resolved" else source.text


def same(one: Source, other: Source) -> bool:
    """References may be spelled out, and the order of properties does not count."""
    trees = [load(one), load(other)]
    for tree in trees:
        normalized(tree)
    return render(trees[0]) == render(trees[1])


def fields(source: Source) -> frozenset[str]:
    """Names of a record's fields."""
    return frozenset(entry.name for entry in load(source).fields)


def _edit(tree: Type, edits: tuple[Any, ...]) -> None:
    entities = [(path, kind == "sr_record", props) for path, kind, props in tagged(tree)]
    for edit in edits:
        props = _entity(entities, edit)
        kept = [tag for tag in props.get(TAGS, ()) if edit.adding or tag not in edit.tags]
        kept += [tag for tag in edit.tags if edit.adding and tag not in kept]
        if kept:
            props[TAGS] = kept
        else:
            props.pop(TAGS, None)


def _entity(entities: list[tuple[str, bool, dict[str, Any]]], edit: Any) -> dict[str, Any]:
    """The properties of what is named by its full name, or by its name without the namespace."""
    path, parts = edit.path.removeprefix("."), 1 if edit.record else 2
    for full_name, record, props in entities:
        short = ".".join(full_name.split(".")[-parts:])
        if record == edit.record and path in (full_name, short):
            return props
    raise UnknownEntity(f"No matching path '{edit.path}' found in the schema")
