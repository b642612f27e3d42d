"""From a schema id to the route: which schema writes (decision by decision), and what is refused."""

from __future__ import annotations

import io
import json
import logging
from pathlib import Path
from typing import Any

import fastavro
import msgspec
import pytest

from bridge.config import Loaded, config_of
from bridge.errors import BadRecord, BridgeError, ConfigurationError, Fatal, SetAside
from bridge.event import Data, Head
from bridge.formats.bad_values import UnknownField
from bridge.registry.client import Incompatible
from bridge.routing.resolver import Writers
from tests.support.registry_server import INCOMPATIBLE, RegistryServer

SAMPLES = Path(__file__).parents[3] / "schemas"
EVENT = "Order_Placed__e"
ID = "0rd3rPlac3dEv3ntSch3ma"
SUBJECT = "orders-value"
DESCRIBE = json.loads((SAMPLES / f"{EVENT}.describe.json").read_text())
EXPANDED = json.loads((SAMPLES / f"{EVENT}.event-schema.json").read_text())
GOLDEN = json.loads((SAMPLES / f"{EVENT}.avsc").read_text())


class Org:
    """Salesforce's metadata; counts what is asked."""

    def __init__(self) -> None:
        self.schemas = {ID: EXPANDED}
        self.today = DESCRIBE
        self.asked: list[str] = []

    def describe(self, event: str) -> dict[str, Any]:
        self.asked.append("describe")
        return self.today

    def event_schema(self, schema_id: str) -> dict[str, Any] | None:
        self.asked.append(schema_id)
        return self.schemas.get(schema_id)

    def add_field(self, name: str, schema_id: str) -> None:
        """A new version of the event."""
        grown = json.loads(json.dumps(EXPANDED))
        payload = grown["fields"][0]["type"]["fields"][1]["type"]["fields"]
        payload.append({"name": name, "type": ["null", "string"], "default": None})
        self.schemas[schema_id] = grown | {"uuid": schema_id}
        self.today = DESCRIBE | {"fields": [*DESCRIBE["fields"], {"name": name, "type": "string"}]}


def event(schema_id: str | None = ID, replay_id: int = 7, **payload: Any) -> Data:
    return Data(msgspec.Raw(json.dumps(payload).encode()), Head(replay_id, "u-u-i-d"), schema_id)


def writers(org: Org, server: RegistryServer | None, **settings: str) -> Writers:
    given = {
        "name": "c",
        "salesforce.platform.event.name": EVENT,
        "kafka.topic": "Orders",
        "output.data.format": "AVRO",
        "errors.retry.timeout": "1000",
    }
    if server is not None:
        given["value.converter.schema.registry.url"] = server.url
    connector = config_of(given | {k.replace("__", "."): v for k, v in settings.items()})
    return Writers(Loaded(connector, config_of({})), org)


def read(server: RegistryServer, message: bytes, subject: str = SUBJECT) -> dict[str, Any]:
    """Decode a message by the schema its id names in the subject."""
    assert message[:1] == b"\0"
    text = next(
        v["schema"] for v in server.subjects[subject] if v["id"] == int.from_bytes(message[1:5], "big")
    )
    decoded = fastavro.schemaless_reader(
        io.BytesIO(message[5:]), fastavro.parse_schema(json.loads(text)), None
    )
    assert isinstance(decoded, dict)
    return decoded


def test_nothing_registered_the_layout_is_registered(server: RegistryServer) -> None:
    route = writers(Org(), server).resolve(ID, event())
    assert route.topic == "orders"
    assert json.loads(server.subjects[SUBJECT][0]["schema"]) == GOLDEN
    made = read(server, route.convert(event(Status__c="New", Amount__c=1.5)))
    assert (made["ReplayId"], made["Status__c"], made["Amount__c"]) == ("7", "New", 1.5)
    assert (made["_ObjectType"], made["_EventType"]) == (EVENT, ID)


def test_what_covers_the_event_is_used_and_nothing_is_registered(server: RegistryServer) -> None:
    fields = [dict(f, doc="theirs") for f in reversed(GOLDEN["fields"])]
    theirs = {
        "type": "record",
        "name": "Mine",
        "fields": [*fields, {"name": "own", "type": "int", "default": 3}],
    }
    server.put(SUBJECT, json.dumps(theirs))
    route = writers(Org(), server).resolve(ID, event())
    assert len(server.subjects[SUBJECT]) == 1
    assert all(method == "GET" for method, *_ in server.requests)
    assert read(server, route.convert(event(Status__c="New")))["own"] == 3


