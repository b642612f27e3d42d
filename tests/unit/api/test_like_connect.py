"""Requests that a real Kafka Connect 4.3.1 worker once answered otherwise: its answers."""

import json
import logging
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest

from bridge.worker.plugins import SalesforcePlugin
from tests.support.memory_worker import GOOD, JSON, WORKER, MemoryWorker
from tests.unit.api.plugins import every_plugin

FULL = "io.confluent.salesforce.SalesforcePlatformEventSourceConnector"
SIMPLE = "SalesforcePlatformEventSourceConnector"
ALIAS = "SalesforcePlatformEventSource"
CDC = {key: text for key, text in GOOD.items() if not key.startswith("salesforce.platform.")} | {
    "salesforce.cdc.name": "LeadChangeEvent"
}
EMPTY = {"connector.class": "EmptyPartitionSource", "topic": "t"}
UNNAMED = {key: text for key, text in GOOD.items() if key != "name"}


@pytest.fixture(scope="module")
def worker() -> Iterator[MemoryWorker]:
    worker = MemoryWorker(every_plugin())
    yield worker
    worker.stop()


def created(worker: MemoryWorker, name: Any, config: dict[str, Any]) -> tuple[int, Any]:
    return worker.ask("POST", "/connectors", {"name": name, "config": config, "initial_state": "STOPPED"})


def errors(worker: MemoryWorker, config: dict[str, Any]) -> dict[str, list[str]]:
    """What validation says, by property."""
    status, infos = worker.ask("PUT", f"/connector-plugins/{ALIAS}/config/validate", config)
    assert status == 200, infos
    told = {
        one["value"]["name"]: one["value"]["errors"] for one in infos["configs"] if one["value"]["errors"]
    }
    assert infos["error_count"] == sum(map(len, told.values()))
    return told


# ---- one plug-in under its names ---------------------------------------------------------------------------


@pytest.mark.parametrize("asked", [FULL, SIMPLE, ALIAS, "EventSource"])
@pytest.mark.parametrize("included", [FULL, SIMPLE, ALIAS])
def test_any_name_validates_any_other(asked: str, included: str, worker: MemoryWorker) -> None:
    config = {**GOOD, "connector.class": included}
    status, infos = worker.ask("PUT", f"/connector-plugins/{asked}/config/validate", config)
    fits = "." not in asked or included == FULL  # Kafka Connect compares the ends of the two
    assert (status, status == 200 and infos["error_count"]) == ((200, 0) if fits else (400, False))


def test_names_that_do_not_fit_are_refused(worker: MemoryWorker) -> None:
    for asked, included in (
        (ALIAS, "SalesforceCdcSource"),
        (ALIAS, ALIAS.lower()),
        (ALIAS, ""),
        ("io.confluent.salesforce.SalesforcePlatformEventSource", ALIAS),
    ):
        config = {**GOOD, "connector.class": included}
        status, told = worker.ask("PUT", f"/connector-plugins/{asked}/config/validate", config)
        words = f"Included connector type {included} does not match request type {asked}"
        assert (status, told["message"]) == (400, words)


@pytest.mark.parametrize("class_", [FULL, SIMPLE, ALIAS])
def test_a_connector_is_created_under_any_name_of_its_class(class_: str, worker: MemoryWorker) -> None:
    name = f"class-{class_[-40:]}"
    status, told = created(worker, name, {**UNNAMED, "connector.class": class_})
    assert (status, told.get("type")) == (201, "source"), told
    assert worker.ask("GET", f"/connectors/{name}/config")[1]["connector.class"] == class_
    assert worker.ask("GET", f"/connector-plugins/{class_}/config")[0] == 200


def test_the_connector_of_change_events_has_a_simple_name_too(worker: MemoryWorker) -> None:
    simple = "SalesforceCdcSourceConnector"
    config = {**CDC, "connector.class": simple}
    infos = worker.ask("PUT", f"/connector-plugins/{simple}/config/validate", config)[1]
    assert infos["error_count"] == 0
    assert "salesforce.cdc.name" in {one["value"]["name"] for one in infos["configs"]}


def test_a_full_name_that_is_none_is_unknown(worker: MemoryWorker) -> None:
    stray = "io.confluent.salesforce.SalesforcePlatformEventSource"
    assert worker.ask("GET", f"/connector-plugins/{stray}/config")[0] == 404
    assert created(worker, "stray", {**UNNAMED, "connector.class": stray})[0] == 400


