"""What reading and encoding cost: payload bytes → record bytes, CPU per event, beside the stock Python ways.

The events are those of the other benchmarks, the layout is the same everywhere: head fields, dates as numbers,
``_ObjectType``, ``_EventType``. The stock ways parse with orjson, convert the dates with the standard library, and
write with orjson and with the official serializers at their defaults: ``AvroSerializer`` over fastavro,
``ProtobufSerializer`` over a message built field by field, ``JSONSerializer``, which validates.
Rounds alternate and the best of each counts, because a machine's speed drifts.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final

import msgspec
import orjson
from attrs import evolve, frozen

from bridge.counts import CAREFUL_CONVERSIONS
from bridge.event import Data, Message
from bridge.formats import FORMATS
from bridge.formats.reader import compile_reader, read_with
from bridge.formats.rows import layout
from bridge.languages.protobuf.descriptors import load, message_class
from bridge.metadata.infer import record_schema
from bridge.model.schema import EventField, EventType, Schema
from tests.bench import events
from tests.bench.end_to_end import LeftTheQuickWay
from tests.bench.events import KINDS, USUAL, Kind
from tests.bench.table import Row
from tests.support.formats import compile_encoder_for_values, compile_route

COUNT, ROUNDS = 400, 25
FRAME: Final = b"\0\0\0\0\1"
SCHEMA_ID: Final = "q0mW4nJrT1yq0Wv9Zb7wLA"
JSON_TARGET, AVRO_TARGET = 3.0, 5.5  # µs an event, read and encoded
AVRO_RATIO, PROTOBUF_RATIO, JSON_SR_RATIO = 3.0, 2.0, 50.0  # times the official serializer

STOCK: Final = {
    "JSON": "stock: orjson parse, layout, orjson dump",
    "AVRO": "stock: orjson parse, layout, AvroSerializer",
    "PROTOBUF": "stock: orjson parse, layout, ProtobufSerializer",
    "JSON_SR": "stock: orjson parse, layout, JSONSerializer",
}


@frozen
class Way:
    """One way from the event to bytes."""

    name: str
    convert: Callable[[Data], bytes]
    target: float | None = None
    slow: bool = False  # then a tenth of the events will do


def declaration(kind: Kind) -> EventType:
    """The event of a kind of the benchmarks' events."""
    fields = [EventField("CreatedDate", "datetime"), EventField("CreatedById", "reference")]
    fields += [EventField(f.name, f.type) for f in kind.event.fields]
    return EventType(kind.event.name, tuple(fields), SCHEMA_ID)


def deliveries(kind: Kind) -> list[Data]:
    """One reply's events, parsed as the receiver does."""
    decode = msgspec.json.Decoder(Message).decode
    found = [decode(message).data for message in events.messages(kind, SCHEMA_ID, COUNT)]
    return [data for data in found if data is not None]


def quick_ways(kind: Kind) -> list[Way]:
    """From the event to each format's bytes in one function."""
    event = declaration(kind)
    schema = record_schema(event)
    text = FORMATS["JSON_SR"].render(schema, {})
    return [
        Way(name, compile_route(event, schema, form, text if name == "JSON_SR" else None, FRAME, {}))
        for name, form in FORMATS.items()
    ]


