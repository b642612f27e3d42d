"""Change events in every format: the quick way, the careful way and values by name give the same bytes."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.errors import BadRecord
from bridge.event import Data, Head
from bridge.formats import FORMATS
from bridge.formats.json import CHANGED_ONLY
from bridge.formats.reader import careful_reader, read_with
from bridge.formats.rows import layout
from bridge.metadata.infer import event_type, record_schema
from bridge.sandbox import changes, samples
from bridge.sandbox.definition import FieldDefinition
from bridge.sandbox.org import schemas

from .events import days, doubles, moments, text

CONTACT = samples.CONTACT_CHANGE
EVENT = event_type(CONTACT.name, changes.describe(CONTACT, ""), schemas.compact(CONTACT))
ROWS = layout(EVENT, record_schema(EVENT))
HEADER = {"entityName": "Contact", "recordIds": ["003A"], "changeType": "UPDATE", "transactionKey": "t"}


def data(payload: Any) -> Data:
    return Data(msgspec.Raw(json.dumps(payload, ensure_ascii=False).encode()), Head(7), "id")


_TYPES: dict[str, st.SearchStrategy[Any]] = {
    "date": days,
    "datetime": moments,
    "double": doubles,
    "currency": st.integers(-(10**9), 10**9),
    "boolean": st.booleans(),
    "textarea": text | text.map(lambda diff: {"diff": diff}),
    "personname": text
    | st.fixed_dictionaries({}, optional={"FirstName": text, "LastName": st.none() | text}),
    "address": st.fixed_dictionaries({}, optional={"Street": st.none() | text, "Latitude": doubles}),
    "location": st.fixed_dictionaries({}, optional={"Latitude": doubles, "Longitude": st.none()}),
}
payloads = st.fixed_dictionaries(
    {"ChangeEventHeader": st.just(HEADER)},
    optional={f.name: st.none() | _TYPES.get(f.type, text) for f in CONTACT.fields},
)


@pytest.mark.parametrize("name", sorted(FORMATS))
def test_every_way_gives_the_same_bytes(name: str) -> None:
    form = FORMATS[name]
    written = None if name == "JSON" else form.render(ROWS.schema, {})
    fused = form.compile_fused(ROWS, written, b"", {})
    by_row = form.compile_rows(ROWS, written, b"", {})
    by_values = form.compile_values(ROWS.schema, written, b"", {})
    quick, carefully = read_with(ROWS), careful_reader(ROWS)

    @given(payloads)
    def same(payload: Any) -> None:
        row = quick(data(payload))
        values = msgspec.to_builtins(ROWS.values(row))
        assert values == msgspec.to_builtins(ROWS.values(carefully(data(payload))))
        assert fused(data(payload)) == by_row(row) == by_values(values)
        assert values["Id"] == "003A"
        if isinstance(payload.get("Description"), dict):
            assert values["Description"] == payload["Description"]["diff"]
        given_name = payload.get("Name")
        if isinstance(given_name, dict):
            assert (values["Name"], values["LastName"]) == (None, given_name.get("LastName"))
        else:
            assert (values["Name"], values["LastName"]) == (given_name, None)

    same()


@pytest.mark.parametrize(
    ("payload", "words"),
    [
        ({"Email": "a"}, "no header (ChangeEventHeader.recordIds)"),
        ({"ChangeEventHeader": None}, "no header"),
        ({"ChangeEventHeader": HEADER | {"recordIds": []}}, "no record id"),
        (
            {"ChangeEventHeader": HEADER | {"recordIds": [1]}},
            "ChangeEventHeader of ContactChangeEvent is an object",
        ),
        ({"ChangeEventHeader": HEADER, "Email": {"a": 1}}, "field Email of ContactChangeEvent is an object"),
        (
            {"ChangeEventHeader": HEADER, "Name": {"Nick": "x"}},
            "field Name of ContactChangeEvent is an object",
        ),
        ({"ChangeEventHeader": HEADER, "Name": 1}, "field Name of ContactChangeEvent is a number"),
        ({"ChangeEventHeader": HEADER, "New__c": 1}, "carries the field New__c"),
        (
            {"ChangeEventHeader": HEADER, "MailingAddress": {"Floor": 1}},
            "carries the field MailingAddress.Floor",
        ),
    ],
)
def test_what_no_change_can_be_is_named(payload: Any, words: str) -> None:
    with pytest.raises(BadRecord) as error:
        read_with(ROWS)(data(payload))
    assert words in error.value.message


def test_what_the_header_has_besides_is_passed_over() -> None:
    row = read_with(ROWS)(data({"ChangeEventHeader": HEADER | {"nulledFields": [], "newer": {"x": 1}}}))
    assert msgspec.to_builtins(ROWS.values(row))["ChangeEventHeader"]["entityName"] == "Contact"


@pytest.mark.parametrize("wrapped", ["false", "true"])
def test_json_without_what_did_not_change(wrapped: str) -> None:
    settings = {CHANGED_ONLY: "true", "schemas.enable": wrapped}
    header = HEADER | {"changedFields": ["Email", "Name.FirstName", "MailingAddress.City"]}
    payload = {"ChangeEventHeader": header, "Email": None, "Name": {"FirstName": None}, "AccountId": "1"}
    payload |= {"MailingAddress": {"City": None}}
    json_form = FORMATS["JSON"]
    row = read_with(ROWS)(data(payload))
    ways = [
        json_form.compile_fused(ROWS, None, b"", settings)(data(payload)),
        json_form.compile_rows(ROWS, None, b"", settings)(row),
        json_form.compile_values(ROWS.schema, None, b"", settings)(msgspec.to_builtins(ROWS.values(row))),
    ]
    for way in ways:
        value = json.loads(way)
        value = value["payload"] if wrapped == "true" else value
        assert {name: each for name, each in value.items() if not name.startswith(("_", "R", "Ch"))} == {
            "Id": "003A",
            "AccountId": "1",
            "FirstName": None,
            "MailingAddress": {"City": None},
            "Email": None,
        }


@pytest.mark.parametrize("name", ["AVRO", "JSON_SR", "PROTOBUF"])
def test_an_object_that_grows_has_one_address_all_the_same(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    form, whole = FORMATS[name], changes.PARTS
    monkeypatch.setattr(changes, "PARTS", whole | {"address": whole["address"][:5]})
    first = record_schema(event_type(CONTACT.name, None, schemas.compact(CONTACT)))
    text = form.render(first, {})
    monkeypatch.setattr(changes, "PARTS", whole)
    wider = CONTACT.with_field(FieldDefinition("OtherAddress", "address")).with_field(
        FieldDefinition("Place__c", "location")
    )
    event = event_type(CONTACT.name, None, schemas.compact(wider))
    rows = layout(event, record_schema(event))
    grown = form.with_fields(rows.schema, text, {})
    assert form.missing_fields(rows.schema, grown, {}) == ()
    payload = {
        "ChangeEventHeader": HEADER,
        "OtherAddress": {"StateCode": "CA"},
        "MailingAddress": {"CountryCode": "US"},
    }
    written = form.compile_fused(rows, grown, b"", {})(data(payload))
    assert all(each in written for each in (b"CA", b"US"))
    assert (
        form.compile_values(rows.schema, grown, b"", {})(
            msgspec.to_builtins(rows.values(read_with(rows)(data(payload))))
        )
        == written
    )
