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
    """``floor URL CA_FILE BOOTSTRAP TOPIC [commit]``: carry events until killed; ``commit``: each reply in a
    transaction of its own."""
    url, ca_file, bootstrap, topic = sys.argv[1:5]
    commit = sys.argv[5:] == ["commit"]
    context = ssl.create_default_context(cafile=ca_file)
    connection = http.client.HTTPSConnection(url.removeprefix("https://"), context=context)
    settings = {"bootstrap.servers": bootstrap, "enable.idempotence": True}
    producer = Producer(settings | ({"transactional.id": f"{topic}-floor"} if commit else {}))
    if commit:
        producer.init_transactions()
    headers = {"Content-Type": "application/json", "Authorization": "Bearer none"}
    request = json.dumps(
        [{"channel": "/meta/connect", "clientId": "bench", "connectionType": "long-polling"}]
    )
    while True:
        connection.request("POST", "/cometd/66.0", request, headers)
        messages = orjson.loads(connection.getresponse().read())
        if commit:
            producer.begin_transaction()
        for message in messages:
            data = message.get("data")
            if data is not None:
                produce(producer, topic, orjson.dumps(data["payload"]))
        if commit:
            producer.commit_transaction()
        producer.poll(0)


def produce(producer: Producer, topic: str, value: bytes) -> None:
    """What both floors end with: wait where the queue is full."""
    while True:
        try:
            return producer.produce(topic, value)
        except BufferError:
            producer.poll(0.01)


if __name__ == "__main__":
    main()
