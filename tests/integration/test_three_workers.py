"""Three workers, each asked for what the others know, and one of them dies while it is asked."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from attrs import define

from bridge.sandbox.org import Org
from tests.support.bridge_run import Bridge, wait_until
from tests.support.kafka_broker import Broker
from tests.support.worker_run import Group, Process, Rest

NAMES = ("one", "two", "three")
LIST = "/bridge/v1/connectors"


@define
class Three:
    here: Rest
    there: list[Process]

    def rows(self, rest: Rest | None = None) -> dict[str, Any]:
        return {row["name"]: row for row in (rest or self.here).get(LIST)["items"]}


@pytest.fixture
def three(tmp_path: Path, broker: Broker, org: Org) -> Iterator[Three]:
    """One worker in this process, two in their own; each runs a connector."""
    # Longer than it takes until one that says nothing is told of so: then it still has its connector.
    group = Group(tmp_path, broker, extra={"session.timeout.ms": "6000", "heartbeat.interval.ms": "300"})
    config = json.loads(Bridge.of(tmp_path, broker, org).connector_file().read_text())
    with group.worker() as here:
        there = [group.spawn(), group.spawn()]
        for name in NAMES:
            made = {"name": name, "config": {**config, "name": name}}
            assert here.ask("POST", "/connectors", made).status_code == 201
        crew = Three(here, there)
        try:
            wait_until(lambda: [row["condition"] for row in crew.rows().values()] == ["idle"] * 3, 60, 0.5)
            yield crew
        finally:
            for process in there:
                if process.popen.poll() is None:
                    process.popen.send_signal(signal.SIGCONT)
                    process.kill()


def test_each_knows_of_all_and_one_that_dies_is_told_of_as_last_seen(three: Three) -> None:
    rows = three.rows()
    owners = {row["worker"] for row in rows.values()}
    assert len(owners) == 3, "each runs one"
    for process in three.there:
        elsewhere = three.rows(process.rest)
        assert {name: (row["worker"], row["answered"]) for name, row in elsewhere.items()} == {
            name: (row["worker"], True) for name, row in rows.items()
        }
        workers = process.rest.get("/bridge/v1/workers")["workers"]
        assert [worker["answered"] for worker in workers] == [True] * 3
        assert {name for worker in workers for name in worker["connectors"]} == set(NAMES)

    dying = three.there[0]
    mine = next(name for name, row in rows.items() if row["worker"] == f"127.0.0.1:{dying.port}")
    wait_until(lambda: three.here.get(f"{LIST}/{mine}/series")["at"] != [], 20, 0.5)
    assert mine in {line["connector"] for line in three.here.get(f"{LIST}/{mine}/logs")["lines"]}
    job = dying.rest.ask("POST", f"/bridge/v1/connectors/{mine}/records", {}).json()
    wait_until(lambda: three.here.get(f"/bridge/v1/jobs/{job['id']}")["state"] == "DONE", 30, 0.2)

    os.kill(dying.popen.pid, signal.SIGSTOP)  # first it only says nothing
    began = time.monotonic()
    while (told := three.rows()[mine])["answered"]:
        assert time.monotonic() - began < 20
    assert (told["condition"], told["worker"]) == ("unknown", f"127.0.0.1:{dying.port}")
    assert told["lag"] == rows[mine]["lag"], "the last that was known"
    assert told["seen_at"] < time.time() * 1000
    slowest = 0.0
    dying.kill()
    while not (told := three.rows()[mine])["answered"]:
        asked = time.monotonic()
        for path in (f"{LIST}/{mine}/series", f"{LIST}/{mine}/logs", "/bridge/v1/workers", f"{LIST}/{mine}"):
            assert three.here.ask("GET", path).status_code == 200, path
        gone = three.here.ask("GET", f"/bridge/v1/jobs/{job['id']}")
        assert gone.status_code == 404
        slowest = max(slowest, time.monotonic() - asked)
        assert time.monotonic() - began < 60, told
    assert slowest < 15
    assert told["worker"] != f"127.0.0.1:{dying.port}"
    wait_until(lambda: three.rows()[mine]["condition"] == "idle", 30, 0.5)
    assert len(three.here.get("/bridge/v1/workers")["workers"]) == 2
