"""The cloud that makes keys for service accounts: for whom it is asked, and where it takes its time."""

import json
import re
import threading
import time
from pathlib import Path

import pytest
from attrs import evolve

import bridge
from bridge.config import Loaded, config_of
from bridge.config.config import Config
from bridge.config.declarations import WORKER
from bridge.config.external import Origin
from bridge.errors import Retriable
from bridge.kafka import service_account
from bridge.kafka.service_account import drop_keys, looking, with_keys
from tests.support.dripping import dripping, slowly
from tests.support.web_server import Answer, Request, web_server


def test_an_answer_that_drips_is_over_in_time_as_a_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service_account, "CLOUD", evolve(service_account.CLOUD, seconds=0.5))
    worker = {"confluent.cloud.api.key": "k", "confluent.cloud.api.secret": "s"}
    began = time.monotonic()
    with dripping(slowly(b"HTTP/1.1 200 OK\r\n\r\n" + b" " * 200), 0.2) as url:
        cloud = service_account._Iam({**worker, "confluent.cloud.endpoint": url})  # type: ignore[arg-type]  # reads three
        with pytest.raises(Retriable, match="keys for the service account come from there"):
            cloud.delete("key-1")
    assert time.monotonic() - began < 10


REGISTRY = "http://registry.example.com:8081"
KAFKA = ("SERVICE_ACCOUNT", {"kafka.service.account.id": "sa-kafka"})
READS = {"sr.service.account.id": "sa-reads", "output.data.format": "AVRO"}
GIVEN = ("KAFKA_API_KEY", {"kafka.api.key": "given", "kafka.api.secret": "given-too"})
PLAIN = {"security.protocol": "PLAINTEXT"}


def loaded_of(
    given: dict[str, str],
    cloud: str,
    worker: dict[str, str],
    origin: Origin = Origin.FILE,
    name: str = "orders",
) -> Loaded:
    own = {
        "bootstrap.servers": "127.0.0.1:1",
        "schema.registry.url": REGISTRY,
        "confluent.cloud.endpoint": cloud,
        "confluent.cloud.api.key": "k",
        "confluent.cloud.api.secret": "s",
        "bridge.cloud.kafka.cluster.id": "lkc-1",
        "bridge.cloud.schema.registry.id": "lsrc-1",
    }
    config = config_of({"name": name, **given})
    config = Config(config, config.raw(), name, origin=origin)
    return Loaded(config, config_of({**own, **worker}, WORKER))


def asked_for(
    mode: str, given: dict[str, str], worker: dict[str, str], origin: Origin = Origin.FILE
) -> tuple[list[str], Loaded]:
    """Owner and resource of each key that is made when the connector starts, and what it starts with."""
    made: list[str] = []

    def cloud(request: Request) -> Answer:
        if request.method != "POST":
            return Answer({"data": []})
        spec = json.loads(request.body)["spec"]
        made.append(f"{spec['owner']['id']} {spec['resource']['id']}")
        return Answer({"id": f"key-{len(made)}", "spec": {"secret": f"secret-{len(made)}"}})

    with web_server(cloud) as web:
        loaded = loaded_of({"kafka.auth.mode": mode, **given}, web.url, worker, origin)
        keyed = with_keys(loaded)
        again = with_keys(keyed)
        assert dict(again.connector.raw()) == dict(keyed.connector.raw()), (
            "one that starts again has its keys"
        )
        drop_keys(loaded)
    return made, keyed


