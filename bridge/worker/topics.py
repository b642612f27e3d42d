"""The config and status topics: created as Kafka Connect creates them, checked when they are there."""

from __future__ import annotations

from collections.abc import Callable

from bridge.config import Config
from bridge.errors import Fatal, Stage
from bridge.kafka.cluster import Cluster
from bridge.kafka.compacted import create_compacted, say_segments


def ensure_state_topic(cluster: Cluster, config: Config, kind: str, notice: Callable[[str], None]) -> str:
    """``kind`` is config or status. Raises Fatal for a topic that cannot keep state."""
    name = str(config[f"{kind}.storage.topic"])
    topic = cluster.topic(name)
    if topic is None:
        replicas = int(config[f"{kind}.storage.replication.factor"])
        if not config.given(f"{kind}.storage.replication.factor") and cluster.brokers() < replicas:
            replicas = cluster.brokers()
            notice(f"{kind} topic {name} is created with {replicas} instead of 3 replicas: no more brokers")
        partitions = 1 if kind == "config" else int(config["status.storage.partitions"])
        create_compacted(cluster, name, partitions, replicas, notice)
        return name
    lacking = [right.capitalize() for right in ("READ", "WRITE") if not topic.may(right)]
    if lacking:
        raise Fatal(
            f"no right to use topic {name}: grant the ACL {' and '.join(lacking)} on it to the bridge",
            stage=Stage.CONFIGURATION,
        )
    if kind == "config" and topic.partitions != 1:
        raise Fatal(
            f"config.storage.topic {name} has {topic.partitions} partitions; it must have one, so that its "
            "records have an order",
            stage=Stage.CONFIGURATION,
        )
    configs = cluster.topic_configs(name) or {}
    policy = configs.get("cleanup.policy", "compact")
    if policy != "compact":
        raise Fatal(
            f"{kind}.storage.topic {name} has cleanup.policy={policy}, and would forget state: set it to compact, or "
            "name another topic",
            stage=Stage.CONFIGURATION,
        )
    say_segments(name, configs, notice)
    return name
