"""What a Python programmer would write today: aiosfstream-ng, the official AvroSerializer, a producer.

``plain_bridge URL CA_FILE BOOTSTRAP TOPIC [json|avro]``. At most once or at least once, as the client keeps no
position; the registry is the official client's own, in process (``mock://``), which costs less than a real one.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Callable
from typing import Any

from aiosfstream_ng import Client, ReplayOption
from aiosfstream_ng.auth import AuthenticatorBase
from confluent_kafka import Producer

from tests.bench.events import EVENT

_SCHEMA = {
    "type": "record",
    "name": EVENT.name,
    "fields": [
        {"name": "CreatedDate", "type": "string"},
        {"name": "CreatedById", "type": "string"},
        *(
            {
                "name": each.name,
                "type": ["null", {"boolean": "boolean", "double": "double"}.get(each.type, "string")],
                "default": None,
            }
            for each in EVENT.fields
        ),
    ],
}


class _NoLogin(AuthenticatorBase):
    """The server of the benchmarks asks for no token."""

    def __init__(self, url: str) -> None:
        super().__init__()
        self._url = url

    async def _authenticate(self) -> tuple[int, dict[str, str]]:
        return 200, {"access_token": "none", "token_type": "Bearer", "instance_url": self._url}


def _serializer(form: str, topic: str) -> Callable[[dict[str, Any]], bytes]:
    if form == "json":
        return lambda payload: json.dumps(payload).encode()
    from confluent_kafka.schema_registry import SchemaRegistryClient
    from confluent_kafka.schema_registry.avro import AvroSerializer
    from confluent_kafka.serialization import MessageField, SerializationContext

    registry = SchemaRegistryClient.new_client({"url": "mock://"})
    avro = AvroSerializer(registry, json.dumps(_SCHEMA))
    context = SerializationContext(topic, MessageField.VALUE)
    return lambda payload: avro(payload, context)


async def carry(url: str, bootstrap: str, topic: str, form: str) -> None:
    """Carry events until killed."""
    producer = Producer({"bootstrap.servers": bootstrap, "enable.idempotence": True})
    serialize = _serializer(form, topic)
    async with Client(_NoLogin(url), replay=ReplayOption.ALL_EVENTS) as client:
        await client.subscribe(EVENT.channel)
        async for message in client:
            value = serialize(message["data"]["payload"])
            while True:
                try:
                    producer.produce(topic, value)
                    break
                except BufferError:
                    producer.poll(0.01)
            producer.poll(0)


def main() -> None:
    """See the module's docstring; the CA is given by ``SSL_CERT_FILE``, too."""
    url, _, bootstrap, topic, form = sys.argv[1:6]
    asyncio.run(carry(url, bootstrap, topic, form))


if __name__ == "__main__":
    main()