def ways() -> list[Way]:
    """Ours and theirs, for the usual events."""
    event = declaration(KINDS[USUAL])
    schema = record_schema(event)
    avro, protobuf, json_schema = (FORMATS[name] for name in ("AVRO", "PROTOBUF", "JSON_SR"))
    rows = layout(event, schema)
    read, encode = read_with(rows), avro.compile_rows(rows, None, FRAME, {})
    by_values = compile_encoder_for_values(schema, avro, None, FRAME, {})
    plain = _plain(schema, event)
    official = _official(avro.render(schema, {}))
    official_protobuf = _official_protobuf(protobuf.render(schema, {}), schema.name or "")
    text = json_schema.render(schema, {})
    official_json = _official_json(text)
    return [
        Way("read only", lambda data: bytes(read(data) is None)),
        Way("JSON", compile_route(event, schema, FORMATS["JSON"], None, b"", {}), JSON_TARGET),
        Way("AVRO", compile_route(event, schema, avro, None, FRAME, {}), AVRO_TARGET),
        Way("PROTOBUF", compile_route(event, schema, protobuf, None, FRAME, {})),
        Way("JSON_SR", compile_route(event, schema, json_schema, text, FRAME, {})),
        Way("AVRO, read and encoded by two functions", lambda data: encode(read(data))),
        Way("AVRO by values (behind transforms)", lambda data: by_values(rows.values(read(data)))),
        Way(STOCK["JSON"], lambda data: orjson.dumps(plain(data))),
        Way(STOCK["AVRO"], lambda data: official(plain(data))),
        Way(STOCK["PROTOBUF"], lambda data: official_protobuf(plain(data))),
        Way(STOCK["JSON_SR"], lambda data: official_json(plain(data)), slow=True),
    ]


def _plain(schema: Schema, event: EventType) -> Callable[[Data], dict[str, Any]]:
    moments = [f.name for f in event.fields if f.type == "datetime"]
    days = [f.name for f in event.fields if f.type == "date"]
    epoch = datetime(1970, 1, 1, tzinfo=UTC)

    def convert(data: Data) -> dict[str, Any]:
        value: dict[str, Any] = orjson.loads(bytes(data.payload))
        value["ReplayId"], value["EventUuid"] = str(data.event.replayId), data.event.EventUuid
        value["_ObjectType"], value["_EventType"] = event.name, data.schema
        for name in moments:
            if value[name] is not None:
                value[name] = int(datetime.fromisoformat(value[name]).timestamp() * 1000)
        for name in days:
            if value[name] is not None:
                value[name] = (datetime.fromisoformat(value[name][:10]).replace(tzinfo=UTC) - epoch).days
        return value

    return convert


def _official(text: str) -> Callable[[dict[str, Any]], bytes]:
    from confluent_kafka.schema_registry import SchemaRegistryClient, topic_subject_name_strategy
    from confluent_kafka.schema_registry.avro import AvroSerializer
    from confluent_kafka.serialization import MessageField, SerializationContext

    client = SchemaRegistryClient.new_client({"url": "mock://encoders"})
    settings = {"subject.name.strategy": topic_subject_name_strategy}
    serializer = AvroSerializer(client, text, conf=settings)
    context = SerializationContext("orders", MessageField.VALUE)
    return lambda value: serializer(value, context)


def _official_json(text: str) -> Callable[[dict[str, Any]], bytes]:
    from confluent_kafka.schema_registry import SchemaRegistryClient, topic_subject_name_strategy
    from confluent_kafka.schema_registry.json_schema import JSONSerializer
    from confluent_kafka.serialization import MessageField, SerializationContext

    client = SchemaRegistryClient.new_client({"url": "mock://json"})
    serializer = JSONSerializer(text, client, conf={"subject.name.strategy": topic_subject_name_strategy})
    context = SerializationContext("orders", MessageField.VALUE)
    return lambda value: serializer(value, context)


def _official_protobuf(text: str, full_name: str) -> Callable[[dict[str, Any]], bytes]:
    from confluent_kafka.schema_registry import SchemaRegistryClient, topic_subject_name_strategy
    from confluent_kafka.schema_registry.protobuf import ProtobufSerializer
    from confluent_kafka.serialization import MessageField, SerializationContext

    message = message_class(load(text), full_name)
    moments, days = (
        [f.name for f in message.DESCRIPTOR.fields if f.message_type and f.message_type.full_name == kind]
        for kind in ("google.protobuf.Timestamp", "google.type.Date")
    )
    client = SchemaRegistryClient.new_client({"url": "mock://protobuf"})
    conf = {"subject.name.strategy": topic_subject_name_strategy, "use.deprecated.format": False}
    serializer = ProtobufSerializer(message, client, conf)
    context = SerializationContext("orders", MessageField.VALUE)
    epoch = date(1970, 1, 1)

    def serialize(value: dict[str, Any]) -> bytes:
        made = message(**{name: one for name, one in value.items() if name not in (*moments, *days)})
        for name in moments:
            if value[name] is not None:
                getattr(made, name).FromMilliseconds(value[name])
        for name in days:
            if value[name] is not None:
                day, part = epoch + timedelta(days=value[name]), getattr(made, name)
                part.year, part.month, part.day = day.year, day.month, day.day
        return serializer(made, context)  # type: ignore[no-any-return]

    return serialize


