from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge import embed
from bridge.sandbox import changes, samples

FORMATS = ("AVRO", "JSON_SR", "PROTOBUF", "JSON")
MODERN = date(1600, 1, 1)  # before 1582 Protobuf has the Julian calendar of Java
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=60)
payloads = st.fixed_dictionaries(
    {},
    optional={
        "Order_Number__c": texts,
        "Notes__c": st.none() | texts,
        "Amount__c": st.none() | st.floats(allow_nan=False, allow_infinity=False),
        "Is_Gift__c": st.none() | st.booleans(),
        "Delivery_Date__c": st.none() | st.dates(MODERN).map(str),
    },
)


@pytest.fixture(scope="module")
def codecs(play: embed.Practice) -> Iterator[dict[str, embed.Codec]]:
    made = {name: codec(play, {"output.data.format": name, "kafka.topic": name.lower()}) for name in FORMATS}
    yield made
    for each in made.values():
        each.close()


def codec(play: embed.Practice, changes: dict[str, str], **worker: str) -> embed.Codec:
    config = embed.configuration({**play.connector, **changes}, {**play.worker, **worker}, environ={})
    return embed.Codec(config, play.describe)


@pytest.mark.parametrize("name", FORMATS)
@settings(max_examples=30)
@given(payload=payloads, replay_id=st.integers(1, 2**53))
def test_what_was_encoded_is_decoded(
    codecs: dict[str, embed.Codec], name: str, payload: dict[str, Any], replay_id: int
) -> None:
    (record,) = codecs[name].encode(payload, replay_id=replay_id)
    assert record.topic == name.lower()
    value = codecs[name].decode(record.value, record.headers)
    assert value["ReplayId"] == str(replay_id)
    assert {field: value.get(field) for field in payload} == as_written(payload, name)


def as_written(payload: dict[str, Any], form: str) -> dict[str, Any]:
    """What the format can say: JSON has days since 1970, proto3 no null for scalars."""
    expected = dict(payload)
    if form.startswith("JSON") and (day := payload.get("Delivery_Date__c")) is not None:
        expected["Delivery_Date__c"] = date.fromisoformat(day).toordinal() - date(1970, 1, 1).toordinal()
    if form == "PROTOBUF":
        nothing = {"Notes__c": "", "Amount__c": 0.0, "Is_Gift__c": False}
        expected |= {name: nothing[name] for name in nothing if expected.get(name, 1) is None}
    return expected


def test_each_schema_is_fetched_once() -> None:
    with embed.practice() as play, codec(play, {}) as its:
        (record,) = its.encode({"Order_Number__c": "O-1"})
        assert its.decode(record.value)["Order_Number__c"] == "O-1"
    assert its.decode(record.value)["Order_Number__c"] == "O-1"  # the registry is gone


def test_a_protected_field_is_sealed_and_opened() -> None:
    with embed.practice(encrypt=True) as play, codec(play, {}) as its:
        (record,) = its.encode({"Customer_Email__c": "ada@example.com", "Status__c": "Paid"})
        assert record.value is not None
        assert b"ada@example.com" not in record.value
        assert its.decode(record.value)["Customer_Email__c"] == "ada@example.com"
        sealed = its.decode(record.value, decrypt=False)
        assert sealed["Customer_Email__c"] != "ada@example.com"
        assert sealed["Status__c"] == "Paid"


def test_transforms_run_and_may_drop_an_event(play: embed.Practice) -> None:
    routed = {
        "transforms": "route,key",
        "transforms.route.type": "org.apache.kafka.connect.transforms.RegexRouter",
        "transforms.route.regex": "(.*)",
        "transforms.route.replacement": "eu.$1",
        "transforms.key.type": "org.apache.kafka.connect.transforms.ValueToKey",
        "transforms.key.fields": "Order_Number__c",
    }
    with codec(play, routed) as its:
        (record,) = its.encode({"Order_Number__c": "O-1"})
        assert record.topic == "eu.orders"
        assert b"O-1" in (record.key or b"")
    dropping = {
        "transforms": "no",
        "transforms.no.type": "org.apache.kafka.connect.transforms.Filter",
    }
    with codec(play, dropping) as its:
        assert its.encode({"Order_Number__c": "O-1"}) == ()


