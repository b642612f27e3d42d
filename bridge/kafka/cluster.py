"""Asking a Kafka cluster about topics, settings and rights, and creating topics.

Every question is one call that waits for Kafka as long as it is wanted, says what it waits for, and ends at
once where the connection's own errors show that waiting cannot help (wrong password, unknown CA).
"""

from __future__ import annotations

import time
import warnings
import weakref
from collections.abc import Callable, Mapping
from typing import Any, Final

from attrs import frozen

from bridge.errors import Fatal, Retriable, Stage
from bridge.kafka.errors import ErrorWatch
from bridge.kafka.librdkafka import Settings
from bridge.kafka.shared import shared_client
from bridge.waits import KAFKA_REQUEST, NEW_TOPIC

_SHORT: Final = 3.0  # for calls that serve no callbacks meanwhile
_PAUSE: Final = 0.5  # before asking again
_GRACE: Final = 2.0  # another broker may still answer after one refused us
_UNKNOWN: Final = frozenset({"UNKNOWN_TOPIC_OR_PART", "_UNKNOWN_TOPIC"})
_NOT_TOLD: Final = frozenset(
    {"TOPIC_AUTHORIZATION_FAILED", "CLUSTER_AUTHORIZATION_FAILED", "GROUP_AUTHORIZATION_FAILED"}
)


@frozen
class Topic:
    """What the cluster says of a topic.

    ``operations`` is what this user may do with it; None if the broker does not tell.
    """

    name: str
    partitions: int
    replicas: int
    operations: frozenset[str] | None = None
    id: str | None = None
    """Another one where the topic was deleted and made anew; None if the broker does not tell."""

    def may(self, operation: str) -> bool:
        """Whether this user has the right (``WRITE``, ``READ``), as far as is known."""
        return self.operations is None or bool({operation, "ALL"} & self.operations)