def measure(chosen: list[Way], data: list[Data]) -> dict[str, float]:
    """µs of CPU an event, for each way."""
    best = {way.name: float("inf") for way in chosen}
    for _ in range(ROUNDS):
        for way in chosen:
            convert, chosen_data = way.convert, data[: len(data) // 10] if way.slow else data
            started = time.process_time()
            for one in chosen_data:
                convert(one)
            spent = (time.process_time() - started) / len(chosen_data) * 1e6
            best[way.name] = min(best[way.name], spent)
    return best


def check(chosen: list[Way], data: list[Data]) -> None:
    """Nobody may be quick by writing something else."""
    made = {way.name: way.convert for way in chosen}
    avro = [name for name in made if name.startswith("AVRO")]
    for one in data:
        ours, theirs = json.loads(made["JSON"](one)), json.loads(made[STOCK["JSON"]](one))
        assert ours == theirs, (ours, theirs)
        assert {made[name](one)[5:] for name in avro} == {made[STOCK["AVRO"]](one)[5:]}
        assert made["PROTOBUF"](one)[5:] == made[STOCK["PROTOBUF"]](one)[5:]
    for one in data[:5]:
        assert json.loads(made["JSON_SR"](one)[5:]) == json.loads(made[STOCK["JSON_SR"]](one)[5:])


def compile_time() -> float:
    """Milliseconds from a declaration to a route of another event; tables made before are shared."""
    event = evolve(declaration(KINDS[USUAL]), name="Other__e")
    started = time.process_time()
    compile_route(event, record_schema(event), FORMATS["AVRO"], None, b"", {})
    compile_reader(event, record_schema(event))
    return (time.process_time() - started) * 1e3


def conversion(_: object = None) -> list[Row]:
    """What reading and encoding costs, by format and kind of events. LeftTheQuickWay."""
    rows, before = [], CAREFUL_CONVERSIONS.by_label()
    for name, kind in KINDS.items():
        chosen, data = quick_ways(kind), deliveries(kind)
        found = measure(chosen, data)
        rows += [Row(f"read and encode, {way.name}, {name}", micros=found[way.name]) for way in chosen]
    if slow := {reason: n for reason, n in CAREFUL_CONVERSIONS.by_label().items() if n != before.get(reason)}:
        raise LeftTheQuickWay(f"left to the careful way: {slow}")
    return rows


def main() -> int:
    """Measure and print. 1 where an event of the benchmark was left to the complete, slow way."""
    chosen, data = ways(), deliveries(KINDS[USUAL])
    check(chosen, data)
    found = measure(chosen, data)
    print(f"{len(data)} usual events of a foreign org, µs of CPU an event")
    for way in chosen:
        promise = "" if way.target is None else f"   target ≤ {way.target}"
        print(f"{found[way.name]:7.2f}  {way.name}{promise}")
    for name, ratio in (("AVRO", AVRO_RATIO), ("PROTOBUF", PROTOBUF_RATIO), ("JSON_SR", JSON_SR_RATIO)):
        print(
            f"{found[STOCK[name]] / found[name]:7.1f}  times the stock way to {name}   target ≥ {ratio:.0f}"
        )
    print(f"{compile_time():7.1f}  ms to compile a reader and a route")
    slow = CAREFUL_CONVERSIONS.by_label()
    if slow:
        print(f"left to the slow way: {dict(slow)}", file=sys.stderr)
    return int(bool(slow))


if __name__ == "__main__":
    sys.exit(main())
