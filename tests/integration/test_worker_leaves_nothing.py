"""Connectors that are gone leave no thread and no open file behind, whatever the cyclic collector does."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import Path

from bridge.sandbox.org import Org
from tests.support.bridge_run import Bridge, wait_until
from tests.support.kafka_broker import Broker
from tests.support.ports import free_ports
from tests.support.worker_run import Group, Process, without_name

_STARTS = re.compile(r"^kafka_connect_connect_worker_metrics_connector_startup_attempts_total (\d+)", re.M)


def test_connectors_that_are_gone_leave_nothing(tmp_path: Path, broker: Broker, org: Org) -> None:
    (tmp_path / "sitecustomize.py").write_text("import gc\ngc.disable()\n")
    worker = Process(Group(tmp_path, broker), free_ports(["rest"])["rest"])
    worker.start(environ={"PYTHONPATH": f"{tmp_path}:{os.environ.get('PYTHONPATH', '')}"})
    try:
        base = _counts(worker)
        for _ in range(3):
            _cycle(worker, [Bridge.of(tmp_path, broker, org) for _ in range(4)])
        wait_until(lambda: _is_back(worker, base), 30, 0.2)
    finally:
        worker.kill()


def _cycle(worker: Process, bridges: Sequence[Bridge]) -> None:
    """Made, restarted, deleted."""
    for bridge in bridges:
        config = without_name(bridge.connector_file())
        created = worker.rest.ask("POST", "/connectors", {"name": bridge.name, "config": config})
        assert created.status_code == 201, created.text
    for bridge in bridges:
        worker.rest.wait_state(bridge.name, "RUNNING")
    before = _starts(worker)
    for bridge in bridges:
        worker.rest.ask("POST", f"/connectors/{bridge.name}/restart?includeTasks=true")
    wait_until(lambda: _starts(worker) == before + len(bridges), 30, 0.1)
    for bridge in bridges:
        worker.rest.wait_state(bridge.name, "RUNNING")
    for bridge in bridges:
        assert worker.rest.ask("DELETE", f"/connectors/{bridge.name}").status_code == 204


def _starts(worker: Process) -> int:
    found = _STARTS.search(worker.rest.ask("GET", "/metrics").text)
    assert found
    return int(found[1])


def _counts(worker: Process) -> tuple[int, int]:
    process = Path(f"/proc/{worker.popen.pid}")
    return len(os.listdir(process / "task")), len(os.listdir(process / "fd"))


def _is_back(worker: Process, base: tuple[int, int]) -> bool:
    """But for what the first connector brings: a pool of threads that read metadata, connections that are kept."""
    threads, files = _counts(worker)
    return threads <= base[0] + 4 and files <= base[1] + 12