class Cluster:
    """A connection for administration, shared with all who ask with the same settings. Close it.

    Its methods raise Fatal when Kafka refuses, and Retriable when ``stopped`` says that waiting has to end.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        waiting: Callable[[str], None] = lambda reason: None,
        stopped: Callable[[], bool] = lambda: False,
        stage: Stage = Stage.PRODUCE,
    ) -> None:
        from confluent_kafka import KafkaException

        self._waiting = waiting
        self._stopped = stopped
        self.before_making: Callable[[], None] = lambda: None
        """Called once, before the next topic is created; may raise."""
        try:
            shared = shared_client(settings)
        except KafkaException as error:
            raise ErrorWatch(stage=stage).explain(error, "connecting to Kafka") from error
        self._admin = shared.client
        self._watch = ErrorWatch(stage=stage, beside=shared.watch)
        self._release = weakref.finalize(self, shared.release)  # whoever forgets to close it keeps nothing

    def close(self) -> None:
        """Nothing is asked any more."""
        self.__dict__.pop("_admin", None)
        self._release()

    def __enter__(self) -> Cluster:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def id(self) -> str:
        """The cluster's id."""
        metadata = self._ask(lambda: self._admin.list_topics(timeout=_SHORT), "connecting to Kafka")
        return str(metadata.cluster_id)

    def is_mock(self) -> bool:
        """Whether this is librdkafka's in-process cluster, which answers no administration; its id says so."""
        return self.id().startswith("mockCluster")

    def create_in_mock(self, name: str) -> None:
        """A mock cluster makes a topic when it is asked about it."""
        self._ask(lambda: self._admin.list_topics(name, timeout=_SHORT), "connecting to Kafka")

    def topic(self, name: str, *, verb: str = "write") -> Topic | None:
        """The topic, or None if there is none. Never creates it, whatever the brokers are set to."""
        from confluent_kafka import TopicCollection

        def ask() -> Any:
            return self._admin.describe_topics(
                TopicCollection([name]),
                include_authorized_operations=True,
                request_timeout=KAFKA_REQUEST.longest,
            )[name]

        description = self._ask(ask, f"looking for topic {name}", topic=name, verb=verb, otherwise=_UNKNOWN)
        if description is None:
            return None
        operations = description.authorized_operations
        return Topic(
            name,
            len(description.partitions),
            min((len(partition.replicas) for partition in description.partitions), default=0),
            None if operations is None else frozenset(operation.name for operation in operations),
            _topic_id(description),
        )

    def topic_configs(self, name: str) -> dict[str, str] | None:
        """The topic's settings in effect; None if this user may not see them (ACL DescribeConfigs)."""
        return self._configs("topic", name)

    def broker_configs(self) -> dict[str, str] | None:
        """The settings of one broker; None if this user may not see them."""
        node = next(iter(self._nodes()), None)
        return None if node is None else self._configs("broker", str(node))

    def brokers(self) -> int:
        """How many brokers are up."""
        return len(self._nodes())

    def topics(self) -> list[str]:
        """The names of all topics that this user may see, internal ones left out."""
        metadata = self._ask(lambda: self._admin.list_topics(timeout=KAFKA_REQUEST.longest), "listing topics")
        return sorted(name for name in metadata.topics if not name.startswith("__"))

    def group_protocol(self, group: str) -> str | None:
        """What kind of members a living group has (``consumer``, ``connect``); None if unknown or empty."""

        def ask() -> Any:
            with warnings.catch_warnings():  # what replaces it does not tell the protocol
                warnings.simplefilter("ignore", DeprecationWarning)
                return self._admin.list_groups(group=group, timeout=KAFKA_REQUEST.longest)

        groups = self._ask(ask, "looking at the group", otherwise=_NOT_TOLD)
        living = [one for one in groups or () if one.id == group and one.members and one.error is None]
        return living[0].protocol_type if living else None

    def create(self, name: str, partitions: int, replicas: int, configs: Mapping[str, str]) -> None:
        """Create a topic and wait until it can be seen; fine if somebody else just has created it."""
        from confluent_kafka.admin import NewTopic

        self.before_making()
        self.before_making = lambda: None

        def ask() -> Any:
            topic = NewTopic(name, partitions, replicas, config=dict(configs))
            longest = KAFKA_REQUEST.longest
            created = self._admin.create_topics([topic], request_timeout=longest, operation_timeout=longest)
            return created[name]

        there = frozenset({"TOPIC_ALREADY_EXISTS"})
        self._ask(ask, f"creating topic {name}", topic=name, verb="create", otherwise=there)
        until = time.monotonic() + NEW_TOPIC.longest
        while self.topic(name) is None:
            if time.monotonic() > until:
                raise Retriable(f"topic {name} was created and cannot be seen yet", stage=Stage.PRODUCE)
            time.sleep(0.05)

    def _nodes(self) -> list[int]:
        description = self._ask(
            lambda: self._admin.describe_cluster(request_timeout=KAFKA_REQUEST.longest), "connecting to Kafka"
        )
        return [node.id for node in description.nodes]

    def _configs(self, kind: str, name: str) -> dict[str, str] | None:
        from confluent_kafka.admin import ConfigResource, ResourceType

        resource = ConfigResource(ResourceType[kind.upper()], name)

        def ask() -> Any:
            return self._admin.describe_configs([resource], request_timeout=KAFKA_REQUEST.longest)[resource]

        entries = self._ask(ask, f"reading the settings of {kind} {name}", otherwise=_NOT_TOLD)
        if entries is None:
            return None
        return {entry.name: entry.value for entry in entries.values() if entry.value is not None}

    def _ask(
        self,
        ask: Callable[[], Any],
        doing: str,
        *,
        topic: str | None = None,
        verb: str = "write",
        otherwise: frozenset[str] = frozenset(),
    ) -> Any:
        """The answer; None where the answer is one of the codes in ``otherwise``."""
        from confluent_kafka import KafkaException

        while True:
            try:
                answer = self._wait(ask(), doing)
            except KafkaException as error:
                if error.args[0].name() in otherwise:
                    return None
                reason = self._watch.explain(error, doing, topic=topic, verb=verb)
                if not isinstance(reason, Retriable) or self._stopped():
                    raise reason from error
                self._waiting(reason.message)
                time.sleep(_PAUSE)
            else:
                self._watch.clear()
                return answer

    def _wait(self, answer: Any, doing: str) -> Any:
        """What the future brings; meanwhile error callbacks are served."""
        if not hasattr(answer, "result"):
            return answer
        known_since: float | None = None
        while True:
            try:
                return answer.result(timeout=0.1)
            except TimeoutError:
                self._admin.poll(0)
            reason = self._watch.error(doing)
            if reason is None or not (isinstance(reason, Fatal) or self._stopped()):
                continue
            known_since = known_since or time.monotonic()
            if time.monotonic() - known_since > _GRACE:
                raise reason


def _topic_id(description: Any) -> str | None:
    """Brokers before 3.1 tell none, or one of zeros."""
    told = getattr(description, "topic_id", None)
    if told is None or not (told.get_most_significant_bits() or told.get_least_significant_bits()):
        return None
    return str(told)
