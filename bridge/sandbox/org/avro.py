"""An event as the Pub/Sub API delivers it: the payload in Avro, made from the message that CometD would deliver.

Texts of dates and times become numbers as the ``doc`` of the field says; every declared field is there, null where it
is not set. Source: Pub/Sub API guide; recorded events.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from typing import Any, Final
from uuid import NAMESPACE_OID, uuid5

import msgspec
from fastavro import parse_schema, schemaless_writer

from bridge.changes import HEADER
from bridge.formats.times import MS_PER_DAY, parse_day, parse_moment
from bridge.salesforce.pubsub.messages import ConsumerEvent, ProducerEvent
from bridge.sandbox.changes import avro_payload
from bridge.sandbox.org.bus import EventBus
from bridge.sandbox.org.schemas import compact

Json = Any


def time_of_day(text: str) -> int:
    """``08:15:30.000Z`` → ms of the day."""
    return parse_moment(f"1970-01-01T{text}")


_WORDS: Final[Mapping[str, Callable[[str], int]]] = {
    "DateTime": parse_moment,
    "DateOnly": lambda text: parse_day(text) * MS_PER_DAY,
    "TimeOnly": time_of_day,
}


class Deliverer:
    """Messages of a bus as Pub/Sub delivers them."""

    def __init__(self, bus: EventBus) -> None:
        self._bus = bus
        self._parsed: dict[str, tuple[dict[str, Any], Any]] = {}

    def event(self, message: bytes, tail: bytes) -> tuple[Any, int]:
        """The ``ConsumerEvent`` of a CometD message, and its replay id. A payload that the schema has no place for
        goes out as it stands."""
        data = _decode(message).data
        document, parsed = self._schema(data.schema)
        uuid = data.event.EventUuid
        try:
            values = msgspec.json.decode(data.payload)
            if HEADER in values:  # a change event, which has an id here
                values = avro_payload(document, values)
                uuid = str(
                    uuid5(NAMESPACE_OID, f"{data.schema} {data.event.replayId} {values[HEADER]['recordIds']}")
                )
            payload = payload_of(document, parsed, values)
        except (ValueError, TypeError, KeyError, AttributeError):
            payload = bytes(data.payload)
        made = ProducerEvent(id=uuid or "", schema_id=data.schema, payload=payload)
        replay_id = replay_bytes(data.event.replayId, tail)
        return ConsumerEvent(event=made, replay_id=replay_id), data.event.replayId

    def _schema(self, schema_id: str) -> tuple[dict[str, Any], Any]:
        known = self._parsed.get(schema_id)
        if known is None:
            document = compact(self._bus.by_schema[schema_id])
            known = self._parsed[schema_id] = document, parse_schema(document)
        return known


def payload_of(document: Mapping[str, Any], parsed: Any, given: Mapping[str, Json]) -> bytes:
    """A payload in Avro; ``parsed``: fastavro's form of the schema's document. Raises whatever fastavro has against
    it."""
    out = io.BytesIO()
    schemaless_writer(out, parsed, _values(document, given))
    return out.getvalue()


def replay_bytes(number: int, tail: bytes) -> bytes:
    """A replay id on the wire: 8 bytes, and two of which nobody knows the meaning."""
    return number.to_bytes(8, "big") + tail


def _values(record: Mapping[str, Any], given: Mapping[str, Json]) -> dict[str, Json]:
    return {field["name"]: _value(field, given.get(field["name"])) for field in record["fields"]}


def _value(field: Mapping[str, Any], value: Json) -> Json:
    branches = field["type"] if isinstance(field["type"], list) else [field["type"]]
    nested = next((b for b in branches if isinstance(b, dict) and b.get("type") == "record"), None)
    if isinstance(value, dict) and nested is not None:
        return _values(nested, value)
    if isinstance(value, str):
        convert = _WORDS.get((field.get("doc") or "").partition(":")[2].partition(":")[0])
        return value if convert is None else convert(value)
    return value


class _Head(msgspec.Struct):
    replayId: int  # noqa: N815 - the wire's own name
    EventUuid: str | None = None


class _Data(msgspec.Struct):
    schema: str
    payload: msgspec.Raw
    event: _Head


class _Message(msgspec.Struct):
    data: _Data


_decode: Final = msgspec.json.Decoder(_Message).decode
