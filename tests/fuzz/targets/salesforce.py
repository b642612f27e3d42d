"""What comes from Salesforce: replies, metadata in every form, answers of the login."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

import msgspec

from bridge.config.declarations.formats import REGISTRY_TYPES
from bridge.errors import BadRecord, BridgeError
from bridge.event import Data, Head
from bridge.formats import FORMATS
from bridge.formats.rows import layout
from bridge.metadata import source_files, source_format
from bridge.metadata.infer import event_type, record_schema
from bridge.metadata.pubsub import event_of_text
from bridge.model.protection import NOTHING
from bridge.model.schema import EventType
from bridge.salesforce import replies
from tests.fuzz.targets.base import Target, document, sample, samples, scratch, text

EVENT = "Order_Placed__e"
DESCRIBE = sample("Order_Placed__e.describe.json")
PAYLOAD = {
    "CreatedDate": "2024-08-07T12:12:19.078Z",
    "CreatedById": "0055g00000Ab1cdAAA",
    "Order_Number__c": "O-10018",
    "Customer_Name__c": "Žaneta",
    "Amount__c": 12.5,
    "Quantity__c": 3.0,
    "Is_Gift__c": True,
    "Ship_Date__c": "2024-08-09",
    "Promised_At__c": "2024-08-10T08:00:00Z",
    "Comment__c": None,
}
REPLY = [
    {
        "data": {"schema": "abc", "payload": PAYLOAD, "event": {"replayId": 5, "EventUuid": "u"}},
        "channel": "/event/X__e",
    },
    {
        "clientId": "c",
        "channel": "/meta/connect",
        "id": "7",
        "successful": True,
        "advice": {"reconnect": "retry", "interval": 0},
    },
    {
        "channel": "/meta/subscribe",
        "successful": False,
        "error": "400::gone",
        "ext": {"sfdc": {"failureReason": "x"}},
    },
]


def _replies(raw: bytes) -> None:
    for slice_bytes in (10**9, 1):
        for reply in replies.parse(bytearray(raw), slice_bytes):
            for message in reply.events:
                assert message.data is not None
                message.data.created_ms()


def _metadata(raw: bytes) -> Any:
    return json.loads(raw)


def _described(raw: bytes) -> None:
    _written(event_type(EVENT, _object(raw), None))


def _declared(raw: bytes) -> None:
    _written(event_type(EVENT, None, _object(raw)))
    _written(event_type(EVENT, _object(DESCRIBE), _object(raw)))


def _object(raw: bytes) -> dict[str, Any]:
    """As the REST client gives answers: objects, or nothing at all."""
    try:
        value = json.loads(raw)
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def _written(event: EventType) -> None:
    """What follows from a declaration: schema, texts, encoders, one event through each."""
    schema = record_schema(event)
    rows = layout(event, schema)
    data = Data(msgspec.Raw(document(PAYLOAD)), Head(5, "u"), "abc")
    for form in FORMATS.values():
        rendered = form.render(schema, {}) if form.NAME in REGISTRY_TYPES else None
        convert = form.compile_fused(rows, rendered, b"", {}, NOTHING)
        with suppress(BadRecord):
            convert(data)


def _payload(raw: bytes) -> None:
    event = event_type(EVENT, json.loads(DESCRIBE), None)
    schema = record_schema(event)
    rows = layout(event, schema)
    data = Data(msgspec.Raw(raw), Head(5, "u"), "abc")
    data.created_ms()
    for form in FORMATS.values():
        rendered = form.render(schema, {}) if form.NAME in REGISTRY_TYPES else None
        with suppress(BadRecord):
            form.compile_fused(rows, rendered, b"", {}, NOTHING)(data)


def _file(raw: bytes) -> None:
    path = scratch("metadata.json")
    path.write_bytes(raw)
    for reading in (
        source_files.from_any,
        source_files.from_describe,
        source_files.from_event_schema,
        source_files.from_avro,
    ):
        with suppress(BridgeError):
            _written(reading(path).event)


def _sfdx(raw: bytes) -> None:
    folder = scratch("sfdx") / "objects" / EVENT
    (folder / "fields").mkdir(parents=True, exist_ok=True)
    (folder / "fields" / "Amount__c.field-meta.xml").write_bytes(raw)
    (folder / f"{EVENT}.object-meta.xml").write_bytes(raw if b"CustomObject" in raw else OBJECT)
    _written(source_format.read(scratch("sfdx"), EVENT).event)


def _token(raw: bytes) -> None:
    import http.client

    from bridge.salesforce import token
    from bridge.salesforce.http_settings import Origin

    for status in (200, 400):
        reply = token.Reply(status, http.client.HTTPMessage(), raw)
        document_ = token._document(reply)
        if status == 200 and document_ is not None:
            token._session(Origin.of("https://login.salesforce.com"), document_)
        else:
            token._refusal(Origin.of("https://login.salesforce.com"), reply, document_, set())


OBJECT = b'<?xml version="1.0"?><CustomObject xmlns="http://soap.sforce.com/2006/04/metadata"><label>Order</label></CustomObject>'
FIELD = (
    b'<?xml version="1.0" encoding="UTF-8"?><CustomField xmlns="http://soap.sforce.com/2006/04/metadata">'
    b"<fullName>Amount__c</fullName><label>Amount</label><type>Number</type><precision>18</precision><scale>2</scale>"
    b"<complianceGroup>PII;GDPR</complianceGroup><securityClassification>Restricted</securityClassification></CustomField>"
)
TARGETS = (
    Target("cometd-reply", _replies, (document(REPLY), document(REPLY[:1]), document(REPLY[1:]))),
    Target("event-payload", _payload, (document(PAYLOAD),)),
    Target("describe", _described, samples(".describe.json"), seconds=5),
    Target(
        "event-schema",
        _declared,
        (sample("Order_Placed__e.event-schema.json"), sample("Order_Placed__e.event-schema.compact.json")),
    ),
    Target(
        "pubsub-schema",
        lambda raw: _written(event_of_text(text(raw))),
        (sample("Order_Placed__e.event-schema.compact.json"),),
    ),
    Target(
        "metadata-file",
        _file,
        (*samples(".describe.json"), *samples(".event-schema.json"), *samples(".avsc")),
        seconds=5,
    ),
    Target("sfdx-file", _sfdx, (FIELD, OBJECT)),
    Target(
        "token-answer",
        _token,
        (
            document(
                {
                    "access_token": "t",
                    "instance_url": "https://x.my.salesforce.com",
                    "id": "https://login.salesforce.com/id/00D000000000001AAA/005000000000001AAA",
                    "issued_at": "1700000000000",
                }
            ),
            document({"error": "invalid_grant", "error_description": "authentication failure"}),
        ),
    ),
)
