"""Chains out of a connector's properties: every fault with its property, in Kafka Connect's words."""

import pytest

from bridge.errors import BadRecord, ConfigurationError, Stage
from bridge.model.schema import Field, Kind, Schema
from bridge.transforms.configuration import chain_of, strangers
from bridge.transforms.record import ConnectRecord

APACHE = "org.apache.kafka.connect.transforms."
TEXT = Schema(Kind.STRING, optional=True)
SCHEMA = Schema(Kind.STRUCT, fields=(Field("a", TEXT, frozenset({"PII"})), Field("b", TEXT)))


def faults(**given: str) -> dict[str, str]:
    with pytest.raises(ConfigurationError) as caught:
        chain_of({key.replace("__", "."): value for key, value in given.items()})
    return {fault.key: fault.message for fault in caught.value.faults}


@pytest.mark.parametrize(
    ("chosen", "key"),
    [("none", None), ("", None), ("event_uuid", "u-1"), ("field:b", "B"), ("field:a", None)],
)
@pytest.mark.parametrize("renamed", [False, True])
def test_a_record_key_comes_before_the_other_transforms(chosen: str, key: str | None, renamed: bool) -> None:
    rename = {
        "transforms": "r",
        "transforms.r.type": APACHE + "ReplaceField$Value",
        "transforms.r.exclude": "b,EventUuid",
    }
    chain = chain_of({"bridge.record.key": chosen, **(rename if renamed else {})})
    fields = (*SCHEMA.fields, Field("EventUuid", TEXT))
    record = ConnectRecord("t", Schema(Kind.STRUCT, fields=fields), {"a": None, "b": "B", "EventUuid": "u-1"})
    assert chain.apply(record)
    assert record.key == key


def test_a_key_that_the_event_does_not_have_is_a_bad_record() -> None:
    record = ConnectRecord("t", SCHEMA, {"a": "A", "b": "B"})
    with pytest.raises(BadRecord, match="Nope"):
        chain_of({"bridge.record.key": "field:Nope"}).apply(record)


def test_every_fault_at_once_in_connect_s_words() -> None:
    found = faults(
        transforms="a,b,c,d",
        transforms__a__type="org.example.ValueToKeys",
        transforms__b__type=APACHE + "Cast$Value",
        transforms__c__type=APACHE + "InsertField$Value",
        transforms__d__predicate="p",
    )
    assert set(found) == {
        "transforms.a.type",
        "transforms.b.spec",
        "transforms.c.type",
        "transforms.d.predicate",
        "transforms.d.type",
    }
    assert "Class org.example.ValueToKeys could not be found" in found["transforms.a.type"]
    assert f"The nearest are {APACHE}ValueToKey, " in found["transforms.a.type"]
    assert found["transforms.a.type"].count(", ") == 2
    assert found["transforms.b.spec"].startswith(
        'Missing required configuration "transforms.b.spec" which has no'
    )
    assert found["transforms.c.type"] == "No field insertion configured"


def test_aliases_and_predicates() -> None:
    assert "Duplicate alias" in faults(transforms="a,a", transforms__a__type=APACHE + "Filter")["transforms"]
    found = faults(transforms="a", transforms__a__type=APACHE + "Filter", transforms__a__negate="perhaps")
    assert "Expected value to be either true or false" in found["transforms.a.negate"]
    found = faults(predicates="p", predicates__p__type=APACHE + "predicates.HasHeaderKey")
    assert set(found) == {"predicates.p.name"}


def test_keys_that_mean_nothing() -> None:
    given = {
        "transforms": "a,a.b",
        "transforms.a.type": APACHE + "RegexRouter",
        "transforms.a.regexp": "x",
        "transforms.a.b.type": APACHE + "Filter",
        "transforms.a.b.predicate": "p",
        "transforms.z.type": APACHE + "Filter",
        "predicates.p.type": "x",
    }
    found = dict(strangers(given))
    assert set(found) == {"transforms.a.regexp", "transforms.z.type", "predicates.p.type"}
    assert "did you mean transforms.a.regex?" in found["transforms.a.regexp"]


def test_names_of_older_versions_are_told_by_their_new_ones() -> None:
    given = {"transforms": "r", "transforms.r.type": APACHE + "ReplaceField$Value"}
    given |= {"transforms.r.blacklist": "a", "transforms.r.whitelist": "b"}
    found = dict(strangers(given))
    assert "did you mean transforms.r.exclude?" in found["transforms.r.blacklist"]
    assert "did you mean transforms.r.include?" in found["transforms.r.whitelist"]


def test_a_predicate_chooses_and_negate_turns_it_round() -> None:
    given = {
        "transforms": "drop",
        "transforms.drop.type": APACHE + "Filter",
        "transforms.drop.predicate": "p",
        "predicates": "p",
        "predicates.p.type": APACHE + "predicates.TopicNameMatches",
        "predicates.p.pattern": "in.*",
    }
    chain = chain_of(given)
    turned = chain_of(given | {"transforms.drop.negate": "true"})
    for topic in ("inside", "outside"):
        record = ConnectRecord(topic, SCHEMA, {"a": "x", "b": "y"})
        assert chain.apply(record) is (topic == "outside")
        assert turned.apply(record) is (topic == "inside")


def test_an_error_names_the_transform_and_not_the_value() -> None:
    chain = chain_of(
        {"transforms": "c", "transforms.c.type": APACHE + "Cast$Value", "transforms.c.spec": "a:int8"}
    )
    with pytest.raises(BadRecord) as caught:
        chain.apply(ConnectRecord("t", SCHEMA, {"a": "secret", "b": None}))
    assert caught.value.stage is Stage.TRANSFORMATION
    assert caught.value.message == "transforms.c: field a: a value was out of range for int8"


def test_explaining_and_tracing() -> None:
    chain = chain_of(
        {
            "transforms": "key,id,route",
            "transforms.key.type": APACHE + "ValueToKey",
            "transforms.key.fields": "a",
            "transforms.id.type": APACHE + "ExtractField$Key",
            "transforms.id.field": "a",
            "transforms.route.type": APACHE + "RegexRouter",
            "transforms.route.regex": "(.*)",
            "transforms.route.replacement": "x-$1",
        }
    )
    steps = list(chain.explain(ConnectRecord("t", SCHEMA, {"a": "1", "b": None})))
    assert [alias for alias, _ in steps] == ["key", "id", "route"]
    assert [record and record.key for _, record in steps] == [{"a": "1"}, "1", "1"]
    state, leaks = chain.trace(SCHEMA)
    assert state.key == TEXT
    assert str(leaks[0]) == "transforms.key puts the field a (tagged PII) into the key"
    assert chain.fixed_topic("t") == "x-t"


def test_a_topic_that_depends_on_the_record_is_not_fixed() -> None:
    chain = chain_of({"transforms": "r", "transforms.r.type": APACHE + "TimestampRouter"})
    assert chain.fixed_topic("t") is None
