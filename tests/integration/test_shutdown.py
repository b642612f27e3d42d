"""SIGTERM ends a process in time, whatever Kafka does, and what was not committed is said."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from bridge.sandbox.org import Org
from tests.support.bridge_run import EVENT, Bridge
from tests.support.faulty_line import FaultyLine, broker_behind_a_line
from tests.support.kafka_broker import Broker
from tests.support.worker_run import Group, without_name

LIMIT = 8.0  # seconds


@pytest.fixture(scope="module")
def lined(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Broker, FaultyLine]]:
    with broker_behind_a_line(tmp_path_factory.mktemp("lined") / "broker") as both:
        yield both


@pytest.fixture
def bridge(tmp_path: Path, org: Org, lined: tuple[Broker, FaultyLine]) -> Iterator[Bridge]:
    broker, line = lined
    bridge = Bridge.of(tmp_path, broker, org, bridge__shutdown__timeout__ms=str(int(LIMIT * 1000)))
    bridge.worker["bootstrap.servers"] = line.address
    yield bridge
    line.revive()
    line.cut()


@pytest.mark.parametrize("waiting", [0, 300], ids=["idle", "events under way"])
def test_sigterm_while_the_broker_is_a_black_hole(
    bridge: Bridge, org: Org, lined: tuple[Broker, FaultyLine], tmp_path: Path, waiting: int
) -> None:
    log = tmp_path / "log"
    org.publish_many(EVENT, 5)
    process = bridge.spawn(log=log)
    try:
        assert len(bridge.replay_ids(5, timeout=60)) == 5
        last = bridge.position()["replayId"]
        lined[1].die()
        if waiting:
            org.publish_many(EVENT, waiting)
            time.sleep(1)
        began = time.monotonic()
        process.terminate()
        code = process.wait(LIMIT + 10)
        took = time.monotonic() - began
    finally:
        process.kill()
    print(log.read_text())
    said = log.read_text().strip().splitlines()[-1]
    assert took < LIMIT + 3
    if waiting:
        assert code == 1
        assert "not committed" in said
        assert f"replay id {last}" in said
    else:
        assert code == 0, said


def test_a_worker_has_one_time_for_all_its_connectors(
    bridge: Bridge, org: Org, lined: tuple[Broker, FaultyLine], tmp_path: Path
) -> None:
    broker, line = lined
    extra = {"bootstrap.servers": line.address, "bridge.shutdown.timeout.ms": str(int(LIMIT * 1000))}
    group = Group(tmp_path, broker, extra=extra)
    worker = group.spawn()
    try:
        names = [bridge.name, f"{bridge.name}-2"]
        for name in names:
            config = {**without_name(bridge.connector_file()), "name": name, "kafka.topic": bridge.topic}
            del config["bridge.shutdown.timeout.ms"]  # the worker's counts
            assert worker.rest.ask("POST", "/connectors", {"name": name, "config": config}).status_code == 201
        for name in names:
            worker.rest.wait_state(name, "RUNNING", 60)
        org.publish_many(EVENT, 5)
        assert len(bridge.replay_ids(10, timeout=60)) == 10
        line.die()
        org.publish_many(EVENT, 200)
        time.sleep(1)
        began = time.monotonic()
        worker.popen.terminate()
        code = worker.popen.wait(LIMIT + 10)
        took = time.monotonic() - began
    finally:
        worker.kill()
    print(worker.errors())
    assert took < LIMIT + 3
    assert code == 1
    said = worker.errors().strip().splitlines()[-2:]
    for name in names:
        assert any(
            name in text and "not committed: 200 events received after replay id" in text for text in said
        )
