"""How long a worker's connectors take to run again, and how much memory, with a long history of positions to read."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Final

from attrs import frozen
from confluent_kafka import Producer

from bridge.kafka.offsets import position_key
from bridge.sandbox import samples
from bridge.sandbox.org import Org
from tests.bench import measure
from tests.bench.peak import Peak
from tests.bench.setting import Bench
from tests.bench.table import Row
from tests.support.bridge_run import Bridge
from tests.support.worker_run import Group, Process

_CONNECTORS: Final = 100
_RECORDS: Final = 1_000_000
_LONGEST: Final = 300.0


@frozen
class Start:
    """From the process's start until all connectors run."""

    seconds: float
    peak_mb: float
    threads: int
    files: int


def restart(bench: Bench, connectors: int = _CONNECTORS, records: int = _RECORDS) -> list[Row]:
    """The rows for a restart without and with a history."""
    group = Group(bench.folder, bench.broker)
    with Org(samples.EVENTS, directory=bench.folder / "org-restart") as org:
        bridges = [Bridge.of(bench.folder, bench.broker, org) for _ in range(connectors)]
        worker = group.spawn()
        try:
            _create(worker, bridges)
            worker.end()
            without = _start(worker, connectors)
            worker.end()
            _write(bench, worker, [bridge.name for bridge in bridges], records)
            after = _start(worker, connectors)
        finally:
            worker.kill()
    more = after.peak_mb - without.peak_mb
    return [
        Row(f"{connectors} connectors RUNNING after a restart", value=_said(without)),
        Row(
            f"the same, {records:,} records in the offsets topic",
            value=f"{_said(after)}; {more:+.0f} MB",
            promise="≤ 10 s, ≤ 60 MB more",
            ok=after.seconds <= 10 and more <= 60,
        ),
    ]


def _create(worker: Process, bridges: list[Bridge]) -> None:
    for bridge in bridges:
        config = json.loads(bridge.connector_file().read_text())
        response = worker.rest.ask("POST", "/connectors", {"name": bridge.name, "config": config})
        assert response.status_code == 201, response.text
    _wait(worker, len(bridges))


def _wait(worker: Process, count: int) -> None:
    def all_run() -> bool:
        listed = worker.rest.get("/connectors?expand=status").values()
        return [one["status"]["connector"]["state"] for one in listed] == ["RUNNING"] * count

    measure.wait_for(all_run, _LONGEST, 0.2)


def _start(worker: Process, count: int) -> Start:
    started = time.monotonic()
    worker.start(wait=False)
    pid = worker.popen.pid
    peak = Peak(pid)
    peak.start()
    measure.wait_for(worker.ready, _LONGEST, 0.05)
    _wait(worker, count)
    seconds = time.monotonic() - started
    time.sleep(2)
    peak.over.set()
    return Start(seconds, measure.peak_mb(pid), peak.threads, peak.files)


def _write(bench: Bench, worker: Process, names: list[str], records: int) -> None:
    """Positions that say: start at latest."""
    producer = Producer(bench.broker.client({"linger.ms": 50, "queue.buffering.max.messages": 2_000_000}))
    topic = f"{worker.group.name}-offsets"
    keys = [position_key(name) for name in names]
    headers: list[tuple[str, str | bytes | None]] = [
        ("bridge-org-id", b"00D000000000001EAA"),
        ("bridge-created", b"1760000000000"),
    ]
    for index in range(records):
        producer.produce(topic, b'{"replayId":-1}', keys[index % len(keys)], partition=0, headers=headers)
        if index % 10_000 == 0:
            producer.poll(0)
    assert producer.flush(120) == 0


def _said(start: Start) -> str:
    return f"{start.seconds:.1f} s, peak {start.peak_mb:.0f} MB, {start.threads} threads, {start.files} files"


if __name__ == "__main__":
    import tempfile

    from tests.bench.table import print_rows

    with tempfile.TemporaryDirectory(prefix="sfbridge-bench-") as folder:
        bench = Bench(Path(folder), 0, 0, 0)
        try:
            print_rows(restart(bench, *map(int, sys.argv[1:])))
        finally:
            bench.close()