def test_what_lacks_a_field_is_registered_with_it_and_keeps_the_rest(server: RegistryServer) -> None:
    fields = [f for f in GOLDEN["fields"] if f["name"] != "Status__c"]
    fields[4] = dict(fields[4], **{"confluent:tags": ["PII"]})
    metadata = {"properties": {"owner": "x"}}
    rules = {"domainRules": [{"name": "check", "type": "CEL", "expr": "true"}]}
    server.put(SUBJECT, json.dumps(GOLDEN | {"fields": fields}), metadata=metadata, ruleSet=rules)
    route = writers(Org(), server).resolve(ID, event())
    grown = server.subjects[SUBJECT][1]
    assert (grown["metadata"], grown["ruleSet"]) == (metadata, rules)
    names = [f["name"] for f in json.loads(grown["schema"])["fields"]]
    assert names == [f["name"] for f in GOLDEN["fields"]]
    assert json.loads(grown["schema"])["fields"][4]["confluent:tags"] == ["PII"]
    assert read(server, route.convert(event(Status__c="New")))["Status__c"] == "New"


def test_a_new_schema_id_is_followed_and_the_old_one_still_reads(server: RegistryServer) -> None:
    org = Org()
    resolver = writers(org, server)
    old = resolver.resolve(ID, event())
    org.add_field("Channel__c", "n3w")
    new = resolver.resolve("n3w", event("n3w"))
    assert [v["version"] for v in server.subjects[SUBJECT]] == [1, 2]
    assert read(server, new.convert(event("n3w", Channel__c="web")))["Channel__c"] == "web"
    assert "Channel__c" not in read(server, old.convert(event(Status__c="Old")))
    again = resolver.resolve(ID, event())
    assert read(server, again.convert(event(Status__c="Old")))["Channel__c"] is None
    assert len(server.subjects[SUBJECT]) == 2


def test_what_did_not_change_is_not_compiled_again(server: RegistryServer) -> None:
    org = Org()
    resolver = writers(org, server)
    route = resolver.resolve(ID, event())
    assert resolver.resolve(ID, event()) is route
    assert org.asked == [ID, "describe"]
    server.put(SUBJECT, json.dumps(GOLDEN | {"doc": "tagged meanwhile"}))
    assert resolver.resolve(ID, event()) is not route


def test_an_unknown_schema_id_is_described_with_one_warning(
    server: RegistryServer, caplog: pytest.LogCaptureFixture
) -> None:
    org = Org()
    resolver = writers(org, server)
    with caplog.at_level(logging.WARNING):
        for _ in range(3):
            route = resolver.resolve("unknown", event("unknown"))
    assert len([r for r in caplog.records if "does not know the schema unknown" in r.getMessage()]) == 1
    assert read(server, route.convert(event("unknown", Status__c="New")))["Status__c"] == "New"
    with pytest.raises(UnknownField, match="Other__c"):
        route.convert(event("unknown", Other__c=1))


def test_contexts(server: RegistryServer) -> None:
    server.put(SUBJECT, json.dumps(GOLDEN))
    route = writers(Org(), server, schema__context__name="sales").resolve(ID, event())
    assert list(server.subjects) == [SUBJECT, ":.sales:orders-value"]
    assert read(server, route.convert(event(Status__c="x")), ":.sales:orders-value")["Status__c"] == "x"


def test_the_default_context_does_not_take_another_ones_schema(server: RegistryServer) -> None:
    server.put(":.sales:orders-value", json.dumps(GOLDEN))
    writers(Org(), server).resolve(ID, event())
    assert len(server.subjects[SUBJECT]) == 1


def test_auto_registration_off(server: RegistryServer) -> None:
    off = {
        "value__converter__auto__register__schemas": "false",
        "value__converter__use__latest__version": "true",
    }
    with pytest.raises(Fatal, match=r"the subject orders-value has no schema"):
        writers(Org(), server, **off).resolve(ID, event())
    fields = [f for f in GOLDEN["fields"] if f["name"] != "Status__c"]
    server.put(SUBJECT, json.dumps(GOLDEN | {"fields": fields}))
    with pytest.raises(Fatal, match="no field Status__c"):
        writers(Org(), server, **off).resolve(ID, event())
    assert len(server.subjects[SUBJECT]) == 1


def test_not_strict_drops_with_one_warning(server: RegistryServer, caplog: pytest.LogCaptureFixture) -> None:
    fields = [f for f in GOLDEN["fields"] if f["name"] != "Status__c"]
    server.put(SUBJECT, json.dumps(GOLDEN | {"fields": fields}))
    lenient = {
        "value__converter__auto__register__schemas": "false",
        "value__converter__latest__compatibility__strict": "false",
    }
    resolver = writers(Org(), server, **lenient)
    sample = event(Status__c="New", Stranger__c=1, Country__c="CZ")
    with caplog.at_level(logging.WARNING):
        for _ in range(3):
            route = resolver.resolve(ID, sample)
    assert len([r for r in caplog.records if "Status__c, Stranger__c" in r.getMessage()]) == 1
    made = read(server, route.convert(sample))
    assert made["Country__c"] == "CZ"
    assert "Status__c" not in made


