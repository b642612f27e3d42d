"""Change events whose objects have sensitive fields: nothing of them gets out, in no format, wherever it stands."""

from __future__ import annotations

import json
import struct
import tempfile
from pathlib import Path
from typing import Any

import msgspec
import pytest
from confluent_kafka.schema_registry import SchemaRegistryClient
from confluent_kafka.schema_registry.avro import AvroDeserializer
from confluent_kafka.schema_registry.rule_registry import RuleRegistry
from confluent_kafka.schema_registry.rules.encryption.encrypt_executor import FieldEncryptionExecutor
from confluent_kafka.schema_registry.rules.encryption.localkms.local_driver import LocalKmsDriver
from confluent_kafka.serialization import MessageField, SerializationContext
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bridge.config import Loaded, config_of
from bridge.config.declarations import WORKER
from bridge.errors import Fatal
from bridge.event import Data, Head
from bridge.routing.resolver import Writers
from bridge.routing.routes import Unprepared
from bridge.sandbox import changes, samples
from bridge.sandbox.org import schemas
from bridge.sandbox.registry import Registry
from tests.support.encryption import PARAMS, RULE, SECRET

CONTACT = samples.CONTACT_CHANGE
ID = schemas.schema_id(CONTACT)
PAYLOAD: dict[str, Any] = {
    "ChangeEventHeader": {
        "entityName": "Contact",
        "recordIds": ["secret-id"],
        "changeType": "UPDATE",
        "transactionKey": "t",
        "sequenceNumber": 1,
        "commitUser": "secret-user",
        "changedFields": ["Email", "Phone", "Description", "Name.FirstName"],
    },
    "Name": {"FirstName": "secret-first", "LastName": "secret-last"},
    "MailingAddress": {"Street": "secret-street", "City": "secret-city", "Latitude": 1.5},
    "Email": "secret-mail",
    "Phone": None,
    "Description": {"diff": "--- secret-text"},
    "LastModifiedById": "secret-user",
    "AccountId": "secret-account",
}
HIDES = {
    "Name": {"secret-first", "secret-last"},
    "FirstName": {"secret-first"},
    "MailingStreet": {"secret-street"},
    "MailingCity": {"secret-city"},
    "Email": {"secret-mail"},
    "Description": {"secret-text"},
    "LastModifiedById": {"secret-user"},
    "Id": {"secret-id"},
    "AccountId": {"secret-account"},
}
"""What a tag on a field hides. An account is there because its object's filter or enrichment asks for it."""
EVERY = frozenset().union(*HIDES.values())


class Org:
    def describe(self, event: str) -> dict[str, Any]:
        return changes.describe(CONTACT, "")

    def event_schema(self, schema_id: str) -> dict[str, Any] | None:
        return schemas.compact(CONTACT)

    def field_classification(self, event: str) -> list[dict[str, Any]]:
        return []


def writers(url: str, directory: Path, tagged: list[str], otherwise: str = "fail", **more: str) -> Writers:
    fields = ", ".join(f"{name}: {{tags: [PII]}}" for name in tagged)
    contract = directory / "contract.yaml"
    contract.write_text(
        f"event: {CONTACT.name}\nfields: {{{fields}}}\nrules: [{RULE % (PARAMS % '')}]\notherwise: {otherwise}\n"
    )
    given = {
        "name": "c",
        "connector.class": "SalesforceCdcSource",
        "salesforce.cdc.name": CONTACT.name,
        "kafka.topic": "contacts",
        "csfle.enabled": "true",
        "errors.retry.timeout": "1000",
        "value.converter.schema.registry.url": url,
        "bridge.schema.contract": str(contract),
        **{key.replace("__", "."): value for key, value in more.items()},
    }
    worker = config_of({"rule.executors._default_.param.secret": SECRET}, WORKER)
    return Writers(Loaded(config_of(given), worker), Org())


def event(payload: Any = PAYLOAD) -> Data:
    return Data(msgspec.Raw(json.dumps(payload).encode()), Head(7), ID)


def record(made: Writers, of: Data | None = None) -> Any:
    of = event() if of is None else of
    route = made.resolve(ID, event())
    assert route.record is not None
    try:
        return route.record(of)
    except Unprepared as target:
        target.prepare()
        return route.record(of)


@pytest.mark.parametrize("form", ["AVRO", "JSON_SR", "PROTOBUF"])
@pytest.mark.parametrize("key", ["none", "record_id"])
def test_what_is_tagged_stands_nowhere(registry: Registry, form: str, key: str) -> None:
    names = sorted(name for name in HIDES if key == "none" or name != "Id")

    @given(st.lists(st.sampled_from(names), unique=True, min_size=1))
    @settings(max_examples=12, suppress_health_check=[HealthCheck.too_slow])
    def nowhere(tagged: list[str]) -> None:
        with tempfile.TemporaryDirectory() as directory:
            more = {"output__data__format": form, "bridge__record__key": key}
            context = "c" + "".join(sorted(tagged)).lower() + key.replace("_", "")
            made = writers(registry.url, Path(directory), tagged, schema__context__name=context, **more)
            written = record(made)
        hidden = set().union(*(HIDES[name] for name in tagged))
        everything = b"\0".join([written.value, written.key or b"", repr(written.headers).encode()])
        assert {secret for secret in EVERY if secret.encode() in everything} == EVERY - hidden
        assert written.headers == (
            ("bridge.cdc.nulled.fields", b"Phone"),
            ("bridge.cdc.diff.fields", b"Description"),
        )

    nowhere()


