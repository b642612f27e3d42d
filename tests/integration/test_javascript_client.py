"""The official JavaScript client reads every message the bridge writes, in clear and encrypted.

One Node.js process reads all messages of a test. Where that client itself cannot do something, a test holds how far it
gets, and docs/security.md says so.
"""

from __future__ import annotations

import json
import time
from itertools import product
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from bridge.event import Data
from bridge.routing.resolver import Writers
from bridge.sandbox.registry import Registry
from tests.support.encryption import (
    DESCRIBE,
    EXPANDED,
    ID,
    PARAMS,
    SAMPLES,
    SECRET,
    Org,
    contract,
    loaded,
    writers,
)
from tests.support.encryption import event as event_of
from tests.support.node import read
from tests.support.official_client import read as read_in_python
from tests.support.registry_client import asked

FORMATS = ("AVRO", "JSON_SR", "PROTOBUF")
CONTEXTS = (None, "crm")
WIDER_ID = "w1d3rPlac3dEv3ntSch3ma"
MOMENT, LATER = "2024-08-07T12:12:19.078Z", "2024-08-10T08:00:00.000Z"
FULL: dict[str, Any] = {
    "CreatedDate": MOMENT,
    "CreatedById": "0055g00000Ab1cdAAA",
    "Order_Number__c": "O-10018",
    "Customer_Name__c": "Žaneta 🎁",
    "Customer_Email__c": "zaneta@example.com",
    "Phone__c": "+420 777 123456",
    "Amount__c": 12.5,
    "Quantity__c": 3.0,
    "Is_Gift__c": True,
    "Ship_Date__c": "2024-08-09",
    "Promised_At__c": LATER,
    "Comment__c": None,
    "Status__c": "",
    "Country__c": "CZ",
}
# What such a value is in a format: Connect's logical types as their numbers, Protobuf's messages in Protobuf's JSON.
NUMBERS: dict[Any, Any] = {MOMENT: 1723032739078, LATER: 1723276800000, "2024-08-09": 19944}
MESSAGES: dict[Any, Any] = {LATER: "2024-08-10T08:00:00Z", "2024-08-09": {"year": 2024, "month": 8, "day": 9}}
TAGGED = "Customer_Email__c: {tags: [PII]}, Phone__c: {tags: [PII]}, Status__c: {tags: [PII]}"


def expected(form: str, payload: dict[str, Any], schema: str = ID) -> dict[str, Any]:
    """The record of an event, as the client shows it."""
    known: dict[Any, Any] = MESSAGES if form == "PROTOBUF" else NUMBERS
    record = {
        "ReplayId": "7",
        "EventUuid": "u-u-i-d",
        "_ObjectType": "Order_Placed__e",
        "_EventType": schema,
        **{name: known.get(value, value) for name, value in payload.items()},
    }
    if form == "PROTOBUF":
        return {name: value for name, value in record.items() if value not in (None, "")}
    return record


class Growing(Org):
    """The sample event, and the same with one field more under another schema id."""

    def describe(self, event: str) -> dict[str, Any]:
        coupon = {**DESCRIBE["fields"][-1], "name": "Coupon__c", "label": "Coupon", "length": 20}
        return {**DESCRIBE, "fields": [*DESCRIBE["fields"], coupon]}

    def event_schema(self, schema_id: str) -> dict[str, Any] | None:
        if schema_id != WIDER_ID:
            return super().event_schema(schema_id)
        wider = json.loads(json.dumps(EXPANDED)) | {"uuid": WIDER_ID}
        coupon = {"name": "Coupon__c", "type": ["null", "string"], "doc": "Data:Text:00N9", "default": None}
        wider["fields"][0]["type"]["fields"][1]["type"]["fields"].append(coupon)
        return wider


def message(made: Writers, form: str, topic: str, event: Data, context: str | None = None) -> dict[str, Any]:
    """An event as the bridge writes it, for the reader."""
    value = made.resolve(event.schema, event).convert(event)
    read_as = {"format": form, "topic": topic, "hex": value.hex()}
    return read_as if context is None else {**read_as, "context": context}


def settings_of(form: str, topic: str, context: str | None) -> dict[str, str]:
    named = {} if context is None else {"schema__context__name": context}
    return {"output__data__format": form, "kafka__topic": topic, **named}


