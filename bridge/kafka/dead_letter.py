"""Dead letters: events that cannot be carried, put aside as they came, with Kafka Connect's error headers.

The headers are those of Kafka Connect's ``DeadLetterQueueReporter``; a source has no Kafka record to name, so
topic is where the event would have gone, partition is -1 and the offset is the event's replay id. Beside them stands
what a later conversion needs and the payload does not say: ``bridge.event.schema``, ``bridge.event.uuid`` and
``bridge.event.channel``.
"""

from __future__ import annotations

import traceback
from collections.abc import Sequence
from typing import Final

from attrs import frozen

from bridge.errors import BadRecord, Fatal, Stage
from bridge.event import Data, Header, Produced

PREFIX: Final = "__connect.errors."
SCHEMA: Final = "bridge.event.schema"
UUID: Final = "bridge.event.uuid"
CHANNEL: Final = "bridge.event.channel"

_FRAMES: Final = 50  # the innermost; a recursion has a thousand


@frozen
class DeadLetters:
    """Makes the records for the dead-letter topic; they are produced in the transaction of the position."""

    topic: str
    connector: str
    source_topic: str
    with_headers: bool = True
    max_bytes: int = 1_048_588

    def record(self, raw: bytes, error: BadRecord, came: Sequence[Header] = ()) -> Produced:
        """Positional arguments of produce; ``came`` as ``came_with`` makes it. Raises Fatal for an event that the topic
        cannot take."""
        if len(raw) > self.max_bytes:
            where = "an event" if error.position is None else f"event {error.position}"
            raise Fatal(
                f"{where} of {len(raw)} bytes does not fit into the dead-letter topic {self.topic}, whose "
                f"max.message.bytes allows {self.max_bytes}: raise it; nothing is thrown away",
                stage=Stage.PRODUCE,
                position=error.position,
            )
        headers = [*self.headers(error), *came] if self.with_headers else []
        return (self.topic, raw, None, -1, None, None, 0, list(headers))

    def headers(self, error: BadRecord) -> list[Header]:
        """Why and where, as Kafka Connect says it."""
        texts = {
            "topic": self.source_topic,
            "partition": "-1",
            "offset": "-1" if error.position is None else str(error.position),
            "connector.name": self.connector,
            "task.id": "0",
            "stage": str(error.stage),
            "class.name": f"{type(error).__module__}.{type(error).__qualname__}",
            "exception.class.name": _cause(error),
            "exception.message": error.message,
            "exception.stacktrace": _trace(error),
        }
        return [(PREFIX + name, text.encode(errors="replace")) for name, text in texts.items()]


def came_with(data: Data, channel: str | None) -> list[Header]:
    """What an event came with, besides its payload and its replay id."""
    told = {SCHEMA: data.schema, UUID: data.event.EventUuid, CHANNEL: channel}
    return [(name, text.encode(errors="replace")) for name, text in told.items() if text]


def _cause(error: BadRecord) -> str:
    cause = error.__cause__ or error
    return f"{type(cause).__module__}.{type(cause).__qualname__}"


def _trace(error: BadRecord) -> str:
    """Where in the code, without the messages of other libraries: they may quote the event's values."""
    frames = traceback.extract_tb(error.__traceback__, limit=-_FRAMES)
    lines = [f"  at {frame.name} ({frame.filename.rpartition('/')[2]}:{frame.lineno})" for frame in frames]
    return "\n".join([f"{_cause(error)}: {error.message}", *lines])
