"""A worker that is started while Kafka is away: it waits and says so, and a signal ends it."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.support.bridge_run import wait_until
from tests.support.kafka_broker import Broker
from tests.support.ports import free_ports
from tests.support.worker_run import Group, Process


@pytest.fixture
def broker(own_broker: Any) -> Broker:
    found: Broker = own_broker(group_min_session_timeout_ms="1000")
    found.kill()
    return found


@pytest.fixture
def worker(tmp_path: Path, broker: Broker) -> Iterator[Process]:
    process = Process(Group(tmp_path, broker), free_ports(["rest"])["rest"])
    process.start(wait=False)
    try:
        wait_until(lambda: "waiting for Kafka" in process.errors(), 30, 0.1)
        yield process
    finally:
        process.kill()


def test_it_begins_when_kafka_is_there(worker: Process, broker: Broker) -> None:
    answer = requests.get(f"{worker.rest.url}/health", timeout=5)
    assert answer.status_code == 503
    assert "looking at Kafka" in answer.json()["message"]
    broker.start()
    wait_until(worker.ready, 60, 0.1)
    assert worker.rest.get("/connectors") == []
    assert worker.end() == 0
    assert "Traceback" not in worker.errors()


def test_a_signal_ends_it(worker: Process) -> None:
    assert worker.end() == 0
    assert "Traceback" not in worker.errors()