def test_every_field_in_every_format_and_context_while_the_schema_grows(registry: Registry) -> None:
    messages: list[dict[str, Any]] = []
    wanted: list[dict[str, Any]] = []
    for form, context in product(FORMATS, CONTEXTS):
        topic = f"plain-{form}".lower()
        given = settings_of(form, topic, context) | {"csfle__enabled": "false"}
        made = Writers(loaded(registry.url, **given), Growing())
        for schema in (ID, WIDER_ID, ID):
            payload = {**FULL, "Coupon__c": "TEN"} if schema == WIDER_ID else dict(FULL)
            event = replace(event_of(**payload), schema=schema)
            messages.append(message(made, form, topic, event, context))
            if form == "AVRO" and len(wanted) % 3 == 2:
                payload["Coupon__c"] = None  # the second version is written from then on
            wanted.append({"value": expected(form, payload, schema)})
    assert len({each["hex"][2:10] for each in messages}) > 3, "several schemas, and in a context"
    assert read(registry.url, messages) == wanted


def test_every_type_of_field(registry: Registry) -> None:
    """Whole numbers beyond 2⁵³ are where JavaScript ends: only Protobuf's are exact there."""
    describe = json.loads((SAMPLES / "Every_Type__e.describe.json").read_text())

    class Every(Org):
        def describe(self, event: str) -> dict[str, Any]:
            return describe

    own = {each["name"]: each["type"] for each in describe["fields"] if each["name"].endswith("_Field")}
    by_type: dict[str, Any] = {"boolean": True, "double": -0.25, "percent": 99.5, "int": -(2**31)}
    by_type |= {"date": "2024-08-09", "datetime": LATER, "currency": 10.25}
    by_type |= {"location": {"Latitude": 50.5, "Longitude": 14.25}, "address": {"City": "Brno"}}
    payload = {name: 2**53 - 2 if kind == "long" else by_type.get(kind, "text") for name, kind in own.items()}
    whole = [name for name, kind in own.items() if kind == "long"]
    messages = []
    for form, beyond in product(FORMATS, (False, True)):
        given = settings_of(form, f"every-{form}".lower(), None) | {"csfle__enabled": "false"}
        given |= {"salesforce__platform__event__name": "Every_Type__e"}
        made = Writers(loaded(registry.url, **given), Every())
        values = {**payload, **dict.fromkeys(whole, 2**53 + 1)} if beyond else payload
        messages.append(
            message(made, form, f"every-{form}".lower(), replace(event_of(**values), schema=None))
        )
    avro, avro_beyond, text, text_beyond, proto, proto_beyond = read(registry.url, messages)
    for name, kind in own.items():
        wanted = payload[name]
        if kind in ("location", "address"):
            for found in (avro, text, proto):
                inner = {part: v for part, v in found["value"][name].items() if v is not None}
                assert inner == wanted, name
            continue
        wanted = str(wanted) if kind == "currency" else NUMBERS.get(wanted, wanted)
        assert avro["value"][name] == text["value"][name] == wanted, name
        exact = str(payload[name]) if kind in ("long", "currency") else payload[name]
        assert proto["value"][name] == MESSAGES.get(exact, exact), name
    assert "potential precision loss" in avro_beyond["error"]
    assert all(text_beyond["value"][name] == 2**53 for name in whole)
    assert all(proto_beyond["value"][name] == str(2**53 + 1) for name in whole)
    assert len(own) > 20
    assert whole


def test_the_matrix_of_encryption(registry: Registry, tmp_path: Path) -> None:
    """Formats × algorithms × expiry × contexts, with an empty text and a null among the protected fields."""
    algorithms = ("AES256_GCM", "AES128_GCM", "AES256_SIV")
    messages: list[dict[str, Any]] = []
    wanted: list[dict[str, Any]] = []
    for form, algorithm, days, context in product(FORMATS, algorithms, ("", "90"), CONTEXTS):
        expiry = f", encrypt.dek.expiry.days: '{days}'" if days else ""
        path = contract(tmp_path, TAGGED, f"encrypt.dek.algorithm: {algorithm}{expiry}")
        topic = f"{form}-{algorithm}-{days}".lower()
        made = writers(registry.url, path, **settings_of(form, topic, context))
        lacking = "" if form == "PROTOBUF" else None  # the next test is about that
        for payload in (FULL, FULL | {"Customer_Email__c": lacking}):
            messages.append(message(made, form, topic, event_of(**payload), context))
            wanted.append({"value": expected(form, payload)})
    assert len(messages) == 72
    assert not any(FULL["Phone__c"].encode() in bytes.fromhex(each["hex"]) for each in messages)
    assert read(registry.url, messages, SECRET) == wanted


