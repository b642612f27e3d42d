"""Connectors that hold literal secrets of every kind, for tests that look for them in what a worker says."""

from __future__ import annotations

import json
from typing import Final

from tests.support.bridge_run import Bridge

_OF_ANY: Final = {
    "kafka.api.key": "hush-api-key",
    "kafka.api.secret": "hush-api-secret",
    "nobody.declared.password": "hush-nobody",
    "producer.override.sasl.password": "hush-sasl",
}
_OF_AVRO: Final = {
    "output.data.format": "AVRO",
    "value.converter.schema.registry.url": "http://reader:hush-url@127.0.0.1:9",
    "value.converter.basic.auth.credentials.source": "USER_INFO",
    "value.converter.basic.auth.user.info": "reader:hush-registry",
    "value.converter.rule.executors._default_.param.secret.access.key": "hush-kms",
}
_OF_PROXY: Final = {
    "http.proxy": "127.0.0.1:9",
    "http.proxy.user": "somebody",
    "http.proxy.password": "hush-proxy",
}


def configurations(bridge: Bridge) -> dict[str, dict[str, str]]:
    """Name → configuration: one that runs, one that Salesforce refuses, two that reach nothing."""
    good = json.loads(bridge.connector_file().read_text()) | _OF_ANY
    given = {
        bridge.name: {},
        f"{bridge.name}-refused": {"salesforce.password": "hush-password"},
        f"{bridge.name}-no-registry": _OF_AVRO,
        f"{bridge.name}-no-proxy": {
            **_OF_PROXY,
            "salesforce.instance": "https://nowhere.example",
            "salesforce.password.token": "hush-token",
            "salesforce.consumer.secret": "hush-consumer",
        },
    }
    return {name: {**good, "name": name, **more} for name, more in given.items()}


def secrets(bridge: Bridge) -> list[str]:
    """What nobody may be told."""
    known = bridge.credentials
    literal = ["api-key", "api-secret", "nobody", "sasl", "url", "registry", "kms", "proxy", "password"]
    made = [f"hush-{word}" for word in (*literal, "token", "consumer")]
    return [*made, known.password, known.security_token, known.client_id, known.client_secret]
