"""Change events: from the object's describe and the event's own schema to the record that is written; pure functions.

The event's schema says which fields come; the object's describe says how they are declared, in which order, and what
the object itself calls the parts of compound fields (``MailingAddress.Street`` is ``MailingStreet``). The layout is
that of Confluent's CDC connector as it was recorded: ``Id``, ``ReplayId`` and the header, the object's fields in
describe's order with person names flattened and addresses nested, ``_ObjectType`` and ``_EventType``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Final

from attrs import evolve

from bridge.changes import DIFFS, HEADER, NULLED
from bridge.model.schema import EventField, EventType, Field, Kind, Schema

ID: Final = "Id"
PERSON: Final = "personname"
"""The type of a ``Name`` that is a record of its parts."""
_PERSON_PARTS: Final = ("Salutation", "FirstName", "LastName", "MiddleName", "Suffix")
_NEVER: Final = frozenset(
    [
        "Id",
        "IsDeleted",
        "SystemModstamp",
        "MasterRecordId",
        "LastActivityDate",
        "LastViewedDate",
        "LastReferencedDate",
        "PhotoUrl",
    ]
)
"""Fields of an object that no change event has (CDC guide); all that is known of it where its schema is not."""
_HEADER_FIELDS: Final = (
    ("entityName", Kind.STRING),
    ("recordIds", Kind.ARRAY),
    ("changeType", Kind.STRING),
    ("changedFields", Kind.ARRAY),
    ("changeOrigin", Kind.STRING),
    ("transactionKey", Kind.STRING),
    ("sequenceNumber", Kind.INT64),
    ("commitTimestamp", Kind.INT64),
    ("commitUser", Kind.STRING),
    ("commitNumber", Kind.INT64),
)
"""As recorded of Confluent's connector."""
_MORE_OF_HEADER: Final = ((NULLED, Kind.ARRAY), (DIFFS, Kind.ARRAY))
_ADDRESS: Final = (
    "GeocodeAccuracy",
    "State",
    "Street",
    "PostalCode",
    "Country",
    "Latitude",
    "City",
    "Longitude",
)
"""The parts of an address as recorded; others that the event declares come behind them."""
_SAME_PERSON: Final = ("LastModifiedById", "CreatedById")
"""Fields whose value the header's ``commitUser`` tells."""
_SAME_MOMENT: Final = ("LastModifiedDate", "CreatedDate")
"""Those whose value its ``commitTimestamp`` tells."""


def change_type(
    event: str,
    entity: str,
    described: Mapping[str, EventField] | None,
    found: Mapping[str, EventField] | None,
) -> EventType:
    """The event's declaration. ``described``: the object's fields, in order; ``found``: those of the event's own
    schema, without the header. Either may be None."""
    known = described or {}
    if found is None:
        found = _as_described(known)
    wire = {name: _with_flat_names(each, known) for name, each in found.items()}
    parts = {child.flat: each.name for each in wire.values() for child in each.children if child.flat}
    fields = [EventField(ID, "id", nillable=False, part_of=HEADER)]
    for name, declared in known.items():
        if name in wire:
            fields += _with_parts(wire[name], known)
        elif name in parts:
            fields.append(evolve(declared, part_of=parts[name]))
    for name, each in wire.items():
        if name not in known:
            fields += _with_parts(each, known)
    return EventType(event, tuple(fields), entity=entity)


def _with_parts(each: EventField, described: Mapping[str, EventField]) -> Iterator[EventField]:
    """A field and, of a person's name, the parts that the object does not have: an account's where none is a person."""
    yield each
    if each.type == PERSON:
        for child in each.children:
            if child.flat and child.flat not in described:
                yield EventField(child.flat, child.type, part_of=each.name)


