"""A real Apache Kafka broker as a child process: start in about a second, stop, kill, freeze, thaw, restart.

What makes it quick is in ``kafka_storage``. A test that only needs *a* broker takes the fixture ``broker``,
which all test processes share; one that stops, kills or freezes it makes its own with ``own_broker``.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from attrs import define, field
from confluent_kafka import Producer

from tests.support import kafka_config, kafka_storage, reaper
from tests.support.certs import Authority
from tests.support.kafka_config import PLAIN, READY_TOPIC, Layout, server_properties
from tests.support.ports import free_ports

_QUICK = {
    "retry.backoff.ms": 10,
    "reconnect.backoff.ms": 10,
    "reconnect.backoff.max.ms": 100,
    "topic.metadata.refresh.fast.interval.ms": 20,
}


class BrokerFailed(AssertionError):
    """The broker did not start or ended by itself; the end of its log is in the message."""


@define
class Broker:
    """One broker process and the folder it lives in (``server.properties``, ``data``, ``log``)."""

    directory: Path
    layout: Layout = PLAIN
    ports: dict[str, int] = field(factory=dict)
    node: int = 1
    controllers: dict[int, int] | None = None
    certificates: Path | None = None
    extra: Mapping[str, str] = field(factory=dict)
    heap: str = "512m"
    watch: int = field(factory=os.getpid)
    pid: int = 0
    _process: subprocess.Popen[bytes] | None = None

    @property
    def bootstrap(self) -> str:
        """``host:port`` of the listener that clients use."""
        return f"127.0.0.1:{self.ports[self.layout.listeners[0]]}"

    @property
    def log(self) -> Path:
        """Everything the broker said, over all its starts."""
        return self.directory / "log"

    def start(self, timeout: float = 60) -> Broker:
        """Start, on the data and ports of before if there was one; returns when a record was acknowledged."""
        given = bool(self.ports)
        for attempt in range(5):
            self.spawn()
            try:
                self.wait_ready(timeout)
                return self
            except BrokerFailed as failure:
                if given or attempt == 4 or "Address already in use" not in str(failure):
                    raise
                # Somebody took the port between our look and the broker's.
                shutil.rmtree(self.directory)
                self.ports = {}
        raise AssertionError

    def spawn(self) -> None:
        """Start the process without waiting for it to answer."""
        configuration = self.directory / "server.properties"
        if not configuration.exists():
            self._lay_out()
        self._run([*kafka_storage.command(self.heap), "kafka.Kafka", str(configuration)])

    def wait_ready(self, timeout: float = 60) -> None:
        """Wait until a record is acknowledged: an open port is not yet a broker."""
        if not _acknowledged(self, time.monotonic() + timeout):
            text = self.log.read_text(errors="replace")
            self.kill()
            raise BrokerFailed(f"the broker in {self.directory} did not start:\n{text[-3000:]}")

    def running(self) -> bool:
        """Whether the process lives (a frozen one does)."""
        return self._process is not None and self._process.poll() is None

    def stop(self) -> None:
        """Ask it to end (SIGTERM) and wait; one that does not is killed."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """SIGKILL: what it had not synced is up to the page cache, as when a process crashes."""
        self._end(signal.SIGKILL)

    def restart(self, timeout: float = 60) -> None:
        """Stop in order and start again, same data and ports."""
        self.stop()
        self.start(timeout)

    def pause(self) -> None:
        """Freeze it: connections stay open, nothing is answered."""
        os.kill(self.pid, signal.SIGSTOP)
        # On a busy machine threads run on for a while: each stops when it is scheduled next.
        while any(_state(task) != "T" for task in Path(f"/proc/{self.pid}/task").iterdir()):
            time.sleep(0.001)

    def cont(self) -> None:
        """Let a frozen broker go on."""
        os.kill(self.pid, signal.SIGCONT)

    def client(
        self, settings: Mapping[str, Any] | None = None, *, user: str = kafka_config.ADMIN
    ) -> dict[str, Any]:
        """Settings for a librdkafka client of this broker, ``settings`` added."""
        base: dict[str, Any] = {"bootstrap.servers": self.bootstrap, **_QUICK}
        if self.layout.secured:
            base |= {"security.protocol": "SASL_SSL", "sasl.mechanism": "PLAIN"}
            base |= {"sasl.username": user, "sasl.password": kafka_config.PASSWORDS[user]}
            base |= {"ssl.ca.location": str(self.ca)}
        return base | dict(settings or {})

    def worker(self, user: str = kafka_config.BRIDGE) -> dict[str, str]:
        """The same as properties of a worker file, by Kafka's Java names."""
        base = {"bootstrap.servers": self.bootstrap}
        if self.layout.secured:
            module = "org.apache.kafka.common.security.plain.PlainLoginModule"
            password = kafka_config.PASSWORDS[user]
            base |= {"security.protocol": "SASL_SSL", "sasl.mechanism": "PLAIN"}
            base |= {"sasl.jaas.config": f'{module} required username="{user}" password="{password}";'}
            base |= {"ssl.truststore.type": "PEM", "ssl.truststore.location": str(self.ca)}
        return base

    @property
    def ca(self) -> Path:
        """The certificate that clients of a secured broker must trust."""
        assert self.certificates
        return self.certificates / "test-ca.pem"

    def _lay_out(self) -> None:
        """Ports, configuration and a copy of the formatted storage."""
        self.directory.mkdir(parents=True, exist_ok=True)
        if self.layout.secured and not self.certificates:
            self.certificates = self.directory / "certificates"
            authority = Authority.create(self.certificates)
            authority.issue("server")
            authority.issue("client")
        self.ports = self.ports or free_ports(self.layout.listeners)
        self._configure()
        kafka_storage.copy(
            self.layout, self.directory / "data", node=self.node, alone=self.controllers is None
        )

    def _configure(self) -> None:
        text = server_properties(
            self.layout,
            self.directory / "data",
            self.ports,
            node=self.node,
            controllers=self.controllers,
            certificates=self.certificates,
            extra=self.extra,
        )
        (self.directory / "server.properties").write_text(text)

    def _run(self, command: list[str]) -> None:
        with self.log.open("ab") as log:
            guarded = [sys.executable, "-S", "-E", reaper.__file__, str(self.watch), *command]
            self._process = subprocess.Popen(
                guarded, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=log, start_new_session=True
            )
        assert self._process.stdout
        self.pid = int(self._process.stdout.readline() or 0)

    def _end(self, number: signal.Signals) -> None:
        if not self._process:
            return
        try:
            os.kill(self.pid, signal.SIGCONT)
            os.kill(self.pid, number)
            self._process.wait(15)
        except ProcessLookupError:
            pass
        except subprocess.TimeoutExpired:
            os.kill(self.pid, signal.SIGKILL)
        self._process.wait()
        if self._process.stdout:
            self._process.stdout.close()
        self._process = None


def _state(task: Path) -> str:
    """A thread's state as Linux tells it: R, S, D, T (stopped) …"""
    return (task / "stat").read_text().rpartition(")")[2].split()[0]


def _acknowledged(broker: Broker, until: float) -> bool:
    answers: list[object] = []
    producer = Producer(broker.client({"message.timeout.ms": 60000, "log_level": 0}))
    producer.produce(READY_TOPIC, b"", on_delivery=lambda error, _: answers.append(error))
    while not answers and time.monotonic() < until and broker.running():
        producer.poll(0.05)
    ready = bool(answers) and answers[0] is None
    producer.purge()
    producer.flush(1)
    return ready
