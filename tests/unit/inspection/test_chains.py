"""Transforms at load: found with everything else, by the properties' names."""

from tests.unit.config.conftest import Faults, Load

APACHE = "org.apache.kafka.connect.transforms."
ROUTER = {
    "transforms": "r",
    "transforms.r.type": APACHE + "RegexRouter",
    "transforms.r.regex": "(.*)",
    "transforms.r.replacement": "x-$1",
}


def test_a_sound_chain_is_accepted(loading: Load) -> None:
    assert loading(ROUTER).connector["transforms"] == ["r"]
    mask = {"transforms": "m", "transforms.m.type": APACHE + "MaskField$Value", "transforms.m.fields": "a"}
    assert loading(mask | {"transforms.m.replacement": "****"}).connector["transforms"] == ["m"]


def test_faults_come_with_the_others(faults: Faults) -> None:
    found = faults(ROUTER | {"transforms.r.regex": "(", "transforms.r.replacment": "x", "tasks.max": "x"})
    assert set(found) == {"tasks.max", "transforms.r.regex", "transforms.r.replacment"}
    assert "Invalid regex" in found["transforms.r.regex"]
    assert "did you mean transforms.r.replacement?" in found["transforms.r.replacment"]


def test_unknown_keys_may_be_notices(loading: Load) -> None:
    notices = loading(ROUTER | {"transforms.r.more": "x", "bridge.config.unknown": "warn"}).notices
    assert any("transforms.r.more" in notice for notice in notices)


def test_keys_below_no_alias(faults: Faults) -> None:
    assert set(faults({"transforms.r.type": APACHE + "Filter"})) == {"transforms.r.type"}
    assert set(faults({"predicates.p.type": "x"})) == {"predicates.p.type"}


def test_converters_behind_transforms(faults: Faults, loading: Load) -> None:
    protobuf = {"key.converter": "io.confluent.connect.protobuf.ProtobufConverter"}
    assert set(faults(ROUTER | protobuf)) == {"key.converter"}
    assert loading(protobuf)  # without transforms every key is null
    worker = {
        "bootstrap.servers": "b:9092",
        "security.protocol": "PLAINTEXT",
        "header.converter": "org.example.Other",
    }
    assert set(faults(ROUTER, worker=worker)) == {"header.converter"}
