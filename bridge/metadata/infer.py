"""From Salesforce's metadata to the record that is written; pure functions.

``eventSchema`` says which fields an event of one schema id has; ``describe`` says how they are declared today.
The first decides what exists, the second completes it (date, datetime, currency, labels, lengths), unless the
two contradict each other, which means that the field was replaced since. Sources: REST API guide (sObject
Describe, Platform Event Schema by Schema ID); the layout is the managed connector's.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

from attrs import evolve

from bridge.changes import HEADER, entity_of
from bridge.documents import Broken, understood
from bridge.errors import Fatal, Stage
from bridge.metadata.changes import PERSON, change_schema, change_type
from bridge.model.schema import DATE, TIMESTAMP, EventField, EventType, Field, Kind, Schema
from bridge.model.wire import AS_IT_STANDS

API_NAME: Final = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,254}", re.ASCII)
"""What events and fields are called in Salesforce."""
NAMESPACE: Final = "io.confluent.salesforce"
HEAD: Final = ("ReplayId", "CreatedDate", "CreatedById", "EventUuid")
"""The layout's first fields. ReplayId and EventUuid travel beside the payload, never in it."""
TAIL: Final = ("_ObjectType", "_EventType")

_TEXT: Final = (
    "string picklist multipicklist combobox reference base64 textarea phone id time url email encryptedstring "
    "datacategorygroupreference"
)

_KINDS: Final[dict[str, Kind]] = {
    **dict.fromkeys(_TEXT.split(), Kind.STRING),
    **dict.fromkeys(AS_IT_STANDS, Kind.STRING),
    PERSON: Kind.STRING,
    "boolean": Kind.BOOLEAN,
    "double": Kind.FLOAT64,
    "percent": Kind.FLOAT64,
    "int": Kind.INT32,
    "long": Kind.INT64,
}
_COMPOUND: Final[dict[str, tuple[tuple[str, str], ...]]] = {
    "location": (("Latitude", "double"), ("Longitude", "double")),
    "address": (
        *((name, "string") for name in ("Street", "City", "State", "PostalCode", "Country")),
        *((name, "string") for name in ("StateCode", "CountryCode")),
        ("Latitude", "double"),
        ("Longitude", "double"),
        ("GeocodeAccuracy", "string"),
    ),
}
"""Parts of the compound types where metadata does not list them (Object Reference, compound fields)."""

_DOC_TYPES: Final = {
    "DateTime": "datetime",
    "DateOnly": "date",
    "Birthday": "date",
    "TimeOnly": "time",
    "Currency": "currency",
    "Percent": "percent",
    "EntityId": "reference",
    "Address": "address",
    "Location": "location",
    "Integer": "int",
    "PersonName": PERSON,
    "Switchable_PersonName": PERSON,
}
"""The second word of an eventSchema field's ``doc`` (``Data:Currency:00N…``) → describe's word."""

_AVRO_TYPES: Final = {"string": "string", "double": "double", "float": "double", "boolean": "boolean"}
_NUMBERS: Final = frozenset(("double", "percent", "currency", "int", "long", "date", "datetime", "time"))


def metadata_fatal(message: str) -> Fatal:
    """What is wrong with metadata, as an error."""
    return Fatal(message, stage=Stage.METADATA)


def event_type(
    event: str, describe: Mapping[str, object] | None, event_schema: Mapping[str, object] | None
) -> EventType:
    """The event's declaration from either source or both.

    Raises Fatal(stage=METADATA) naming field and type where a type has no place in the layout, and for metadata that
    is not Salesforce's.
    """
    with understood(f"the metadata of {event}", metadata_fatal):
        return _checked(_event_type(event, describe, event_schema))


def _checked(event: EventType) -> EventType:
    """Names as Salesforce gives them, texts and numbers where they belong: code is made of them."""
    for text in (event.label, event.schema_id, *(one.label for one in event.fields)):
        if text is not None and (not isinstance(text, str) or any("\ud800" <= c <= "\udfff" for c in text)):
            raise Broken("has a label or an id that is no text")
    names = [f.name for one in event.fields for f in (one, *one.children)]
    for name in names:
        if not isinstance(name, str) or not API_NAME.fullmatch(name):
            raise Fatal(
                f"field {str(name)[:60]!r} of {event.name} is not named like Order_Number__c",
                stage=Stage.METADATA,
            )
    if not API_NAME.fullmatch(event.name):
        raise Fatal(f"the event {event.name[:60]!r} is not named like Order_Placed__e", stage=Stage.METADATA)
    for one in event.fields:
        if not isinstance(one.nillable, bool):
            raise Broken(f"has a field {one.name} whose nillable is no boolean")
        for number in (one.length, one.precision, one.scale):
            if number is not None and (isinstance(number, bool) or not isinstance(number, int)):
                raise Broken(f"has a field {one.name} whose length, precision or scale is no number")
    return event


