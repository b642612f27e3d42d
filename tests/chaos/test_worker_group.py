"""Three workers under random faults: every event exactly once, every connector RUNNING at the end, no 2xx a lie."""

import json
import os
import random
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import requests
from attrs import define, field

from bridge.sandbox.org import Org
from tests.chaos.driver import seeded
from tests.support.bridge_run import EVENT, Bridge, wait_until
from tests.support.brokers import Cluster
from tests.support.worker_run import Group, Process


@define
class Chaos:
    """Workers, connectors, an org that publishes, and a seeded source of misfortune."""

    group: Group
    cluster: Cluster
    org: Org
    bridges: list[Bridge]
    dice: random.Random
    workers: list[Process] = field(factory=list)
    ids: list[int] = field(factory=list)
    patched: dict[str, str] = field(factory=dict)
    paused: dict[str, bool] = field(factory=dict)
    _stop: threading.Event = field(factory=threading.Event)

    def publish(self) -> None:
        while not self._stop.wait(0.1):
            self.ids += self.org.publish_many(EVENT, 2)

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        """By any worker that answers; asked again after a 409, as the API says."""
        until = time.monotonic() + 90
        while True:
            worker = self.dice.choice(self.workers)
            try:
                answer = worker.rest.ask(method, path, body, timeout=20)
                if answer.status_code not in (409, 503):
                    return answer
            except requests.RequestException:
                pass
            assert time.monotonic() < until, f"nobody answers {method} {path}"
            time.sleep(0.1)

    def kill(self) -> None:
        worker = self.dice.choice(self.workers)
        worker.kill()
        time.sleep(self.dice.choice([0, 3]))
        worker.start(wait=False)

    def freeze(self) -> None:
        worker = self.dice.choice(self.workers)
        os.kill(worker.popen.pid, signal.SIGSTOP)
        time.sleep(self.dice.choice([0.5, 4]))
        os.kill(worker.popen.pid, signal.SIGCONT)

    def restart_broker(self) -> None:
        """One of three that replicate each other: Kafka can lose a transaction's end with its only broker."""
        broker = self.dice.choice(self.cluster.nodes)
        if self.dice.random() < 0.5:
            broker.restart()
        else:
            broker.kill()
            broker.start()

    def roll(self) -> None:
        worker = self.dice.choice(self.workers)
        worker.end()
        worker.start(wait=False)

    def write(self) -> None:
        """A configuration that was accepted must be there in the end; the last one accepted wins."""
        bridge = self.dice.choice(self.bridges)
        value = str(self.dice.randrange(50, 1000))
        answer = self.ask("PATCH", f"/connectors/{bridge.name}/config", {"bridge.commit.interval.ms": value})
        if answer.status_code == 200:
            self.patched[bridge.name] = value
        word = self.dice.choice(["pause", "resume"])
        if self.ask("PUT", f"/connectors/{bridge.name}/{word}").status_code == 202:
            self.paused[bridge.name] = word == "pause"

    def run(self, faults: int) -> None:
        publisher = threading.Thread(target=self.publish, daemon=True)
        publisher.start()
        moves: list[Callable[[], None]] = [self.kill, self.freeze, self.roll, self.write, self.restart_broker]
        order = [moves[n % len(moves)] for n in range(faults)]
        self.dice.shuffle(order)
        try:
            for move in order:
                move()
                self.write()
                time.sleep(self.dice.random())
            for worker in self.workers:
                wait_until(worker.ready, 60, 0.1)
        finally:
            self._stop.set()
            publisher.join()

    def check(self) -> None:
        for bridge in self.bridges:
            shown = self.ask("GET", f"/connectors/{bridge.name}/config").json()
            assert shown.get("bridge.commit.interval.ms") == self.patched.get(bridge.name)
            assert self.ask("PUT", f"/connectors/{bridge.name}/resume").status_code == 202
        for bridge in self.bridges:
            wait_until(lambda name=bridge.name: self._runs(name), 90, 0.2)  # type: ignore[misc]
        for bridge in self.bridges:
            assert bridge.replay_ids(len(self.ids), timeout=120) == self.ids
            assert len(bridge.replay_ids()) == len(self.ids)
        for worker in self.workers:
            assert "Traceback" not in worker.errors(), worker.errors()[-3000:]

    def _runs(self, name: str) -> bool:
        answer = self.ask("GET", f"/connectors/{name}/status")
        return answer.status_code == 200 and answer.json()["connector"]["state"] == "RUNNING"


def run(
    tmp_path: Path, cluster: Cluster, org: Org, connectors: int, faults: int, dice: random.Random
) -> None:
    replicated = {f"{kind}.storage.replication.factor": "3" for kind in ("offset", "config", "status")}
    group = Group(tmp_path, cluster.nodes[0], extra={"bootstrap.servers": cluster.bootstrap, **replicated})
    bridges = [Bridge.of(tmp_path, group.broker, org) for _ in range(connectors)]
    chaos = Chaos(group, cluster, org, bridges, dice)
    try:
        for _ in range(3):
            chaos.workers.append(group.spawn())
        for bridge in bridges:
            config = json.loads(bridge.connector_file().read_text())
            made = chaos.ask("POST", "/connectors", {"name": bridge.name, "config": config})
            assert made.status_code == 201, made.text
        chaos.run(faults)
        chaos.check()
    finally:
        for worker in chaos.workers:
            if worker.popen is not None and worker.popen.poll() is None:
                os.kill(worker.popen.pid, signal.SIGCONT)
                worker.kill()


@pytest.mark.timeout(300)
def test_ten_faults(tmp_path: Path, cluster: Cluster, org: Org) -> None:
    run(tmp_path, cluster, org, connectors=3, faults=10, dice=random.Random(7))


@pytest.mark.long
def test_a_hundred_faults(tmp_path: Path, cluster: Cluster, org: Org) -> None:
    connectors = int(os.environ.get("SFBRIDGE_CHAOS_CONNECTORS", "30"))
    faults = int(os.environ.get("SFBRIDGE_CHAOS_FAULTS", "100"))
    run(tmp_path, cluster, org, connectors, faults, seeded())