def test_without_metadata_the_org_is_asked(play: embed.Practice) -> None:
    config = embed.configuration({**play.connector, "kafka.topic": "asked"}, play.worker, environ={})
    with embed.Codec(config) as its:
        (record,) = its.encode({"Order_Number__c": "O-7"})
        assert its.decode(record.value)["Order_Number__c"] == "O-7"


@pytest.mark.parametrize(
    ("payload", "words"),
    [
        ({"Amount__c": "much"}, "Amount__c"),
        ({"Nobody__c": 1}, "Nobody__c"),
        ({"Notes__c": object()}, "field Notes__c holds what JSON does not have (object)"),
    ],
)
def test_an_event_that_cannot_be_carried_names_its_field(
    codecs: dict[str, embed.Codec], payload: dict[str, Any], words: str
) -> None:
    with pytest.raises(embed.BadRecord) as caught:
        codecs["AVRO"].encode(payload, replay_id=5)
    assert words in caught.value.message
    assert caught.value.position == 5


@pytest.mark.parametrize("value", [b"\0\0\0\x0f\xff\1", b"\0\0\0\0\1", b"\xff\xfe"])
def test_bytes_that_are_no_record_are_refused(codecs: dict[str, embed.Codec], value: bytes) -> None:
    with pytest.raises(embed.BadRecord, match="cannot be decoded"):
        codecs["AVRO"].decode(value)
    assert codecs["AVRO"].decode(None) is None


def test_the_describe_of_another_event_is_refused(play: embed.Practice) -> None:
    config = embed.configuration(play.connector, play.worker, environ={})
    with (
        embed.Codec(config, {"name": "Other__e", "fields": []}) as its,
        pytest.raises(embed.ConfigurationError, match="describe: is the describe of Other__e"),
    ):
        its.encode({})


def test_a_describe_that_cannot_be_read_is_a_fault(play: embed.Practice) -> None:
    config = embed.configuration(play.connector, play.worker, environ={})
    with pytest.raises(embed.ConfigurationError, match=r"describe: none\.json cannot be read"):
        embed.Codec(config, "none.json")


CHANGES = {
    "connector.class": "SalesforceCdcSource",
    "salesforce.cdc.name": "ContactChangeEvent",
    "kafka.topic": "contacts",
    "output.data.format": "JSON",
    "bridge.record.key": "record_id",
}


@pytest.mark.parametrize("asks", [True, False])
def test_a_change_of_two_records_becomes_two_records_where_they_are_keyed(
    play: embed.Practice, *, asks: bool
) -> None:
    connector = {key: text for key, text in play.connector.items() if "platform.event" not in key} | CHANGES
    header = {
        "entityName": "Contact",
        "recordIds": ["1", "2"],
        "changeType": "UPDATE",
        "changedFields": ["Title"],
    }
    describe = None if asks else changes.describe(samples.CONTACT_CHANGE, "/services/data/v64.0")
    config = embed.configuration(connector, play.worker, environ={})
    with embed.Codec(config, describe) as its:
        made = its.encode({"ChangeEventHeader": header, "Title": "Dr."}, replay_id=9, schema_id="x")
        assert [record.key for record in made] == [b"1", b"2"]
        assert [its.decode(record.value)["Title"] for record in made] == ["Dr.", "Dr."]


def test_a_describe_does_not_stand_for_the_classification_that_a_contract_maps(
    tmp_path: Path, play: embed.Practice
) -> None:
    """Else what only Salesforce classifies would stay plain."""
    contract = tmp_path / "contract.yaml"
    contract.write_text(
        "event: Order_Placed__e\nclassification: {complianceGroup: {PII: PII}}\nrules:\n"
        "  - {name: pii, type: ENCRYPT, tags: [PII], params: {encrypt.kek.name: k, encrypt.kms.type: local-kms,\n"
        "     encrypt.kms.key.id: k, encrypt.dek.expiry.days: '90'}}\n"
    )
    changed = {
        "output.data.format": "AVRO",
        "kafka.topic": "classified",
        "csfle.enabled": "true",
        "bridge.schema.contract": str(contract),
    }
    with (
        codec(play, changed, **{"rule.executors._default_.param.secret": "a secret"}) as one,
        pytest.raises(embed.Fatal, match="leave the describe out"),
    ):
        one.encode({"Customer_Email__c": "ada@example.com"})
