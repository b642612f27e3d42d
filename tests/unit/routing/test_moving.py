"""Transforms that look at no value: the fused way writes what the long way writes, and seals what it seals."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest
from attrs import evolve
from hypothesis import given, settings

from bridge.config import Loaded, TopicTemplate, config_of
from bridge.config.declarations.formats import REGISTRY_TYPES
from bridge.counts import CAREFUL_CONVERSIONS
from bridge.event import Record
from bridge.formats import FORMATS
from bridge.model.protection import NOTHING, Protection, Seal
from bridge.model.registered import Registered
from bridge.model.schema import Schema
from bridge.routing.planning import Intent
from bridge.routing.registration import Written
from bridge.routing.routes import Route
from bridge.routing.transforming import Asked, Transforming
from tests.unit.formats.events import EVERY, FULL, ORDER, data, payloads, rows

_APACHE = "org.apache.kafka.connect.transforms."
RENAME = {
    "type": _APACHE + "ReplaceField$Value",
    "renames": "Customer_Name__c:name,ReplayId:position",
    "exclude": "Comment__c,EventUuid",
}
SOME = {
    "type": _APACHE + "ReplaceField$Value",
    "include": "CreatedDate,Customer_Name__c,name,position,_ObjectType",
}
STATIC = {"type": _APACHE + "InsertField$Value", "static.field": "source", "static.value": 'Žižkov "1"'}
TOPIC = {"type": _APACHE + "InsertField$Value", "topic.field": "topic"}
ROUTE = {"type": _APACHE + "RegexRouter", "regex": "(.*)", "replacement": "team-$1"}
NAME = {
    "type": _APACHE + "SetSchemaMetadata$Value",
    "schema.name": "com.example.Renamed",
    "schema.version": "3",
}
HEADER = {"type": _APACHE + "InsertHeader", "header": "origin", "value.literal": "42"}
CHAINS: dict[str, tuple[dict[str, str], ...]] = {
    "rename and drop": (RENAME,),
    "some fields": (SOME,),
    "a fixed text": (STATIC,),
    "route": (ROUTE,),
    "a name for the schema": (NAME,),
    "a header": (HEADER,),
    "the topic between two routers": (ROUTE, TOPIC, ROUTE),
    "all of them": (STATIC, ROUTE, RENAME, TOPIC, NAME, SOME, HEADER),
}


def chain(*links: Mapping[str, str]) -> dict[str, str]:
    named = {f"transforms.t{n}.{key}": value for n, link in enumerate(links) for key, value in link.items()}
    return {"transforms": ",".join(f"t{n}" for n in range(len(links))), **named}


def sealing(names: set[str]) -> Callable[[str, Schema], Protection]:
    """A seal that can be seen, on fields of the schema after the chain, by their names in each format's rules."""

    def seal(value: bytes) -> bytes:
        return b"sealed(" + value[::-1].hex().encode() + b")"

    def protect(form: str, schema: Schema) -> Protection:
        record = schema.name or "ConnectDefault"
        package = {"AVRO": f"{record}.", "PROTOBUF": f"{record}.", "JSON_SR": "$."}[form]
        there = names & {field.name for field in schema.fields}
        return Protection({f"{package}{name}": Seal(seal, seal) for name in there}, None, ("k",))

    return protect


def route(
    links: tuple[Mapping[str, str], ...],
    form: str,
    event: Any = ORDER,
    protect: Any = None,
    sample: Any = FULL,
    **given: str,
) -> Route:
    config = {"kafka.topic": "orders", **chain(*links), **{k.replace("__", "."): v for k, v in given.items()}}
    loaded = Loaded(config_of(config), config_of({}))
    made = Transforming(loaded, FORMATS[form], {}, lambda: pytest.fail("no registry of keys"))

    def find(schema: Schema, topic: str) -> Written | None:
        if form not in REGISTRY_TYPES:
            return None
        stored = Registered(f"{topic}-value", 1, 7, FORMATS[form].render(schema, {}), REGISTRY_TYPES[form])
        protection = NOTHING if protect is None else protect(form, schema)
        return Written(stored, Intent(schema, stored), protection)

    asked = Asked(find, lambda schema, topic: None)
    return made.route(rows(event), TopicTemplate("orders"), asked, data(sample), "a route")


def record_of(made: Route, event: Any) -> Record | None:
    return (
        Record(made.topic, made.convert(event), sealed=made.sealed)
        if made.record is None
        else made.record(event)
    )


