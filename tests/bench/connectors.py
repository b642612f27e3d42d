"""What one more connector costs a worker: a process with none, with one and with a hundred of them, idle."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Final

from attrs import frozen

from bridge.sandbox import samples
from bridge.sandbox.org import Org
from tests.bench import measure
from tests.bench.peak import Peak
from tests.bench.setting import Bench
from tests.bench.table import Row
from tests.support.bridge_run import Bridge
from tests.support.worker_run import Group, Process

_MANY: Final = 100
_IDLE: Final = 20.0  # seconds over which the CPU is measured
_RUNNING: Final = 120.0


@frozen
class Look:
    """A worker with so many connectors. ``cpu`` is a share of a core."""

    connectors: int
    resident_mb: float
    threads: int
    files: int
    cpu: float


def connectors(bench: Bench) -> list[Row]:
    """The rows for a worker of a hundred connectors, and for one more."""
    group = Group(bench.folder, bench.broker)
    with Org(samples.EVENTS, directory=bench.folder / "org") as org:
        worker = group.spawn()
        try:
            empty = _look(worker, 0)
            peak = Peak(worker.popen.pid)
            peak.start()
            started = time.monotonic()
            _create(worker, [Bridge.of(bench.folder, bench.broker, org) for _ in range(_MANY)])
            seconds = time.monotonic() - started
            peak.over.set()
            full = _look(worker, _MANY)
        finally:
            worker.kill()
    return [
        Row("worker, no connector", value=_said(empty)),
        Row(
            f"worker, {_MANY} idle connectors",
            value=_said(full),
            promise="≤ 256 MB",
            ok=full.resident_mb <= 256,
        ),
        Row(
            f"worker, {_MANY} connectors, the most while they start",
            value=f"{peak.threads} threads, {peak.files} files",
            promise="≤ 2000 files",
            ok=peak.files <= 2000,
        ),
        Row("one more connector", value=_said(_difference(empty, full), ".2f")),
        Row(f"{_MANY} connectors, created to RUNNING", value=f"{seconds:.1f} s"),
    ]


def _create(worker: Process, bridges: list[Bridge]) -> None:
    for bridge in bridges:
        config = json.loads(bridge.connector_file().read_text())
        made = worker.rest.ask("POST", "/connectors", {"name": bridge.name, "config": config})
        assert made.status_code == 201, made.text

    def all_run() -> bool:
        found = worker.rest.get("/connectors?expand=status").values()
        return all(one["status"]["connector"]["state"] == "RUNNING" for one in found)

    measure.wait_for(all_run, _RUNNING, 0.1)


def _look(worker: Process, count: int) -> Look:
    pid = worker.popen.pid
    time.sleep(5)  # what starting left behind
    before = measure.cpu_seconds(pid)
    time.sleep(_IDLE)
    spent = measure.cpu_seconds(pid) - before
    process = Path(f"/proc/{pid}")
    threads, files = (sum(1 for _ in (process / kind).iterdir()) for kind in ("task", "fd"))
    return Look(count, measure.resident_mb(pid), threads, files, spent / _IDLE)


def _difference(empty: Look, full: Look) -> Look:
    count = full.connectors - empty.connectors
    return Look(
        1,
        (full.resident_mb - empty.resident_mb) / count,
        round((full.threads - empty.threads) / count),
        round((full.files - empty.files) / count),
        (full.cpu - empty.cpu) / count,
    )


def _said(look: Look, form: str = ".0f") -> str:
    cpu = f"{look.cpu * 100:{'.2f' if look.connectors == 1 else '.1f'}} % of a core"
    return f"{look.resident_mb:{form}} MB, {look.threads} threads, {look.files} files, {cpu}"