@pytest.mark.parametrize(
    ("account", "more", "worker", "made"),
    [
        (GIVEN, READS, {}, ["sa-reads lsrc-1"]),
        (KAFKA, READS, PLAIN, ["sa-reads lsrc-1"]),
        (KAFKA, {}, PLAIN, []),
        (KAFKA, {}, {"sasl.username": "own", "sasl.password": "login", "security.protocol": "SASL_SSL"}, []),
        (GIVEN, {}, {}, []),
        (GIVEN, {**READS, "output.data.format": "JSON"}, {}, []),
        (GIVEN, READS, {"bridge.cloud.schema.registry.id": ""}, []),
        (GIVEN, {**READS, "value.converter.basic.auth.user.info": "own:login"}, {}, []),
    ],
)
def test_a_key_is_made_for_each_account_that_is_used_and_for_no_other(
    account: tuple[str, dict[str, str]], more: dict[str, str], worker: dict[str, str], made: list[str]
) -> None:
    mode, given = account
    asked, keyed = asked_for(mode, {**given, **more}, worker)
    assert asked == made
    if made:
        assert keyed.connector.raw()["value.converter.basic.auth.user.info"] == "key-1:secret-1"
    assert keyed.connector.raw().get("kafka.api.key") == given.get("kafka.api.key")


@pytest.mark.parametrize(("origin", "made"), [(Origin.FILE, ["sa-reads lsrc-1"]), (Origin.REST, [])])
def test_who_writes_by_rest_has_no_key_sent_to_another_registry(origin: Origin, made: list[str]) -> None:
    elsewhere = {"value.converter.schema.registry.url": "http://elsewhere.example.com"}
    assert asked_for("KAFKA_API_KEY", {**GIVEN[1], **READS, **elsewhere}, {}, origin)[0] == made
    here = {"value.converter.schema.registry.url": REGISTRY}
    assert asked_for("KAFKA_API_KEY", {**GIVEN[1], **READS, **here}, {}, origin)[0] == ["sa-reads lsrc-1"]


def test_every_look_deletes_what_a_killed_one_of_its_kind_left_behind() -> None:
    purposes = {
        purpose
        for path in Path(bridge.__file__).parent.rglob("*.py")
        for purpose in re.findall(r"looking\(\s*\w+, \"(\w+)\"", path.read_text())
    }
    assert purposes == set(service_account.LOOKS)
    for purpose in purposes:
        left = {
            "spec": {"display_name": f"sfbridge g/orders {purpose} gone-1"},
            "metadata": {"created_at": "2020-01-01T00:00:00Z"},
        }
        assert service_account._is_abandoned(left, f"sfbridge g/orders {purpose} here-2")
        assert not service_account._is_abandoned(left, f"sfbridge g/others {purpose} here-2")


def test_a_look_that_needs_no_key_asks_nobody() -> None:
    loaded = Loaded(config_of({"name": "orders"}), config_of({"bootstrap.servers": "b:1", **PLAIN}, WORKER))
    with looking(loaded, "validate", print) as keyed:
        assert keyed is loaded


def test_a_cloud_that_is_slow_about_one_connector_holds_up_no_other_and_no_stop() -> None:
    asked, answered, stop = threading.Event(), threading.Event(), threading.Event()

    def cloud(request: Request) -> Answer:
        if request.query.get("spec.owner") == "sa-slow":
            asked.set()
            assert answered.wait(60)
        if request.method != "POST":
            return Answer({"data": []})
        return Answer({"id": "key", "spec": {"secret": "secret"}})

    def loaded(name: str, account: str) -> Loaded:
        given = {"kafka.auth.mode": GIVEN[0], **GIVEN[1], **READS, "sr.service.account.id": account}
        return loaded_of(given, web.url, {}, name=name)

    failures: list[Retriable] = []

    def start() -> None:
        try:
            with_keys(loaded("slow", "sa-slow"), stopped=stop.is_set)
        except Retriable as error:
            failures.append(error)

    with web_server(cloud) as web:
        # one asks, and one waits for what it gets
        starts = [threading.Thread(target=start, daemon=True) for _ in range(2)]
        try:
            for thread in starts:
                thread.start()
            assert asked.wait(30)
            other = loaded("other", "sa-reads")
            keyed = with_keys(other)
            assert keyed.connector.raw()["value.converter.basic.auth.user.info"] == "key:secret"
            drop_keys(other)
            stop.set()
            for thread in starts:
                thread.join(20)
        finally:
            answered.set()
    stopped = "is not asked for keys any more, because the connector stops"
    assert [error.message.removeprefix(f"{web.url} ") for error in failures] == [stopped, stopped]