def _event_type(
    event: str, describe: Mapping[str, Any] | None, event_schema: Mapping[str, Any] | None
) -> EventType:
    label = None if describe is None else describe.get("label")
    entity = entity_of(event)
    if entity is not None:
        made = _change_type(event, entity, describe, event_schema)
        return evolve(made, label=label, schema_id=None if event_schema is None else event_schema.get("uuid"))
    declared = _by_name(event, _described(event, describe)) if describe is not None else {}
    if event_schema is None:
        fields: Iterable[EventField] = declared.values()
        return EventType(
            event, tuple(f for f in fields if f.name not in ("ReplayId", "EventUuid")), None, label
        )
    payload = _payload(event, event_schema)
    names: dict[str, Mapping[str, Any]] = {}
    by_name = _by_name(event, (_from_avro(event, f, names) for f in payload["fields"]))
    completed = tuple(_completed(f, declared) for f in by_name.values())
    return EventType(event, completed, event_schema.get("uuid"), label)


def _change_type(
    event: str, entity: str, describe: Mapping[str, Any] | None, event_schema: Mapping[str, Any] | None
) -> EventType:
    """Of a change event. ``describe`` is the object's, which may have fields that no event carries."""
    described = None if describe is None else _by_name(event, _described(event, describe, lenient=True))
    if event_schema is None:
        return change_type(event, entity, described, None)
    names: dict[str, Mapping[str, Any]] = {}
    carried = [f for f in _payload(event, event_schema)["fields"] if f.get("name") != HEADER]
    found = _by_name(event, (_from_avro(event, f, names) for f in carried))
    completed = {
        name: each if each.children else _completed(each, described or {}) for name, each in found.items()
    }
    return change_type(event, entity, described, completed)


def _by_name(event: str, fields: Iterable[EventField]) -> dict[str, EventField]:
    by_name: dict[str, EventField] = {}
    for each in fields:
        if each.name in by_name:
            raise Fatal(f"the metadata of {event} has the field {each.name} twice", stage=Stage.METADATA)
        by_name[each.name] = each
    return by_name


def record_schema(event: EventType) -> Schema:
    """The value's schema in the managed connector's layout: everything optional, but for what makes a change event."""
    if event.entity is not None:
        return change_schema(event, NAMESPACE, TAIL, lambda each: _schema(event.name, each))
    own = [f for f in event.fields if f.name not in HEAD and f.name not in TAIL]
    text = Schema(Kind.STRING, optional=True)
    moment = Schema(Kind.INT64, optional=True, name=TIMESTAMP, version=1)
    tags = {f.name: frozenset(f.tags) for f in event.fields}
    head = [Field(n, moment if n == "CreatedDate" else text, tags.get(n, frozenset())) for n in HEAD]
    body = [Field(f.name, _schema(event.name, f), frozenset(f.tags)) for f in own]
    tail = [Field(n, text) for n in TAIL]
    return Schema(Kind.STRUCT, name=f"{NAMESPACE}.{event.name}", fields=(*head, *body, *tail))


def _schema(event: str, declared: EventField) -> Schema:
    if declared.type == "date":
        return Schema(Kind.INT32, optional=True, name=DATE, version=1)
    if declared.type == "datetime":
        return Schema(Kind.INT64, optional=True, name=TIMESTAMP, version=1)
    if declared.type in _COMPOUND:
        parts = tuple(Field(c.name, _schema(event, c)) for c in declared.children)
        return Schema(Kind.STRUCT, optional=True, fields=parts)
    return Schema(_kind(event, declared.name, declared.type), optional=True)


def _kind(event: str, name: str, type_: str) -> Kind:
    kind = _KINDS.get(type_)
    if kind is None:
        raise Fatal(
            f"field {name} of {event} has the type {type_}, which has no place in a record; "
            "remove the field from the event",
            stage=Stage.METADATA,
        )
    return kind


def _described(event: str, describe: Mapping[str, Any], *, lenient: bool = False) -> Iterable[EventField]:
    """``lenient``: fields of types that have no place are passed over."""
    fields = describe.get("fields")
    if not isinstance(fields, list):
        raise Fatal(f"the describe of {event} has no list of fields", stage=Stage.METADATA)
    for entry in fields:
        if lenient and entry.get("type") not in (*_KINDS, *_COMPOUND, "date", "datetime"):
            continue
        yield described_field(event, entry)


