"""A Pub/Sub server that costs little: prepared events in Avro over TLS, beside the benchmark's usual server, which
answers everything that is not gRPC. Runs as a process of its own.

Responses hold ``--reply`` events as long as so many may be sent and are asked for: their size dominates what receiving
costs, so that a measurement fixes it.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final

import grpc
import msgspec
from attrs import define, field
from fastavro import parse_schema

from bridge.salesforce.pubsub import messages as wire
from bridge.sandbox.org import Org, schemas
from bridge.sandbox.org.avro import payload_of, replay_bytes
from tests.bench import server
from tests.bench.events import STAMP, Kind, messages

_HOLD: Final = 60.0
_TAIL: Final = b"\0\0"
_DIGITS: Final = 16
_STAMPED: Final = "Notes__c"


def varint(value: int) -> bytes:
    """As Protobuf writes a length."""
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    return bytes((*out, value))


@define
class AvroReplies:
    """Serialised FetchResponses. ``_heads``: each event up to its replay id."""

    kind: Kind
    schema_id: str
    size: int = 100
    _heads: list[bytes] = field(factory=list)
    _payloads: list[dict[str, Any]] = field(factory=list)
    _document: dict[str, Any] = field(factory=dict)

    def __attrs_post_init__(self) -> None:
        document = schemas.compact(self.kind.event)
        self._document = {key: value for key, value in document.items() if key != "uuid"}
        for message in messages(self.kind, self.schema_id, min(self.kind.messages, 6400)):
            data = msgspec.json.decode(message)["data"]
            self._payloads.append(data["payload"])
            self._heads.append(self._head(data["payload"], data["event"]["EventUuid"]))

    def body(self, first: int, count: int) -> bytes:
        """``count`` events from replay id ``first`` on."""
        heads, most = self._heads, len(self._heads)
        parts = [heads[n % most] + replay_bytes(n, _TAIL) for n in range(first, first + count)]
        whole: bytes = b"".join(parts)
        return whole + b"\x12\x0a" + replay_bytes(first + count - 1, _TAIL)

    def stamped(self, number: int, nanoseconds: int) -> bytes:
        """One event that says when it was written."""
        text = f"{STAMP.decode()}{nanoseconds:0{_DIGITS}d}"
        payload = {**self._payloads[number % len(self._payloads)], _STAMPED: text}
        head = self._head(payload, f"{number:08d}-0000-4000-8000-{number:012d}")
        replay_id = replay_bytes(number, _TAIL)
        return head + replay_id + b"\x12\x0a" + replay_id

    def _head(self, payload: dict[str, Any], uuid: str) -> bytes:
        avro = payload_of(self._document, parse_schema(self._document), payload)
        made = wire.ProducerEvent(id=uuid, schema_id=self.schema_id, payload=avro)
        event: bytes = made.SerializeToString()
        inner = b"\x0a" + varint(len(event)) + event + b"\x12\x0a"
        return b"\x0a" + varint(len(inner) + 10) + inner


class PubSub:
    """The calls of a subscriber; one subscription at a time."""

    def __init__(self, load: server.Load, org: Org, certificate: bytes) -> None:
        self._load, self._org = load, org
        self._server = grpc.server(ThreadPoolExecutor(8), options=(("grpc.so_reuseport", 0),))
        calls = {
            "GetTopic": grpc.unary_unary_rpc_method_handler(
                self._topic, wire.TopicRequest.FromString, wire.TopicInfo.SerializeToString
            ),
            "GetSchema": grpc.unary_unary_rpc_method_handler(
                self._schema, wire.SchemaRequest.FromString, wire.SchemaInfo.SerializeToString
            ),
            "Subscribe": grpc.stream_stream_rpc_method_handler(
                self._subscribe, wire.FetchRequest.FromString, None
            ),
        }
        self._server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(wire.SERVICE, calls),))
        credentials = grpc.ssl_server_credentials([(certificate, certificate)])
        self.port = self._server.add_secure_port("127.0.0.1:0", credentials)
        self._server.start()

    def _topic(self, request: Any, context: Any) -> Any:
        schema_id = self._org.bus.schema_id(request.topic_name.rpartition("/")[2])
        return wire.TopicInfo(topic_name=request.topic_name, can_subscribe=True, schema_id=schema_id)

    def _schema(self, request: Any, context: Any) -> Any:
        document = schemas.compact(self._org.bus.by_schema[request.schema_id])
        text = msgspec.json.encode({key: value for key, value in document.items() if key != "uuid"})
        return wire.SchemaInfo(schema_json=text.decode(), schema_id=request.schema_id)

    def _subscribe(self, requests: Iterator[Any], context: Any) -> Iterator[bytes]:
        first = next(requests)
        self._load.position = int.from_bytes(first.replay_id[:8] or b"\0", "big")
        asked = threading.Semaphore(first.num_requested)
        context.send_initial_metadata(())

        def listen() -> None:
            with contextlib.suppress(grpc.RpcError):
                for request in requests:
                    asked.release(request.num_requested)

        threading.Thread(target=listen, daemon=True).start()
        while context.is_active():
            if self._load.live:
                asked.acquire()
                yield self._load.next()
                continue
            count = self._load.waiting(_HOLD)
            if count:
                asked.acquire()
                more = sum(1 for _ in range(count - 1) if asked.acquire(blocking=False))
                yield self._load.next(1 + more)


def main() -> None:
    """Serve until killed; the first line on standard output says where."""
    server.main(AvroReplies, _serve)


def _serve(load: server.Load, org: Org, certificate: Path) -> dict[str, str]:
    return {"pubsub": f"localhost:{PubSub(load, org, certificate.read_bytes()).port}"}


if __name__ == "__main__":
    main()
