"""The floor: the least that carrying an event costs in Python. ``http.client``, orjson, ``produce``; nothing else.

No session, no position, no transaction, no schema: what a bridge adds to this is what it costs.
"""

from __future__ import annotations

import http.client
import json
import ssl
import sys

import orjson
from confluent_kafka import Producer


def main() -> None:
    """``floor URL CA_FILE BOOTSTRAP TOPIC``: carry events until killed."""
    url, ca_file, bootstrap, topic = sys.argv[1:5]
    context = ssl.create_default_context(cafile=ca_file)
    connection = http.client.HTTPSConnection(url.removeprefix("https://"), context=context)
    producer = Producer({"bootstrap.servers": bootstrap, "enable.idempotence": True})
    headers = {"Content-Type": "application/json", "Authorization": "Bearer none"}
    request = json.dumps(
        [{"channel": "/meta/connect", "clientId": "bench", "connectionType": "long-polling"}]
    )
    while True:
        connection.request("POST", "/cometd/66.0", request, headers)
        for message in orjson.loads(connection.getresponse().read()):
            data = message.get("data")
            if data is not None:
                _produce(producer, topic, orjson.dumps(data["payload"]))
        producer.poll(0)


def _produce(producer: Producer, topic: str, value: bytes) -> None:
    while True:
        try:
            return producer.produce(topic, value)
        except BufferError:
            producer.poll(0.01)


if __name__ == "__main__":
    main()
