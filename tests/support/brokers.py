"""Which brokers a test run has: those that all test processes share, and clusters of three.

Under xdist each worker is a process of its own; the first that needs a broker starts it, the others find it
in the run's folder, and the process that runs the tests as a whole (the controller) ends it. A reaper beside
each broker ends it too when the controller is gone, however it went.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import tempfile
import time
from pathlib import Path

import psutil
from attrs import define
from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient, NewTopic
from filelock import FileLock

from tests.support.kafka_broker import Broker, BrokerFailed
from tests.support.kafka_config import PLAIN, READY_TOPIC, SECURED, Layout
from tests.support.ports import free_ports

_CONTROLLER = "SFBRIDGE_TEST_CONTROLLER"


def run_folder() -> Path:
    """The folder that all processes of this test run share."""
    pid = os.environ.setdefault(_CONTROLLER, str(os.getpid()))
    return Path(tempfile.gettempdir()) / f"sfbridge-tests-{pid}"


def is_controller() -> bool:
    """Whether this process is the one that began the run."""
    run_folder()
    return os.environ[_CONTROLLER] == str(os.getpid())


def shared(layout: Layout = PLAIN) -> Broker:
    """The run's broker of this layout, started if nobody did. Not to be stopped: others use it."""
    folder = run_folder()
    folder.mkdir(exist_ok=True)
    state = folder / f"{layout.name}.json"
    with FileLock(folder / f"{layout.name}.lock"):
        if not state.exists():
            broker = Broker(folder / layout.name, layout, watch=int(os.environ[_CONTROLLER])).start()
            state.write_text(json.dumps({"ports": broker.ports, "pid": broker.pid}))
    known = json.loads(state.read_text())
    certificates = folder / layout.name / "certificates" if layout.secured else None
    return Broker(folder / layout.name, layout, known["ports"], certificates=certificates)


def end_run() -> None:
    """End what the run shares; called once, by the controller."""
    folder = run_folder()
    for layout in (PLAIN, SECURED):
        state = folder / f"{layout.name}.json"
        if state.exists():
            try:
                broker = psutil.Process(json.loads(state.read_text())["pid"])
                broker.send_signal(signal.SIGKILL)
                psutil.wait_procs([broker], timeout=5)
            except psutil.NoSuchProcess:
                pass
    shutil.rmtree(folder, ignore_errors=True)


@define
class Cluster:
    """Several brokers that replicate each other (at most three copies), each broker a controller, too."""

    nodes: list[Broker]

    @classmethod
    def start(cls, directory: Path, size: int = 3) -> Cluster:
        """A new cluster in ``directory``; returns when every node acknowledged a record."""
        ports = {node: free_ports(PLAIN.listeners) for node in range(1, size + 1)}
        controllers = {node: taken["CONTROLLER"] for node, taken in ports.items()}
        nodes = [
            Broker(directory / str(node), PLAIN, taken, node=node, controllers=controllers, heap="256m")
            for node, taken in ports.items()
        ]
        cluster = cls(nodes)
        try:
            for broker in nodes:
                broker.spawn()
            cluster._make_ready_topic()
            for broker in nodes:
                broker.wait_ready()
        except BaseException:
            cluster.stop()
            raise
        return cluster

    def _make_ready_topic(self) -> None:
        admin = AdminClient(self.nodes[0].client({"log_level": 0}))
        until = time.monotonic() + 60
        while True:
            topic = NewTopic(READY_TOPIC, 1, len(self.nodes))
            try:
                admin.create_topics([topic], request_timeout=10)[READY_TOPIC].result()
                return
            except KafkaException as error:  # too few brokers as yet
                if time.monotonic() > until:
                    raise BrokerFailed(f"the cluster did not come up: {error}") from error
                time.sleep(0.1)

    @property
    def bootstrap(self) -> str:
        """All nodes, for ``bootstrap.servers``."""
        return ",".join(broker.bootstrap for broker in self.nodes)

    def stop(self) -> None:
        """End all at once: the last one asked to stop in order would wait for a quorum."""
        for broker in self.nodes:
            broker.kill()
