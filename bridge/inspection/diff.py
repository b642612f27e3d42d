"""What changed between two schemas, in words, and whom it breaks. Offline; of the same or of different sources.

A schema is taken apart into columns: the record's fields, those of nested records by their path. How strict a
registry judges is another question (``compatibility``); here it is said what consumers will notice.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, Final

from attrs import field, frozen

from bridge.errors import Fatal, Stage
from bridge.languages.protobuf import Message, map_parts, parse
from bridge.languages.tagging import tags_in
from bridge.languages.traits import traits_of
from bridge.metadata.infer import record_schema
from bridge.model.schema import DATE, DECIMAL, TIME, TIMESTAMP, UNSET, EventType, Kind, Schema

NOBODY: Final = "nobody"
_LOGICAL: Final = {TIMESTAMP: "timestamp", DATE: "date", TIME: "time", DECIMAL: "decimal"}
_AVRO_LOGICAL: Final = {
    "timestamp-millis": "timestamp",
    "timestamp-micros": "timestamp in microseconds",
    "date": "date",
    "time-millis": "time",
    "decimal": "decimal",
}
_PROTO_WORDS: Final = {
    "google.protobuf.Timestamp": "timestamp",
    "google.type.Date": "date",
    "bool": "boolean",
}
_WIDER: Final = {
    ("int", "long"), ("int", "float"), ("int", "double"), ("long", "float"), ("long", "double"),
    ("float", "double"), ("string", "bytes"), ("bytes", "string"),
}  # fmt: skip
"""What Avro's readers promote."""


@frozen
class Column:
    """A field: its type in words, whether it may be left out, its tags; its number where it has one."""

    type: str
    optional: bool = True
    tags: frozenset[str] = frozenset()
    number: int | None = None
    length: int | None = None


@frozen
class Shape:
    """A schema taken apart. ``form``: AVRO, JSON, PROTOBUF, or EVENT for metadata."""

    form: str
    name: str
    columns: Mapping[str, Column] = field(factory=dict)


@frozen
class Change:
    """One difference: where, what, whom it breaks (``nobody``), and what to do about it."""

    path: str
    what: str
    breaks: str = NOBODY

    @property
    def breaking(self) -> bool:
        """Whether somebody is broken by it."""
        return self.breaks != NOBODY


def shape_of_event(event: EventType) -> Shape:
    """Of metadata: what would be written, with the declared lengths."""
    lengths = {f.name: f.length for f in event.fields}
    schema = record_schema(event)
    columns = {
        path: Column(_words(s), s.optional, tags, None, lengths.get(path)) for path, s, tags in _walk(schema)
    }
    return Shape("EVENT", schema.name or event.name, columns)


def shape_of_text(text: str, type_: str, what: str = "") -> Shape:
    """Of a schema's text; ``type_`` is AVRO, JSON or PROTOBUF; ``what``: what sentences call one that is not
    registered. Fatal(stage=SCHEMA) for what is no such schema."""
    try:
        tags = {n: frozenset(field_tags) for n, field_tags in tags_in(text, type_, what=what).fields.items()}
        name, columns = _SHAPES[type_](text)
    except Fatal:
        raise
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError, StopIteration) as error:
        raise Fatal(
            f"{what or 'this'} is no {type_} schema of a record ({type(error).__name__})", stage=Stage.SCHEMA
        ) from None
    if not columns:
        subject = f"{what} as {type_}" if what else f"this {type_} schema"
        raise Fatal(f"{subject} has no record with fields", stage=Stage.SCHEMA)
    whole = {p: Column(c.type, c.optional, tags.get(p, frozenset()), c.number) for p, c in columns.items()}
    return Shape(type_, name, whole)


def changes(old: Shape, new: Shape) -> list[Change]:
    """Every difference, in the old schema's order, then what is new."""
    differences = []
    if old.name != new.name:
        differences.append(
            Change(
                "",
                f"the record was {old.name} and is {new.name}",
                "consumers that resolve by the record's name",
            )
        )
    for path, column in old.columns.items():
        after = new.columns.get(path)
        if after is None:
            differences.append(_removed(path, column))
        else:
            differences += _changed(path, column, after, new.form)
    differences += [_added(p, c, new.form) for p, c in new.columns.items() if p not in old.columns]
    return differences


def _removed(path: str, column: Column) -> Change:
    if column.optional:
        return Change(
            path, f"{path} ({column.type}) is gone", f"consumers that use {path}: it is null from now on"
        )
    return Change(
        path,
        f"{path} ({column.type}) is gone, and had no default",
        "consumers with the old schema: they cannot read new records",
    )


def _added(path: str, column: Column, form: str) -> Change:
    what = f"{path} ({column.type}) is new"
    if not column.optional:
        return Change(
            path,
            f"{what} and has no default",
            "consumers with the new schema: they cannot read older records",
        )
    if traits_of(form).strict:
        what += "; a registry takes it only with compatibilityPolicy=LENIENT (or a closed content model)"
    return Change(path, what)


