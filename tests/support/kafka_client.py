"""What tests do with a broker: make topics, read what is in them, allow and forbid."""

from __future__ import annotations

import subprocess
import time
import uuid
from collections.abc import Mapping
from typing import Any

from confluent_kafka import Consumer, Message, TopicPartition
from confluent_kafka.admin import (
    AclBinding,
    AclBindingFilter,
    AclOperation,
    AclPermissionType,
    AdminClient,
    NewTopic,
    ResourcePatternType,
    ResourceType,
)

from tests.support import kafka_storage
from tests.support.kafka_broker import Broker


def unique(name: str) -> str:
    """A name that no other test uses: topics, groups and transactional ids of a shared broker."""
    return f"{name}-{uuid.uuid4().hex[:8]}"


def create_topic(
    broker: Broker, name: str, *, partitions: int = 1, config: Mapping[str, str] | None = None
) -> str:
    """Create the topic and wait until it is there; returns its name."""
    admin = AdminClient(broker.client())
    admin.create_topics([NewTopic(name, partitions, config=dict(config or {}))])[name].result(30)
    until = time.monotonic() + 30
    while name not in admin.list_topics(timeout=10).topics:
        assert time.monotonic() < until, f"the topic {name} was created and is not listed"
        time.sleep(0.02)
    return name


def read(
    broker: Broker,
    topic: str,
    count: int | None = None,
    *,
    committed: bool = True,
    timeout: float = 30,
    partition: int = 0,
) -> list[Message]:
    """``count`` records from the start of the topic, or (None) all up to its end as the call begins.

    Fails when fewer came within ``timeout`` seconds. To see that nothing more comes, ask for the end.
    """
    start = TopicPartition(topic, partition, 0)
    end = high_watermark(broker, topic, partition, timeout=timeout)
    consumer = _consumer(broker, "read_committed" if committed else "read_uncommitted")
    try:
        return _read(consumer, start, end, count, timeout)
    finally:
        consumer.close()


def high_watermark(broker: Broker, topic: str, partition: int = 0, *, timeout: float = 30) -> int:
    """The end of a partition; open transactions count (a ``read_committed`` reader would be told less)."""
    consumer = _consumer(broker, "read_uncommitted")
    try:
        return int(consumer.get_watermark_offsets(TopicPartition(topic, partition), timeout=timeout)[1])
    finally:
        consumer.close()


def _consumer(broker: Broker, isolation: str) -> Any:
    settings = {"group.id": unique("read"), "enable.auto.commit": False, "auto.offset.reset": "earliest"}
    return Consumer(broker.client(settings | {"isolation.level": isolation}))


def _read(consumer: Any, start: TopicPartition, end: int, count: int | None, timeout: float) -> list[Message]:
    consumer.assign([start])
    found: list[Message] = []
    until = time.monotonic() + timeout
    while (len(found) < count) if count is not None else (_position(consumer, start) < end):
        assert time.monotonic() < until, (
            f"{len(found)} of {count or 'all'} records of {start.topic} came in time"
        )
        for message in consumer.consume(1000, 0.2):
            assert not message.error(), message.error()
            found.append(message)
    return found[:count]


def _position(consumer: Any, start: TopicPartition) -> int:
    return max(0, int(consumer.position([start])[0].offset))


def allow(broker: Broker, user: str, kind: ResourceType, name: str, *operations: AclOperation) -> None:
    """Let ``user`` do the operations on a resource; a name ending in ``*`` is a prefix."""
    admin = AdminClient(broker.client())
    bindings = [_binding(AclBinding, user, kind, name, operation) for operation in operations]
    for done in admin.create_acls(bindings).values():
        done.result(30)
    _wait_acls(admin, bindings, present=True)


def forbid(broker: Broker, user: str, kind: ResourceType, name: str, *operations: AclOperation) -> None:
    """Take back what ``allow`` gave."""
    admin = AdminClient(broker.client())
    filters = [_binding(AclBindingFilter, user, kind, name, operation) for operation in operations]
    for done in admin.delete_acls(filters).values():
        done.result(30)
    _wait_acls(admin, filters, present=False)


def allow_connector(broker: Broker, *, topic: str, positions: str, group: str, user: str) -> None:
    """What a connector needs: its topic, its positions, its transactional ids, its group."""
    both = (AclOperation.READ, AclOperation.WRITE, AclOperation.DESCRIBE)
    allow(broker, user, ResourceType.TOPIC, topic, AclOperation.WRITE, AclOperation.DESCRIBE)
    allow(broker, user, ResourceType.TOPIC, positions, *both)
    write = (AclOperation.WRITE, AclOperation.DESCRIBE)
    allow(broker, user, ResourceType.TRANSACTIONAL_ID, f"{group}*", *write)
    allow(broker, user, ResourceType.GROUP, f"{group}*", AclOperation.READ)


def _binding(make: Any, user: str, kind: ResourceType, name: str, operation: AclOperation) -> Any:
    pattern = (
        ResourcePatternType.PREFIXED if name.endswith("*") and name != "*" else ResourcePatternType.LITERAL
    )
    plain = name if name == "*" else name.rstrip("*")
    return make(kind, plain, pattern, f"User:{user}", "*", operation, AclPermissionType.ALLOW)


def _wait_acls(admin: Any, bindings: list[Any], *, present: bool) -> None:
    until = time.monotonic() + 30
    for one in bindings:
        look = AclBindingFilter(
            one.restype,
            one.name,
            one.resource_pattern_type,
            one.principal,
            one.host,
            one.operation,
            one.permission_type,
        )
        while bool(admin.describe_acls(look).result(30)) is not present:
            assert time.monotonic() < until, f"the ACL {one} did not take effect"
            time.sleep(0.02)


def set_quota(broker: Broker, client_id: str, bytes_a_second: int) -> None:
    """Bound what producers of a client id may send; what is beyond it, the broker delays."""
    entity = ["--entity-type", "clients", "--entity-name", client_id]
    change = ["--alter", "--add-config", f"producer_byte_rate={bytes_a_second}"]
    command = [*kafka_storage.command("64m"), "kafka.admin.ConfigCommand"]
    subprocess.run(
        [*command, "--bootstrap-server", broker.bootstrap, *change, *entity], check=True, timeout=60
    )