def test_a_rule_of_writers_beside_one_of_readers(registry: Registry, tmp_path: Path) -> None:
    messages, wanted = [], []
    for form, type_ in product(FORMATS, ("ENCRYPT", "ENCRYPT_PAYLOAD")):
        rule = "{name: %s, type: %s, mode: %s, tags: [PII], params: %s}"
        pair = [rule % (name, type_, mode, PARAMS % "") for name, mode in (("e", "WRITE"), ("d", "READ"))]
        path, topic = contract(tmp_path, TAGGED, rules=f"[{', '.join(pair)}]"), f"{form}-{type_}".lower()
        messages.append(
            message(
                writers(registry.url, path, **settings_of(form, topic, None)), form, topic, event_of(**FULL)
            )
        )
        wanted.append({"value": expected(form, FULL)})
    assert read(registry.url, messages, SECRET) == wanted


def test_a_null_in_a_protected_field_of_protobuf(registry: Registry, tmp_path: Path) -> None:
    """Without presence an absent field is an empty text to a reader, who would try to decrypt it: so it is one,
    encrypted. A field with presence (``optional``) stays absent."""
    path = contract(tmp_path, TAGGED)
    absent = event_of(**(FULL | {"Customer_Email__c": None}))
    messages = []
    for optional in ("false", "true"):
        given = {"value__converter__optional__for__nullables": optional}
        made = writers(registry.url, path, **settings_of("PROTOBUF", f"o-{optional}", None), **given)
        messages.append(message(made, "PROTOBUF", f"o-{optional}", absent))
    without, with_presence = read(registry.url, messages, SECRET)
    assert without["value"]["Phone__c"] == FULL["Phone__c"]
    assert not without["value"].get("Customer_Email__c")
    found = read_in_python(registry, "PROTOBUF", bytes.fromhex(messages[0]["hex"]), "o-false")
    assert found["Phone__c"] == FULL["Phone__c"]
    assert not found.get("Customer_Email__c")
    found = read_in_python(registry, "PROTOBUF", bytes.fromhex(messages[1]["hex"]), "o-true")
    assert found["Phone__c"] == FULL["Phone__c"]
    assert "Customer_Email__c" not in found
    record = expected("PROTOBUF", FULL) | {"Status__c": ""}
    del record["Customer_Email__c"]
    assert with_presence == {"value": record}


def test_versions_of_a_key(registry: Registry, tmp_path: Path) -> None:
    path = contract(tmp_path, TAGGED, "encrypt.dek.expiry.days: '1'")
    messages = []
    for form in FORMATS:
        made = writers(registry.url, path, **settings_of(form, form.lower(), None))
        messages.append(message(made, form, form.lower(), event_of(**FULL)))
        assert made.guard is not None
        made.guard.deks.rotate(made.guard.rules[0], f"{form.lower()}-value")
        later = time.time() + 400
        made.guard.deks.now = lambda later=later: later
        messages.append(message(made, form, form.lower(), event_of(**FULL)))
        versions = asked(registry, f"/dek-registry/v1/keks/sales/deks/{form.lower()}-value/versions")
        assert versions == [1, 2]
    wanted = [{"value": expected(form, FULL)} for form in FORMATS for _ in range(2)]
    assert read(registry.url, messages, SECRET) == wanted


def test_where_the_secret_comes_from(registry: Registry, tmp_path: Path) -> None:
    path = contract(tmp_path, TAGGED)
    messages = []
    for form in FORMATS:
        made = writers(registry.url, path, **settings_of(form, form.lower(), None))
        messages.append(message(made, form, form.lower(), event_of(**FULL)))
    wanted = [{"value": expected(form, FULL)} for form in FORMATS]
    assert read(registry.url, messages, LOCAL_SECRET=SECRET) == wanted
    for refused in read(registry.url, messages, "another secret"):
        assert "rule pii failed: failed to decrypt key with all KMS keys" in refused["error"]


def test_what_is_no_text_as_a_text_or_with_the_whole_payload(registry: Registry, tmp_path: Path) -> None:
    texts = {"Amount__c": "12.5", "Is_Gift__c": "true", "Ship_Date__c": "2024-08-09"}
    messages: list[dict[str, Any]] = []
    wanted: list[dict[str, Any]] = []
    for form, otherwise, field in product(FORMATS, ("string", "payload"), texts):
        topic = f"{form}-{otherwise}-{field}".lower()
        path = contract(tmp_path, f"{field}: {{tags: [PII], otherwise: {otherwise}}}")
        made = writers(registry.url, path, **settings_of(form, topic, None))
        messages.append(message(made, form, topic, event_of(**FULL)))
        record = expected(form, FULL)
        wanted.append({"value": record | {field: texts[field]} if otherwise == "string" else record})
    assert read(registry.url, messages, SECRET) == wanted


