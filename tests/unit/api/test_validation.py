"""A connector that comes by REST is judged as ``sfbridge validate`` judges its file, each fault on its property."""

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bridge.config import load_worker
from bridge.inspection.configuration import examine_files
from bridge.metrics import Metrics
from bridge.worker.plugins import salesforce_plugins
from tests.support.memory_worker import GOOD, MemoryWorker

NAME = "SalesforcePlatformEventSource"
VALIDATE = f"/connector-plugins/{NAME}/config/validate"
CLOUD = "/connect/v1/environments/-/clusters/-"
AVRO = {"output.data.format": "AVRO", "value.converter.schema.registry.url": "https://127.0.0.1:9"}
NO_KEYSTORE = "data:text/plain;base64," + base64.b64encode(b"no keystore").decode()
NO_STORE = "value.converter.schema.registry.ssl.truststore.location"
# What only those who use the settings can tell, each with the property that it belongs to.
WRONG: dict[str, dict[str, str]] = {
    "producer.override.linger.ms": {"producer.override.linger.ms": "soon"},
    "producer.*": {
        "producer.override.linger.ms": "1000",
        "producer.override.delivery.timeout.ms": "5",
    },
    NO_STORE: {**AVRO, NO_STORE: "/nowhere.jks"},
    "salesforce.jwt.keystore.file": {
        "salesforce.grant.type": "JWT_BEARER",
        "salesforce.jwt.keystore.file": NO_KEYSTORE,
        "salesforce.jwt.keystore.password": "store-word-1",
    },
    "bridge.schema.contract": {**AVRO, "bridge.schema.contract": __file__},
}


@pytest.fixture
def worker_file(tmp_path: Path) -> Path:
    path = tmp_path / "worker.properties"
    path.write_text("bootstrap.servers=127.0.0.1:1\nsecurity.protocol=PLAINTEXT\n")
    return path


@pytest.fixture
def worker(worker_file: Path) -> Iterator[MemoryWorker]:
    worker = MemoryWorker(salesforce_plugins(load_worker(worker_file, environ={}), Metrics()))
    yield worker
    worker.stop()


def errors(infos: dict[str, Any]) -> dict[str, list[str]]:
    found = {one["value"]["name"]: one["value"]["errors"] for one in infos["configs"]}
    return {name: texts for name, texts in found.items() if texts}


@pytest.mark.parametrize("key", WRONG)
def test_each_fault_is_told_on_its_property(
    key: str, worker: MemoryWorker, worker_file: Path, tmp_path: Path
) -> None:
    config = {**GOOD, **WRONG[key]}
    (tmp_path / "connector.json").write_text(json.dumps(config))
    (fault,) = examine_files(tmp_path / "connector.json", worker_file, {}).faults
    for path in (VALIDATE, CLOUD + VALIDATE):
        status, infos = worker.ask("PUT", path, config)
        assert (status, infos["error_count"]) == (200, 1)
        assert errors(infos) == {key: [fault.message]} == {fault.key: [fault.message]}
    body = {"name": "sf", "config": config, "initial_state": "STOPPED"}
    for method, path, sent in (
        ("POST", "/connectors", body),
        ("PUT", "/connectors/sf/config", config),
        ("POST", f"{CLOUD}/connectors", {"name": "sf", "config": config}),
    ):
        status, told = worker.ask(method, path, sent)
        message = told.get("message") or told["error"]["message"]
        assert status == 400
        assert "1 error(s)" in message
        assert key in message
        assert fault.message in message
    assert worker.ask("GET", "/connectors") == (200, [])


def test_every_error_of_a_refusal_names_its_property(worker: MemoryWorker) -> None:
    config = {**GOOD, "tasks.max": "7", "salesforce.username": "", "kafka.topic": "a b"}
    status, told = worker.ask("POST", "/connectors", {"name": "sf", "config": config})
    assert status == 400
    assert "3 error(s)" in told["message"]
    assert "\nsalesforce.username: is required" in told["message"]
    assert all(key in told["message"] for key in ("tasks.max", "kafka.topic"))


def test_a_mask_is_valid_where_something_is_stored(worker: MemoryWorker) -> None:
    body = {"name": "sf", "config": GOOD, "initial_state": "STOPPED"}
    status, made = worker.ask("POST", "/connectors", body)
    assert status == 201
    shown = made["config"]
    assert shown["salesforce.password"] == "****************"
    _, infos = worker.ask("PUT", VALIDATE, shown)
    assert errors(infos) == {}
    assert "pass-word-1" not in json.dumps(infos)
    _, infos = worker.ask("PUT", VALIDATE, {**shown, "name": "another"})
    assert "holds a masked value" in errors(infos)["salesforce.password"][0]


CHANGES = {key: value for key, value in GOOD.items() if not key.startswith("salesforce.platform.")} | {
    "connector.class": "SalesforceCdcSource",
    "salesforce.cdc.name": "LeadChangeEvent",
}


@pytest.mark.parametrize(
    "class_",
    [
        "SalesforceCdcSource",
        "io.confluent.salesforce.SalesforceCdcSourceConnector",
    ],
)
def test_the_connector_of_change_events_is_there_under_its_names(class_: str, worker: MemoryWorker) -> None:
    names = [plugin["class"] for plugin in worker.ask("GET", "/connector-plugins")[1]]
    assert {"SalesforceCdcSource", "io.confluent.salesforce.SalesforceCdcSourceConnector"} < set(names)
    properties = {one["name"] for one in worker.ask("GET", f"/connector-plugins/{class_}/config")[1]}
    assert {"salesforce.cdc.name", "convert.changed.fields"} < properties
    assert "salesforce.platform.event.name" not in properties
    config = CHANGES | {"connector.class": class_}
    for path in ("", CLOUD):
        status, infos = worker.ask("PUT", f"{path}/connector-plugins/{class_}/config/validate", config)
        assert (status, errors(infos)) == (200, {})
        lacking = {key: value for key, value in config.items() if key != "salesforce.cdc.name"}
        infos = worker.ask("PUT", f"{path}/connector-plugins/{class_}/config/validate", lacking)[1]
        assert set(errors(infos)) == {"salesforce.cdc.name"}
    body = {"name": "sf", "config": config, "initial_state": "STOPPED"}
    assert worker.ask("POST", "/connectors", body)[0] == 201
    assert worker.ask("GET", "/connectors/sf/config")[1]["connector.class"] == class_
