"""``sfbridge run`` of the same connector twice: the second stands by, and takes over."""

import signal
import time
from pathlib import Path

import pytest

from bridge.cli.main import main
from bridge.sandbox.org import Org
from tests.support.bridge_run import EVENT, Bridge, wait_until
from tests.support.kafka_broker import Broker


def test_a_second_run_stands_by_and_takes_over(
    tmp_path: Path, broker: Broker, org: Org, capsys: pytest.CaptureFixture[str]
) -> None:
    bridge = Bridge.of(tmp_path, broker, org)
    bridge.worker |= {
        "config.storage.topic": f"{bridge.name}-configs",
        "config.storage.replication.factor": "1",
        "session.timeout.ms": "2000",
        "heartbeat.interval.ms": "300",
    }
    ids = org.publish_many(EVENT, 3)
    logs = [tmp_path / "first.log", tmp_path / "second.log"]
    first = bridge.spawn(log=logs[0])
    try:
        wait_until(lambda: "is RUNNING" in logs[0].read_text(), 30, 0.1)
        second = bridge.spawn("--until-idle", "1", log=logs[1])
        try:
            wait_until(lambda: "standing by" in logs[1].read_text(), 30, 0.1)
            files = [str(bridge.connector_file()), "--worker", str(bridge.worker_file())]
            assert main(["offsets", "reset", *files]) == 1
            assert "is run by" in capsys.readouterr().err
            ids += org.publish_many(EVENT, 3)
            assert bridge.replay_ids(6) == ids
            first.send_signal(signal.SIGKILL)
            began = time.monotonic()
            ids += org.publish_many(EVENT, 3)
            assert bridge.replay_ids(9) == ids
            assert time.monotonic() - began < 10
            assert second.wait(30) == 0
        finally:
            second.kill()
    finally:
        first.kill()
    assert "taking over" in logs[1].read_text()
    assert main(["offsets", "get", *files]) == 0
    assert main(["offsets", "reset", *files, "--yes"]) == 0, "a lease that nobody holds any more"
