"""Three worker processes: killed, frozen, restarted one by one. Every event once, in order; every connector RUNNING."""

import json
import os
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from bridge.sandbox.org import Org
from tests.support.bridge_run import EVENT, Bridge, wait_until
from tests.support.worker_run import Group, Process, Rest


@pytest.fixture
def group(tmp_path: Path, own_broker: Any) -> Group:
    return Group(tmp_path, own_broker(group_min_session_timeout_ms="1000"))


@pytest.fixture
def workers(group: Group) -> Iterator[list[Process]]:
    three: list[Process] = []
    try:
        for _ in range(3):
            three.append(group.spawn())
        yield three
    finally:
        for one in three:
            if one.popen is not None and one.popen.poll() is None:
                os.kill(one.popen.pid, signal.SIGCONT)
                one.kill()


class Publisher:
    """Publishes a few events a second until it is stopped."""

    def __init__(self, org: Org) -> None:
        self.ids: list[int] = []
        self._org, self._stop = org, threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def _run(self) -> None:
        while not self._stop.wait(0.05):
            self.ids += self._org.publish_many(EVENT, 2)

    def __enter__(self) -> "Publisher":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()


def create(rest: Rest, bridges: list[Bridge]) -> None:
    for bridge in bridges:
        config = json.loads(bridge.connector_file().read_text())
        made = rest.ask("POST", "/connectors", {"name": bridge.name, "config": config})
        assert made.status_code == 201, made.text


def owners(rest: Rest, bridges: list[Bridge]) -> dict[str, str]:
    """Who runs what, of those that run."""
    found = {}
    for bridge in bridges:
        connector = rest.get(f"/connectors/{bridge.name}/status")["connector"]
        if connector["state"] == "RUNNING":
            found[bridge.name] = connector["worker_id"]
    return found


def all_run(rest: Rest, bridges: list[Bridge], on: set[str], seconds: float) -> None:
    def spread() -> bool:
        try:
            found = owners(rest, bridges)
        except (requests.RequestException, AssertionError, KeyError):
            return False
        return len(found) == len(bridges) and set(found.values()) == on

    wait_until(spread, seconds, 0.1)


def name(worker: Process) -> str:
    return f"127.0.0.1:{worker.port}"


def leader(rest: Rest, workers: list[Process]) -> Process:
    """The worker that took the last lead."""
    said = {one: one.errors().count("leads the group now") for one in workers}
    return max(said, key=lambda one: (said[one], -workers.index(one)))


@pytest.mark.timeout(240)
def test_a_group_survives(tmp_path: Path, org: Org, group: Group, workers: list[Process]) -> None:
    bridges = [Bridge.of(tmp_path, group.broker, org) for _ in range(3)]
    first, second, third = workers
    create(second.rest, bridges)
    all_run(first.rest, bridges, {name(one) for one in workers}, 40)
    with Publisher(org) as publisher:
        time.sleep(1)
        # Killed, and started again at once: it takes its connector back.
        third.kill()
        third.start()
        all_run(first.rest, bridges, {name(one) for one in workers}, 20)
        # Killed for good: others take over.
        first.kill()
        began = time.monotonic()
        all_run(second.rest, bridges, {name(second), name(third)}, 20)
        assert time.monotonic() - began < 10
        # Frozen: fenced, and silent when it wakes.
        frozen = second.popen.pid
        os.kill(frozen, signal.SIGSTOP)
        all_run(third.rest, bridges, {name(third)}, 25)
        os.kill(frozen, signal.SIGCONT)
        all_run(third.rest, bridges, {name(second), name(third)}, 40)
        first.start()
        all_run(third.rest, bridges, {name(one) for one in workers}, 40)
        # A rolling restart.
        second.end()
        second.start()
        all_run(third.rest, bridges, {name(one) for one in workers}, 40)
    for bridge in bridges:
        assert bridge.replay_ids(len(publisher.ids), timeout=60) == publisher.ids
    assert any(words in second.errors() for words in ("took this connector over", "it belongs to"))
    assert "Traceback" not in "".join(one.errors() for one in workers)