# ---- names -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("raw", ["x%0A", "%0Ax", "x%09", "x%0B", "x%1F", "x%C2%85", "%C2%85", "x%7F"])
@pytest.mark.parametrize("base", ["/connectors", "/connect/v1/environments/-/clusters/-/connectors"])
def test_a_name_with_a_control_character_is_none(raw: str, base: str, worker: MemoryWorker) -> None:
    before = worker.ask("GET", "/connectors")
    assert worker.ask("PUT", f"{base}/{raw}/config", UNNAMED)[0] == 400
    assert worker.ask("GET", "/connectors") == before


@pytest.mark.parametrize(
    ("name", "stored"),
    [
        ("a\u0001", "a"),
        ("\u001fb \t", "b"),
        ("c\u00a0", "c\u00a0"),
        ("\u2003d", "\u2003d"),
        ("\u00a0", "\u00a0"),
    ],
)
def test_a_name_is_trimmed_as_in_java(name: str, stored: str, worker: MemoryWorker) -> None:
    status, told = created(worker, name, UNNAMED)
    assert (status, told.get("name")) == (201, stored), told
    assert worker.ask("GET", f"/connectors/{quote(stored)}/config")[1]["name"] == stored
    if stored not in ("a", "b"):
        assert errors(worker, {**GOOD, "name": name}) == {}


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("x\u0085", "String may not contain control sequences but had the following ASCII chars: 133"),
        (
            "a\nb\u007fc",
            "String may not contain control sequences but had the following ASCII chars: 10, 127",
        ),
        (" \u0001", "String may not be empty"),
    ],
)
def test_a_name_that_cannot_be_is_told_once(name: str, why: str, worker: MemoryWorker) -> None:
    status, told = created(worker, name, UNNAMED)
    assert status == 400
    assert told["message"].count(why) == 1
    assert "following 1 error(s)" in told["message"]
    assert list(errors(worker, {**GOOD, "name": name})) == ["name"]


def test_names_that_differ_in_blanks_are_connectors_of_their_own(worker: MemoryWorker) -> None:
    """A path is not trimmed; with one transactional id the two would fence each other."""
    for name in ("blank", " blank "):
        assert worker.ask("PUT", f"/connectors/{quote(name)}/config", EMPTY)[0] == 201
    plugin = worker.herder.plugin_named(ALIAS)
    assert isinstance(plugin, SalesforcePlugin)
    assert [plugin.loaded(name, GOOD).connector.name for name in ("sf", " sf ")] == ["sf", " sf "]


def test_a_name_inside_is_the_one_outside(worker: MemoryWorker) -> None:
    status, told = created(worker, "never", {**GOOD, "name": " never "})
    assert (status, told["message"]) == (
        400,
        "Connector name configuration ( never ) doesn't match connector name in the URL (never)",
    )


# ---- null --------------------------------------------------------------------------------------------------


def test_a_name_that_is_null_is_that_of_the_path(worker: MemoryWorker) -> None:
    status, told = worker.ask("PUT", "/connectors/nulled/config", {**EMPTY, "name": None})
    assert (status, told["config"]["name"]) == (201, "nulled")
    assert worker.ask("PUT", "/connectors/nulled/config", {**EMPTY, "name": None})[0] == 200


def test_a_change_cannot_take_the_name_away(worker: MemoryWorker) -> None:
    assert created(worker, "named", UNNAMED)[0] == 201
    status, told = worker.ask("PATCH", "/connectors/named/config", {"name": None})
    assert (status, "name: is required" in told["message"]) == (400, True)
    assert worker.ask("GET", "/connectors/named/config")[1]["name"] == "named"


def test_null_is_an_error_of_the_framework_s_properties_and_of_strangers(worker: MemoryWorker) -> None:
    null = "Null value can not be supplied as the configuration value."
    for key in ("tasks.max", "stranger"):
        status, told = created(worker, "null", {**UNNAMED, key: None})
        assert (status, null in told["message"]) == (400, True)
    assert errors(worker, {**GOOD, "tasks.max": None}) == {"tasks.max": [null]}
    status, told = created(worker, "null", {**UNNAMED, "salesforce.initial.start": None})
    assert (status, "salesforce.initial.start" in told["config"]) == (201, False), "as if it were not given"
    assert "kafka.topic" in created(worker, "null-2", {**UNNAMED, "kafka.topic": None})[1]["message"]


