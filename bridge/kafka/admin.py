"""The topics a connector needs, checked before the first event is fetched: output, positions, dead letters.

What is wrong with them is said here, in one sentence, and not by the first record that fails. Created are
only the offsets topic, the dead-letter topic, and with ``topic.creation.default.*`` the output topic.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable
from typing import Final

from attrs import frozen

from bridge.config.config import Config, Loaded
from bridge.config.subscription import events
from bridge.config.topics import topic_template
from bridge.errors import Fatal, Stage
from bridge.kafka.cluster import Cluster, Topic
from bridge.kafka.compacted import create_compacted, say_segments
from bridge.kafka.dead_letter import DeadLetters
from bridge.kafka.settings import admin_settings, exactly_once, producer_settings
from bridge.kafka.sizes import ENVELOPE
from bridge.log import for_connector
from bridge.transforms.configuration import chain_of
from bridge.transforms.wanted import key_field, needs_chain

#: Kafka's default for a topic's ``max.message.bytes``.
DEFAULT_MAX_BYTES: Final = 1_048_588
_CREATION: Final = "topic.creation.default."


@frozen
class Topics:
    """The topics of one connector. ``output`` is None where it depends on the events."""

    offsets: str
    output: str | None
    max_message_bytes: int
    """The largest record that the output topics take, as a batch of its own."""
    dead_letters: DeadLetters | None
    longest_transaction: float | None = None
    """Seconds that the broker allows a transaction to be open, where it says."""
    offsets_id: str | None = None
    """Another one where the offsets topic was deleted and made anew."""


def prepare_topics(
    loaded: Loaded,
    *,
    waiting: Callable[[str], None] = lambda reason: None,
    stopped: Callable[[], bool] = lambda: False,
    before_making: Callable[[], None] = lambda: None,
) -> Topics:
    """Check what is there and create what may be created. Raises Fatal, or Retriable when ``stopped``.

    ``before_making`` is called before the connector's first topic is created, and may raise: what can never run leaves
    no topics behind.
    """
    with Cluster(admin_settings(loaded), waiting=waiting, stopped=stopped) as cluster:
        return _prepared(cluster, loaded, before_making)


def _prepared(cluster: Cluster, loaded: Loaded, before_making: Callable[[], None]) -> Topics:
    log = for_connector(loaded.connector.name)
    if cluster.is_mock():
        log.warning("Kafka is an in-process mock: it keeps nothing, and exactly-once means nothing there")
        return _topics_of_mock(cluster, loaded)
    check_group(cluster, loaded.worker)
    longest = check_transaction_timeout(cluster, loaded)
    offsets = offsets_topic(cluster, loaded.worker, log.warning)
    cluster.before_making = before_making
    outputs = output_topics(loaded.connector)
    output = outputs[0] if len(outputs) == 1 else None
    limits = [
        check_output_topic(
            cluster, ensure_output_topic(cluster, loaded, name, log.info), keyed=makes_keys(loaded.connector)
        )
        for name in outputs
    ]
    limit = within_producer(loaded, min(limits, default=DEFAULT_MAX_BYTES))
    dead_letters = ensure_dead_letters(cluster, loaded, output or "", limit, log.info)
    return Topics(offsets.name, output, limit, dead_letters, longest, offsets.id)


def _topics_of_mock(cluster: Cluster, loaded: Loaded) -> Topics:
    """The same without asking: a mock answers no administration."""
    offsets, output = str(loaded.worker["offset.storage.topic"]), output_topic(loaded.connector)
    dead = str(loaded.connector.get("errors.deadletterqueue.topic.name") or "")
    for name in (offsets, *output_topics(loaded.connector), dead):
        if name:
            cluster.create_in_mock(name)
    limit = within_producer(loaded, DEFAULT_MAX_BYTES)
    letters = _dead_letters(loaded.connector, dead, output or "", limit - ENVELOPE) if dead else None
    return Topics(offsets, output, limit, letters)


def output_topics(connector: Config) -> tuple[str, ...]:
    """The topics' final names, one for each event; none where a field of the event decides. ``${_ObjectType}`` is
    the event's name."""
    template = topic_template(connector)
    if not set(template.fields) <= {"_ObjectType"}:
        return ()
    if template.fixed is not None:
        names = dict.fromkeys([template.fixed])
    else:
        names = dict.fromkeys(template.fill(lambda _, e=event: e) for event in events(connector))  # type: ignore[misc]
    if not needs_chain(connector.raw()):
        return tuple(names)
    chain = chain_of(connector.raw())
    routed = dict.fromkeys(chain.fixed_topic(name) for name in names)
    return tuple(name for name in routed if name is not None) if None not in routed else ()