def test_incompatible_stops_with_the_difference(server: RegistryServer) -> None:
    fields = [f for f in GOLDEN["fields"] if f["name"] != "Status__c"]
    server.put(SUBJECT, json.dumps(GOLDEN | {"fields": fields}))
    resolver = writers(Org(), server)
    server.fail(200, server.subjects[SUBJECT][0])
    server.fail(409, {"error_code": 40901, "message": f"incompatible [{INCOMPATIBLE}]"})
    with pytest.raises(Incompatible, match="The field 'must'"):
        resolver.resolve(ID, event())


@pytest.mark.parametrize("phase", ["domainRules", "encodingRules"])
def test_a_schema_with_encryption_rules_is_refused(server: RegistryServer, phase: str) -> None:
    rules = {phase: [{"name": "pii", "type": "ENCRYPT", "tags": ["PII"]}]}
    server.put(SUBJECT, json.dumps(GOLDEN), ruleSet=rules)
    with pytest.raises(Fatal, match="orders-value has ENCRYPT rules"):
        writers(Org(), server).resolve(ID, event())
    acknowledged = writers(Org(), server, bridge__csfle__allow__plaintext="true")
    assert acknowledged.resolve(ID, event()).convert(event())


def test_a_rule_added_while_running_stops_the_plaintext(server: RegistryServer) -> None:
    resolver = writers(Org(), server)
    resolver.resolve(ID, event())
    rules = {"domainRules": [{"name": "pii", "type": "ENCRYPT", "tags": ["PII"]}]}
    server.put(SUBJECT, json.dumps(GOLDEN), ruleSet=rules)
    with pytest.raises(Fatal, match="ENCRYPT"):
        resolver.resolve(ID, event())


def test_a_subject_of_another_format(server: RegistryServer) -> None:
    server.put(SUBJECT, "{}")["schemaType"] = "JSON"
    server.subjects[SUBJECT][0]["schemaType"] = "JSON"
    with pytest.raises(Fatal, match="holds a JSON schema and the connector writes AVRO"):
        writers(Org(), server).resolve(ID, event())


def test_json_needs_no_registry() -> None:
    route = writers(Org(), None, output__data__format="JSON").resolve(ID, event())
    assert json.loads(route.convert(event(Status__c="New")))["Status__c"] == "New"


def test_avro_needs_one() -> None:
    with pytest.raises(ConfigurationError, match=r"schema\.registry\.url"):
        writers(Org(), None)


def test_a_schema_of_another_event() -> None:
    org = Org()
    org.schemas[ID] = EXPANDED | {"name": "Other__e"}
    with pytest.raises(Fatal, match="is of the event Other__e"):
        writers(org, None, output__data__format="JSON").resolve(ID, event())


# --- topics ----------------------------------------------------------------------------------------------------


def test_a_topic_named_after_the_event() -> None:
    route = writers(Org(), None, output__data__format="JSON", kafka__topic="sf.${_ObjectType}").resolve(
        ID, event()
    )
    assert (route.topic, route.record) == ("sf.order_placed__e", None)


def test_a_topic_named_after_a_field() -> None:
    settings = {"kafka__topic": "Orders.${Country__c}", "kafka__topic__lowercase": "false"}
    route = writers(Org(), None, output__data__format="JSON", **settings).resolve(ID, event())
    assert route.record is not None
    made = route.record(event(Country__c="CZ"))
    assert made is not None
    assert made.topic == "Orders.CZ"
    assert json.loads(made.value or b"")["Country__c"] == "CZ"
    with pytest.raises(BadRecord, match="Country__c"):
        route.record(event())


def test_a_topic_named_after_a_field_needs_another_subject(server: RegistryServer) -> None:
    topic = {"kafka__topic": "orders.${Country__c}"}
    with pytest.raises(Fatal, match="RecordNameStrategy"):
        writers(Org(), server, **topic).resolve(ID, event())
    by_record = {"value__converter__value__subject__name__strategy": "RecordNameStrategy"}
    route = writers(Org(), server, **topic, **by_record).resolve(ID, event())
    assert list(server.subjects) == [f"io.confluent.salesforce.{EVENT}"]
    assert route.record is not None
    made = route.record(event(Country__c="CZ"))
    assert made is not None
    assert made.topic == "orders.cz"