# ---- what the framework refuses ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("tasks.max", ""),
        ("tasks.max", " "),
        ("tasks.max.enforce", "x"),
        ("tasks.max.enforce", ""),
        ("config.action.reload", "x"),
        ("config.action.reload", "RESTART"),
        ("errors.tolerance", "ALL"),
        ("errors.tolerance", ""),
        ("errors.log.enable", ""),
        ("errors.retry.timeout", " "),
        ("exactly.once.support", ""),
        ("transaction.boundary.interval.ms", ""),
        ("offsets.storage.topic", ""),
        ("key.converter", "no.Such"),
        ("key.converter", "com.example.kafka.OurOwnSerializer"),
        ("key.converter", "OurOwnConverter"),
        ("key.converter", ""),
        ("header.converter", "no.Such"),
        ("header.converter", " "),
        ("header.converter", "org.apache.kafka.connect.storage.NoSuchConverter"),
        ("value.converter", "no.Such"),
        ("value.converter", ""),
    ],
)
def test_what_the_framework_refuses(key: str, value: str, worker: MemoryWorker) -> None:
    assert list(errors(worker, {**GOOD, key: value})) == [key]
    status, told = created(worker, "refused", {**UNNAMED, key: value})
    assert (status, key in told["message"]) == (400, True)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("tasks.max", " 1 "),
        ("tasks.max", "+1"),
        ("tasks.max.enforce", "FALSE"),
        ("config.action.reload", " none "),
        ("errors.tolerance", " all "),
        ("exactly.once.support", "Required"),
        ("transforms", ""),
        ("connector.plugin.version", "2.0.9"),
        ("value.converter", "JsonConverter"),
        ("key.converter", "StringConverter"),
        ("key.converter", "Avro"),
        ("key.converter", "JsonSchemaConverter"),
        ("key.converter", "org.apache.kafka.connect.storage.StringConverter"),
        ("key.converter", "org.apache.kafka.connect.json.JsonConverter"),
        ("key.converter", "org.apache.kafka.connect.converters.LongConverter"),
        ("key.converter", "io.confluent.connect.avro.AvroConverter"),
        ("key.converter", "io.confluent.connect.json.JsonSchemaConverter"),
        ("key.converter", "io.confluent.connect.protobuf.ProtobufConverter"),
        ("key.converter", "io.apicurio.registry.utils.converter.AvroConverter"),
        ("key.converter", "com.amazonaws.services.schemaregistry.kafkaconnect.AWSKafkaAvroConverter"),
        ("key.converter", "com.example.kafka.OurOwnConverter"),
        ("header.converter", "org.apache.kafka.connect.storage.SimpleHeaderConverter"),
        ("header.converter", "org.apache.kafka.connect.converters.ByteArrayConverter"),
    ],
)
def test_what_configurations_of_kafka_connect_hold_is_taken(
    key: str, value: str, worker: MemoryWorker
) -> None:
    assert errors(worker, {**GOOD, key: value}) == {}


# ---- headers, queries and paths ----------------------------------------------------------------------------


def answered(worker: MemoryWorker, method: str, path: str, body: bytes = b"", **headers: str) -> int:
    plain = {"host": WORKER, **{name.replace("_", "-"): text for name, text in headers.items()}}
    return worker.site.answer(method, path, plain, body, f"http://{WORKER}").status


@pytest.mark.parametrize(
    ("accept", "status"),
    [
        ("*", 200),
        ("*/json", 200),
        ("application/json, text/html;q=0.5", 200),
        ("application/json;q=0", 200),
        ("application/json,", 200),
        ("", 200),
        ("garbage", 406),
        ("application/vnd.kafka.v2+json", 406),
        (";;", 400),
        ("application/json;q=abc", 400),
    ],
)
def test_accept(accept: str, status: int, worker: MemoryWorker) -> None:
    assert answered(worker, "GET", "/connectors", accept=accept) == status


