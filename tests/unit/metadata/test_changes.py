"""Change events: from the object's describe and the event's own schema to the recorded layout, with tags."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from bridge.errors import BadRecord, Fatal, Stage
from bridge.metadata import source_files
from bridge.metadata.classification import Classification, Classifications, tagged
from bridge.metadata.infer import event_type, record_schema
from bridge.metadata.sources import EventTypes, NotDescribed, PassedOver, load_contracts
from bridge.model.contract import Contract, FieldContract
from bridge.model.schema import DATE, TIMESTAMP, EventType, Kind, Schema
from bridge.sandbox import changes, samples
from bridge.sandbox.org import schemas

CONTACT = samples.CONTACT_CHANGE
DESCRIBE, COMPACT = changes.describe(CONTACT, ""), schemas.compact(CONTACT)
HEADER = [
    "entityName", "recordIds", "changeType", "changedFields", "changeOrigin", "transactionKey", "sequenceNumber",
    "commitTimestamp", "commitUser", "commitNumber",
]  # fmt: skip
ADDRESS = ["GeocodeAccuracy", "State", "Street", "PostalCode", "Country", "Latitude", "City", "Longitude"]
RECORDED = (
    Path(__file__).parents[2] / "data" / "pubsub" / "AccountChangeEvent.schema_i8wgJwwM-AVcDbFkbRl5Nw.avsc"
)


def contact(describe: Any = DESCRIBE, schema: Any = COMPACT) -> EventType:
    return event_type(CONTACT.name, describe, schema)


def part(schema: Schema, *names: str) -> Any:
    for name in names:
        found = schema.field_named(name)
        assert found is not None, name
        schema = found.schema
    return found


def test_the_layout_is_the_recorded_one() -> None:
    schema = record_schema(contact())
    assert (schema.name, schema.optional) == ("io.confluent.salesforce.ContactChangeEvent", False)
    names = [f.name for f in schema.fields]
    assert names[:3] == ["Id", "ReplayId", "ChangeEventHeader"]
    assert names[-2:] == ["_ObjectType", "_EventType"]
    described = [f["name"] for f in DESCRIBE["fields"] if f["name"] not in changes_never()]
    assert names[3:-2] == described, "in the order of the object's describe"
    assert [f.name for f in schema.fields if not f.schema.optional] == ["Id", "ChangeEventHeader"]
    assert part(schema, "Id").schema.doc == "Unique identifier for the object."
    header = part(schema, "ChangeEventHeader").schema
    assert (header.name, [f.name for f in header.fields]) == ("ChangeEventHeader", HEADER)
    assert all(f.schema.optional for f in header.fields)
    assert part(header, "sequenceNumber").schema.kind is Kind.INT64
    assert part(header, "recordIds").schema.value_schema == Schema(Kind.STRING)
    address = part(schema, "MailingAddress").schema
    assert (address.name, address.optional) == ("io.confluent.salesforce.Address", True)
    assert [f.name for f in address.fields] == [*ADDRESS, "StateCode", "CountryCode"]
    assert [f.name for f in address.fields if f.schema.doc is not None] == ["State"], (
        "an empty text, as recorded"
    )
    assert part(schema, "Birthdate").schema.name == DATE
    assert part(schema, "LastModifiedDate").schema.name == TIMESTAMP
    assert part(schema, "Score__c").schema.kind is Kind.FLOAT64
    assert part(schema, "Active__c").schema.kind is Kind.BOOLEAN


def changes_never() -> set[str]:
    return {"Id", "IsDeleted", "SystemModstamp", "LastActivityDate"}


@pytest.mark.parametrize("schema", [schemas.expanded(CONTACT), None], ids=["expanded", "describe alone"])
def test_every_source_gives_the_same_layout(schema: Any) -> None:
    assert record_schema(contact(schema=schema)) == record_schema(contact())


def test_without_describe_the_schema_gives_the_order() -> None:
    names = [f.name for f in record_schema(contact(describe=None)).fields]
    assert names[3:8] == ["AccountId", "Name", "Salutation", "FirstName", "LastName"]
    assert "MailingStreet" not in names


def test_a_recorded_schema_is_read() -> None:
    event = event_type("AccountChangeEvent", None, json.loads(RECORDED.read_text()))
    schema = record_schema(event)
    assert part(schema, "BillingAddress").schema == part(schema, "PersonOtherAddress").schema
    assert part(schema, "Some_Geolocation__c").schema.name == "io.confluent.salesforce.Location"
    assert part(schema, "FirstName").schema.kind is Kind.STRING
    declared = source_files.from_avro(RECORDED)
    assert record_schema(declared.event) == schema


def test_accounts_of_an_org_without_persons_have_the_parts_of_a_name_too() -> None:
    """As recorded: they are null, and ``Name`` is a text."""
    event = event_type(
        "AccountChangeEvent",
        {"fields": [{"name": "Name", "type": "string"}, {"name": "Phone", "type": "phone"}]},
        json.loads(RECORDED.read_text()),
    )
    names = [f.name for f in event.fields]
    assert names[names.index("Name") :][:5] == ["Name", "Salutation", "FirstName", "LastName", "Phone"]
    assert part(record_schema(event), "Name").schema.kind is Kind.STRING


def test_an_objects_describe_in_a_file_is_taken_for_its_change_event(tmp_path: Path) -> None:
    path = tmp_path / "Contact.json"
    path.write_text(json.dumps(DESCRIBE))
    assert source_files.from_describe(path).event.name == CONTACT.name


# ---- tags ------------------------------------------------------------------------------------------------


def tags(event: EventType, contract: Contract, **groups: str) -> dict[str, frozenset[str]]:
    classified = {name: Classification(compliance=(group,)) for name, group in groups.items()}
    schema = record_schema(tagged(event, contract, classified))
    found = {f.name: f.tags for f in schema.fields if f.tags}
    for whole in ("MailingAddress", "ChangeEventHeader"):
        found |= {f"{whole}.{f.name}": f.tags for f in part(schema, whole).schema.fields if f.tags}
    return found


PII = frozenset({"PII"})
BY_CLASS = Contract(CONTACT.name, compliance_group={"PII": "PII"})


def test_what_is_said_of_a_name_is_said_of_its_parts() -> None:
    assert tags(contact(), BY_CLASS, Name="PII") == dict.fromkeys(
        ("Name", "Salutation", "FirstName", "LastName"), PII
    )
    assert tags(contact(), BY_CLASS, LastName="PII") == {"LastName": PII, "Name": PII}, (
        "a name may come as one text"
    )
    plain = Contract(CONTACT.name, compliance_group={"PII": "PII"}, fields={"FirstName": FieldContract(())})
    assert "FirstName" not in tags(contact(), plain, Name="PII")


def test_what_is_said_of_a_part_of_an_address_is_said_where_its_value_stands() -> None:
    assert tags(contact(), BY_CLASS, MailingStreet="PII") == {"MailingAddress.Street": PII}
    assert tags(contact(), BY_CLASS, MailingAddress="PII") == {"MailingAddress": PII}


def test_what_the_header_repeats_is_tagged_alike() -> None:
    assert tags(contact(), BY_CLASS, Id="PII") == {"Id": PII, "ChangeEventHeader.recordIds": PII}
    for name in ("LastModifiedById", "CreatedById"):
        assert tags(contact(), BY_CLASS, **{name: "PII"}) == {name: PII, "ChangeEventHeader.commitUser": PII}


class Org:
    """Names what it is given; describe has everything."""

    def __init__(self, *names: str) -> None:
        self.names = names

    def describe(self, event: str) -> dict[str, Any]:
        return DESCRIBE

    def field_classification(self, event: str) -> list[dict[str, Any]]:
        return [{"QualifiedApiName": name, "ComplianceGroup": ""} for name in self.names]


WHOLE = [f.name for f in CONTACT.fields]
NAME_PARTS, PLACE = ("Salutation", "FirstName", "LastName"), ("Site__Latitude__s", "Site__Longitude__s")


@pytest.mark.parametrize(
    "names",
    [WHOLE, [*(n for n in WHOLE if n not in ("Name", "Site__c")), *NAME_PARTS, *PLACE]],
    ids=["compound fields are named", "their parts are"],
)
def test_a_compound_field_is_known_by_its_name_or_by_its_parts(names: list[str]) -> None:
    asking = Classifications(
        Org(*names), {CONTACT.name: BY_CLASS}, print, protecting=True, ttl=300, patience=0
    )
    assert asking.tagged(contact(), new=True).name == CONTACT.name


@pytest.mark.parametrize("lacking", ["Name", "Email", "MailingAddress"])
def test_one_that_is_not_known_yet_has_no_route(lacking: str) -> None:
    names = [name for name in WHOLE if name != lacking]
    asking = Classifications(
        Org(*names), {CONTACT.name: BY_CLASS}, print, protecting=True, ttl=300, patience=0
    )
    with pytest.raises(Fatal, match=f"how {lacking} of"):
        asking.tagged(contact(), new=True)


# ---- which event it is -----------------------------------------------------------------------------------


class Changing(Org):
    """Knows the schemas of both samples; ``described``: whether their objects may be read."""

    def __init__(self, *, described: bool = True) -> None:
        super().__init__(*WHOLE)
        self.described = described

    def describe(self, event: str) -> dict[str, Any]:
        if not self.described:
            raise NotDescribed(f"no object of {event}", stage=Stage.METADATA)
        return changes.describe(next(each for each in samples.CHANGES if each.name == event), "")

    def event_schema(self, schema_id: str) -> dict[str, Any] | None:
        schema = {schemas.schema_id(each): schemas.compact(each) for each in samples.CHANGES}
        return schema.get(schema_id)


EMPLOYEE = samples.EMPLOYEE_CHANGE
IDS = {each.name: schemas.schema_id(each) for each in samples.CHANGES}


def types(org: Changing, *events: str, said: list[str] | None = None) -> EventTypes:
    return EventTypes(
        events, org, {}, [].append if said is None else said.append, protecting=False, some=True
    )


def test_a_channel_carries_what_is_listed_or_all() -> None:
    assert types(Changing()).of(IDS[EMPLOYEE.name], entity="Employee__c").name == EMPLOYEE.name
    assert types(Changing(), CONTACT.name).of(IDS[CONTACT.name], entity="Contact").name == CONTACT.name
    with pytest.raises(PassedOver, match=EMPLOYEE.name):
        types(Changing(), CONTACT.name).of(IDS[EMPLOYEE.name], entity="Employee__c")


def test_the_header_tells_the_event_where_the_schema_is_not_known() -> None:
    said: list[str] = []
    assert (
        types(Changing(), said=said).of("unknown", "/data/ChangeEvents", "Employee__c").name == EMPLOYEE.name
    )
    assert "taken from describe" in said[0]
    with pytest.raises(BadRecord, match="entityName"):
        types(Changing()).of(IDS[CONTACT.name], "/data/ChangeEvents", None)


def test_the_events_own_schema_will_do_where_the_object_is_not_described() -> None:
    said: list[str] = []
    found = types(Changing(described=False), said=said)
    names = [f.name for f in record_schema(found.of(IDS[CONTACT.name], entity="Contact")).fields]
    assert names[3:7] == ["AccountId", "Name", "Salutation", "FirstName"]
    assert len(said) == 1
    with pytest.raises(NotDescribed):
        found.of("unknown", entity="Contact")


def test_all_contracts_of_change_events_count_where_none_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "schemas").mkdir()
    for name in (CONTACT.name, "Order_Placed__e"):
        (tmp_path / "schemas" / f"{name}.contract.yaml").write_text(f"event: {name}\n")
    other = tmp_path / "other.yaml"
    other.write_text(f"event: {EMPLOYEE.name}\n")
    assert set(load_contracts((), str(other))) == {CONTACT.name, EMPLOYEE.name}
