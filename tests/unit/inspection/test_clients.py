"""What a run would refuse by the configuration alone is said where it is loaded."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.config.samples import REGISTRY, WORKER, Faults, Load

SECRET = "example-only-not-a-secret"
ENCRYPTS = {"output.data.format": "AVRO", "csfle.enabled": "true"}
STRATEGY = "value.converter.value.subject.name.strategy"


@pytest.mark.parametrize(
    "key", ["rule.executors._default_.param.secret", "value.converter.rule.executors.local.param.secret"]
)
def test_the_secret_of_the_examples_is_refused_where_it_stands(
    key: str, faults: Faults, loading: Load
) -> None:
    assert "bridge.allow.example.keys=true" in faults(ENCRYPTS | {key: SECRET}, worker=REGISTRY)[key]
    assert loading(ENCRYPTS | {key: SECRET, "bridge.allow.example.keys": "true"}, worker=REGISTRY)
    assert loading(ENCRYPTS | {key: SECRET, "csfle.enabled": "false"}, worker=REGISTRY)


def test_the_secret_of_the_examples_in_the_worker_or_the_environment(faults: Faults) -> None:
    key = "rule.executors._default_.param.secret"
    assert set(faults(ENCRYPTS, worker=REGISTRY | {key: SECRET})) == {key}
    (found,) = faults(ENCRYPTS, worker=REGISTRY, environ={"LOCAL_SECRET": SECRET})
    assert "LOCAL_SECRET" in found


@pytest.mark.parametrize("strategy", ["", "TopicNameStrategy", "TopicRecordNameStrategy"])
def test_a_topic_of_the_events_values_needs_a_subject_that_is_not_named_after_it(
    strategy: str, faults: Faults, loading: Load
) -> None:
    given = {"output.data.format": "AVRO", "kafka.topic": "new.${Order_Number__c}"}
    if strategy:
        given[STRATEGY] = f"io.confluent.kafka.serializers.subject.{strategy}"
    assert "RecordNameStrategy" in faults(given, worker=REGISTRY)[STRATEGY]
    assert loading(given | {STRATEGY: "RecordNameStrategy"}, worker=REGISTRY)
    assert loading(given | {"output.data.format": "JSON"}, worker=REGISTRY)
    assert loading(given | {"kafka.topic": "new.${_ObjectType}"}, worker=REGISTRY)
    # behind transforms a record's topic is known when its subject is
    assert loading(given | {"bridge.record.key": "event_uuid"}, worker=REGISTRY)


def test_both_and_the_contract_at_once(faults: Faults, tmp_path: Path) -> None:
    key = "rule.executors._default_.param.secret"
    given = ENCRYPTS | {"kafka.topic": "new.${Order_Number__c}", key: SECRET}
    given["bridge.schema.contract"] = str(tmp_path / "none.yaml")
    assert set(faults(given, worker=REGISTRY)) == {STRATEGY, key, "bridge.schema.contract"}


APACHE = "org.apache.kafka.connect."
ROUTER = {
    "transforms": "r",
    "transforms.r.type": f"{APACHE}transforms.RegexRouter",
    "transforms.r.regex": "(.*)",
    "transforms.r.replacement": "dead",
}
DEAD = {"errors.deadletterqueue.topic.name": "dead", "errors.tolerance": "all"}


def test_options_of_the_converters_of_keys_and_headers(faults: Faults) -> None:
    for which in ("key.converter", "header.converter"):
        given = {which: f"{APACHE}json.JsonConverter", f"{which}.schemas.enable": "maybe"}
        keyed = given | {"bridge.record.key": "event_uuid"}
        assert faults(keyed) == {f"{which}.schemas.enable": "must be true or false"}
        assert set(faults({"bridge.record.key": "event_uuid"}, worker=WORKER | given)) == {
            f"{which}.schemas.enable"
        }
        assert faults(given) == {}  # without transforms there are neither


def test_a_key_that_needs_a_registry(faults: Faults) -> None:
    given = {"bridge.record.key": "event_uuid", "key.converter": "io.confluent.connect.avro.AvroConverter"}
    assert "AvroConverter" in faults(given)["schema.registry.url"]
    assert faults(given, worker=REGISTRY) == {}


def test_topics_that_transforms_or_the_events_name_lead_to(faults: Faults) -> None:
    assert set(faults(ROUTER | DEAD)) == {"errors.deadletterqueue.topic.name"}
    named = {"kafka.topic": "${_ObjectType}", "salesforce.platform.event.name": "Dead__e"}
    letters = DEAD | {"errors.deadletterqueue.topic.name": "dead__e"}
    assert set(faults(named | letters)) == {"errors.deadletterqueue.topic.name"}
    assert (
        "offset.storage.topic"
        in faults(ROUTER | {"transforms.r.replacement": "sfbridge-offsets"})["kafka.topic"]
    )
    assert faults(ROUTER) == {}