def _as_described(described: Mapping[str, EventField]) -> dict[str, EventField]:
    """What comes on the wire, as far as describe tells: compound fields, and not their parts."""
    whole = {name: each for name, each in described.items() if name not in _NEVER}
    if names := tuple(EventField(part, "string") for part in _PERSON_PARTS if part in described):
        whole["Name"] = EventField("Name", PERSON, children=names)
    flat = {
        name
        for each in whole.values()
        for child in each.children
        for name in _flat_names(each.name, child.name)
    }
    return {name: each for name, each in whole.items() if name not in flat or each.children}


def _with_flat_names(each: EventField, described: Mapping[str, EventField]) -> EventField:
    if not each.children:
        return each
    children = []
    for child in each.children:
        names = _flat_names(each.name, child.name)
        children.append(evolve(child, flat=next((n for n in names if n in described), names[0])))
    return evolve(each, children=tuple(children))


def _flat_names(compound: str, part: str) -> tuple[str, ...]:
    """What the object may call a part by itself."""
    if compound.endswith("__c"):
        return (f"{compound.removesuffix('__c')}__{part}__s",)
    if compound == "Name":
        return (part,)
    return (f"{compound.removesuffix('Address')}{part}", f"{compound}{part}")


def change_schema(
    event: EventType, namespace: str, tail: Iterable[str], schema_of: Callable[[EventField], Schema]
) -> Schema:
    """The value's schema. ``schema_of``: of a field that is no compound."""
    text = Schema(Kind.STRING, optional=True)
    tags = {f.name: frozenset(f.tags) for f in event.fields}
    address = _struct(event, "address", f"{namespace}.Address", _ADDRESS, schema_of)
    place = _struct(event, "location", f"{namespace}.Location", (), schema_of)
    compound = {"address": address, "location": place}
    columns = [
        Field(ID, Schema(Kind.STRING, doc="Unique identifier for the object."), tags.get(ID, frozenset())),
        Field("ReplayId", text),
        Field(HEADER, _header(tags, full=event.full_header)),
        *(
            Field(f.name, compound.get(f.type) or schema_of(f), tags[f.name])
            for f in event.fields
            if f.name != ID
        ),
        *(Field(name, text) for name in tail),
    ]
    return Schema(Kind.STRUCT, name=f"{namespace}.{event.name}", fields=tuple(columns))


def _struct(
    event: EventType,
    type_: str,
    name: str,
    order: tuple[str, ...],
    schema_of: Callable[[EventField], Schema],
) -> Schema:
    """One struct for all compounds of a type, with every part and every tag that one of them has: it has one name."""
    parts: dict[str, EventField] = {}
    for child in _children(event, type_):
        before = parts.get(child.name, child)
        parts[child.name] = evolve(before, tags={**before.tags, **child.tags})
    names = [part for part in order if part in parts]
    names += [part for part in parts if part not in order]
    fields = tuple(
        Field(part, _documented(part, schema_of(parts[part])), frozenset(parts[part].tags)) for part in names
    )
    return Schema(Kind.STRUCT, optional=True, name=name, fields=fields)


def _documented(part: str, schema: Schema) -> Schema:
    """As recorded, the state of an address has an empty text for its documentation."""
    return evolve(schema, doc="") if part == "State" else schema


def _children(event: EventType, type_: str) -> Iterator[EventField]:
    for each in event.fields:
        if each.type == type_:
            yield from each.children


def _header(tags: Mapping[str, frozenset[str]], *, full: bool) -> Schema:
    """The header's struct. What a field of it tells of a field of the record is tagged as that field is."""
    same = {
        name: frozenset().union(*(tags.get(of, frozenset()) for of in names))
        for name, names in (
            ("recordIds", (ID,)),
            ("commitUser", _SAME_PERSON),
            ("commitTimestamp", _SAME_MOMENT),
        )
    }
    fields = []
    for name, kind in (*_HEADER_FIELDS, *(_MORE_OF_HEADER if full else ())):
        items = Schema(Kind.STRING) if kind is Kind.ARRAY else None
        schema = Schema(kind, optional=True, value_schema=items)
        fields.append(Field(name, schema, same.get(name, frozenset())))
    return Schema(Kind.STRUCT, name=HEADER, fields=tuple(fields))