@pytest.mark.parametrize(
    ("kind", "status"),
    [
        ("text/plain", 415),
        ("application/x-www-form-urlencoded", 415),
        ("application", 400),
        ("", 400),
        ("application/json, text/plain", 400),
        ("application/json;", 202),
        ("APPLICATION/JSON; charset=utf-8", 202),
        ("*/*", 202),
    ],
)
def test_a_body_of_another_type_does_nothing(kind: str, status: int, worker: MemoryWorker) -> None:
    if "typed" not in worker.state.configs:
        assert created(worker, "typed", EMPTY)[0] == 201
    worker.ask("PUT", "/connectors/typed/stop")
    before = len(worker.configs.records)
    for method, what in (
        ("PUT", "pause"),
        ("PUT", "resume"),
        ("PUT", "stop"),
        ("POST", "restart"),
        ("PUT", "topics/reset"),
        ("DELETE", "offsets"),
    ):
        if status == 202 and what != "pause":
            continue
        assert answered(worker, method, f"/connectors/typed/{what}", b"{}", content_type=kind) == status
    assert (len(worker.configs.records) > before) == (status == 202)
    assert answered(worker, "PUT", "/connectors/typed/stop") == 204


def test_a_flag_is_true_only_as_the_word(worker: MemoryWorker) -> None:
    worker.ask("PUT", "/connectors/flagged/config", EMPTY)
    worker.settle()
    for query, status in (("true%20", 204), ("+true", 204), ("TRUE", 202), ("yes", 204)):
        assert answered(worker, "POST", f"/connectors/flagged/restart?includeTasks={query}") == status


def test_tasks_are_numbered_as_java_reads_numbers(worker: MemoryWorker) -> None:
    worker.ask("PUT", "/connectors/tasked/config", EMPTY)
    worker.settle()
    assert worker.ask("POST", "/connectors/tasked/tasks/+0/restart")[0] == 204
    for number in ("-1", "2147483647"):
        status, told = worker.ask("POST", f"/connectors/tasked/tasks/{number}/restart")
        assert (status, told["message"]) == (404, f"Unknown task: tasked-{number}")
        status, told = worker.ask("GET", f"/connectors/tasked/tasks/{number}/status")
        assert (status, told["message"]) == (404, f"No status found for task tasked-{number}")
    for number in ("2147483648", "0x0", "1.0", "%20", "x"):
        assert (
            worker.ask("GET", f"/connectors/tasked/tasks/{number}/status")[1]["message"]
            == "HTTP 404 Not Found"
        )


@pytest.mark.parametrize("body", [b"", b"null", b" "])
def test_a_change_of_nothing_is_of_a_connector_that_has_to_be_there(
    body: bytes, worker: MemoryWorker
) -> None:
    told = worker.site.answer("PATCH", "/connectors/unknown/config", JSON, body, f"http://{WORKER}")
    assert (told.status, json.loads(told.content())["message"]) == (404, "Connector unknown not found")


def test_an_empty_class_is_one_that_is_not_found(worker: MemoryWorker) -> None:
    for class_ in ("", " "):
        status, told = created(worker, "never", {"connector.class": class_})
        start = (
            f"Failed to find any class that implements Connector and which name matches {class_}, available"
        )
        assert (status, told["message"].startswith(start)) == (400, True)


# ---- loggers -----------------------------------------------------------------------------------------------


def test_levels_of_loggers(worker: MemoryWorker) -> None:
    name = "bridge.test_like_connect"
    path = f"/admin/loggers/{name}"
    try:
        assert worker.ask("PUT", path, {"level": "DEBUG"}) == (200, [name])
        for same in ("debug", " DEBUG"):
            assert worker.ask("PUT", path, {"level": same}) == (200, []), "it has that level"
        assert worker.ask("PUT", path, {"level": "ALL"}) == (200, [name])
        assert worker.ask("GET", path)[1]["level"] == "ALL"
        for level, status, words in (
            (True, 404, "invalid log level 'true'."),
            (5, 404, "invalid log level '5'."),
            ("", 400, "Illegal null or empty Level name."),
            ([], 400, "level must be a text"),
        ):
            answer, told = worker.ask("PUT", path, {"level": level})
            assert (answer, told["message"]) == (status, words)
    finally:
        logging.getLogger(name).setLevel(logging.NOTSET)
    assert worker.ask("GET", "/admin/loggers/ROOT") == worker.ask("GET", "/admin/loggers/root")
    assert worker.ask("GET", "/admin/loggers/ROOT")[0] == 200