def test_tags_in_the_metadata(registry: Registry, tmp_path: Path) -> None:
    """Which the Python client of version 2.16.0 cannot read at all."""
    path = contract(tmp_path, TAGGED)
    messages, wanted = [], []
    for form in FORMATS:
        topic = form.lower()
        made = writers(registry.url, path, **settings_of(form, topic, None))
        made.resolve(ID, event_of(**FULL))
        latest = asked(registry, f"/subjects/{topic}-value/versions/latest")
        body = {key: latest[key] for key in ("schema", "schemaType", "ruleSet") if key in latest}
        body["metadata"] = {"tags": {"**.Country__c": ["PII"]}}
        asked(registry, f"/subjects/{topic}-value/versions", body)
        written = message(made, form, topic, event_of(**(FULL | {"Country__c": "Czechia"})))
        assert b"Czechia" not in bytes.fromhex(written["hex"])
        messages.append(written)
        wanted.append({"value": expected(form, FULL) | {"Country__c": "Czechia"}})
    assert read(registry.url, messages, SECRET) == wanted


TAG = {"confluent:tags": ["PII"]}
UUID = "6f1e7a40-0d6c-4f0e-9a54-2f2d2f2d2f2d"
CHOICE = {"type": "string", "enum": ["CZ", "SK"]}


def foreign(registry: Registry, form: str, topic: str, schema: dict[str, Any]) -> dict[str, Any]:
    """An event under a schema and a rule that somebody else registered."""
    params = {"encrypt.kek.name": "sales", "encrypt.kms.type": "local-kms", "encrypt.kms.key.id": "k"}
    rule = {"name": "pii", "kind": "TRANSFORM", "mode": "WRITEREAD", "type": "ENCRYPT", "tags": ["PII"]}
    rules = {"domainRules": [{**rule, "params": params, "onFailure": "ERROR,ERROR"}]}
    kind = "JSON" if form == "JSON_SR" else form
    body = {"schema": json.dumps(schema), "schemaType": kind, "ruleSet": rules}
    asked(registry, f"/subjects/{topic}-value/versions", body)
    given = {
        "value__converter__auto__register__schemas": "false",
        "value__converter__use__latest__version": "true",
        "value__converter__latest__compatibility__strict": "false",
    }
    made = writers(registry.url, **settings_of(form, topic, None), **given)
    return message(made, form, topic, event_of(Order_Number__c=UUID, Country__c="CZ"))


def test_an_encrypted_uuid_in_avro(registry: Registry) -> None:
    """Which the Python client cannot read."""
    field = {"name": "Order_Number__c", "type": {"type": "string", "logicalType": "uuid"}, **TAG}
    schema = {"type": "record", "name": "R", "fields": [field]}
    assert read(registry.url, [foreign(registry, "AVRO", "uuid", schema)], SECRET) == [
        {"value": {"Order_Number__c": UUID}}
    ]


def test_an_encrypted_enum_in_json_schema_stays_ciphertext(registry: Registry) -> None:
    """As with the Python client: without an error, unless the client is told to validate."""
    schema = {"type": "object", "title": "R", "properties": {"Country__c": {**CHOICE, **TAG}}}
    written = foreign(registry, "JSON_SR", "choice", schema)
    ciphertext = json.loads(bytes.fromhex(written["hex"])[5:])
    assert ciphertext["Country__c"] != "CZ"
    validated, not_validated = read(registry.url, [written, {**written, "conf": {"validate": False}}], SECRET)
    assert "must be equal to one of the allowed values" in validated["error"]
    assert not_validated == {"value": ciphertext}


def test_validation_wants_the_strict_mode_of_ajv_off(registry: Registry) -> None:
    """The managed connector's layout has keywords of Connect's, which Ajv does not know."""
    given = settings_of("JSON_SR", "strict", None) | {"csfle__enabled": "false"}
    made = writers(registry.url, **given)
    written = message(made, "JSON_SR", "strict", event_of(**FULL))
    strict, not_strict = read(registry.url, [{**written, "conf": {"strict": True}}, written])
    assert strict == {"error": 'Error: strict mode: unknown keyword: "connect.index"'}
    assert not_strict == {"value": expected("JSON_SR", FULL)}
