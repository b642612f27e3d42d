"""The floor by gRPC: the least that carrying an event of the Pub/Sub API costs in Python. grpcio, the Protobuf library,
a decoder generated for the schema, orjson, ``produce``; nothing else.

No position, no transaction, no order, nothing that tells an event twice: what a bridge adds to this is what it costs.
"""

from __future__ import annotations

import json
import queue
import struct
import sys
from collections.abc import Callable
from typing import Any

import grpc
import orjson
from confluent_kafka import Producer

from bridge.salesforce.pubsub import messages as wire
from tests.bench.floor import produce


def main() -> None:
    """``floor_pubsub ENDPOINT CA_FILE BOOTSTRAP TOPIC EVENT``: carry events until killed."""
    endpoint, ca_file, bootstrap, topic, event = sys.argv[1:6]
    with open(ca_file, "rb") as file:
        credentials = grpc.ssl_channel_credentials(file.read())
    channel = grpc.secure_channel(endpoint, credentials, [("grpc.max_receive_message_length", 100 << 20)])
    ask = channel.unary_unary(
        wire.path("GetTopic"), wire.TopicRequest.SerializeToString, wire.TopicInfo.FromString
    )
    schema_id = ask(wire.TopicRequest(topic_name=event)).schema_id
    ask = channel.unary_unary(
        wire.path("GetSchema"), wire.SchemaRequest.SerializeToString, wire.SchemaInfo.FromString
    )
    decode = decoder(json.loads(ask(wire.SchemaRequest(schema_id=schema_id)).schema_json))
    producer = Producer({"bootstrap.servers": bootstrap, "enable.idempotence": True})
    requests: queue.SimpleQueue[Any] = queue.SimpleQueue()
    requests.put(wire.FetchRequest(topic_name=event, replay_preset=wire.EARLIEST, num_requested=100))
    call = channel.stream_stream(
        wire.path("Subscribe"), wire.FetchRequest.SerializeToString, wire.FetchResponse.FromString
    )
    for response in call(iter(requests.get, None)):
        count = 0
        for item in response.events:
            produce(producer, topic, orjson.dumps(decode(item.event.payload)))
            count += 1
        requests.put(wire.FetchRequest(num_requested=count))
        producer.poll(0)


def decoder(schema: dict[str, Any]) -> Callable[[bytes], dict[str, Any]]:
    """From the payload to a dict, in one function for the schema: numbers of any length in a loop where they stand."""
    lines = ["def decode(p):", " i = 0"]
    for number, entry in enumerate(schema["fields"]):
        lines += _lines(entry["type"], f"v{number}")
    names = ", ".join(f"{entry['name']!r}: v{number}" for number, entry in enumerate(schema["fields"]))
    lines.append(f" return {{{names}}}")
    space: dict[str, Any] = {"double": struct.Struct("<d").unpack_from}
    exec("\n".join(lines), space)
    made: Callable[[bytes], dict[str, Any]] = space["decode"]
    return made


def _lines(type_: Any, into: str, pad: str = " ") -> list[str]:
    if isinstance(type_, list):
        inner = _lines(type_[1], into, pad + " ")
        return [f"{pad}b = p[i]; i += 1", f"{pad}if b:", *inner, f"{pad}else:", f"{pad} {into} = None"]
    if type_ == "double":
        return [f"{pad}{into} = double(p, i)[0]; i += 8"]
    if type_ == "boolean":
        return [f"{pad}{into} = p[i] == 1; i += 1"]
    varint = [
        f"{pad}n = p[i]; i += 1",
        f"{pad}if n > 127:",
        f"{pad} n &= 127; s = 7",
        f"{pad} while True:",
        f"{pad}  b = p[i]; i += 1; n |= (b & 127) << s",
        f"{pad}  if b < 128: break",
        f"{pad}  s += 7",
    ]
    if type_ in ("int", "long"):
        return [*varint, f"{pad}{into} = (n >> 1) ^ -(n & 1)"]
    return [*varint, f"{pad}e = i + (n >> 1); {into} = p[i:e].decode(); i = e"]


if __name__ == "__main__":
    main()
