"""How large a record is for a broker, whose ``max.message.bytes`` bounds a batch as it is written.

Kafka protocol, record batch of version 2: 61 bytes of header, then the record with its lengths as varints. Compression
only makes a batch smaller, so a record that fits without it fits.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from bridge.errors import BadRecord, Stage
from bridge.event import Arguments

BATCH_BYTES: Final = 61
_FIXED: Final = 3
"""Attributes, and the deltas of timestamp and offset, which are 0 for the first record of a batch."""


ENVELOPE: Final = 512
"""What a batch and a record take besides the value, where headers have a few names and there is no long key."""


def size_of(arguments: Arguments) -> int:
    """The same of what is handed to a producer: topic, value, key, …, headers."""
    return record_bytes(
        arguments[1], arguments[2] if len(arguments) > 2 else None, arguments[7] if len(arguments) > 7 else ()
    )


def check_size(replay_id: int, arguments: Arguments, limit: int) -> None:
    """BadRecord for a record that the broker would not take."""
    size = size_of(arguments)
    if size > limit:
        raise BadRecord(
            f"event {replay_id} makes a record of {size} bytes for topic {arguments[0]}, which takes "
            f"{limit} at most (the topic's max.message.bytes, the producer's max.request.size)",
            stage=Stage.PRODUCE,
            position=replay_id,
        )


def record_bytes(
    value: bytes | None, key: bytes | None = None, headers: Iterable[tuple[str, bytes | None]] = ()
) -> int:
    """The bytes of a batch that holds this record alone."""
    listed = list(headers)
    named = sum(_prefixed(name.encode()) + _prefixed(content) for name, content in listed)
    inside = _FIXED + _prefixed(key) + _prefixed(value) + _varint(len(listed)) + named
    return BATCH_BYTES + _varint(inside) + inside


def _prefixed(content: bytes | None) -> int:
    """Bytes with their length before them; null has the length -1."""
    return 1 if content is None else _varint(len(content)) + len(content)


def _varint(number: int) -> int:
    """How many bytes a number takes that is not negative, in zigzag form."""
    return max(1, ((number << 1).bit_length() + 6) // 7)
