"""TimestampRouter: the record's timestamp in the topic's name."""

from __future__ import annotations

from typing import Final

from bridge.config.property import HIGH, STRING
from bridge.java.exceptions import data_error, illegal_argument, null_pointer
from bridge.java.simple_date_format import SimpleDateFormat
from bridge.transforms.record import ConnectRecord
from bridge.transforms.spec import Key, Settings, Spec
from bridge.transforms.step import OnRecord, Routing, Side, Transform

SPEC: Final = Spec(
    "TimestampRouter",
    "Puts the record's timestamp into the topic's name. Records have a timestamp with "
    "bridge.record.timestamp=created_date only.",
    (
        Key(
            "topic.format",
            STRING,
            "The new topic; ${topic} and ${timestamp} are filled in.",
            "${topic}-${timestamp}",
            HIGH,
        ),
        Key(
            "timestamp.format", STRING, "SimpleDateFormat pattern of the timestamp, in UTC.", "yyyyMMdd", HIGH
        ),
    ),
    {"topic.format": "${topic}-${timestamp}", "timestamp.format": "yyyyMM"},
    "a record of May 2024 goes to `orders-202405`",
)


def make(settings: Settings, side: Side) -> Transform:
    """A TimestampRouter."""
    template, pattern = settings["topic.format"], settings["timestamp.format"]
    formats: list[SimpleDateFormat] = []

    def apply(record: ConnectRecord) -> bool:
        if record.timestamp is None:
            raise data_error(f"Timestamp missing on record of topic {record.topic}", vague=True)
        if pattern is None or template is None:
            raise null_pointer("the format")
        if not formats:
            formats.append(compiled(pattern))
        topic = template.replace("${topic}", record.topic or "")
        record.topic = topic.replace("${timestamp}", formats[0].format(record.timestamp))
        return True

    return OnRecord(apply, routing=Routing.BY_RECORD)


def compiled(pattern: str) -> SimpleDateFormat:
    """The format. IllegalArgumentException."""
    try:
        return SimpleDateFormat(pattern)
    except ValueError as error:
        raise illegal_argument(str(error), vague=True) from None