def _changed(path: str, old: Column, new: Column, form: str) -> Iterator[Change]:
    if old.type != new.type:
        what = f"{path} was {old.type} and is {new.type}"
        if form == "AVRO" and (old.type, new.type) in _WIDER:
            yield Change(path, what, "consumers with the old schema: they cannot read new records")
        else:
            yield Change(
                path,
                what,
                "every consumer: neither schema reads the other's records, and the registry refuses it",
            )
    if old.number != new.number and None not in (old.number, new.number):
        yield Change(
            path, f"{path} had the number {old.number} and has {new.number}",
            "every consumer: on the wire a field is its number",
        )  # fmt: skip
    if old.optional and not new.optional:
        yield Change(
            path,
            f"{path} may no longer be left out",
            "consumers with the new schema: older records may lack it",
        )
    if new.optional and not old.optional:
        yield Change(
            path, f"{path} may be left out", "consumers with the old schema: new records may lack it"
        )
    if old.length and new.length and new.length != old.length:
        yield Change(path, f"{path} was up to {old.length} characters and is up to {new.length}")
    if added := sorted(new.tags - old.tags):
        yield Change(
            path, f"{path} is tagged {', '.join(added)}; where a rule encrypts that, readers without the key see "
            "ciphertext",
        )  # fmt: skip
    if lost := sorted(old.tags - new.tags):
        yield Change(
            path, f"{path} is no longer tagged {', '.join(lost)}: what was encrypted for it is plaintext"
        )


def _walk(schema: Schema, path: str = "") -> Iterator[tuple[str, Schema, frozenset[str]]]:
    for each in schema.fields:
        yield f"{path}{each.name}", each.schema, each.tags
        if each.schema.kind is Kind.STRUCT:
            yield from _walk(each.schema, f"{path}{each.name}.")


def _words(schema: Schema) -> str:
    logical = _LOGICAL.get(schema.name or "")
    names = {Kind.INT64: "long", Kind.FLOAT64: "double", Kind.STRUCT: "record", Kind.INT32: "int"}
    return logical or names.get(schema.kind, schema.kind.value)


def _avro(text: str) -> tuple[str, dict[str, Column]]:
    document = json.loads(text)
    branches = document if isinstance(document, list) else [document]
    record = next(b for b in branches if isinstance(b, dict) and b.get("type") == "record")
    name, space = record["name"], record.get("namespace")
    columns: dict[str, Column] = {}
    _avro_fields(record, "", columns, {})
    return (name if "." in name or not space else f"{space}.{name}"), columns


def _avro_fields(record: Any, path: str, out: dict[str, Column], named: dict[str, Any]) -> None:
    named[record["name"]] = record
    for entry in record["fields"]:
        type_, has_default = entry["type"], entry.get("default", UNSET) is not UNSET
        branches = [b for b in type_ if b != "null"] if isinstance(type_, list) else [type_]
        inner = [named.get(b, b) if isinstance(b, str) else b for b in branches]
        here = f"{path}{entry['name']}"
        out[here] = Column(" or ".join(_avro_words(b) for b in inner), has_default)
        for branch in inner:
            if isinstance(branch, dict) and branch.get("type") == "record" and here.count(".") < 20:
                _avro_fields(branch, f"{here}.", out, named)


def _avro_words(branch: Any) -> str:
    if isinstance(branch, str):
        return branch
    if (logical := _AVRO_LOGICAL.get(str(branch.get("logicalType")))) is not None:
        return logical
    kind = branch["type"]
    return _avro_words(kind) if isinstance(kind, dict) else str(kind)


def _json(text: str) -> tuple[str, dict[str, Column]]:
    document = json.loads(text)
    columns: dict[str, Column] = {}
    _json_fields(document, "", columns)
    return str(document.get("title") or "the object"), columns


def _json_fields(document: Any, path: str, out: dict[str, Column]) -> None:
    required = document.get("required") or ()
    for name, entry in (document.get("properties") or {}).items():
        branches = entry.get("oneOf") or entry.get("anyOf") or [entry]
        inner = [b for b in branches if b.get("type") != "null"]
        here = f"{path}{name}"
        out[here] = Column(" or ".join(_json_words(b) for b in inner), name not in required)
        for branch in inner:
            if branch.get("properties") and here.count(".") < 20:
                _json_fields(branch, f"{here}.", out)


def _json_words(branch: Mapping[str, Any]) -> str:
    if (logical := _LOGICAL.get(str(branch.get("title")))) is not None:
        return logical
    kind = branch.get("type")
    if isinstance(kind, list):
        return " or ".join(sorted(str(k) for k in kind if k != "null"))
    word = {"object": "record", "number": "double"}.get(str(kind), str(kind))
    connect = branch.get("connect.type")
    return {"int64": "long", "int32": "int", "float64": "double"}.get(str(connect), word)


def _protobuf(text: str) -> tuple[str, dict[str, Column]]:
    file = parse(text)
    message = file.messages[0]
    columns: dict[str, Column] = {}
    _proto_fields(message, "", columns)
    return (f"{file.package}.{message.name}" if file.package else message.name), columns


def _proto_fields(message: Message, path: str, out: dict[str, Column]) -> None:
    for each in message.every_field():
        pair = map_parts(each.type)
        kind = pair[1] if pair else each.type
        words = _PROTO_WORDS.get(kind.lstrip("."), kind)
        shown = f"map of {words}" if pair else f"{each.label} {words}" if each.label == "repeated" else words
        here = f"{path}{each.name}"
        out[here] = Column(shown, each.label != "required", number=each.tag)
        inner = message.message_named(kind)
        if inner is not None and here.count(".") < 20:
            _proto_fields(inner, f"{here}.", out)


_SHAPES: Final = {"AVRO": _avro, "JSON": _json, "PROTOBUF": _protobuf}
