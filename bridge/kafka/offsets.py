"""Positions, in Kafka Connect's own format, so that they can be taken over from Connect and given back.

A position is a record of the compacted offsets topic: key ``["<connector>",{}]`` (the source partition of a
platform event connector is empty), value ``{"replayId":120572741}``, a tombstone for *none*. Its headers say
whose it is: ``bridge-org-id``, ``bridge-event-uuid``, ``bridge-created`` (the event's CreatedDate, ms).

Beside it stands, until the first event is committed, when a connector that starts at ``latest`` first
subscribed: key ``bridge-start-<connector>``, value ``{"since": <server time, ms>}``.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from attrs import evolve, frozen

from bridge.errors import Fatal, Retriable, Stage

if TYPE_CHECKING:
    from confluent_kafka import Message

ORG_ID = "bridge-org-id"
EVENT_UUID = "bridge-event-uuid"
CREATED = "bridge-created"
_DOING = "reading the position"


@frozen
class Position:
    """How far a connector has come. ``replay_id`` None: nothing was ever committed."""

    replay_id: int | None = None
    org_id: str | None = None
    event_uuid: str | None = None
    created_ms: int | None = None
    committed_ms: int | None = None
    since_ms: int | None = None


def position_key(connector: str) -> bytes:
    """The key as Kafka Connect's JsonConverter writes it: no blanks, the source partition ``{}``."""
    return json.dumps([connector, {}], separators=(",", ":"), ensure_ascii=False).encode()


def position_value(replay_id: int) -> bytes:
    """The value as Kafka Connect's JsonConverter writes it."""
    return b'{"replayId":%d}' % replay_id


def position_headers(org_id: str, event_uuid: str | None, created_ms: int | None) -> list[tuple[str, bytes]]:
    """What lets a later start recognise a position that is not its own."""
    headers = [(ORG_ID, org_id.encode())]
    if event_uuid:
        headers.append((EVENT_UUID, event_uuid.encode()))
    if created_ms is not None:
        headers.append((CREATED, b"%d" % created_ms))
    return headers


def start_key(connector: str) -> bytes:
    """The key of the record that says since when a connector has been listening."""
    return f"bridge-start-{connector}".encode()


def start_value(since_ms: int) -> bytes:
    """See :func:`start_key`."""
    return b'{"since":%d}' % since_ms


def read_position(
    consumer_settings: Mapping[str, Any],
    topic: str,
    connector: str,
    *,
    stopped: Callable[[], bool] = lambda: False,
    waiting: Callable[[str], None] = lambda reason: None,
    undecided: bool = False,
    seen: bool = True,
) -> Position:
    """The connector's committed position; call it after ``init_transactions`` has fenced the predecessor.

    ``undecided``: what was written last counts, even if its transaction is open or was aborted. This never waits
    for an open transaction, our own included, and so is the question that may be asked before fencing.
    ``seen``: the topic was there a moment ago, so that a broker which does not know it is waited for.

    Reads ``read_committed`` up to the high watermark that a ``read_uncommitted`` reader sees. The end that a
    ``read_committed`` reader is told of is not enough: a neighbour's open transaction on the same partition
    puts it before our own committed position. Raises Retriable when Kafka does not answer.
    """
    from confluent_kafka import Consumer, TopicPartition

    consumer = Consumer(
        {
            **consumer_settings,
            "group.id": consumer_settings.get("group.id") or f"sfbridge-positions-{connector}",
            "isolation.level": "read_uncommitted" if undecided else "read_committed",
            "enable.auto.commit": False,
            "enable.auto.offset.store": False,
            "enable.partition.eof": True,
            "auto.offset.reset": "earliest",
            "fetch.wait.max.ms": 50,  # the end of a partition is told only when a fetch comes back empty
        }
    )
    try:
        ends = _end_offsets(consumer_settings, topic, stopped, waiting, seen)
        consumer.assign([TopicPartition(topic, partition, 0) for partition in ends])
        return _read_to(consumer, ends, topic, connector, stopped, waiting, seen)
    finally:
        consumer.close()


