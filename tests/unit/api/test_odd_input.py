"""Input that no client sends on purpose: one sentence with the property, never a fault of ours."""

import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest

from bridge.config import config_of
from bridge.config.declarations import WORKER as WORKER_PROPERTIES
from bridge.errors import ConfigurationError
from tests.support.memory_worker import GOOD, JSON, WORKER, MemoryWorker
from tests.unit.api.plugins import every_plugin

VALIDATE = "/connector-plugins/SalesforcePlatformEventSource/config/validate"
CLOUD = "/connect/v1/environments/e/clusters/c/connectors"
EMPTY = {"connector.class": "EmptyPartitionSource", "topic": "t"}
ROUTER = {
    "transforms": "r",
    "transforms.r.type": "org.apache.kafka.connect.transforms.RegexRouter",
    "transforms.r.replacement": "x",
}
MATCHES = {
    "predicates": "p",
    "predicates.p.type": "org.apache.kafka.connect.transforms.predicates.TopicNameMatches",
}
AVRO = {"output.data.format": "AVRO", "value.converter.schema.registry.url": "https://127.0.0.1:9"}
SSL = {"producer.override.security.protocol": "SSL"}
REGEXES = {
    "an escape without its end": "\\c",
    "too many repetitions": "a{1,99999999999}",
    "deep groups": "(" * 5000 + ")" * 5000,
    "deep groups without an end": "(" * 5000,
    "deep classes": "[a" * 2000 + "]" * 2000,
}
VALUES = {
    "producer.override.ssl.truststore.location": ("/a\0b", SSL),
    "producer.override.ssl.keystore.location": ("/a\0b", SSL),
    "value.converter.schema.registry.ssl.truststore.location": ("/a\0b", AVRO),
    "bridge.schema.contract": ("/a\0b", AVRO),
    "bridge.salesforce.ca.file": ("/a\0b", {}),
    "salesforce.platform.event.name": ("A" * 100_000, {}),
    "kafka.topic": ("t" * 100_000, {}),
    "salesforce.instance": ("https://[" + "a" * 10, {}),
}


@pytest.fixture(scope="module")
def worker() -> Iterator[MemoryWorker]:
    worker = MemoryWorker(every_plugin())
    yield worker
    worker.stop()


def refused(worker: MemoryWorker, given: dict[str, str], key: str) -> list[str]:
    """What validation says of a property, once creation has refused it, too."""
    status, told = worker.ask("POST", "/connectors", {"name": "sf", "config": given})
    assert (status, key in told["message"]) == (400, True), told
    status, infos = worker.ask("PUT", VALIDATE, given)
    assert status == 200, infos
    errors: list[str] = next(
        one["value"]["errors"] for one in infos["configs"] if one["value"]["name"] == key
    )
    return errors


@pytest.mark.parametrize("regex", REGEXES)
def test_a_regular_expression_that_cannot_be_compiled(regex: str, worker: MemoryWorker) -> None:
    for key, more in (("transforms.r.regex", ROUTER), ("predicates.p.pattern", MATCHES)):
        assert refused(worker, {**GOOD, **more, key: REGEXES[regex]}, key)


@pytest.mark.parametrize("key", VALUES)
def test_a_value_that_is_no_path_name_or_address(key: str, worker: MemoryWorker) -> None:
    value, more = VALUES[key]
    assert refused(worker, {**GOOD, **more, key: value}, key)


def test_half_a_character_is_named_with_its_property(worker: MemoryWorker) -> None:
    for path, name, body in (
        (VALIDATE, "kafka.topic", {**GOOD, "kafka.topic": "t\ud800"}),
        ("/connectors/sf/config", "kafka.topic", {**GOOD, "kafka.topic": "t\ud800"}),
        ("/connectors/sf/config", "the name of a property", {**GOOD, "a\ud800": "t"}),
    ):
        status, told = worker.ask("PUT", path, body)
        assert (status, told["message"]) == (
            400,
            f"The body holds half a character (a lone surrogate) in {name}",
        )
    assert worker.ask("POST", "/connectors", {"name": "a\ud800", "config": GOOD})[0] == 400


