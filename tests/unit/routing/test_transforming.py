"""Routes through transforms: the same bytes where nothing changes, prepared targets, what leaks."""

import json
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from attrs import evolve
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.config import Loaded, TopicTemplate, config_of
from bridge.config.declarations.formats import REGISTRY_TYPES
from bridge.encryption.seals import seal_of
from bridge.errors import BadRecord, Fatal, SetAside
from bridge.event import Data, Record
from bridge.formats import FORMATS
from bridge.model.protection import NOTHING, Protection
from bridge.model.registered import Registered
from bridge.model.schema import Schema
from bridge.registry.client import Incompatible
from bridge.routing.exposure import Exposure
from bridge.routing.planning import Intent
from bridge.routing.registration import Written
from bridge.routing.routes import Route, Unprepared
from bridge.routing.transforming import Asked, Transforming
from bridge.transforms.configuration import chain_of
from tests.unit.formats.events import EVERY, FULL, ORDER, data, payloads, rows

APACHE = "org.apache.kafka.connect.transforms."
IDENTITY = {
    "transforms": "same,route",
    "transforms.same.type": APACHE + "ReplaceField$Value",
    "transforms.route.type": APACHE + "RegexRouter",
    "transforms.route.regex": "other",
    "transforms.route.replacement": "never",
}
KEY = {
    "transforms": "key,id",
    "transforms.key.type": APACHE + "ValueToKey",
    "transforms.key.fields": "Order_Number__c",
    "transforms.id.type": APACHE + "ExtractField$Key",
    "transforms.id.field": "Order_Number__c",
}
Find = Callable[[Schema, str], Written | None]


def registered(form: str, settings: Mapping[str, str], **more: Any) -> Find:
    def find(schema: Schema, topic: str) -> Written | None:
        if form not in REGISTRY_TYPES:
            return None
        text = FORMATS[form].render(schema, settings)
        more_of = {key: value for key, value in more.items() if key != "protection"}
        stored = Registered(f"{topic}-value", 1, 7, text, **more_of)
        return Written(stored, Intent(schema, stored), more.get("protection", NOTHING))

    return find


def route(
    chain: Mapping[str, str], form: str = "JSON", find: Find | None = None, event: Any = ORDER, sample: Any = FULL,
    topics: list[str] | None = None, **settings: str,
) -> Route:  # fmt: skip
    given = {"kafka.topic": "Orders", **chain, **{k.replace("__", "."): v for k, v in settings.items()}}
    loaded = Loaded(config_of(given), config_of({}))
    ensure = topics.append if topics is not None else lambda name: None
    made = Transforming(loaded, FORMATS[form], {}, lambda: pytest.fail("no registry of keys"), ensure)
    find = find or registered(form, {})

    def declared(schema: Schema, topic: str | None) -> Registered | None:
        written = find(schema, topic or "")
        return written and evolve(written.registered, text="")

    return made.route(rows(event), TopicTemplate("Orders"), Asked(find, declared), data(sample), "a route")


def converted(found: Route, event: Data) -> Record | None:
    if found.record is None:  # no transform has to look at the event
        return Record(found.topic, found.convert(event), sealed=found.sealed)
    try:
        return found.record(event)
    except Unprepared as target:
        target.prepare()
        return found.record(event)


@pytest.mark.parametrize("form", sorted(FORMATS))
@pytest.mark.parametrize("event", [ORDER, EVERY], ids=["order", "every"])
def test_a_chain_that_changes_nothing_gives_the_fused_bytes(form: str, event: Any) -> None:
    found = route(IDENTITY, form, event=event, sample={})
    layout, written = rows(event), registered(form, {})(rows(event).schema, "orders")
    text = written.registered.text if written else None
    frame = b"\0\0\0\0\7" if written else b""
    fused = FORMATS[form].compile_fused(layout, text, frame, {}, NOTHING)

    @settings(max_examples=40, deadline=None)
    @given(payloads(event), st.integers(0, 2**62))
    def same(payload: Any, replay_id: int) -> None:
        event_data = data(payload, replay_id)
        record = converted(found, event_data)
        assert record is not None
        assert (record.topic, record.key, record.headers, record.timestamp) == ("orders", None, (), None)
        assert record.value == fused(event_data)

    same()


def test_a_key_out_of_the_value() -> None:
    record = converted(route(KEY), data(FULL))
    assert record is not None
    assert record.key == b"O-10018"
    assert json.loads(record.value or b"")["Order_Number__c"] == "O-10018"


def test_a_target_is_prepared_once_and_its_topic_checked() -> None:
    topics: list[str] = []
    chain = {"transforms": "t", "transforms.t.type": "io.confluent.connect.transforms.ExtractTopic$Value",
             "transforms.t.field": "Order_Number__c"}  # fmt: skip
    found = route(chain, topics=topics)
    assert topics == ["O-10018"]
    assert found.record is not None
    assert found.record(data(FULL)) is not None
    other = data(FULL | {"Order_Number__c": "B"})
    with pytest.raises(Unprepared) as target:
        found.record(other)
    target.value.prepare()
    record = found.record(other)
    assert record is not None
    assert record.topic == "B"
    with pytest.raises(BadRecord, match="the topic that transforms give"):
        converted(found, data(FULL | {"Order_Number__c": "no topic!"}))
    assert topics == ["O-10018", "B"]


def test_what_is_dropped_is_no_record() -> None:
    assert converted(route({"transforms": "f", "transforms.f.type": APACHE + "Filter"}), data(FULL)) is None