def ensure_routed_topic(loaded: Loaded, name: str) -> None:
    """The same checks for a topic that a record is routed to. Raises Fatal, Retriable."""
    if name in output_topics(loaded.connector):
        return
    with Cluster(admin_settings(loaded)) as cluster:
        if cluster.is_mock():
            cluster.create_in_mock(name)
            return
        topic = ensure_output_topic(cluster, loaded, name, for_connector(loaded.connector.name).info)
        check_output_topic(cluster, topic, keyed=makes_keys(loaded.connector))


def makes_keys(connector: Config) -> bool:
    """Whether transforms give records keys."""
    types = (
        value.strip() for key, value in connector.prefixed("transforms.").items() if key.endswith(".type")
    )
    return key_field(connector.raw()) is not None or any(
        type_.endswith((".ValueToKey", "$Key")) for type_ in types
    )


def output_topic(connector: Config) -> str | None:
    """The topic's final name, where there is only one."""
    names = output_topics(connector)
    return names[0] if len(names) == 1 else None


def check_group(cluster: Cluster, worker: Config) -> None:
    """Refuse the group of a living Kafka Connect cluster: its workers and this one would share everything."""
    group = worker["group.id"]
    if cluster.group_protocol(group) == "connect":
        raise Fatal(
            f"group.id {group} is the group of a Kafka Connect cluster that is running; choose another",
            stage=Stage.CONFIGURATION,
        )


def check_transaction_timeout(cluster: Cluster, loaded: Loaded) -> float | None:
    """Refuse at the start what the broker would refuse later; silent where its settings may not be read. Seconds that
    the broker allows."""
    if not exactly_once(loaded):
        return None
    asked = int(producer_settings(loaded)["transaction.timeout.ms"])
    allowed = (cluster.broker_configs() or {}).get("transaction.max.timeout.ms")
    if allowed is not None and int(allowed) < asked:
        raise Fatal(
            f"the broker's transaction.max.timeout.ms is {allowed}, below the bridge's {asked}: raise it, or "
            f"set producer.transaction.timeout.ms={allowed} in the worker file",
            stage=Stage.PRODUCE,
        )
    return None if allowed is None else int(allowed) / 1000


def ensure_offsets_topic(cluster: Cluster, worker: Config, notice: Callable[[str], None]) -> str:
    """The compacted topic for positions, created if absent as Kafka Connect does. Returns its name."""
    return offsets_topic(cluster, worker, notice).name


def offsets_topic(cluster: Cluster, worker: Config, notice: Callable[[str], None]) -> Topic:
    """The same, as the cluster describes it."""
    return existing_offsets_topic(cluster, worker, notice) or _make_offsets_topic(cluster, worker, notice)


def existing_offsets_topic(cluster: Cluster, worker: Config, notice: Callable[[str], None]) -> Topic | None:
    """The topic for positions, checked; None where there is none yet. Raises Fatal if it cannot keep them."""
    name = str(worker["offset.storage.topic"])
    topic = cluster.topic(name)
    if topic is not None:
        say_segments(name, check_offsets_topic(cluster, topic), notice)
    return topic


def _make_offsets_topic(cluster: Cluster, worker: Config, notice: Callable[[str], None]) -> Topic:
    name = str(worker["offset.storage.topic"])
    replicas = int(worker.get("offset.storage.replication.factor") or 3)
    if not worker.given("offset.storage.replication.factor"):
        brokers = cluster.brokers()
        if brokers < replicas:
            notice(
                f"offsets topic {name} is created with {brokers} instead of {replicas} replicas: no more brokers"
            )
            replicas = brokers
    partitions = int(worker.get("offset.storage.partitions") or 25)
    create_compacted(cluster, name, partitions, replicas, notice)
    return cluster.topic(name) or Topic(name, partitions, replicas)


def check_offsets_topic(cluster: Cluster, topic: Topic) -> dict[str, str]:
    """Its settings, as far as they may be seen. Raises Fatal if positions cannot be kept in it. Kafka Connect, too,
    wants it compacted and nothing else."""
    _must(topic, "WRITE", "READ")
    configs = cluster.topic_configs(topic.name) or {}
    policy = configs.get("cleanup.policy", "compact")
    if policy != "compact":
        raise Fatal(
            f"offsets topic {topic.name} has cleanup.policy={policy}, and would forget positions: set it to "
            "compact, or name another topic in offset.storage.topic",
            stage=Stage.POSITION,
        )
    return configs


