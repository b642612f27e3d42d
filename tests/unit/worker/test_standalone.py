"""A worker without a group: the whole REST API, answered out of a directory, on an in-process Kafka."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import requests

from bridge.api.build import Service
from bridge.config import config_of
from bridge.config.declarations import WORKER
from bridge.errors import ConfigurationError, Fatal
from bridge.sandbox.kafka import MockKafka
from bridge.worker.standalone import Standalone
from tests.support.bridge_run import wait_until
from tests.support.memory_worker import GOOD


@pytest.fixture(scope="module")
def kafka() -> Iterator[str]:
    with MockKafka(["t", "sfbridge-offsets"]) as cluster:
        yield cluster.bootstrap


@pytest.fixture(autouse=True)
def no_org(monkeypatch: pytest.MonkeyPatch) -> None:
    """A replay id is tried at the org, which is not there: ten seconds each."""
    monkeypatch.setattr("bridge.worker.plugins.remark", lambda loaded, replay_id: None)


@contextmanager
def worker(kafka: str, directory: Path | None) -> Iterator[str]:
    """The URL of one that runs."""
    service = made(kafka, directory)
    service.start()
    try:
        yield service.url
    finally:
        service.stop()


def made(kafka: str, directory: Path | None) -> Service:
    given = {"bootstrap.servers": kafka, "listeners": "http://127.0.0.1:0", "security.protocol": "PLAINTEXT"}
    more = {"exactly.once.source.support": "disabled"}
    return Service(config_of({**given, **more}, WORKER), make=partial(Standalone, directory=directory))


def ask(method: str, url: str, body: Any = None) -> Any:
    answer = requests.request(method, url, json=body, timeout=60)
    assert answer.ok, answer.text
    return answer.json() if answer.content else None


def stopped(url: str) -> str:
    """A connector that is there and not running; its address."""
    ask("POST", f"{url}/connectors", {"name": "sf", "config": GOOD, "initial_state": "STOPPED"})
    wait_until(lambda: state(f"{url}/connectors/sf") == "STOPPED", 20, 0.02)
    return f"{url}/connectors/sf"


def state(connector: str) -> str:
    answer = requests.get(f"{connector}/status", timeout=60)
    return str(answer.json()["connector"]["state"]) if answer.ok else ""


def test_connectors_wishes_and_positions_are_there_after_a_restart(kafka: str, tmp_path: Path) -> None:
    with worker(kafka, tmp_path) as url:
        connector = stopped(url)
        position = {"offsets": [{"partition": {}, "offset": {"replayId": 42}}]}
        ask("PATCH", f"{connector}/offsets", position)
        ask("PATCH", f"{connector}/config", {"kafka.topic": "other"})
        ask("PUT", f"{url}/admin/loggers/bridge.some?scope=cluster", {"level": "ERROR"})
    with worker(kafka, tmp_path) as url:
        assert ask("GET", f"{url}/connectors") == ["sf"]
        connector = f"{url}/connectors/sf"
        wait_until(lambda: state(connector) == "STOPPED", 20, 0.02)
        assert ask("GET", f"{connector}/config")["kafka.topic"] == "other"
        assert ask("GET", f"{connector}/config")["salesforce.password"].startswith("***")
        assert ask("GET", f"{connector}/offsets") == position
        ask("DELETE", connector)
    with worker(kafka, tmp_path) as url:
        assert ask("GET", f"{url}/connectors") == []
        assert "sfbridge_worker_leads 1" in requests.get(f"{url}/metrics", timeout=60).text


def test_an_offsets_request_is_kept_with_what_came_of_it(kafka: str, tmp_path: Path) -> None:
    cloud = "connect/v1/environments/env-1/clusters/lkc-1/connectors/sf/offsets"
    wanted = {"type": "PATCH", "offsets": [{"partition": {}, "offset": {"replayId": 7}}]}

    def phase() -> str:
        return str(ask("GET", f"{url}/{cloud}/request/status")["status"]["phase"])

    with worker(kafka, tmp_path) as url:
        stopped(url)
        ask("POST", f"{url}/{cloud}/request", wanted)
        wait_until(lambda: phase() == "APPLIED", 30, 0.05)
    with worker(kafka, tmp_path) as url:
        assert phase() == "APPLIED"


def test_without_a_directory_everything_ends_with_the_process(kafka: str) -> None:
    with worker(kafka, None) as url:
        stopped(url)
    with worker(kafka, None) as url:
        assert ask("GET", f"{url}/connectors") == []


def test_a_directory_belongs_to_one_worker(kafka: str, tmp_path: Path) -> None:
    with (
        worker(kafka, tmp_path),
        pytest.raises(Fatal, match=r"belongs to a worker that is running \(process \d+\)"),
    ):
        made(kafka, tmp_path).start()
    with worker(kafka, tmp_path):
        pass


def test_a_directory_that_cannot_be_one_is_named(kafka: str, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ConfigurationError, match=r"bridge\.standalone\.dir: cannot keep state in .*file"):
        made(kafka, tmp_path / "file").start()