def test_a_flood_of_properties_is_refused(worker: MemoryWorker) -> None:
    status, told = worker.ask("PUT", VALIDATE, {**GOOD, **{f"a.{number}": "x" for number in range(6_000)}})
    assert (status, "5000 are allowed" in told["message"]) == (400, True)


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("../../etc", "/connectors/..%2F..%2Fetc"),
        ("..", "/connectors/%2E%2E"),
        (".", "/connectors/%2E"),
        ("a b?c#d%e", "/connectors/a%20b%3Fc%23d%25e"),
        ("x:y;z+1", "/connectors/x:y;z+1"),
    ],
)
def test_location_is_one_segment_whatever_the_name(name: str, path: str, worker: MemoryWorker) -> None:
    body = json.dumps({"name": name, "config": EMPTY}).encode()
    made = worker.site.answer("POST", "/connectors", JSON, body, f"http://{WORKER}")
    assert made.status == 201
    assert urlsplit(made.headers["Location"]).path == path


@pytest.mark.parametrize("what", ["pause", "resume", "topics/reset", "stop"])
def test_what_has_no_body_has_no_type(what: str, worker: MemoryWorker) -> None:
    worker.ask("POST", "/connectors", {"name": "empty", "config": EMPTY})
    made = worker.site.answer("PUT", f"/connectors/empty/{what}", JSON, b"", f"http://{WORKER}")
    assert (made.status in (202, 204), made.content(), made.media_type()) == (True, b"", None)


def test_the_cloud_s_offsets_are_answered_as_its_page_has_them(worker: MemoryWorker) -> None:
    worker.ask("POST", "/connectors", {"name": "moved", "config": EMPTY})
    worker.settle()
    one: dict[str, Any] = {"partition": {}, "offset": {"replayId": 7}}
    twice = {"type": "PATCH", "offsets": [one, {"partition": {}, "offset": {"replayId": 8}}]}
    status, told = worker.ask("POST", f"{CLOUD}/moved/offsets/request", twice)
    assert (status, told["error"]["message"]) == (400, "offsets names the same partition twice")
    created = {"name": "other", "config": EMPTY, "offsets": twice["offsets"]}
    assert worker.ask("POST", CLOUD, created)[0] == 400
    alter, worker.runner.alter = worker.runner.alter, lambda name, request: {}  # never done
    try:
        assert (
            worker.ask("POST", f"{CLOUD}/moved/offsets/request", {"type": "PATCH", "offsets": [one]})[0]
            == 202
        )
        told = worker.ask("GET", f"{CLOUD}/moved/offsets/request/status")[1]
        assert (told["status"], told["previous_offsets"]) == ({"phase": "PENDING"}, [])
        assert told["applied_at"] is None
        assert "applied_at" in told
    finally:
        worker.runner.alter = alter
    worker.settle()
    told = worker.ask("GET", f"{CLOUD}/moved/offsets/request/status")[1]
    assert told["status"] == {
        "phase": "APPLIED",
        "message": "The Connect framework-managed offsets for this connector have been altered successfully. However, "
        "if this connector manages offsets externally, they will need to be manually altered in the system that the "
        "connector uses.",
    }
    assert told["applied_at"]


@pytest.mark.parametrize(
    ("key", "value"),
    [
        (
            "rest.extension.classes",
            "org.apache.kafka.connect.rest.basic.auth.extension.BasicAuthSecurityRestExtension",
        ),
        ("rest.extension.classes", "io.confluent.connect.security.ConnectSecurityExtension"),
        ("ssl.client.auth", "required"),
    ],
)
def test_what_would_have_asked_for_credentials_is_refused(key: str, value: str) -> None:
    with pytest.raises(ConfigurationError, match=r"set bridge\.rest\.users\.file"):
        config_of({key: value}, WORKER_PROPERTIES)
    assert config_of({"rest.extension.classes": "", "ssl.client.auth": "none"}, WORKER_PROPERTIES)