def _end_offsets(
    consumer_settings: Mapping[str, Any],
    topic: str,
    stopped: Callable[[], bool],
    waiting: Callable[[str], None],
    seen: bool,
) -> dict[int, int]:
    """High watermarks by partition, open transactions included; empty partitions are left out."""
    from confluent_kafka import Consumer, KafkaException

    from bridge.kafka.errors import ErrorWatch

    watch = ErrorWatch(stage=Stage.POSITION)
    consumer = Consumer(
        {
            **consumer_settings,
            "group.id": consumer_settings.get("group.id") or "sfbridge-positions",
            "isolation.level": "read_uncommitted",
            "error_cb": watch,
        }
    )
    try:
        while True:
            try:
                return _watermarks(consumer, topic)
            except KafkaException as error:
                reason = watch.explain(error, _DOING, topic=topic, verb="read", seen=seen)
                if not isinstance(reason, Retriable) or stopped():
                    raise reason from error
                waiting(reason.message)
                consumer.poll(0.2)
    finally:
        consumer.close()


def _watermarks(consumer: Any, topic: str) -> dict[int, int]:
    from confluent_kafka import KafkaException, TopicPartition

    metadata = consumer.list_topics(topic, timeout=10).topics[topic]
    if metadata.error is not None:
        raise KafkaException(metadata.error)
    ends = {}
    for partition in metadata.partitions:
        low, high = consumer.get_watermark_offsets(TopicPartition(topic, partition), timeout=10)
        if high > low:
            ends[partition] = high
    return ends


def _read_to(
    consumer: Any,
    ends: dict[int, int],
    topic: str,
    connector: str,
    stopped: Callable[[], bool],
    waiting: Callable[[str], None],
    seen: bool,
) -> Position:
    """Consume until every partition's position has reached its end; keep what concerns the connector."""
    from confluent_kafka import KafkaError

    from bridge.kafka.errors import classify

    found = _Found(connector)
    missing = dict(ends)
    told = time.monotonic()
    while missing and not stopped():
        message = consumer.poll(0.2)
        if message is None:
            if time.monotonic() - told > 5:
                told = time.monotonic()
                waiting(
                    f"an open transaction of another producer holds back {topic}, partitions {sorted(missing)}; if it "
                    "stays so, 'kafka-transactions.sh find-hanging' names it"
                )
            continue
        error = message.error()
        if error is None:
            found.take(message)
            reached = message.offset() + 1
        elif error.code() == KafkaError._PARTITION_EOF:
            reached = message.offset()
        elif error.name() == "GROUP_AUTHORIZATION_FAILED":
            continue  # librdkafka looks for the group's coordinator although no group is joined
        else:
            reason = classify(error, _DOING, topic=topic, verb="read", stage=Stage.POSITION, seen=seen)
            if not isinstance(reason, Retriable):
                raise reason
            waiting(reason.message)
            continue
        if reached >= missing.get(message.partition(), reached + 1):
            del missing[message.partition()]
    return found.position()


class _Found:
    """What the topic says of one connector. Within a partition the later offset counts, never the clock.

    The key is in one partition unless the number of partitions was changed; then the newest record counts.
    """

    def __init__(self, connector: str) -> None:
        self._wanted = [connector, {}]
        self._start_key = start_key(connector)
        self._positions: dict[int, tuple[int, Position]] = {}
        self._since_ms: int | None = None

    def take(self, message: Message) -> None:
        key = message.key()
        if key is None:
            return
        if key == self._start_key:
            self._since_ms = _number(message.value(), "since")
        elif self._is_ours(key):
            at = message.timestamp()[1]
            self._positions[message.partition() or 0] = (at, _parse(message, at))

    def _is_ours(self, key: bytes) -> bool:
        try:
            return bool(json.loads(key) == self._wanted)
        except ValueError:
            return False

    def position(self) -> Position:
        newest = max(self._positions.values(), key=lambda found: found[0], default=(0, Position()))[1]
        since = self._since_ms if newest.replay_id is None else None
        return evolve(newest, since_ms=since)


def _parse(message: Message, at: int) -> Position:
    replay_id = _number(message.value(), "replayId")
    if replay_id is None:
        return Position()
    headers: dict[str, bytes] = dict(message.headers() or ())  # type: ignore[arg-type]
    created = headers.get(CREATED)
    return Position(
        replay_id=replay_id,
        org_id=headers[ORG_ID].decode() if ORG_ID in headers else None,
        event_uuid=headers[EVENT_UUID].decode() if EVENT_UUID in headers else None,
        created_ms=int(created) if created is not None else None,
        committed_ms=at,
    )


def _number(value: bytes | None, name: str) -> int | None:
    """The number under a name, None for a tombstone; anything else is somebody else's record under our key."""
    if value is None:
        return None
    try:
        number = json.loads(value)[name]
        return int(number)
    except (ValueError, KeyError, TypeError) as error:
        raise Fatal(
            f"the stored position {value[:80]!r} has no {name}: it was not written by this connector",
            stage=Stage.POSITION,
        ) from error
