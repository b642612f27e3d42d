"""MessageTimestampRouter: a timestamp out of the value in the topic's name."""

from __future__ import annotations

from typing import Any, Final

from bridge.config.property import HIGH, LIST, STRING
from bridge.java.exceptions import data_error, invalid
from bridge.java.simple_date_format import SimpleDateFormat
from bridge.model.schema import DATE, Schema
from bridge.transforms.record import TEMPORAL, ConnectRecord, Instant
from bridge.transforms.spec import Key, Settings, Spec, non_empty_list
from bridge.transforms.step import Leak, OnRecord, Routing, Side, State, Transform, tags_of
from bridge.transforms.temporal import DAY_MS

SPEC: Final = Spec(
    "MessageTimestampRouter",
    "Puts a timestamp out of the value into the topic's name. Confluent's takes schemaless maps only; this one takes "
    "records with a schema, too, and their timestamps and dates as they are.",
    (
        Key(
            "topic.format",
            STRING,
            "The new topic; ${topic} and ${timestamp} are filled in.",
            "${topic}-${timestamp}",
            HIGH,
        ),
        Key(
            "topic.timestamp.format",
            STRING,
            "SimpleDateFormat pattern in the topic, in UTC.",
            "yyyyMMdd",
            HIGH,
        ),
        Key(
            "message.timestamp.format",
            STRING,
            "SimpleDateFormat pattern of a text field, in UTC.",
            "yyyy-MM-dd'T'HH:mm:ss.SSSXXX",
        ),
        Key(
            "message.timestamp.keys",
            LIST,
            "The fields, tried in order.",
            importance=HIGH,
            validator=non_empty_list,
        ),
    ),
    {
        "topic.format": "foo-${topic}-${timestamp}",
        "message.timestamp.format": "yyyy-MM-dd",
        "topic.timestamp.format": "yyyy.MM.dd",
        "message.timestamp.keys": "timestamp,time,ts",
    },
    '`{"time": "2019-08-06"}` in the topic `bar` goes to `foo-bar-2019.08.06`',
)


def make(settings: Settings, side: Side) -> Transform:
    """A MessageTimestampRouter."""
    read, write = (_format(settings, key) for key in ("message.timestamp.format", "topic.timestamp.format"))
    names = settings["message.timestamp.keys"]

    def apply(record: ConnectRecord) -> bool:
        value = record.value if isinstance(record.value, dict) else {}
        name = next((name for name in names if value.get(name) is not None), None)
        if name is None:
            raise data_error(f"the value has none of {', '.join(names)}, of which the topic is made")
        instant = _instant(value[name], _schema(record.value_schema, name), read)
        if instant is None:
            raise data_error(f"the field {name} is no timestamp of the form {read.pattern}")
        topic = settings["topic.format"].replace("${topic}", record.topic or "")
        record.topic = topic.replace("${timestamp}", write.format(instant))
        return True

    def trace(state: State) -> State:
        fields = state.value.fields if state.value else ()
        return state.leaking(*(Leak(f.name, tags_of(f), "the topic") for f in fields if f.name in names))

    return OnRecord(apply, trace, Routing.BY_RECORD)


def _schema(schema: Schema | None, name: str) -> Schema | None:
    field = schema.field_named(name) if schema else None
    return field.schema if field else None


def _instant(value: Any, schema: Schema | None, read: SimpleDateFormat) -> int | None:
    if schema is not None and schema.name in TEMPORAL:
        return int(value) * (DAY_MS if schema.name == DATE else 1)
    if isinstance(value, str):
        return read.parse(value)
    whole = isinstance(value, Instant | int) and not isinstance(value, bool)
    return int(value) if whole else None


def _format(settings: Settings, key: str) -> SimpleDateFormat:
    try:
        return SimpleDateFormat(settings[key])
    except ValueError as error:
        raise invalid(key, settings[key], str(error)) from None