def test_a_key_or_topic_that_is_protected_is_refused(registry: Registry, tmp_path: Path) -> None:
    with pytest.raises(Fatal, match=r"bridge\.record\.key puts the field Id"):
        record(
            writers(
                registry.url, tmp_path, ["Id"], output__data__format="AVRO", bridge__record__key="record_id"
            )
        )
    topic = {
        "kafka__topic": "x-${FirstName}",
        "value__converter__value__subject__name__strategy": "RecordNameStrategy",
    }
    with pytest.raises(Fatal, match="the field FirstName into the topic"):
        record(writers(registry.url, tmp_path, ["Name"], output__data__format="AVRO", **topic))


def test_the_official_client_opens_parts_of_compound_fields(registry: Registry, tmp_path: Path) -> None:
    tagged = ["Name", "MailingStreet", "LastModifiedById", "Id"]
    written = record(writers(registry.url, tmp_path, tagged, output__data__format="AVRO"))
    LocalKmsDriver.register()
    rules = RuleRegistry()
    rules.register_executor(FieldEncryptionExecutor())
    read = AvroDeserializer(
        SchemaRegistryClient({"url": registry.url, "timeout": 10}),
        rule_conf={"secret": SECRET},
        rule_registry=rules,
    )
    value: Any = read(written.value, SerializationContext("contacts", MessageField.VALUE))
    assert (value["FirstName"], value["LastName"]) == ("secret-first", "secret-last")
    assert value["MailingAddress"]["Street"] == "secret-street"
    assert value["ChangeEventHeader"]["commitUser"] == "secret-user"
    assert value["ChangeEventHeader"]["recordIds"] == ["secret-id"]


@pytest.mark.parametrize("form", ["AVRO", "JSON_SR", "PROTOBUF"])
@pytest.mark.parametrize("otherwise", ["drop", "string", "payload", "fail"])
def test_a_whole_address_follows_the_contract(
    registry: Registry, tmp_path: Path, form: str, otherwise: str
) -> None:
    made = writers(registry.url, tmp_path, ["MailingAddress", "Email"], otherwise, output__data__format=form)
    if otherwise == "fail":
        with pytest.raises(Fatal, match="MailingAddress is a record"):
            record(made)
        return
    value = record(made).value
    assert not [text for text in ("secret-street", "secret-city", "secret-mail") if text.encode() in value]


@pytest.mark.parametrize("form", ["AVRO", "JSON_SR", "PROTOBUF"])
@pytest.mark.parametrize("otherwise", ["drop", "string", "payload", "fail"])
def test_a_number_of_an_address_takes_the_address_with_it(
    registry: Registry, tmp_path: Path, form: str, otherwise: str
) -> None:
    made = writers(registry.url, tmp_path, ["MailingLatitude"], otherwise, output__data__format=form)
    if otherwise == "fail":
        with pytest.raises(Fatal, match="MailingAddress is a record with Latitude and met"):
            record(made)
        return
    value = record(made).value
    assert not [each for each in (b"secret-street", b"1.5", struct.pack("<d", 1.5)) if each in value]


@pytest.mark.parametrize("form", ["AVRO", "JSON_SR", "PROTOBUF"])
@pytest.mark.parametrize("otherwise", ["drop", "string", "payload", "fail"])
@pytest.mark.parametrize("tagged", ["LastModifiedDate", "CreatedDate"])
def test_the_header_does_not_tell_a_protected_moment(
    registry: Registry, tmp_path: Path, form: str, otherwise: str, tagged: str
) -> None:
    made = writers(registry.url, tmp_path, [tagged], otherwise, output__data__format=form)
    moment = 1767600000000
    payload = PAYLOAD | {
        "ChangeEventHeader": PAYLOAD["ChangeEventHeader"] | {"commitTimestamp": moment},
        tagged: "2026-01-05T08:00:00.000Z",
    }
    if otherwise == "fail":
        with pytest.raises(Fatal, match=f"{tagged} is timestamp"):
            record(made, event(payload))
        return
    value = record(made, event(payload)).value
    assert b"secret-user" in value or otherwise == "payload"
    forms = (str(moment).encode(), b"2026-01-05", varint(moment), varint(moment << 1))
    assert not [each for each in forms if each in value]
    apart = {"output__data__format": form, "schema__context__name": "apart"}
    value = record(writers(registry.url, tmp_path, ["Email"], **apart), event(payload)).value
    assert [each for each in forms if each in value], "it would not be seen"


def varint(number: int) -> bytes:
    written = bytearray()
    while number > 127:
        written.append(number & 127 | 128)
        number >>= 7
    return bytes([*written, number])


def test_the_moment_of_a_record_is_no_protected_one(registry: Registry, tmp_path: Path) -> None:
    more = {"output__data__format": "AVRO", "bridge__record__timestamp": "created_date"}
    with pytest.raises(Fatal, match="puts the field LastModifiedDate into the record's timestamp"):
        record(writers(registry.url, tmp_path, ["LastModifiedDate"], "drop", **more))


@pytest.mark.parametrize("form", ["AVRO", "JSON_SR", "PROTOBUF"])
def test_a_deletion_is_a_tombstone_that_tells_nothing(registry: Registry, tmp_path: Path, form: str) -> None:
    more = {"bridge__record__key": "record_id", "bridge__cdc__tombstone__on__delete": "true"}
    made = writers(registry.url, tmp_path, ["Email", "AccountId"], output__data__format=form, **more)
    header = PAYLOAD["ChangeEventHeader"] | {
        "changeType": "DELETE",
        "changedFields": [],
        "recordIds": ["a", "b"],
    }
    deleted = record(made, event({"ChangeEventHeader": header, "AccountId": "secret-account"}))
    (before,) = deleted.before
    assert [(one.key, one.value, one.headers) for one in (before, deleted)] == [
        (b"a", None, ()),
        (b"b", None, ()),
    ]
    assert record(made).value is not None
