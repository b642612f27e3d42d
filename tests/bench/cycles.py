"""What stays of connectors that are gone: many are made, restarted and deleted, and the process is looked at."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Final

from bridge.sandbox import samples
from bridge.sandbox.org import Org
from tests.bench import measure
from tests.bench.peak import Look, Peak
from tests.bench.setting import Bench
from tests.bench.table import Row
from tests.support.bridge_run import Bridge
from tests.support.worker_run import Group, Process

_CYCLES: Final = 300
_AT_ONCE: Final = 20
_BACK: Final = 10.0  # seconds after the last deletion
_LONGEST: Final = 120.0


def cycles(bench: Bench, count: int = _CYCLES) -> list[Row]:
    """The rows for so many connectors made, restarted and deleted, some at a time."""
    group = Group(bench.folder, bench.broker)
    with Org(samples.EVENTS, directory=bench.folder / "org-cycles") as org:
        worker = group.spawn()
        pid = worker.popen.pid
        try:
            _cycle(worker, [Bridge.of(bench.folder, bench.broker, org)])  # what a first connector loads stays
            time.sleep(_BACK)
            before = Look.at(pid)
            peak = Peak(pid)
            peak.start()
            started = time.monotonic()
            for first in range(0, count, _AT_ONCE):
                some = min(_AT_ONCE, count - first)
                _cycle(worker, [Bridge.of(bench.folder, bench.broker, org) for _ in range(some)])
            seconds = time.monotonic() - started
            peak.over.set()
            time.sleep(_BACK)
            after = Look.at(pid)
        finally:
            worker.kill()
    back = after.threads <= before.threads + 2 and after.files <= before.files + 4
    value = f"{before.said()} before; {after.said()} {_BACK:.0f} s after"
    return [
        Row(f"{count} connectors made, restarted, deleted", value=value, promise="back to the base", ok=back),
        Row(
            f"the same, the most at a time ({_AT_ONCE} connectors)",
            value=f"{peak.threads} threads, {peak.files} files",
        ),
        Row("the same, duration", value=f"{seconds:.0f} s"),
    ]


def _cycle(worker: Process, bridges: list[Bridge]) -> None:
    for bridge in bridges:
        config = json.loads(bridge.connector_file().read_text())
        response = worker.rest.ask("POST", "/connectors", {"name": bridge.name, "config": config})
        assert response.status_code == 201, response.text
    _wait_running(worker, bridges)
    for bridge in bridges:
        worker.rest.ask("POST", f"/connectors/{bridge.name}/restart?includeTasks=true")
    time.sleep(1)
    _wait_running(worker, bridges)
    for bridge in bridges:
        assert worker.rest.ask("DELETE", f"/connectors/{bridge.name}").status_code == 204


def _wait_running(worker: Process, bridges: list[Bridge]) -> None:
    names = {bridge.name for bridge in bridges}

    def all_run() -> bool:
        listed = worker.rest.get("/connectors?expand=status")
        return all(
            listed[name]["status"]["connector"]["state"] == "RUNNING" for name in names if name in listed
        )

    measure.wait_for(all_run, _LONGEST, 0.2)


if __name__ == "__main__":
    import tempfile

    from tests.bench.table import print_rows

    with tempfile.TemporaryDirectory(prefix="sfbridge-bench-") as folder:
        bench = Bench(Path(folder), 0, 0, 0)
        try:
            print_rows(cycles(bench, int(sys.argv[1]) if len(sys.argv) > 1 else _CYCLES))
        finally:
            bench.close()