def test_the_records_timestamp() -> None:
    settings = {"output__data__format": "JSON", "bridge__record__timestamp": "created_date"}
    route = writers(Org(), None, **settings).resolve(ID, event())
    assert route.record is not None
    made = route.record(event(CreatedDate="2024-08-07T12:12:19.078Z"))
    assert made is not None
    assert (made.topic, made.timestamp) == ("orders", 1723032739078)


# --- contracts -------------------------------------------------------------------------------------------------


def contract(tmp_path: Path, text: str) -> dict[str, str]:
    path = tmp_path / "c.yaml"
    path.write_text(text)
    return {"bridge__schema__contract": str(path)}


def test_tags_of_the_contract_are_registered(server: RegistryServer, tmp_path: Path) -> None:
    given = contract(tmp_path, f"event: {EVENT}\nfields: {{Phone__c: {{tags: [PII]}}}}\n")
    writers(Org(), server, **given).resolve(ID, event())
    fields = json.loads(server.subjects[SUBJECT][0]["schema"])["fields"]
    assert {f["name"]: f["confluent:tags"] for f in fields if "confluent:tags" in f} == {"Phone__c": ["PII"]}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (
            f"event: {EVENT}\nfields: {{Fone__c: {{tags: [PII]}}}}\n",
            r"fields\.Fone__c: Order_Placed__e has no such field",
        ),
        ("event: Other__e\n", "is the contract of Other__e"),
        (f"event: {EVENT}\nrules: [{{name: p, type: ENCRYPT}}]\n", "rules that encrypt"),
        ("evnt: X\n", "evnt: is not known here"),
    ],
)
def test_a_contract_that_cannot_be_kept(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(BridgeError, match=words):
        writers(Org(), None, output__data__format="JSON", **contract(tmp_path, text)).resolve(ID, event())


def test_with_dead_letter_an_incompatible_schema_refuses_its_events(
    server: RegistryServer, caplog: pytest.LogCaptureFixture
) -> None:
    fields = [
        dict(f, type="boolean", default=False) if f["name"] == "Status__c" else f for f in GOLDEN["fields"]
    ]
    server.put(SUBJECT, json.dumps(GOLDEN | {"fields": fields}))
    with pytest.raises(Fatal, match=r"Order_Placed__e does not fit orders-value version 1: .*Status__c"):
        writers(Org(), server).resolve(ID, event())
    resolver = writers(Org(), server, bridge__schema__on__incompatible="dead_letter")
    with caplog.at_level(logging.WARNING):
        route = resolver.resolve(ID, event())
    assert "become dead letters" in caplog.text
    with pytest.raises(SetAside, match="Status__c") as caught:
        route.convert(event(replay_id=12))
    assert caught.value.position == 12


def test_tags_and_rules_that_the_registered_schema_lacks_are_a_new_version(
    server: RegistryServer, tmp_path: Path
) -> None:
    theirs = {"domainRules": [{"name": "check", "type": "CEL", "expr": "true"}]}
    server.put(SUBJECT, json.dumps(GOLDEN), ruleSet=theirs, metadata={"properties": {"team": "a"}})
    text = f"event: {EVENT}\nfields: {{Phone__c: {{tags: [PII]}}}}\nmetadata: {{properties: {{owner: b}}}}\n"
    text += "rules: [{name: later, type: ENCRYPT, tags: [PII], disabled: true}]\n"
    resolver = writers(Org(), server, **contract(tmp_path, text))
    resolver.resolve(ID, event())
    grown = server.subjects[SUBJECT][1]
    assert [r["name"] for r in grown["ruleSet"]["domainRules"]] == ["check", "later"]
    assert grown["metadata"] == {"properties": {"team": "a", "owner": "b"}}
    assert {f["name"] for f in json.loads(grown["schema"])["fields"] if "confluent:tags" in f} == {"Phone__c"}
    resolver.resolve(ID, event())
    assert len(server.subjects[SUBJECT]) == 2


def test_tags_are_not_registered_where_nothing_is(
    server: RegistryServer, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    server.put(SUBJECT, json.dumps(GOLDEN))
    off = {"value__converter__auto__register__schemas": "false"}
    given = contract(tmp_path, f"event: {EVENT}\nfields: {{Phone__c: {{tags: [PII]}}}}\n")
    resolver = writers(Org(), server, **given, **off)
    with caplog.at_level(logging.WARNING):
        resolver.resolve(ID, event())
        resolver.resolve(ID, event())
    assert len(server.subjects[SUBJECT]) == 1
    assert caplog.text.count("lacks the tags of the contract") == 1
