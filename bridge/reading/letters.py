"""Dead letters as records of their topic: why they were put aside, what they came with, their event.

``kafka/dead_letter.py`` and ``routing/letters.py`` say what the headers are; those of Kafka Connect are read alike.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Final

import msgspec
from attrs import frozen

from bridge.encryption.deks import Deks
from bridge.encryption.envelope import NotDecryptedError
from bridge.errors import BadRecord, BridgeError, Stage
from bridge.event import Data, Head, Message
from bridge.kafka.dead_letter import CHANNEL, PREFIX, SCHEMA, UUID
from bridge.reading.decode import Decoded, Decoder, iso_time
from bridge.reading.stretch import Stretch
from bridge.routing import letters as sealed
from bridge.salesforce.replies import parse

if TYPE_CHECKING:
    from confluent_kafka import Message as KafkaMessage

_PLACE: Final = re.compile(r"(\d{1,9}):(\d{1,19})")


@frozen
class Letter:
    """One record of a dead-letter topic. What a header does not say is None."""

    partition: int
    offset: int
    timestamp: int | None
    """When it was put aside: ms since the epoch."""
    value: bytes | None
    headers: dict[str, bytes]
    before: int | None = None
    """The offset of the record before it in its partition, where that was read, too."""

    def _text(self, name: str) -> str | None:
        content = self.headers.get(name)
        return None if content is None else content.decode("utf-8", "replace")

    @property
    def connector(self) -> str | None:
        """Whose letter it is."""
        return self._text(PREFIX + "connector.name")

    @property
    def topic(self) -> str | None:
        """Where the event would have gone."""
        return self._text(PREFIX + "topic") or None

    @property
    def replay_id(self) -> int | None:
        """The event's."""
        text = self._text(PREFIX + "offset") or ""
        return int(text) if text.isascii() and text.isdigit() else None

    @property
    def stage(self) -> str | None:
        """Where it failed."""
        return self._text(PREFIX + "stage")

    @property
    def reason(self) -> str | None:
        """Why, in words."""
        return self._text(PREFIX + "exception.message")

    @property
    def schema(self) -> str | None:
        """The id of the schema that the event was published with."""
        return self._text(SCHEMA)

    @property
    def uuid(self) -> str | None:
        """The event's EventUuid."""
        return self._text(UUID)

    @property
    def channel(self) -> str | None:
        """Of the event's message."""
        return self._text(CHANNEL)

    @property
    def encrypted(self) -> bool:
        """Whether the event is there as ciphertext."""
        return any(name.startswith(sealed.PREFIX) for name in self.headers)

    @property
    def place(self) -> str:
        """Partition and offset, as commands take them."""
        return f"{self.partition}:{self.offset}"

    def belongs_to(self, connector: str) -> bool:
        """A letter without headers belongs to whoever names the topic."""
        return self.connector in (None, connector)

    def raw(self, deks: Callable[[], Deks]) -> bytes:
        """The event as it was received. NotDecryptedError for ciphertext that cannot be opened; Retriable and Fatal of
        registry and KMS."""
        value = self.value or b""
        return sealed.opened(deks(), value, self.headers) if self.encrypted else value

    def event(self, deks: Callable[[], Deks] | None = None) -> Decoded:
        """The event, fit for JSON; of ciphertext without ``deks``, or that cannot be opened, a note that says so."""
        try:
            if self.encrypted and deks is None:
                raise NotDecryptedError("--decrypt opens it")
            return Decoder().decode(self.raw(deks) if deks is not None else self.value)
        except NotDecryptedError as error:
            return Decoded(None, note=f"encrypted whole: {error}")

    def document(self) -> dict[str, object]:
        """As JSON, without the event."""
        return {
            "partition": self.partition,
            "offset": self.offset,
            "put_aside_at": None if self.timestamp is None else iso_time(self.timestamp),
            "connector": self.connector,
            "topic": self.topic,
            "replay_id": self.replay_id,
            "event_uuid": self.uuid,
            "schema": self.schema,
            "stage": self.stage,
            "reason": self.reason,
            "exception": self._text(PREFIX + "exception.class.name"),
            "encrypted": self.encrypted,
        }

    def trace(self) -> str | None:
        """Where in the code it failed."""
        return self._text(PREFIX + "exception.stacktrace")


def letter_of(message: KafkaMessage, before: int | None = None) -> Letter:
    """A record as a letter, whoever wrote it."""
    kind, at = message.timestamp()
    value = message.value()
    return Letter(
        message.partition() or 0,
        message.offset() or 0,
        at if kind else None,
        value.encode() if isinstance(value, str) else value,
        {
            name: content
            for name, content in dict(message.headers() or ()).items()
            if isinstance(content, bytes)
        },
        before,
    )


def letters(
    stretch: Stretch, progress: Callable[[int, int], None] = lambda records, offsets: None
) -> Iterator[Letter]:
    """The letters of a stretch of the topic. Raises as ``Stretch.read``."""
    before: dict[int, int] = {}
    for message in stretch.read(progress):
        letter = letter_of(message, before.get(message.partition() or 0))
        before[letter.partition] = letter.offset
        yield letter


def message_of(letter: Letter, raw: bytes) -> Message:
    """The event as its connector received it, of the bytes that were put aside. BadRecord where it cannot be read.

    A payload alone is an event that could not be converted, a whole message one that could not be read.
    """
    if letter.schema is None and _is_whole(raw):
        return _read(raw)
    if letter.replay_id is None:
        raise BadRecord(
            "its headers do not say the event's replay id "
            "(errors.deadletterqueue.context.headers.enable=false writes none)",
            stage=Stage.PARSE,
        )
    data = Data(msgspec.Raw(raw), Head(letter.replay_id, letter.uuid), letter.schema)
    return Message(letter.channel or "", data)


def _is_whole(raw: bytes) -> bool:
    try:
        names = msgspec.json.decode(raw, type=dict[str, msgspec.Raw])
    except (ValueError, RecursionError):  # msgspec's errors, no UTF-8; a payload was valid JSON
        return True
    return {"channel", "data"} <= set(names)


def _read(raw: bytes) -> Message:
    try:
        replies = list(parse(raw, len(raw) + 1))
    except BridgeError as error:
        raise BadRecord(error.message, stage=Stage.PARSE) from error
    for reply in replies:
        if reply.events:
            return reply.events[0]
    why = next((one.reason for reply in replies for one in reply.unreadable), "it holds no event")
    raise BadRecord(f"a message could not be read: {why}", stage=Stage.PARSE)


def place_of(text: str) -> tuple[int, int]:
    """``PARTITION:OFFSET``. Raises ValueError."""
    match = _PLACE.fullmatch(text)
    if match is None:
        raise ValueError(f"{text!r} is no PARTITION:OFFSET, such as 0:17")
    return int(match[1]), int(match[2])
