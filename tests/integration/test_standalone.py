"""``sfbridge worker --standalone DIR`` as a process, on a real broker: positions there, all else in the directory."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import requests

from bridge.sandbox.org import Org
from tests.support.bridge_run import EVENT, Bridge, wait_until
from tests.support.kafka_broker import Broker
from tests.support.ports import free_ports


@contextmanager
def standalone(bridge: Bridge, directory: Path, log: Path) -> Iterator[str]:
    """The address of a worker that answers."""
    port = free_ports(["rest"])["rest"]
    bridge.worker["listeners"] = f"http://127.0.0.1:{port}"
    arguments = ["worker", "--standalone", str(directory), "--worker", str(bridge.worker_file())]
    with (
        log.open("ab") as out,
        subprocess.Popen(
            [sys.executable, "-m", "bridge", *arguments], stdin=subprocess.DEVNULL, stdout=out, stderr=out
        ) as process,
    ):
        try:
            wait_until(lambda: "answers at" in log.read_text(), 60, 0.05)
            yield f"http://127.0.0.1:{port}"
            process.terminate()
            assert process.wait(60) == 0, log.read_text()
        finally:
            process.kill()


def test_a_worker_goes_on_where_its_output_cannot_be_written(
    tmp_path: Path, broker: Broker, org: Org
) -> None:
    bridge, port = Bridge.of(tmp_path, broker, org), free_ports(["rest"])["rest"]
    bridge.worker["listeners"] = f"http://127.0.0.1:{port}"
    arguments = ["worker", "--standalone", str(tmp_path / "state"), "--worker", str(bridge.worker_file())]
    with (
        open("/dev/full", "wb") as full,
        subprocess.Popen([sys.executable, "-m", "bridge", *arguments], stdout=full, stderr=full) as process,
    ):
        try:
            wait_until(lambda: process.poll() is not None or answers(port), 60, 0.05)
            process.terminate()
            assert process.wait(60) == 0
        finally:
            process.kill()


def answers(port: int) -> bool:
    try:
        return requests.get(f"http://127.0.0.1:{port}/health", timeout=10).ok
    except requests.ConnectionError:
        return False


def connector(url: str, name: str) -> dict[str, Any]:
    answer = requests.get(f"{url}/connectors/{name}/status", timeout=60)
    return dict(answer.json()["connector"]) if answer.ok else {"state": ""}


def test_a_restart_goes_on_and_a_run_of_the_same_stands_by(tmp_path: Path, broker: Broker, org: Org) -> None:
    bridge = Bridge.of(tmp_path, broker, org)
    bridge.worker |= {
        "config.storage.topic": f"{bridge.name}-configs",
        "config.storage.replication.factor": "1",
        "session.timeout.ms": "2000",
        "heartbeat.interval.ms": "300",
    }
    ids = org.publish_many(EVENT, 3)
    logs = [tmp_path / f"{name}.log" for name in ("first", "second", "run")]
    run = None
    try:
        with standalone(bridge, tmp_path / "state", logs[0]) as url:
            body = json.loads(bridge.connector_file().read_text())
            assert requests.post(
                f"{url}/connectors", json={"name": bridge.name, "config": body}, timeout=60
            ).ok
            assert bridge.replay_ids(3) == ids
            wait_until(lambda: connector(url, bridge.name)["state"] == "RUNNING", 30, 0.05)
            run = bridge.spawn("--until-idle", "1", log=logs[2])
            wait_until(lambda: "standing by" in logs[2].read_text(), 30, 0.05)
            requests.put(f"{url}/connectors/{bridge.name}/pause", timeout=60)
            wait_until(lambda: connector(url, bridge.name)["state"] == "PAUSED", 30, 0.05)
            assert run.wait(60) == 0, "a lease that was given back is taken by whoever stands by"
            ids += org.publish_many(EVENT, 3)
        with standalone(bridge, tmp_path / "state", logs[1]) as url:
            wait_until(lambda: connector(url, bridge.name)["state"] == "PAUSED", 30, 0.05)
            row = requests.get(f"{url}/bridge/v1/connectors/{bridge.name}", timeout=60).json()
            assert (row["condition"], row["replay_id"]) == ("paused", ids[2]), "as it was when it was paused"
            assert 71 < row["window_hours_left"] <= 72
            requests.put(f"{url}/connectors/{bridge.name}/resume", timeout=60)
            assert bridge.replay_ids(6) == ids
    finally:
        if run is not None:
            run.kill()
    assert bridge.position() == {"replayId": ids[-1]}
    topics = broker_topics(broker)
    assert f"{bridge.name}-offsets" in topics
    assert not any(name.startswith(f"{bridge.name}-status") for name in topics)


def broker_topics(broker: Broker) -> set[str]:
    from confluent_kafka.admin import AdminClient

    return set(AdminClient({"bootstrap.servers": broker.bootstrap}).list_topics(timeout=20).topics)
