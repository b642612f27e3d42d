"""Prepared once for all brokers of the tests: formatted storage, the archive of Java classes.

``raw`` storage is as formatted (one JVM run of a second), ``warm`` has seen a transaction and a group: the
internal topics exist (their making costs the first transaction another second). The class archive (AppCDS) is
written by the run that warms the plain storage up; it halves the start of every later broker. All of it lies
in ``.cache/`` under a key of the jars, the Java and the configuration. Java ignores a mismatching archive.
"""

from __future__ import annotations

import base64
import hashlib
import shutil
import subprocess
import sys
import time
import uuid
from pathlib import Path
from typing import Any

from confluent_kafka import Consumer, KafkaException, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic
from filelock import FileLock

from tests.support import java, kafka_config
from tests.support.certs import Authority
from tests.support.kafka_config import (
    ADMIN,
    BRIDGE,
    PASSWORDS,
    PLAIN,
    READY_TOPIC,
    SCRAM,
    Layout,
    server_properties,
)
from tests.support.ports import free_ports


def command(heap: str) -> list[str]:
    """The Java command line of a broker, up to the main class."""
    formatted(PLAIN)
    return [*_java(heap), "-Xshare:auto", f"-XX:SharedArchiveFile={_home() / 'classes.jsa'}", *_class_path()]


def copy(layout: Layout, data: Path, *, node: int, alone: bool) -> None:
    """A log directory for a node; one that is not ``alone`` joins others made from the same storage."""
    shutil.copytree(formatted(layout) / ("warm" if alone else "raw"), data)
    if not alone:
        meta = data / "meta.properties"
        kept = [
            line
            for line in meta.read_text().splitlines()
            if not line.startswith(("node.id=", "directory.id="))
        ]
        meta.write_text("\n".join([*kept, f"node.id={node}", f"directory.id={_kafka_uuid()}", ""]))


def formatted(layout: Layout) -> Path:
    """The folder that holds ``raw`` and ``warm`` storage of this layout, prepared if it is not there."""
    target = _home() / layout.name
    if target.is_dir():
        return target
    if layout is not PLAIN:
        formatted(PLAIN)
    target.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(target.parent / f"{layout.name}.lock"):
        if not target.is_dir():
            _prepare(layout, target)
            _forget_old(target.parent)
    return target


def _forget_old(current: Path) -> None:
    """Remove what was prepared for jars or configurations of days ago; 50 MB each."""
    for other in java.CACHE.glob("broker-*"):
        if other != current and time.time() - other.stat().st_mtime > 3 * 86400:
            shutil.rmtree(other, ignore_errors=True)


def _home() -> Path:
    binary = Path(java.java())
    parts = [java.libs("kafka").name, str(binary), str(binary.stat().st_mtime_ns)]
    parts += [Path(module.__file__ or "").read_text() for module in (kafka_config, sys.modules[__name__])]
    return java.CACHE / f"broker-{hashlib.sha256(''.join(parts).encode()).hexdigest()[:12]}"


def _prepare(layout: Layout, target: Path) -> None:
    work = target.with_suffix(".new")
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir()
    authority = Authority.create(work)
    authority.issue("server")
    ports = free_ports(layout.listeners)
    properties = work / "server.properties"
    properties.write_text(server_properties(layout, work / "data", ports, certificates=work))
    _format(layout, properties)
    shutil.copytree(work / "data", work / "raw")
    _warm_up(layout, properties, ports, work)
    (work / "data").rename(work / "warm")
    shutil.rmtree(target, ignore_errors=True)
    work.rename(target)


def _format(layout: Layout, properties: Path) -> None:
    tool = [*_java("128m"), *_class_path(), "kafka.tools.StorageTool", "format", "-t", _kafka_uuid()]
    tool += ["-c", str(properties)]
    for mechanism in SCRAM if layout.secured else ():
        for user, password in PASSWORDS.items():
            tool += ["-S", f"{mechanism}=[name={user},password={password}]"]
    done = subprocess.run(tool, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def _warm_up(layout: Layout, properties: Path, ports: dict[str, int], work: Path) -> None:
    archive = [f"-XX:ArchiveClassesAtExit={work.parent / 'classes.jsa'}"] if layout is PLAIN else []
    if layout is not PLAIN:
        archive = [f"-XX:SharedArchiveFile={work.parent / 'classes.jsa'}"]
    with (work / "log").open("wb") as log:
        main = ["kafka.Kafka", str(properties)]
        broker = subprocess.Popen(
            [*_java("512m"), *archive, *_class_path(), *main],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )
    try:
        _use(_client(layout, ports, work))
    except (KafkaException, AssertionError) as error:
        raise AssertionError(
            f"the first broker did not work: {error}\n{(work / 'log').read_text()[-3000:]}"
        ) from error
    finally:
        broker.terminate()
        broker.wait()


def _client(layout: Layout, ports: dict[str, int], work: Path) -> dict[str, Any]:
    settings: dict[str, Any] = {
        "bootstrap.servers": f"127.0.0.1:{ports[layout.listeners[0]]}",
        "log_level": 0,
    }
    if layout.secured:
        settings |= {"security.protocol": "SASL_SSL", "sasl.mechanism": "PLAIN", "sasl.username": ADMIN}
        settings |= {"sasl.password": PASSWORDS[ADMIN], "ssl.ca.location": str(work / "test-ca.pem")}
    return settings


def _use(client: dict[str, Any]) -> None:
    """A topic, a transaction, a group: the broker makes its internal topics, Java loads its classes."""
    admin = AdminClient(client)
    admin.create_topics([NewTopic(READY_TOPIC, 1)], request_timeout=60)[READY_TOPIC].result()
    producer = Producer(client | {"transactional.id": "warm-up"})
    producer.init_transactions(60)
    producer.begin_transaction()
    producer.produce(READY_TOPIC, b"warm")
    producer.commit_transaction(60)
    consumer = Consumer(
        client | {"group.id": BRIDGE, "auto.offset.reset": "earliest", "enable.auto.commit": False}
    )
    consumer.subscribe([READY_TOPIC])
    until = time.monotonic() + 60
    while not (message := consumer.poll(0.5)):
        assert time.monotonic() < until, "no record came back"
    assert not message.error(), message.error()
    consumer.commit(offsets=[TopicPartition(READY_TOPIC, 0, 1)], asynchronous=False)
    consumer.close()


def _java(heap: str) -> list[str]:
    log = f"-Dlog4j2.configurationFile={java.POMS / 'kafka' / 'log4j2.properties'}"
    return [java.java(), f"-Xmx{heap}", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Xlog:disable", log]


def _class_path() -> list[str]:
    return ["-cp", java.class_path("kafka")]


def _kafka_uuid() -> str:
    """Kafka's own form; like its own generator, none that a command line takes for an option."""
    made = "-"
    while made.startswith("-"):
        made = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
    return made
