"""Workers in this process or as processes, against a real broker, and questions to their REST API."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import requests
from attrs import define, field

from bridge.api.build import Service
from bridge.config import load_worker
from tests.support.bridge_run import wait_until
from tests.support.kafka_broker import Broker
from tests.support.kafka_client import unique
from tests.support.ports import free_ports


@define
class Group:
    """The properties that workers of one group share."""

    directory: Path
    broker: Broker
    name: str = field(factory=lambda: unique("group"))
    extra: dict[str, str] = field(factory=dict)

    def file(self, port: int = 0, **more: Any) -> Path:
        """``worker.properties`` for one worker."""
        given = {
            **self.broker.worker(),
            "security.protocol": self.broker.worker().get("security.protocol", "PLAINTEXT"),
            "group.id": self.name,
            "offset.storage.partitions": "1",
            "status.storage.partitions": "1",
            "offset.storage.replication.factor": "1",
            "config.storage.replication.factor": "1",
            "status.storage.replication.factor": "1",
            "session.timeout.ms": "2000",
            "heartbeat.interval.ms": "300",
            "listeners": f"http://127.0.0.1:{port}",
            **self.extra,
            **{key.replace("__", "."): value for key, value in more.items()},
        }
        path = self.directory / f"{self.name}-{port}.properties"
        path.write_text("".join(f"{key}={value}\n" for key, value in given.items()))
        return path

    @contextmanager
    def worker(self, **more: Any) -> Iterator[Rest]:
        """A worker in this process."""
        service = Service(load_worker(self.file(**more), environ={}))
        service.start()
        try:
            yield Rest(service.url, service)
        finally:
            service.stop()

    def spawn(self, port: int | None = None) -> Process:
        """A worker as a process; waits until it answers."""
        port = port or free_ports(["rest"])["rest"]
        process = Process(self, port)
        process.start()
        return process


@define
class Rest:
    """A worker's REST API."""

    url: str
    service: Service | None = None

    def ask(self, method: str, path: str, body: Any = None, timeout: float = 100, **more: Any) -> Any:
        """The response."""
        return requests.request(method, self.url + path, json=body, timeout=timeout, **more)

    def get(self, path: str) -> Any:
        """The JSON of a 200."""
        answer = self.ask("GET", path)
        assert answer.status_code == 200, (path, answer.status_code, answer.text)
        return answer.json()

    def state(self, name: str) -> str:
        """The connector's state, empty if it is not known."""
        answer = self.ask("GET", f"/connectors/{name}/status")
        return str(answer.json()["connector"]["state"]) if answer.status_code == 200 else ""

    def wait_state(self, name: str, state: str, timeout: float = 30) -> None:
        """Wait until the connector is in the state."""
        wait_until(lambda: self.state(name) == state, timeout, 0.1)


@define
class Process:
    """``sfbridge worker`` as a process."""

    group: Group
    port: int
    popen: Any = None

    @property
    def rest(self) -> Rest:
        return Rest(f"http://127.0.0.1:{self.port}")

    @property
    def log(self) -> Path:
        return self.group.directory / f"worker-{self.port}.log"

    def start(self, wait: bool = True, environ: Mapping[str, str] | None = None) -> None:
        """Start it, on the port of before."""
        with self.log.open("ab") as out:
            command = [sys.executable, "-m", "bridge", "worker", "--worker", str(self.group.file(self.port))]
            self.popen = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                env={**os.environ, **(environ or {})},
            )
        if wait:
            wait_until(self.ready, 40, 0.1)

    def ready(self) -> bool:
        """Whether it answers; fails when it has ended."""
        assert self.popen.poll() is None, self.log.read_text()[-3000:]
        try:
            return bool(requests.get(f"{self.rest.url}/health", timeout=5).status_code == 200)
        except requests.RequestException:
            return False

    def kill(self) -> None:
        """SIGKILL."""
        self.popen.kill()
        self.popen.wait()

    def end(self, timeout: float = 60) -> int:
        """SIGTERM; the exit code."""
        if self.popen.poll() is None:
            self.popen.terminate()
        return int(self.popen.wait(timeout))

    def errors(self) -> str:
        """What it said."""
        return self.log.read_text()


def without_name(path: Path) -> dict[str, str]:
    """A connector file as a configuration."""
    return {key: value for key, value in json.loads(path.read_text()).items() if key != "name"}
