"""``eventSchema`` in its two payload formats, and the rule of its id.

COMPACT is the Avro schema of the payload on the wire of the Pub/Sub API, EXPANDED describes a CometD message.
Both shapes follow the example in Salesforce's REST API guide. The id is measured, not documented: base64url
without padding of the MD5 of the Avro Parsing Canonical Form of the COMPACT schema.
"""

from __future__ import annotations

import base64
import hashlib
from typing import Any

from fastavro.schema import to_parsing_canonical_form

from bridge.sandbox import changes
from bridge.sandbox.definition import EventDefinition, FieldDefinition

NAMESPACE = "com.sforce.eventbus"

# describe's type → (COMPACT type, EXPANDED type, word in the field's doc)
_TYPES = {
    "boolean": ("boolean", "boolean", "Boolean"),
    "currency": ("double", "double", "Currency"),
    "date": ("long", "string", "DateOnly"),
    "datetime": ("long", "string", "DateTime"),
    "double": ("double", "double", "Double"),
    "email": ("string", "string", "Email"),
    "int": ("int", "int", "Integer"),
    "multipicklist": ("string", "string", "MultiEnum"),
    "percent": ("double", "double", "Percent"),
    "phone": ("string", "string", "Phone"),
    "picklist": ("string", "string", "DynamicEnum"),
    "reference": ("string", "string", "EntityId"),
    "textarea": ("string", "string", "StringPlusClob"),
    "time": ("long", "string", "TimeOnly"),
    "url": ("string", "string", "Url"),
}
_TEXT = ("string", "string", "Text")


def schema_id(definition: EventDefinition) -> str:
    """The 22 characters that ``data.schema`` carries for events of this definition."""
    canonical = to_parsing_canonical_form(_compact(definition))
    digest = hashlib.md5(canonical.encode(), usedforsecurity=False).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def compact(definition: EventDefinition) -> dict[str, Any]:
    """``payloadFormat=COMPACT``: the Avro record and its id."""
    return {**_compact(definition), "uuid": schema_id(definition)}


def expanded(definition: EventDefinition) -> dict[str, Any]:
    """``payloadFormat=EXPANDED`` (the default): the whole message; dates are strings there."""
    payload = {"type": "record", "name": "Payload", "doc": "", "fields": _fields(definition, 1)}
    event = {"type": "record", "name": "Event", "fields": [{"name": "replayId", "type": "long"}]}
    data = {
        "type": "record",
        "name": "Data",
        "namespace": "",
        "fields": [
            {"name": "schema", "type": "string"},
            {"name": "payload", "type": payload},
            {"name": "event", "type": event},
        ],
    }
    return {
        "name": definition.name,
        "namespace": NAMESPACE,
        "type": "expanded-record",
        "fields": [{"name": "data", "type": data}, {"name": "channel", "type": "string"}],
    }


def _compact(definition: EventDefinition) -> dict[str, Any]:
    return {
        "name": definition.name,
        "namespace": NAMESPACE,
        "type": "record",
        "fields": _fields(definition, 0),
    }


def _fields(definition: EventDefinition, column: int) -> list[dict[str, Any]]:
    if changes.is_change(definition):
        known: set[str] = set()
        return [
            changes.header_schema(),
            *(
                changes.compound_schema(field, known)
                if field.type in changes.PARTS
                else _field(field, column)
                for field in definition.fields
            ),
        ]
    return [
        {"name": "CreatedDate", "type": ("long", "string")[column], "doc": "CreatedDate:DateTime"},
        {"name": "CreatedById", "type": "string", "doc": "CreatedBy:EntityId"},
        *(_field(field, column) for field in definition.fields),
    ]


def _field(field: FieldDefinition, column: int) -> dict[str, Any]:
    types = _TYPES.get(field.type, _TEXT)
    doc = f"Data:{types[2]}"
    if field.name.endswith("__c"):
        digest = hashlib.md5(field.name.encode(), usedforsecurity=False).hexdigest()
        doc += f":00NRM0000{digest[:6]}"
    return {"name": field.name, "type": ["null", types[column]], "doc": doc, "default": None}
