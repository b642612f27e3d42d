"""One event, two transports, one record: what CometD and the Pub/Sub API bring of it becomes the same bytes, in every
format, encrypted or not."""

from __future__ import annotations

import io
import json
import string
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import fastavro
import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bridge.counts import CAREFUL_CONVERSIONS
from bridge.errors import BadRecord
from bridge.event import Data, Head
from bridge.formats import FORMATS
from bridge.formats.reader import careful_reader
from bridge.formats.rows import layout
from bridge.languages.avro.wire import AvroData, Wire, day_text, moment_text, time_text
from bridge.metadata.infer import event_type, record_schema
from bridge.routing.resolver import Writers
from bridge.salesforce.auth import Login
from bridge.salesforce.transport import open_rest
from bridge.sandbox import samples
from bridge.sandbox.definition import EventDefinition, FieldDefinition
from bridge.sandbox.org import Org, schemas
from bridge.sandbox.org.avro import payload_of
from bridge.sandbox.org.messages import complete, encode_json
from bridge.sandbox.registry import Registry
from tests.contract.test_sources import Rig
from tests.support.bridge_run import wait_until
from tests.support.encryption import loaded
from tests.support.source_run import Run

DAY = 86_400_000
TYPES = (
    *("string", "textarea", "picklist", "multipicklist", "reference", "url", "email", "phone"),
    *("boolean", "double", "percent", "currency", "int", "date", "datetime", "time"),
)
EVERY = EventDefinition("Every__e", tuple(FieldDefinition(f"{kind.title()}__c", kind) for kind in TYPES))
_TEXTS = st.text(st.characters(codec="utf-8"), max_size=150)
_NUMBERS = st.floats(allow_nan=False, allow_infinity=False)
_MOMENTS = st.integers(-62_135_596_800_000, 253_402_300_799_999)
VALUES: Mapping[str, st.SearchStrategy[Any]] = {
    **dict.fromkeys(
        ["string", "textarea", "picklist", "multipicklist", "reference", "url", "email", "phone"], _TEXTS
    ),
    **dict.fromkeys(["double", "percent"], _NUMBERS),
    # What CometD has of an amount is a text, and the simulated org's is Python's, which is Java's within these bounds.
    "currency": st.floats(0.001, 9_999_999.0) | st.floats(-9_999_999.0, -0.001) | st.just(0.0),
    "boolean": st.booleans(),
    "int": st.integers(-(2**31), 2**31 - 1),
    "date": _MOMENTS.map(lambda ms: day_text(ms // DAY * DAY)),
    "datetime": _MOMENTS.map(moment_text),
    "time": st.integers(0, DAY - 1).map(time_text),
}


def payloads(definition: EventDefinition) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries(
        {field.name: st.none() | VALUES.get(field.type, _TEXTS) for field in definition.fields}
    )


class Both:
    """An event's definition with a layout for either form of payload."""

    def __init__(self, definition: EventDefinition) -> None:
        self.definition = definition
        document = schemas.compact(definition)
        self.document = {key: value for key, value in document.items() if key != "uuid"}
        self.wire = Wire.of("id", json.dumps(self.document))
        described = definition.describe("/services/data/v66.0")
        event = event_type(definition.name, described, document | {"uuid": "id"})
        assert event == event_type(definition.name, described, schemas.expanded(definition) | {"uuid": "id"})
        self.json = layout(event, record_schema(event))
        self.avro = layout(event, record_schema(event), wire=self.wire)

    def data(self, payload: Mapping[str, Any], created: float = 1_723_032_739.078) -> tuple[Data, AvroData]:
        body = complete(self.definition, payload, created, "0055g00000Ab1cdAAB")
        head = Head(7, "u-u-i-d")
        avro = payload_of(self.document, fastavro.parse_schema(self.document), body)
        return Data(msgspec.Raw(encode_json(body)), head, "id"), AvroData(avro, head, "id", self.wire)


@pytest.mark.parametrize("form", list(FORMATS))
def test_any_event_of_any_types(form: str) -> None:
    both = Both(EVERY)
    own = FORMATS[form]
    from_json = own.compile_fused(both.json, None, b"frame", {})
    from_avro = own.compile_fused(both.avro, None, b"frame", {})

    @settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
    @given(payloads(EVERY))
    def same(payload: dict[str, Any]) -> None:
        json_data, avro_data = both.data(payload)
        before = careful()
        made = from_avro(avro_data)
        assert careful() == before, "the quick way"
        assert made == from_json(json_data)
        assert msgspec.json.decode(avro_data.json()) == msgspec.json.decode(json_data.payload)

    same()


def careful() -> float:
    return sum(CAREFUL_CONVERSIONS.by_label().values())


@pytest.mark.parametrize("form", ["JSON", "AVRO"])
def test_a_payload_that_is_damaged(form: str) -> None:
    """The quick way takes nothing that the careful way would refuse, and makes nothing else of what both take."""
    both = Both(EVERY)
    own = FORMATS[form]
    quick = own.compile_fused(both.avro, None, b"frame", {})
    read, encode = careful_reader(both.avro), own.compile_rows(both.avro, None, b"frame", {})

    @settings(max_examples=80, deadline=None, suppress_health_check=list(HealthCheck))
    @given(payloads(EVERY), st.data())
    def alike(payload: dict[str, Any], data: st.DataObject) -> None:
        _, good = both.data(payload)
        raw = bytearray(good.payload)
        for _ in range(data.draw(st.integers(1, 3))):
            at = data.draw(st.integers(0, len(raw) - 1))
            match data.draw(st.integers(0, 2)):
                case 0:
                    raw[at] = data.draw(st.integers(0, 255))
                case 1:
                    del raw[at:]
                    raw += b"\0"
                case 2:
                    raw[at:at] = data.draw(st.binary(max_size=3))
        damaged = AvroData(bytes(raw), good.event, "id", both.wire)
        results = []
        for convert in (quick, lambda event: encode(read(event))):
            try:
                results.append(convert(damaged))
            except BadRecord:
                results.append(b"refused")
        assert results[0] == results[1] or (form == "AVRO" and b"refused" not in results)

    alike()


@pytest.mark.parametrize(
    ("type_", "fields", "value", "text"),
    [
        ("currency", "double", 1e21, "1.0E21"),
        ("currency", "double", 12_345_678.0, "1.2345678E7"),
        ("currency", "double", 27.25, "27.25"),
        ("time", "long", 29_730_000, "08:15:30.000Z"),
    ],
)
def test_numbers_that_are_texts_in_the_record(type_: str, fields: str, value: Any, text: str) -> None:
    """As Salesforce's JSON has them, which Java writes."""
    both = Both(EventDefinition("One__e", (FieldDefinition("Value__c", type_),)))
    out = io.BytesIO()
    values = {"CreatedDate": 0, "CreatedById": "u", "Value__c": value}
    fastavro.schemaless_writer(out, fastavro.parse_schema(both.document), values)
    data = AvroData(out.getvalue(), Head(7), "id", both.wire)
    record = json.loads(FORMATS["JSON"].compile_fused(both.avro, None, b"", {})(data))
    assert record["Value__c"] == text


CONTRACT = """event: Order_Placed__e
fields: {Customer_Email__c: {tags: [PII]}, Customer_Name__c: {tags: [PII]}, Notes__c: {tags: [PII]}}
rules: [{name: pii, type: ENCRYPT, tags: [PII], params: {encrypt.kek.name: k, encrypt.kms.type: local-kms,
  encrypt.kms.key.id: k, encrypt.dek.algorithm: AES256_SIV}}]
"""


@pytest.fixture
def published(org: Org) -> Org:
    """Events of the sample's types, with what is likely to differ."""
    texts = ("", "a", "Žaneta 🎁", "x" * 64, "y" * 5000, string.printable)
    org.publish_many(samples.ORDER_PLACED.name, 60)
    for number, text in enumerate(texts):
        org.publish(
            samples.ORDER_PLACED.name,
            {"Order_Number__c": f"{number}", "Notes__c": text, "Amount__c": number / 3, "Quantity__c": 0.0},
        )
    org.publish(samples.ORDER_PLACED.name, {})
    org.serve_pubsub()
    return org


@pytest.mark.parametrize("encrypted", [False, True])
def test_one_org_by_two_ways(published: Org, registry: Registry, tmp_path: Path, encrypted: bool) -> None:
    """Sources, metadata and routes as the pipeline has them; with an algorithm that makes the same of the same."""
    count = published.bus.logs[f"/event/{samples.ORDER_PLACED.name}"].state()["published"]
    (tmp_path / "contract.yaml").write_text(CONTRACT)
    made: dict[str, dict[str, list[bytes]]] = {}
    for api in ("streaming", "pubsub"):
        config = Rig(published, api).config()
        with Run(config) as run:
            wait_until(lambda: len(run.ids) == count or run.ended, 30)
        rest = open_rest(config, Login(config))
        for form in FORMATS:
            if encrypted and form == "JSON":
                continue
            more = {"output__data__format": form, "kafka__topic": f"t-{form}-{encrypted}".lower()}
            more |= {"csfle__enabled": str(encrypted).lower()}
            if encrypted:
                more["bridge__schema__contract"] = str(tmp_path / "contract.yaml")
            route = Writers(loaded(registry.url, **more), rest)
            values = made.setdefault(form, {}).setdefault(api, [])
            for message in run.messages:
                assert message.data is not None
                found = route.resolve(message.data.schema, message.data, message.channel)
                values.append(found.convert(message.data))
    for form, by_api in made.items():
        assert by_api["pubsub"] == by_api["streaming"], form
        assert len(by_api["pubsub"]) == count