@pytest.mark.parametrize("form", sorted(FORMATS))
@pytest.mark.parametrize("links", CHAINS.values(), ids=CHAINS)
def test_the_fused_way_writes_what_the_long_way_writes(
    links: tuple[Mapping[str, str], ...], form: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    fused = route(links, form)
    assert "convert" in fused.convert.__code__.co_name
    monkeypatch.setattr(Transforming, "_moved", lambda *_: None)
    long = route(links, form)
    assert long.record is not None

    @settings(max_examples=8, deadline=None)
    @given(payloads(ORDER))
    def alike(payload: Any) -> None:
        assert record_of(fused, data(payload)) == record_of(long, data(payload))

    alike()


@pytest.mark.parametrize("form", sorted(FORMATS))
def test_every_type_is_moved(form: str, monkeypatch: pytest.MonkeyPatch) -> None:
    links = ({**RENAME, "renames": ",".join(f"{f.name}:x{f.name}" for f in EVERY.fields)}, STATIC, ROUTE)
    fused = route(links, form, EVERY, sample={})
    monkeypatch.setattr(Transforming, "_moved", lambda *_: None)
    long = route(links, form, EVERY, sample={})

    @settings(max_examples=25, deadline=None)
    @given(payloads(EVERY))
    def alike(payload: Any) -> None:
        assert record_of(fused, data(payload)) == record_of(long, data(payload))

    alike()


@pytest.mark.parametrize("form", sorted(REGISTRY_TYPES))
def test_what_is_protected_after_the_chain_is_sealed(form: str, monkeypatch: pytest.MonkeyPatch) -> None:
    protect = sealing({"name", "source", "Customer_Email__c", "position"})
    fused = route((RENAME, STATIC), form, protect=protect)
    monkeypatch.setattr(Transforming, "_moved", lambda *_: None)
    long = route((RENAME, STATIC), form, protect=protect)
    for payload in (FULL, FULL | {"Customer_Email__c": None}, {"CreatedDate": "24-01-01 is none"} | FULL):
        record = record_of(fused, data(payload))
        assert record is not None
        assert record == record_of(long, data(payload))
        assert record.sealed == 4
        assert record.value is not None
        assert "Žaneta".encode() not in record.value
        assert b"zaneta@example.com" not in record.value
        assert "Žižkov".encode() not in record.value
        assert record.value.count(b"sealed(") == 4 - (
            payload["Customer_Email__c"] is None and form != "PROTOBUF"
        )


@pytest.mark.parametrize("form", sorted(FORMATS))
def test_moved_events_stay_on_the_quick_way(form: str) -> None:
    made, before = route(CHAINS["all of them"], form), CAREFUL_CONVERSIONS.by_label()
    made.convert(data(FULL))
    assert CAREFUL_CONVERSIONS.by_label() == before


LOOKS: dict[str, tuple[Mapping[str, str], dict[str, str]]] = {
    "a cast": ({"type": _APACHE + "Cast$Value", "spec": "Amount__c:string"}, {}),
    "a key": ({"type": _APACHE + "ValueToKey", "fields": "Order_Number__c"}, {}),
    "a topic of the event": ({"type": _APACHE + "TimestampRouter"}, {}),
    "the record's time": ({"type": _APACHE + "InsertField$Value", "timestamp.field": "at"}, {}),
    "a predicate": (
        {**STATIC, "predicate": "p"},
        {"predicates": "p", "predicates__p__type": f"{_APACHE}predicates.RecordIsTombstone"},
    ),
    "records with a time": (STATIC, {"bridge__record__timestamp": "created_date"}),
}


@pytest.mark.parametrize(("link", "more"), LOOKS.values(), ids=LOOKS)
def test_what_has_to_look_at_the_event_goes_the_long_way(
    link: Mapping[str, str], more: dict[str, str]
) -> None:
    made = route((link,), "JSON", **more)
    assert made.record is not None
    with pytest.raises(AssertionError):
        made.convert(data(FULL))


def test_a_value_that_has_to_be_another_type_goes_the_long_way() -> None:
    """As a contract's ``otherwise: string`` wants it of a number that is protected."""

    def find(schema: Schema, topic: str) -> Written:
        text = next(f.schema for f in schema.fields if f.name == "Country__c")
        fields = (evolve(f, schema=text) if f.name == "Amount__c" else f for f in schema.fields)
        after = evolve(schema, fields=tuple(fields))
        stored = Registered("orders-value", 1, 7, FORMATS["AVRO"].render(after, {}))
        return Written(stored, Intent(after, stored), NOTHING)

    loaded = Loaded(config_of({"kafka.topic": "orders", **chain(ROUTE)}), config_of({}))
    made = Transforming(loaded, FORMATS["AVRO"], {}, lambda: pytest.fail("no registry of keys"))
    asked = Asked(find, lambda schema, topic: None)
    found = made.route(rows(ORDER), TopicTemplate("orders"), asked, data(FULL), "a route")
    assert found.record is not None
    record = found.record(data(FULL))
    assert record is not None
    assert record.value is not None
    assert b"12.5" in record.value
