"""A Kafka Connect worker as a child process: what the bridge must leave alone, and takes positions over from."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import requests
from attrs import define

from tests.support import java, reaper
from tests.support.bridge_run import wait_until
from tests.support.kafka_broker import Broker
from tests.support.kafka_client import unique
from tests.support.ports import free_ports

_PLUGIN = "connect-file-*.jar"


@define
class KafkaConnect:
    """One worker. ``group`` is its group.id; its topics are ``<group>-configs``, ``-offsets``, ``-status``."""

    directory: Path
    broker: Broker
    group: str
    port: int
    _process: Any = None
    _pid: int = 0

    @classmethod
    @contextmanager
    def start(cls, directory: Path, broker: Broker) -> Iterator[KafkaConnect]:
        """A worker that answers; ended before its broker, or it would make its topics anew, with the wrong policy."""
        worker = cls(directory, broker, unique("connect"), free_ports(["rest"])["rest"])
        worker._spawn()
        try:
            wait_until(worker._healthy, 60, 0.1)
            yield worker
        finally:
            os.kill(worker._pid, signal.SIGKILL)
            worker._process.wait()
            worker._process.stdout.close()

    @property
    def url(self) -> str:
        """Its REST API."""
        return f"http://127.0.0.1:{self.port}"

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        """The response."""
        return requests.request(method, self.url + path, json=body, timeout=30)

    def _spawn(self) -> None:
        libs = java.libs("connect")
        plugins = self.directory / "plugins"
        plugins.mkdir(parents=True)
        for jar in libs.glob(_PLUGIN):
            (plugins / jar.name).symlink_to(jar)
        inside = sorted(jar for jar in libs.glob("*.jar") if not (plugins / jar.name).exists())
        command = [
            java.java(),
            *("-Xmx256m", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC"),
            f"-Dlog4j2.configurationFile={java.POMS / 'kafka' / 'log4j2.properties'}",
            *("-cp", os.pathsep.join(map(str, inside))),
            "org.apache.kafka.connect.cli.ConnectDistributed",
            str(self._properties(plugins)),
        ]
        # However this process ends, the worker ends with it.
        guarded = [sys.executable, "-S", "-E", reaper.__file__, str(os.getpid()), *command]
        with (self.directory / "log").open("ab") as log:
            self._process = subprocess.Popen(guarded, stdout=subprocess.PIPE, stderr=log)
        self._pid = int(self._process.stdout.readline())

    def _properties(self, plugins: Path) -> Path:
        given = {
            "bootstrap.servers": self.broker.bootstrap,
            "group.id": self.group,
            "listeners": self.url,
            "plugin.path": str(plugins),
            "plugin.discovery": "service_load",
            "key.converter": "org.apache.kafka.connect.storage.StringConverter",
            "value.converter": "org.apache.kafka.connect.json.JsonConverter",
            "offset.storage.partitions": "1",
            "status.storage.partitions": "1",
        }
        for kind, words in (("config", "configs"), ("offset", "offsets"), ("status", "status")):
            given[f"{kind}.storage.topic"] = f"{self.group}-{words}"
            given[f"{kind}.storage.replication.factor"] = "1"
        path = self.directory / "worker.properties"
        path.write_text("".join(f"{key}={value}\n" for key, value in given.items()))
        return path

    def _healthy(self) -> bool:
        assert self._process.poll() is None, (self.directory / "log").read_text()[-3000:]
        try:
            return bool(self.ask("GET", "/health").status_code == 200)
        except requests.RequestException:
            return False
