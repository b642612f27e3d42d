"""ExtractTopic: the topic out of the key, the value or a header."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from bridge.config.property import BOOLEAN, HIGH, STRING
from bridge.java.exceptions import InvalidConfig, data_error, invalid
from bridge.model.schema import Schema
from bridge.transforms.json_path import Path
from bridge.transforms.record import ConnectRecord
from bridge.transforms.spec import Key, Settings, Spec, one_of
from bridge.transforms.step import Leak, OnRecord, Routing, Side, State, Transform, all_tags, tags_of

SPEC: Final = Spec(
    "ExtractTopic",
    "Makes the topic out of a text in the key, the value or a header. The topic is not lower-cased, and must exist.",
    (
        Key(
            "field", STRING, "The field; empty: the whole key or value. With $Header: the header's name.", ""
        ),
        Key(
            "field.format",
            STRING,
            "PLAIN: a top-level name; JSON_PATH: a JSON path. $Header takes PLAIN only.",
            "PLAIN",
            validator=one_of("JSON_PATH", "PLAIN", "", any_case=True),
            valid="JSON_PATH, PLAIN",
        ),
        Key(
            "skip.missing.or.null",
            BOOLEAN,
            "Whether a record without the field (or with null in it) keeps its topic; false: it fails.",
            False,
            HIGH,
        ),
    ),
    {"field": "Region__c"},
    "a record with `Region__c` = `emea` goes to the topic `emea`",
)


def make(settings: Settings, side: Side) -> Transform:
    """An ExtractTopic of key or value."""
    name = settings["field"] or ""
    look = _lookup(name, (settings["field.format"] or "").upper())

    def apply(record: ConnectRecord) -> bool:
        return _route(
            record, look(record.value if side is Side.VALUE else record.key), settings, name or f"the {side}"
        )

    def trace(state: State) -> State:
        schema = state.value if side is Side.VALUE else state.key
        return state.leaking(Leak(name or "the whole", _tags(schema, name), "the topic"))

    return OnRecord(apply, trace, Routing.BY_RECORD)


def _tags(schema: Schema | None, name: str) -> frozenset[str]:
    """Those of the field; of everything where a path may lead anywhere."""
    field = schema.field_named(name) if schema else None
    return tags_of(field) if field else all_tags(schema)


def make_of_header(settings: Settings, side: Side) -> Transform:
    """An ExtractTopic of a header."""
    name = settings["field"]
    if not name:
        raise InvalidConfig('Missing required configuration "field" which has no default value.')
    if (settings["field.format"] or "PLAIN").upper() != "PLAIN":
        raise invalid("field.format", settings["field.format"], "a header has no parts; only PLAIN is valid")

    def apply(record: ConnectRecord) -> bool:
        topic = next((value for header, _, value in reversed(record.headers) if header == name), None)
        return _route(record, topic, settings, f"the header {name}")

    return OnRecord(apply, routing=Routing.BY_RECORD)


def _lookup(name: str, form: str) -> Callable[[Any], Any]:
    if not name:
        return lambda value: value
    if form == "JSON_PATH":
        try:
            path = Path(name)
        except (ValueError, RecursionError) as error:
            raise invalid("field", name, str(error)) from None
        return lambda value: nodes[0] if (nodes := path.find(value)) else None
    return lambda value: value.get(name) if isinstance(value, dict) else None


def _route(record: ConnectRecord, topic: Any, settings: Settings, what: str) -> bool:
    if topic is None:
        if not settings["skip.missing.or.null"]:
            raise data_error(f"{what} is missing or null, and the topic is made of it")
    elif not isinstance(topic, str) or not topic:
        raise data_error(f"{what} is no text that could be a topic")
    else:
        record.topic = topic
    return True