def described_field(event: str, entry: Mapping[str, Any]) -> EventField:
    """A field in describe's words. Fatal(stage=METADATA) for a type that has no place in the layout."""
    name, type_ = entry.get("name"), entry.get("type")
    if not isinstance(name, str) or not isinstance(type_, str):
        raise Fatal(f"the describe of {event} has a field without name or type", stage=Stage.METADATA)
    if type_ not in _COMPOUND and type_ not in ("date", "datetime"):
        _kind(event, name, type_)
    return EventField(
        name=name,
        type=type_,
        label=entry.get("label"),
        nillable=entry.get("nillable", True),
        length=entry.get("length") or None,
        precision=entry.get("precision") or None,
        scale=entry.get("scale") if entry.get("precision") else None,
        children=_parts(type_),
    )


def _parts(type_: str) -> tuple[EventField, ...]:
    return tuple(EventField(name, part) for name, part in _COMPOUND.get(type_, ()))


def _payload(event: str, event_schema: Mapping[str, Any]) -> Mapping[str, Any]:
    """The payload's record: the document itself (COMPACT), or inside ``data`` (EXPANDED)."""
    record: Any = event_schema
    for step in () if event_schema.get("type") == "record" else ("data", "payload"):
        fields = record.get("fields", ()) if isinstance(record, Mapping) else ()
        record = next((f.get("type") for f in fields if f.get("name") == step), None)
    if not isinstance(record, Mapping) or not isinstance(record.get("fields"), list):
        raise Fatal(f"the eventSchema of {event} has no payload record", stage=Stage.METADATA)
    return record


def _from_avro(event: str, entry: Mapping[str, Any], names: dict[str, Mapping[str, Any]]) -> EventField:
    if not isinstance(entry, Mapping) or "type" not in entry or not isinstance(entry.get("name"), str):
        raise Fatal(f"a field of {event} lacks its name or its type", stage=Stage.METADATA)
    type_ = entry["type"]
    branches = [b for b in type_ if b != "null"] if isinstance(type_, list) else [type_]
    name = entry["name"]
    if len(branches) == 2 and branches[0] == "string" and entity_of(event) is not None:
        branches = branches[1:]  # a Name is a text of accounts, and a record of persons
    if len(branches) != 1:
        raise Fatal(f"field {name} of {event} may have {len(branches)} types at once", stage=Stage.METADATA)
    avro = names.get(branches[0], branches[0]) if isinstance(branches[0], str) else branches[0]
    if isinstance(avro, Mapping) and "name" in avro:
        names[avro["name"]] = avro
    word = (entry.get("doc") or "").split(":")
    hint = _DOC_TYPES.get(word[1]) if len(word) > 1 else None
    declared, children = _avro_type(event, name, avro, hint, names)
    return EventField(name=name, type=declared, nillable="null" in type_, children=children)


def _avro_type(
    event: str, name: str, avro: Any, hint: str | None, names: dict[str, Mapping[str, Any]]
) -> tuple[str, tuple[EventField, ...]]:
    base = avro.get("type") if isinstance(avro, Mapping) else avro
    if not isinstance(base, str):
        shape = (
            "a union within a union" if isinstance(base, list) else "of no type that a field of an event has"
        )
        raise Fatal(f"field {name} of {event} is {shape}", stage=Stage.METADATA)
    if base == "record":
        children = tuple(_from_avro(event, child, names) for child in avro["fields"])
        if any(c.children or c.type in ("date", "datetime") for c in children):
            raise Fatal(f"field {name} of {event} nests deeper than an address", stage=Stage.METADATA)
        return _compound_type(name, hint, children), children
    if base in ("int", "long"):
        return hint or base, ()
    if base not in _AVRO_TYPES:
        raise Fatal(f"field {name} of {event} has the unknown type {base}", stage=Stage.METADATA)
    plain = _AVRO_TYPES[base]
    fits = plain != "boolean" and hint not in (None, "address", "location", "int")
    return (hint or plain) if fits else plain, ()


def _compound_type(name: str, hint: str | None, children: tuple[EventField, ...]) -> str:
    """``doc`` is not always there; then the parts tell."""
    if hint in (*_COMPOUND, PERSON):
        return str(hint)
    if name == "Name":
        return PERSON
    return "location" if {child.name for child in children} == {"Latitude", "Longitude"} else "address"


def _completed(field: EventField, declared: Mapping[str, EventField]) -> EventField:
    """What describe adds, where it speaks of the same field and not of a successor of the same name."""
    today = declared.get(field.name)
    if today is None or _wire(today.type).isdisjoint(_wire(field.type)):
        return field
    return evolve(today, children=field.children or today.children, tags=field.tags)


def _wire(type_: str) -> frozenset[str]:
    """JSON kinds a declared type may have on the wire."""
    if type_ in _COMPOUND:
        return frozenset({"object"})
    if type_ == "boolean":
        return frozenset({"boolean"})
    if type_ in AS_IT_STANDS:
        return frozenset({"string", "number", "object"})
    if type_ in _NUMBERS:
        return frozenset({"number", "string"} if type_ in ("date", "datetime", "time") else {"number"})
    return frozenset({"string"})
