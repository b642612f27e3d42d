"""Change events in the simulated org: the object that they are about, and their messages.

A definition lists what its events carry: ``personname``, ``address`` and ``location`` are compound fields. The object's
describe has the parts besides, and what no change event carries. Shapes are those of Salesforce's Change Data Capture
guide and of recorded events.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from bridge.changes import HEADER, entity_of
from bridge.languages.avro.bitmaps import fields_of
from bridge.sandbox.definition import EventDefinition, FieldDefinition

PARTS: Final[Mapping[str, tuple[str, ...]]] = {
    "personname": ("Salutation", "FirstName", "LastName"),
    "address": (
        "Street", "City", "State", "PostalCode", "Country", "StateCode", "CountryCode", "Latitude", "Longitude",
        "GeocodeAccuracy",
    ),
    "location": ("Latitude", "Longitude"),
}  # fmt: skip
NUMBERS: Final = frozenset({"Latitude", "Longitude"})
_WORDS: Final = {"personname": "PersonName", "address": "Address", "location": "Location"}
_TYPES: Final = {"Street": "textarea", "Salutation": "picklist", "GeocodeAccuracy": "picklist"}
_BEFORE: Final = (FieldDefinition("Id", "id", required=True), FieldDefinition("IsDeleted", "boolean"))
_BEHIND: Final = (FieldDefinition("SystemModstamp", "datetime"), FieldDefinition("LastActivityDate", "date"))
CHANGE_TYPES: Final = (
    "CREATE", "UPDATE", "DELETE", "UNDELETE", "GAP_CREATE", "GAP_UPDATE", "GAP_DELETE", "GAP_UNDELETE",
    "GAP_OVERFLOW", "SNAPSHOT",
)  # fmt: skip


def is_change(definition: EventDefinition) -> bool:
    """Whether its events are about changes of an object."""
    return entity_of(definition.name) is not None


def flat_name(compound: str, part: str) -> str:
    """What the object calls a part of a compound field by itself."""
    if compound.endswith("__c"):
        return f"{compound.removesuffix('__c')}__{part}__s"
    return part if compound == "Name" else f"{compound.removesuffix('Address')}{part}"


def describe(definition: EventDefinition, prefix: str) -> dict[str, Any]:
    """``describe`` of the object."""
    name = entity_of(definition.name) or ""
    fields = [*_BEFORE, *_described(definition), *_BEHIND]
    summary = definition.summary(prefix)
    described = [{**field.describe(), "compoundFieldName": whole} for field, whole in _with_whole(fields)]
    return {
        **summary,
        "name": name,
        "label": name,
        "keyPrefix": "001",
        "childRelationships": [],
        "fields": described,
    }


def classified(definition: EventDefinition) -> tuple[FieldDefinition, ...]:
    """The fields that FieldDefinition names of the object: compound ones, and not their parts."""
    return (*_BEFORE, *definition.fields, *_BEHIND)


def _described(definition: EventDefinition) -> Iterator[FieldDefinition]:
    for field in definition.fields:
        for part in PARTS.get(field.type, ()):
            type_ = "double" if part in NUMBERS else _TYPES.get(part, "string")
            yield FieldDefinition(flat_name(field.name, part), type_, label=part)
        yield field if field.type != "personname" else FieldDefinition(field.name, "string")


def _with_whole(fields: list[FieldDefinition]) -> Iterator[tuple[FieldDefinition, str | None]]:
    wholes = {
        flat_name(field.name, part): field.name
        for field in fields
        for part in PARTS[
            "personname" if field.name == "Name" else field.type if field.type in PARTS else "location"
        ]
        if field.name == "Name" or field.type in PARTS
    }
    for field in fields:
        yield field, wholes.get(field.name)


def header_schema() -> dict[str, Any]:
    """The Avro schema of the header."""
    text = {"type": "array", "items": "string"}
    types: dict[str, Any] = {
        "entityName": "string",
        "recordIds": text,
        "changeType": {"type": "enum", "name": "ChangeType", "symbols": list(CHANGE_TYPES)},
        "changeOrigin": "string",
        "transactionKey": "string",
        "sequenceNumber": "int",
        "commitTimestamp": "long",
        "commitNumber": "long",
        "commitUser": "string",
        "nulledFields": text,
        "diffFields": text,
        "changedFields": text,
    }
    record = {"type": "record", "name": HEADER, "fields": [{"name": n, "type": t} for n, t in types.items()]}
    return {"name": HEADER, "type": record, "doc": "Data:ComplexValueType"}


def compound_schema(field: FieldDefinition, known: set[str]) -> dict[str, Any]:
    """A compound field in Avro. A record that stands in the schema already is referred to by its name."""
    name = _WORDS[field.type]
    record: Any = name
    if name not in known:
        known.add(name)
        parts = [
            {"name": part, "type": ["null", "double" if part in NUMBERS else "string"], "default": None}
            for part in PARTS[field.type]
        ]
        record = {"type": "record", "name": name, "fields": parts}
    return {"name": field.name, "type": ["null", record], "doc": f"Data:{name}", "default": None}


def payload_of(
    definition: EventDefinition, given: Mapping[str, Any], created: float, user_id: str
) -> dict[str, Any]:
    """The payload as CometD delivers it: the header, completed, and the fields given, in the definition's order.

    ``changedFields`` of an UPDATE are those given, the parts of compound fields each, unless the header says otherwise:
    enriched fields are given and did not change.
    """
    said = dict(given.get(HEADER) or {})
    body = {field.name: given[field.name] for field in definition.fields if field.name in given}
    type_ = said.get("changeType", "UPDATE")
    header = {
        "entityName": entity_of(definition.name),
        "recordIds": ["001xx000003DGb1AAG"],
        "changeType": type_,
        "changeOrigin": "com/salesforce/api/soap/66.0;client=devconsole",
        "transactionKey": str(uuid.uuid4()),
        "sequenceNumber": 1,
        "commitTimestamp": int(created * 1000),
        "commitNumber": 1652977933433528300 + time.monotonic_ns() % 1_000_000,
        "commitUser": user_id,
        "changedFields": changed_names(body) if type_ == "UPDATE" else [],
    }
    return {HEADER: {**header, **said}, **body}


def avro_payload(document: Mapping[str, Any], payload: Mapping[str, Any]) -> dict[str, Any]:
    """The payload as it goes into Avro: names of fields as bitmaps, differences as texts, all else as it is."""
    header, body = payload[HEADER], {name: value for name, value in payload.items() if name != HEADER}
    diffs = [name for name, value in body.items() if isinstance(value, Mapping) and set(value) == {"diff"}]
    nulled = [name for name in header.get("changedFields", ()) if _value_at(body, name) is None]
    arrays = {"changedFields": header.get("changedFields", ()), "nulledFields": nulled, "diffFields": diffs}
    bitmaps = {name: bitmap(document, names) for name, names in arrays.items()}
    return {HEADER: {**header, **bitmaps}, **body, **{name: body[name]["diff"] for name in diffs}}


def _value_at(body: Mapping[str, Any], name: str) -> Any:
    whole, _, part = name.partition(".")
    value = body.get(whole)
    return value.get(part) if part and isinstance(value, Mapping) else value


def bitmap(document: Mapping[str, Any], names: Iterable[str]) -> list[str]:
    """Names of fields as the Pub/Sub API writes them: ``["0x0100", "4-0x12"]``."""
    order, parts = fields_of(document)
    top, inner = 0, dict[int, int]()
    for name in names:
        whole, _, part = name.partition(".")
        position = order.index(whole)
        if part:
            inner[position] = inner.get(position, 0) | 1 << parts[whole].index(part)
        else:
            top |= 1 << position
    nested = [f"{position}-{_hex(bits)}" for position, bits in sorted(inner.items())]
    return [*([_hex(top)] if top else []), *nested]


def _hex(bits: int) -> str:
    return f"0x{bits.to_bytes((bits.bit_length() + 7) // 8, 'big').hex().upper()}"


def changed_names(body: Mapping[str, Any]) -> list[str]:
    """The names of fields as the header lists them, parts of compound fields last; a difference is no compound
    value."""
    compound = {name for name, value in body.items() if isinstance(value, Mapping) and set(value) != {"diff"}}
    parts = [f"{name}.{part}" for name in body if name in compound for part in body[name]]
    return [*(name for name in body if name not in compound), *parts]