def test_a_null_value_is_a_tombstone() -> None:
    chain = KEY | {
        "transforms": "key,id,drop",
        "transforms.drop.type": "io.confluent.connect.transforms.Drop$Value",
    }
    record = converted(route(chain, "AVRO"), data(FULL))
    assert record is not None
    assert (record.key, record.value) == (b"O-10018", None)


def test_a_value_that_is_no_struct_any_more_is_written_by_its_type() -> None:
    chain = {
        "transforms": "e",
        "transforms.e.type": APACHE + "ExtractField$Value",
        "transforms.e.field": "Status__c",
    }
    record = converted(route(chain), data(FULL))
    assert record is not None
    assert record.value == b'"New"'
    for form, written in (("AVRO", b"\2\6New"), ("JSON_SR", b'"New"'), ("PROTOBUF", b"\2\x0e\n\3New")):
        record = converted(route(chain, form), data(FULL))
        assert record is not None
        assert record.value is not None
        assert record.value[5:] == written


def test_headers_and_timestamps() -> None:
    chain = {"transforms": "h,r", "transforms.h.type": APACHE + "InsertHeader", "transforms.h.header": "n",
             "transforms.h.value.literal": "[1, 2]", "transforms.r.type": APACHE + "TimestampRouter"}  # fmt: skip
    with pytest.raises(BadRecord, match="Timestamp missing"):
        converted(route(chain), data(FULL))
    record = converted(route(chain, bridge__record__timestamp="created_date"), data(FULL))
    assert record is not None
    assert record.topic == "orders-20240807"
    assert record.timestamp == 1_723_032_739_078
    assert record.headers == (("n", b"[1,2]"),)


def incompatible(schema: Schema, topic: str) -> Written | None:
    raise Incompatible("differs", stage=None)  # type: ignore[arg-type]


def test_an_incompatible_schema_stops_or_is_set_aside() -> None:
    with pytest.raises(Incompatible):
        route(KEY, "AVRO", incompatible)
    found = route(KEY, "AVRO", incompatible, bridge__schema__on__incompatible="dead_letter",
                  errors__deadletterqueue__topic__name="dead")  # fmt: skip
    with pytest.raises(SetAside, match="differs"):
        converted(found, data(FULL))


RULES = {"domainRules": [{"name": "pii", "type": "ENCRYPT", "tags": ["PII"]}]}


def protecting(tagged: str = "", rules: Mapping[str, Any] = RULES) -> Find:
    """What the registry has: rules, and a tag on one field of the schema after the chain."""

    def find(schema: Schema, topic: str) -> Written:
        fields = (evolve(f, tags=frozenset({"PII"})) if f.name == tagged else f for f in schema.fields)
        text = FORMATS["AVRO"].render(evolve(schema, fields=tuple(fields)), {})
        found = Registered(f"{topic}-value", 1, 7, text, rule_set=rules)
        return Written(found, Intent(schema, found), Protection({tagged or "x": seal_of([])}, None, ("k",)))

    return find


TAGGED = evolve(
    ORDER,
    fields=tuple(
        evolve(f, tags={"PII": "contract"}) if f.name == "Order_Number__c" else f for f in ORDER.fields
    ),
)


def test_a_protected_field_gets_into_no_key() -> None:
    with pytest.raises(
        Fatal, match=r"transforms\.key puts the field Order_Number__c \(tagged PII\) into the key"
    ):
        route(KEY, "AVRO", protecting(), event=TAGGED)


def test_nor_where_the_registry_alone_tags_it_and_its_name_is_another_by_then() -> None:
    chain = KEY | {
        "transforms": "key,name",
        "transforms.name.type": APACHE + "ReplaceField$Value",
        "transforms.name.renames": "Order_Number__c:number",
    }
    with pytest.raises(
        Fatal, match=r"transforms\.key puts the field Order_Number__c \(tagged PII\) into the key"
    ):
        route(chain, "AVRO", protecting("number"))


def test_other_tags_other_rules_and_other_fields_may() -> None:
    other = {"domainRules": [{"name": "x", "type": "ENCRYPT", "tags": ["GDPR"]}]}
    disabled = {"domainRules": [{"name": "x", "type": "ENCRYPT", "tags": ["PII"], "disabled": True}]}
    before = rows(TAGGED).schema
    chain = chain_of(KEY)
    for rules in (other, disabled):
        written = protecting(rules=rules)(before, "orders")
        assert written is not None
        assert Exposure(chain, {}).faults(before, written.registered) == []
    status = chain_of({key: value.replace("Order_Number__c", "Status__c") for key, value in KEY.items()})
    written = protecting()(before, "orders")
    assert written is not None
    assert Exposure(status, {}).faults(before, written.registered) == []
    assert len(Exposure(chain, {}).faults(before, written.registered)) == 1


def test_a_header_a_topic_and_a_number_leak_too() -> None:
    before = rows(TAGGED).schema
    written = protecting()(before, "orders")
    assert written is not None
    header = APACHE + "HeaderFrom$Value"
    cases: tuple[tuple[dict[str, str], str], ...] = (
        ({"type": header, "fields": "Order_Number__c", "headers": "h", "operation": "move"}, "a header"),
        (
            {"type": "io.confluent.connect.transforms.ExtractTopic$Value", "field": "Order_Number__c"},
            "the topic",
        ),
        (
            {"type": APACHE + "Cast$Value", "spec": "Order_Number__c:int64"},
            "int64, which cannot be encrypted",
        ),
        ({"type": APACHE + "ExtractField$Value", "field": "Order_Number__c"}, "the whole value"),
    )
    for one, into in cases:
        chain = chain_of({"transforms": "a"} | {f"transforms.a.{key}": value for key, value in one.items()})
        assert Exposure(chain, {}).faults(before, written.registered)[0].endswith(f"into {into}")
