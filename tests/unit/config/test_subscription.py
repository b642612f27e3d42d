"""One event or a custom channel: what must be named, and what several events in one topic need."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from bridge.config import subscription
from bridge.inspection.configuration import examine_files
from tests.unit.config.samples import VALID

STRATEGY = "value.converter.value.subject.name.strategy"
CHANNEL = {
    "salesforce.platform.event.name": "",
    "salesforce.platform.subscription.type": "CUSTOM_CHANNEL",
    "salesforce.platform.custom.channel.name": "Sales__chn",
    "salesforce.platform.channel.entities": "A__e,B__e",
    "output.data.format": "AVRO",
    "kafka.topic": "sales-${_ObjectType}",
    "schema.registry.url": "http://localhost:1",
}


def faults(tmp_path: Path, **changes: str) -> dict[str, str]:
    given = {**VALID, **CHANNEL, **changes}
    path = tmp_path / "connector.json"
    path.write_text(json.dumps(given))
    worker = tmp_path / "worker.properties"
    worker.write_text("bootstrap.servers=localhost:1\nsecurity.protocol=PLAINTEXT\n")
    return {fault.key: fault.message for fault in examine_files(path, worker, {}).faults}


def test_a_channel_is_accepted(tmp_path: Path) -> None:
    assert faults(tmp_path) == {}
    many = ",".join(f"Event_{number}__e" for number in range(40))
    assert faults(tmp_path, **{"salesforce.platform.channel.entities": many}) == {}


@pytest.mark.parametrize(
    "strategy", ["RecordNameStrategy", "io.confluent.kafka.serializers.subject.TopicRecordNameStrategy"]
)
def test_several_events_in_one_topic_need_another_strategy(tmp_path: Path, strategy: str) -> None:
    one = {"kafka.topic": "sales"}
    assert "several events go to one topic (A__e, B__e)" in faults(tmp_path, **one)[STRATEGY]
    assert STRATEGY in faults(tmp_path, **{"kafka.topic": "sales-${Status__c}"})
    assert STRATEGY in faults(tmp_path, **one, **{STRATEGY: "TopicNameStrategy"})
    assert faults(tmp_path, **one, **{STRATEGY: strategy}) == {}
    assert faults(tmp_path, **one, **{"output.data.format": "JSON"}) == {}
    assert faults(tmp_path, **one, **{"salesforce.platform.channel.entities": "A__e"}) == {}
    assert STRATEGY in faults(tmp_path, **{"salesforce.platform.channel.entities": "A__e,a__e"}), (
        "lower-cased"
    )


@pytest.mark.parametrize(
    ("key", "value", "words"),
    [
        ("salesforce.platform.custom.channel.name", "", "is required"),
        ("salesforce.platform.custom.channel.name", "Sales", "is not the name of a custom channel"),
        ("salesforce.platform.channel.entities", "", "is required"),
        ("salesforce.platform.channel.entities", "A__e,/event/B__e", "names /event/B__e, which is a channel"),
        ("salesforce.platform.subscription.type", "SINGLE_EVENT", ""),
    ],
)
def test_what_is_missing_or_no_name(tmp_path: Path, key: str, value: str, words: str) -> None:
    found = faults(tmp_path, **{key: value})
    if words:
        assert words in found[key]
    else:
        assert "salesforce.platform.custom.channel.name" in found


@pytest.mark.parametrize(
    ("given", "channel", "events"),
    [
        ({subscription.EVENT: "A__e"}, "/event/A__e", ("A__e",)),
        (
            {
                subscription.TYPE: "CUSTOM_CHANNEL",
                subscription.CHANNEL: "S__chn",
                subscription.ENTITIES: ["A__e", "B__e", "A__e"],
            },
            "/event/S__chn",
            ("A__e", "B__e"),
        ),
        (
            {
                subscription.TYPE: "CUSTOM_CHANNEL",
                subscription.CHANNEL: "/data/S__chn",
                subscription.ENTITIES: ["A__e"],
            },
            "/data/S__chn",
            ("A__e",),
        ),
    ],
)
def test_channel_and_events(given: dict[str, Any], channel: str, events: tuple[str, ...]) -> None:
    assert subscription.channel(given) == channel
    assert subscription.events(given) == events


def test_the_event_of_a_channel() -> None:
    assert subscription.event_of("/event/A__e") == "A__e"
    assert subscription.event_of("/event/S__chn") is None
    assert subscription.event_of(None) is None


def test_an_event_named_twice_is_a_mistake(tmp_path: Path) -> None:
    found = faults(tmp_path, **{"salesforce.platform.channel.entities": "A__e,B__e,A__e"})
    assert found == {"salesforce.platform.channel.entities": "names A__e twice"}
