"""One declaration rendered into all four sources gives one record; what is not metadata is refused in a sentence."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.config.declarations.formats import REGISTRY_TYPES
from bridge.errors import ConfigurationError, Fatal
from bridge.formats import FORMATS
from bridge.metadata import source_files
from bridge.metadata.classification import Classification, from_records
from bridge.metadata.infer import event_type, record_schema
from bridge.metadata.pubsub import event_of_text
from bridge.model.schema import Schema
from bridge.sandbox import samples
from bridge.sandbox.definition import EventDefinition, FieldDefinition
from bridge.sandbox.org import schemas
from tests.support import sfdx

_names = st.from_regex(r"[A-Za-z][A-Za-z0-9]{0,8}(_[a-z0-9]{1,4})?__c", fullmatch=True)
_fields = st.builds(
    FieldDefinition,
    name=_names,
    type=st.sampled_from(sorted(sfdx.TYPES)),
    label=st.none() | st.text(st.characters(categories=["L", "N", "P"]), min_size=1, max_size=9),
    required=st.booleans(),
    compliance_group=st.none() | st.sampled_from(["PII", "PII;GDPR", "HIPAA"]),
    security_classification=st.none() | st.sampled_from(["Public", "Restricted"]),
)
_definitions = st.lists(_fields, max_size=8, unique_by=lambda f: f.name.lower()).map(
    lambda fields: EventDefinition("Some_Event__e", tuple(fields))
)


def by_name(schema: Schema) -> Schema:
    return evolve(schema, fields=tuple(sorted(schema.fields, key=lambda f: f.name)))


@settings(deadline=None, max_examples=60)
@given(_definitions, st.booleans())
def test_the_four_sources_agree(definition: EventDefinition, repeated: bool) -> None:
    name = definition.name
    wanted = record_schema(event_type(name, definition.describe(""), None))
    for found in (
        event_type(name, None, schemas.expanded(definition)),
        event_type(name, None, schemas.compact(definition)),
        event_of_text(json.dumps({k: v for k, v in schemas.compact(definition).items() if k != "uuid"})),
        event_type(name, definition.describe(""), schemas.compact(definition)),
    ):
        assert record_schema(found) == wanted
    with tempfile.TemporaryDirectory() as directory:
        declared = source_files.from_sfdx(
            sfdx.write(Path(directory), definition, repeated=repeated), definition.name
        )
    assert by_name(record_schema(declared.event)) == by_name(wanted)
    described = {f.name: f for f in event_type(name, definition.describe(""), None).fields}
    assert {f.name: f for f in declared.event.fields if f.name.endswith("__c")} == {
        n: f for n, f in described.items() if n.endswith("__c")
    }
    records = [
        {
            "QualifiedApiName": f.name,
            "ComplianceGroup": f.compliance_group,
            "SecurityClassification": f.security_classification,
        }
        for f in definition.fields
    ]
    told = {n: c for n, c in from_records(records).items() if c != Classification()}
    assert declared.classified == told


def put(directory: Path, text: str | bytes, name: str = "Amount__c") -> Path:
    root = sfdx.write(directory, samples.ORDER_PLACED)
    path = next(root.rglob(f"{name}.field-meta.xml"))
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return root


def field(inside: str, doctype: str = "") -> str:
    return (
        f"{sfdx.HEAD}{doctype}<CustomField {sfdx.SPACE}><fullName>Amount__c</fullName>{inside}</CustomField>"
    )


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (
            field("<type>&x;</type>", '<!DOCTYPE f [<!ENTITY x SYSTEM "file:///etc/passwd">]>'),
            "DOCTYPE",
        ),
        (
            field("<type>&b;</type>", '<!DOCTYPE f [<!ENTITY a "aa"><!ENTITY b "&a;&a;">]>'),
            "DOCTYPE",
        ),
        (field("<type>&undefined;</type>"), "no well-formed XML in line 2"),
        (field("<type>Number</type>")[:-5], "no well-formed XML"),
        ("<html><body>Log in</body></html>", "is a html document and not a CustomField"),
        ("", "no well-formed XML"),
        (b"\xff\xfe\x00", "no well-formed XML"),
        ('<?xml version="1.0" encoding="nonsense"?><a/>', "no well-formed XML"),
        (field("<label>x</label>"), "the field Amount__c of Order_Placed__e has no type"),
        (field("<type>Summary</type>"), "field Amount__c of Order_Placed__e has the type Summary"),
        (
            field("<type>Number</type><precision>many</precision>"),
            "the precision of the field Amount__c is no",
        ),
        (field("<type>Number</type>").replace("Amount__c", "Other__c"), "declares the field Other__c"),
        (f"<a>{'<a>' * 100}", "nested deeper"),
    ],
)
def test_bad_field_files_are_named(tmp_path: Path, text: str | bytes, words: str) -> None:
    with pytest.raises(Fatal, match=r"Amount__c\.field-meta\.xml") as caught:
        source_files.from_sfdx(put(tmp_path, text), "Order_Placed__e")
    assert words in caught.value.message


def test_names_that_are_no_api_names_are_refused(tmp_path: Path) -> None:
    root = sfdx.write(tmp_path, samples.ORDER_PLACED)
    folder = next(root.rglob("fields"))
    text = sfdx.field_xml(FieldDefinition("Straße__c", "string"))
    (folder / "Straße__c.field-meta.xml").write_text(text, encoding="utf-8")
    with pytest.raises(Fatal, match="'Straße__c' is not an API name"):
        source_files.from_sfdx(root, "Order_Placed__e")


def test_an_event_in_two_packages(tmp_path: Path) -> None:
    first, rest = samples.ORDER_PLACED.fields[:3], samples.ORDER_PLACED.fields[3:]
    sfdx.write(tmp_path / "one", evolve(samples.ORDER_PLACED, fields=first))
    sfdx.write(tmp_path / "two", evolve(samples.ORDER_PLACED, fields=rest))
    declared = source_files.from_sfdx(tmp_path, "Order_Placed__e")
    assert {f.name for f in declared.event.fields} >= {f.name for f in samples.ORDER_PLACED.fields}
    sfdx.write(tmp_path / "two", evolve(samples.ORDER_PLACED, fields=(evolve(first[0], type="double"),)))
    with pytest.raises(Fatal, match=f"{first[0].name} is declared differently"):
        source_files.from_sfdx(tmp_path, "Order_Placed__e")


def test_a_missing_event_names_the_nearest(tmp_path: Path) -> None:
    sfdx.write(tmp_path, samples.ORDER_PLACED)
    with pytest.raises(Fatal, match="there is objects/Order_Placed__e"):
        source_files.from_sfdx(tmp_path, "Order_Place__e")


DESCRIBE: dict[str, Any] = samples.ORDER_PLACED.describe("")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("<!DOCTYPE html><html>", "is HTML or XML"),
        (json.dumps(DESCRIBE)[:300], "is it truncated?"),
        ("{oops}", "is no JSON in line 1"),
        (b"\xff\xfe", "is no UTF-8"),
        ("[" * 100_000, ""),
        ('[{"errorCode": "INVALID_SESSION_ID", "message": "x"}]', "INVALID_SESSION_ID"),
        ("7", "is not a JSON object"),
        ("{}", "it has no name"),
        ('{"status": 1, "name": "NOT_FOUND", "message": "x"}', "command line (NOT_FOUND)"),
        ('{"schemaJson": "{"}', "schemaJson"),
        ('{"schemaJson": "7"}', "schemaJson is not a JSON object"),
        ('{"name": "A__e"}', "it has no fields"),
        (json.dumps(DESCRIBE | {"fields": [{"name": "A__c", "type": "complexvalue"}]}), "field A__c of"),
        (json.dumps(DESCRIBE | {"fields": [{"name": "A__c", "type": "novelty"}]}), "has the type novelty"),
        (json.dumps(DESCRIBE | {"fields": [{"name": "A__c", "type": "string"}] * 2}), "the field A__c twice"),
        (
            json.dumps(DESCRIBE | {"fields": [{"name": "Straße__c", "type": "string"}]}),
            "field 'Straße__c' of",
        ),
    ],
)
def test_bad_metadata_files_are_named(tmp_path: Path, content: str | bytes, words: str) -> None:
    path = tmp_path / "metadata.json"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(Fatal, match=r"metadata\.json") as caught:
        source_files.from_any(path)
    assert words in caught.value.message
    assert "\n" not in caught.value.message


@pytest.mark.parametrize(
    "wrapped",
    [
        lambda document: {"status": 0, "result": document, "warnings": []},
        lambda document: {"schemaJson": json.dumps(document), "schemaId": "abc", "rpcId": "1"},
        lambda document: {"schema_json": json.dumps(document), "schema_id": "abc"},
    ],
    ids=["sf --json", "GetSchema", "get_schema"],
)
def test_what_salesforces_tools_wrap_is_unwrapped(tmp_path: Path, wrapped: Any) -> None:
    for document in (DESCRIBE, schemas.compact(samples.ORDER_PLACED)):
        plain, put = tmp_path / "plain.json", tmp_path / "wrapped.json"
        plain.write_text(json.dumps(document))
        put.write_text(json.dumps(wrapped(document)))
        assert source_files.from_any(put) == source_files.from_any(plain)


def test_five_hundred_fields_and_keywords_of_the_formats() -> None:
    words = ("class", "null", "message", "record", "type", "import", "None", "default", "oneof", "string")
    fields = [FieldDefinition(f"{word}__c") for word in words]
    fields += [FieldDefinition(f"F{number}__c", "double") for number in range(490)]
    schema = record_schema(
        event_type("Wide__e", EventDefinition("Wide__e", tuple(fields)).describe(""), None)
    )
    assert len(schema.fields) == 506
    for form in FORMATS.values():
        if form.NAME in REGISTRY_TYPES:
            text = form.render(schema, {})
            assert all(f"{word}__c" in text for word in words)
            assert form.missing_fields(schema, text, {}) == ()


def test_a_folder_needs_a_name_where_it_has_several_events(tmp_path: Path) -> None:
    root = sfdx.write(tmp_path, samples.ORDER_PLACED)
    assert source_files.from_any(root).event.name == "Order_Placed__e"
    sfdx.write(tmp_path, samples.SHIPMENT_UPDATED)
    with pytest.raises(ConfigurationError, match="Order_Placed__e, Shipment_Updated__e"):
        source_files.from_any(root)


_pieces = st.sampled_from(
    ["<CustomField>", "</CustomField>", "<type>Text</type>", "<fullName>Amount__c</fullName>", "<type/>", "&lt;", "&x;",
     "<!DOCTYPE a>", "<![CDATA[x]]>", "<?pi x?>", "<complianceGroup>PII</complianceGroup>", "\x00", "ä",
     "<length>9</length>"]
)  # fmt: skip


@settings(deadline=None, max_examples=60)
@given(st.lists(_pieces, max_size=8).map("".join) | st.binary(max_size=40))
def test_whatever_a_field_file_holds_is_a_field_or_refused(text: str | bytes) -> None:
    with tempfile.TemporaryDirectory() as directory:
        try:
            event = source_files.from_sfdx(put(Path(directory), text), "Order_Placed__e").event
        except Fatal as error:
            assert "Amount__c.field-meta.xml" in error.message  # noqa: PT017 - either outcome is right
        else:
            assert "Amount__c" in {f.name for f in event.fields}
