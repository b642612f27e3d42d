"""Configurations that are sent again: what is left alone, what starts anew, what must be given again."""

import logging
from collections.abc import Iterator
from typing import Any

import pytest

from bridge.config.secrecy import MASK
from tests.support.memory_worker import GOOD, MemoryWorker
from tests.unit.api.plugins import every_plugin

CLOUD = "/connect/v1/environments/e/clusters/c/connectors"
VALIDATE = "/connector-plugins/SalesforcePlatformEventSource/config/validate"
EMPTY = {"connector.class": "EmptyPartitionSource", "topic": "t", "my.password": "secret-1"}
ELSEWHERE = "https://elsewhere.my.salesforce.com"


@pytest.fixture
def worker() -> Iterator[MemoryWorker]:
    worker = MemoryWorker(every_plugin())
    yield worker
    worker.stop()


@pytest.fixture
def stored(worker: MemoryWorker) -> dict[str, Any]:
    """The configuration of a connector as it is shown."""
    made = {"name": "sf", "config": GOOD, "initial_state": "STOPPED"}
    assert worker.ask("POST", "/connectors", made)[0] == 201
    shown: dict[str, Any] = worker.ask("GET", "/connectors/sf/config")[1]
    return shown


@pytest.mark.parametrize(
    ("method", "path"),
    [("PUT", "/connectors/sf/config"), ("PATCH", "/connectors/sf/config"), ("PUT", f"{CLOUD}/sf/config")],
)
def test_a_stored_password_never_goes_to_another_host(
    method: str, path: str, worker: MemoryWorker, stored: dict[str, Any]
) -> None:
    change = {"salesforce.instance": ELSEWHERE}
    sent = change if method == "PATCH" else {**stored, **change}
    status, refused = worker.ask(method, path, sent)
    assert status == 400
    text = str(refused)
    for key in ("salesforce.password", "salesforce.password.token", "salesforce.consumer.secret"):
        assert f"{key}: must be given again because salesforce.instance changed" in text
    assert worker.state.configs["sf"]["salesforce.password"] == GOOD["salesforce.password"]
    assert "salesforce.instance" not in worker.state.configs["sf"]
    given = {key: GOOD[key] for key in stored if key.startswith("salesforce.")}
    assert worker.ask(method, path, {**sent, **given})[0] == 200
    assert worker.state.configs["sf"]["salesforce.instance"] == ELSEWHERE


def test_validation_says_what_must_be_given_again(worker: MemoryWorker, stored: dict[str, Any]) -> None:
    infos = worker.ask("PUT", VALIDATE, {**stored, "salesforce.instance": ELSEWHERE})[1]
    told = {one["value"]["name"]: one["value"]["errors"] for one in infos["configs"]}
    assert told["salesforce.password"] == ["must be given again because salesforce.instance changed"]
    assert infos["error_count"] == sum(len(errors) for errors in told.values()) == 4
    assert worker.ask("PUT", VALIDATE, stored)[1]["error_count"] == 0


@pytest.mark.parametrize("masked", [True, False])
@pytest.mark.parametrize("path", ["/connectors/one/config", f"{CLOUD}/one/config"])
def test_an_identical_configuration_leaves_a_running_connector_alone(
    path: str, masked: bool, worker: MemoryWorker, caplog: pytest.LogCaptureFixture
) -> None:
    worker.ask("POST", "/connectors", {"name": "one", "config": EMPTY})
    worker.settle()
    sent = {**EMPTY, "name": "one", "my.password": MASK} if masked else EMPTY
    starts, revision = worker.runner.starts, worker.state.revisions["one"]
    with caplog.at_level(logging.INFO):
        status, made = worker.ask("PUT", path, sent)
    assert (status, made["name"]) == (200, "one")
    worker.settle()
    assert (worker.runner.starts, worker.state.revisions["one"]) == (starts, revision)
    assert "read at the next restart" in caplog.text
    worker.ask("PUT", path, {**sent, "topic": "other"})
    worker.settle()
    assert worker.runner.starts == starts + 1


@pytest.mark.parametrize("fails", ["connector", "task"])
def test_an_identical_configuration_starts_a_failed_connector(fails: str, worker: MemoryWorker) -> None:
    worker.ask("POST", "/connectors", {"name": "bad", "config": {**EMPTY, "fail": fails}})
    worker.settle()
    status = worker.ask("GET", "/connectors/bad/status")[1]
    assert "FAILED" in (status["connector"]["state"], *(task["state"] for task in status["tasks"]))
    starts = worker.runner.starts
    worker.ask("PUT", "/connectors/bad/config", worker.state.configs["bad"])
    worker.settle()
    assert worker.runner.starts == starts + 1


def test_a_deleted_connector_is_said_to_be_deleted(
    worker: MemoryWorker, caplog: pytest.LogCaptureFixture
) -> None:
    worker.ask("POST", "/connectors", {"name": "one", "config": EMPTY})
    worker.settle()
    with caplog.at_level(logging.INFO):
        assert worker.ask("DELETE", "/connectors/one")[0] == 204
        worker.settle()
    assert "it was deleted: stopping it" in caplog.text
    assert "it belongs to" not in caplog.text
