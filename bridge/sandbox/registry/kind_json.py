"""JSON Schemas in the registry: stored compact as they are written, normalized with keys sorted."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from bridge.languages.compatibility import InvalidSchema, Source
from bridge.languages.compatibility.json_nodes import Loader
from bridge.languages.compatibility.json_text import read, write
from bridge.sandbox.registry.error_codes import Unfit, UnknownEntity

TAGS: Final = "confluent:tags"
_COMBINED: Final = (("allOf", "allof"), ("anyOf", "anyof"), ("oneOf", "oneof"))
# The order of subschemas in a path, which is by type.
_ORDER: Final = ("array", "boolean", "combined", "const", "empty", "enum", "false", "not", "null", "number")

Json = Any


def canonical(source: Source, *, normalize: bool, edits: tuple[Any, ...]) -> str:
    """The text that is stored."""
    document = read(source.text)
    try:
        Loader(source.imports).load(document)
    except InvalidSchema as error:
        raise Unfit("Invalid JSON") from error
    for edit in edits:
        _edit(document, edit)
    return write(document, ordered=normalize)


def tags(source: Source) -> Iterator[tuple[str, str, list[str]]]:
    """Tags by path: ``object.ssn``, ``object.address.object.zip``, ``object.list.array.object.x``."""
    for path, kind, raw in _entities(read(source.text), "", in_field=False):
        noted = raw.get(TAGS)
        yield path, kind, [str(tag) for tag in noted] if isinstance(noted, list) else []


def formatted(source: Source, form: str) -> str:
    """JSON Schema has no other form."""
    del form
    return source.text


def same(one: Source, other: Source) -> bool:
    """Texts that differ are different schemas."""
    return one.text == other.text


def fields(source: Source) -> frozenset[str]:
    """Names of the properties."""
    document = read(source.text)
    properties = document.get("properties") if isinstance(document, dict) else None
    return frozenset(properties if isinstance(properties, dict) else ())


def _edit(document: Json, edit: Any) -> None:
    wanted = "sr_record" if edit.record else "sr_field"
    for path, kind, raw in _entities(document, "", in_field=False):
        if path == edit.path and kind == wanted:
            kept = [tag for tag in raw.get(TAGS, ()) if edit.adding or tag not in edit.tags]
            kept += [tag for tag in edit.tags if edit.adding and tag not in kept]
            if kept:
                raw[TAGS] = kept
            else:
                raw.pop(TAGS, None)
            return
    raise UnknownEntity(f"No matching path '{edit.path}' found in the schema")


def _entities(raw: Json, scope: str, *, in_field: bool) -> Iterator[tuple[str, str, dict[str, Json]]]:
    if not isinstance(raw, dict):
        return
    combined = next(((key, word) for key, word in _COMBINED if isinstance(raw.get(key), list)), None)
    is_object = raw.get("type") == "object" or "properties" in raw
    if combined and not is_object:
        members = sorted(raw[combined[0]], key=_order)
        for index, member in enumerate(members):
            yield from _entities(member, f"{scope}{combined[1]}.{index}.", in_field=False)
    elif isinstance(raw.get("items"), dict):
        yield from _entities(raw["items"], f"{scope}array.", in_field=False)
    elif is_object:
        if not in_field:
            yield f"{scope}object", "sr_record", raw
        for name, child in raw.get("properties", {}).items():
            path = f"{scope}object.{name}"
            if isinstance(child, dict):
                yield path, "sr_field", child
            yield from _entities(child, f"{path}.", in_field=True)
        for holder in ("definitions", "$defs"):
            for name, child in raw.get(holder, {}).items():
                yield from _entities(child, f"{scope}object.{holder}.{name}.", in_field=False)
    elif "not" in raw:
        yield from _entities(raw["not"], f"{scope}not.", in_field=False)


def _order(raw: Json) -> tuple[int, str]:
    kind = raw.get("type", "") if isinstance(raw, dict) else ""
    if isinstance(kind, list) or (isinstance(raw, dict) and any(key in raw for key, _ in _COMBINED)):
        kind = "combined"
    kind = "number" if kind == "integer" else kind
    position = _ORDER.index(kind) if kind in _ORDER else len(_ORDER)
    title = raw.get("title", "") if isinstance(raw, dict) else ""
    return position, f"{kind} {title}"
