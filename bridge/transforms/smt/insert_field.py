"""InsertField: topic, partition, timestamp or a fixed text as a field."""

from __future__ import annotations

from typing import Any, Final

from bridge.config.property import STRING
from bridge.java.exceptions import InvalidConfig, JavaError, data_error, invalid
from bridge.model.moves import Fixed, TopicName
from bridge.model.schema import TIMESTAMP, Field, Kind, Schema
from bridge.transforms.record import ConnectRecord, Int32
from bridge.transforms.spec import REPLACE_NULL, Key, Settings, Spec, replaces_nulls
from bridge.transforms.step import Bound, OnSide, Side, Transform
from bridge.transforms.structs import copier, require_fields, require_map, struct_like
from bridge.transforms.temporal import logical

_PURPOSE: Final = "field insertion"
_SUFFIX: Final = "Suffix ! makes it required, ? optional (the default)."


def _key(name: str, doc: str) -> Key:
    return Key(name, STRING, doc, None)


SPEC: Final = Spec(
    "InsertField",
    "Adds fields out of the record's attributes, or a fixed text.",
    (
        _key("topic.field", f"Field for the topic. {_SUFFIX}"),
        _key("partition.field", f"Field for the partition; a source record has none. {_SUFFIX}"),
        _key("offset.field", f"Field for the offset: sink connectors only, here it fails. {_SUFFIX}"),
        _key("timestamp.field", f"Field for the record's timestamp. {_SUFFIX}"),
        _key("static.field", f"Field for static.value. {_SUFFIX}"),
        _key("static.value", "The text for static.field."),
        REPLACE_NULL,
    ),
    {"static.field": "source", "static.value": "salesforce"},
    "every record gets a field `source` with the text `salesforce`",
)


def _name(setting: str) -> tuple[str, bool]:
    """Name and whether it is optional."""
    return (setting[:-1], setting[-1] == "?") if setting[-1:] in ("!", "?") else (setting, True)


def make(settings: Settings, side: Side) -> Transform:
    """An InsertField."""
    defaults = replaces_nulls(settings)
    given = {
        what: _name(setting)
        for what in ("topic", "partition", "offset", "timestamp", "static")
        if (setting := settings[f"{what}.field"]) is not None
    }
    if not given:
        raise InvalidConfig("No field insertion configured")
    static = settings["static.value"]
    if "static" in given and static is None:
        raise invalid("static.value", None, "No value specified for static field: its name", vague=True)
    names = {what: name for what, (name, _) in given.items()}

    def inserted(record: ConnectRecord) -> dict[str, Any]:
        out: dict[str, Any] = {}
        if "topic" in names:
            out[names["topic"]] = record.topic
        if "partition" in names and record.partition is not None:
            out[names["partition"]] = Int32(record.partition)
        if "offset" in names:
            raise _no_sink_record()
        if "timestamp" in names and record.timestamp is not None:
            out[names["timestamp"]] = record.timestamp
        if "static" in names:
            out[names["static"]] = static
        return out

    def schemaless(value: Any, record: ConnectRecord) -> Any:
        require_map(value, _PURPOSE)
        return value | inserted(record)

    def bind(schema: Schema | None) -> Bound:
        if schema is None:
            return Bound(None, schemaless)
        fields = require_fields(schema, _PURPOSE)
        new = tuple(Field(name, _schema(what, optional)) for what, (name, optional) in given.items())
        after = struct_like(schema, (*fields, *new))
        copy = copier(fields, defaults=defaults)
        blank = {f.name: None for f in new}
        moves: dict[str, str | Fixed | TopicName] | None = None
        if copy is dict.copy and names.keys() <= {"static", "topic"}:
            texts: dict[str, Fixed | TopicName] = {"static": Fixed(str(static)), "topic": TopicName()}
            moves = {f.name: f.name for f in fields}
            moves |= {name: texts[what] for what, name in names.items()}

        def convert(value: Any, record: ConnectRecord) -> Any:
            return copy(value) | blank | inserted(record)

        def convert_static(value: Any, _: ConnectRecord) -> Any:
            out = copy(value)
            out[names["static"]] = static
            return out

        return Bound(after, convert_static if tuple(names) == ("static",) else convert, moves=moves)

    return OnSide(side, bind, passes_null=True)


def _schema(what: str, optional: bool) -> Schema:
    if what == "timestamp":
        return logical(TIMESTAMP, optional=optional)
    kinds = {"partition": Kind.INT32, "offset": Kind.INT64}
    return Schema(kinds.get(what, Kind.STRING), optional=optional)


def _no_sink_record() -> JavaError:
    return data_error(
        f"Only SinkRecord supported for [{_PURPOSE}], found: org.apache.kafka.connect.source.SourceRecord"
    )