def may_create(loaded: Loaded) -> bool:
    """Whether the output topic is created if it is missing: the connector says how, and the worker lets it."""
    given = loaded.connector.prefixed(_CREATION)
    return {"replication.factor", "partitions"} <= set(given) and bool(
        loaded.worker.get("topic.creation.enable", True)
    )


def ensure_output_topic(cluster: Cluster, loaded: Loaded, name: str, notice: Callable[[str], None]) -> Topic:
    """The output topic; created only with the connector's ``topic.creation.default.*``."""
    topic = cluster.topic(name)
    if topic is not None:
        return topic
    if not may_create(loaded):
        raise Fatal(missing_topic(cluster, loaded, name), stage=Stage.PRODUCE)
    given = loaded.connector.prefixed(_CREATION)
    configs = {key: text for key, text in given.items() if key not in _NOT_CONFIGS}
    cluster.create(name, int(given["partitions"]), int(given["replication.factor"]), configs)
    notice(f"created topic {name} (partitions {given['partitions']}, replicas {given['replication.factor']})")
    return Topic(name, int(given["partitions"]), int(given["replication.factor"]))


_NOT_CONFIGS: Final = frozenset({"replication.factor", "partitions", "include", "exclude"})


def missing_topic(cluster: Cluster, loaded: Loaded, name: str) -> str:
    """The sentence for an output topic that is not there, with the nearest one that is."""
    near = difflib.get_close_matches(name, cluster.topics(), n=1, cutoff=0.75)
    meant = f" (there is {near[0]})" if near else ""
    how = (
        f"set {_CREATION}replication.factor and {_CREATION}partitions in the connector"
        if loaded.worker.get("topic.creation.enable", True)
        else "set topic.creation.enable=true in the worker"
    )
    return f"topic {name} does not exist{meant}: create it, or {how} and the bridge creates it"


def check_output_topic(cluster: Cluster, topic: Topic, *, keyed: bool = False) -> int:
    """What the topic takes: the largest message in bytes. Raises Fatal if it cannot be written to."""
    _must(topic, "WRITE")
    configs = cluster.topic_configs(topic.name) or {}
    if "compact" in configs.get("cleanup.policy", "") and not keyed:
        raise Fatal(
            f"topic {topic.name} is compacted (cleanup.policy={configs['cleanup.policy']}), but records of the "
            "bridge have no key: set cleanup.policy=delete, or give them one (transforms, ValueToKey)",
            stage=Stage.PRODUCE,
        )
    return int(configs.get("max.message.bytes", DEFAULT_MAX_BYTES))


def ensure_dead_letters(
    cluster: Cluster, loaded: Loaded, source_topic: str, limit: int, notice: Callable[[str], None]
) -> DeadLetters | None:
    """What makes dead letters, their topic there; None if none is named."""
    connector = loaded.connector
    name = str(connector.get("errors.deadletterqueue.topic.name") or "")
    if not name:
        return None
    if name == source_topic:
        raise Fatal(f"dead letters cannot go to the output topic {name}", stage=Stage.CONFIGURATION)
    topic = cluster.topic(name)
    if topic is None:
        replicas = int(connector.get("errors.deadletterqueue.topic.replication.factor") or 3)
        cluster.create(name, 1, replicas, {})
        notice(f"created dead-letter topic {name} (partitions 1, replicas {replicas})")
        allowed = DEFAULT_MAX_BYTES
    else:
        allowed = check_output_topic(cluster, topic)
    return _dead_letters(connector, name, source_topic, max(0, min(limit, allowed) - ENVELOPE))


def _dead_letters(connector: Config, name: str, source_topic: str, limit: int) -> DeadLetters:
    return DeadLetters(name, connector.name, source_topic, _with_headers(connector), limit)


def _with_headers(connector: Config) -> bool:
    """On unless turned off: a dead letter that does not say why it is one helps nobody."""
    key = "errors.deadletterqueue.context.headers.enable"
    return bool(connector[key]) if connector.given(key) else True


def within_producer(loaded: Loaded, topic_limit: int) -> int:
    """The topic's limit, or the producer's where max.request.size was set lower."""
    asked = int(producer_settings(loaded)["message.max.bytes"])
    given = loaded.connector.given("producer.override.max.request.size") or loaded.worker.given(
        "producer.max.request.size"
    )
    return min(topic_limit, asked) if given else topic_limit


def _must(topic: Topic, *operations: str) -> None:
    lacking = [operation.capitalize() for operation in operations if not topic.may(operation)]
    if lacking:
        raise Fatal(
            f"no right to use topic {topic.name}: grant the ACL {' and '.join(lacking)} on it to the bridge",
            stage=Stage.PRODUCE,
        )
