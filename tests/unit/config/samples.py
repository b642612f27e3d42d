"""Configurations to begin with: the managed connector's own example, and small workers."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from bridge.config import Loaded

Faults = Callable[..., dict[str, str]]
Load = Callable[..., Loaded]
"""The fixtures of those names."""

SECRETS = ("kafka.api.key", "kafka.api.secret", "salesforce.password", "salesforce.password.token",
           "salesforce.consumer.key", "salesforce.consumer.secret")  # fmt: skip

EXAMPLE = {
    "connector.class": "SalesforcePlatformEventSource",
    "name": "SalesforcePlatformEventSource_0",
    "kafka.auth.mode": "KAFKA_API_KEY",
    "kafka.api.key": "****************",
    "kafka.api.secret": "**********************************************",
    "kafka.topic": "testplatformevent",
    "salesforce.grant.type": "PASSWORD",
    "salesforce.username": "<my-username>",
    "salesforce.password": "**************",
    "salesforce.password.token": "************************",
    "salesforce.consumer.key": "******************************************",
    "salesforce.consumer.secret": "***************************************",
    "salesforce.platform.event.name": "TestEvent__e",
    "output.data.format": "JSON",
    "tasks.max": "1",
}
"""As on the managed connector's page, placeholders and all."""

VALID = EXAMPLE | {key: f"the-{key}" for key in SECRETS} | {"salesforce.username": "me@example.com"}

PLAIN = {"bootstrap.servers": "broker:9092", "security.protocol": "PLAINTEXT"}
WORKER = {"bootstrap.servers": "broker:9092"}
NO_KEYS = {"kafka.api.key": None, "kafka.api.secret": None}
REGISTRY = WORKER | {"schema.registry.url": "http://registry:8081"}


def told(loaded: Loaded) -> tuple[str, ...]:
    """What loading says, but for the warning of the examples' grant type."""
    return tuple(notice for notice in loaded.notices if not notice.startswith("salesforce.grant.type"))


def write(
    directory: Path, connector: Mapping[str, Any], worker: Mapping[str, str] | None = None
) -> tuple[Path, Path]:
    """Both files."""
    paths = directory / "connector.json", directory / "worker.properties"
    paths[0].write_text(json.dumps(connector))
    paths[1].write_text("".join(f"{k}={v}\n" for k, v in (WORKER if worker is None else worker).items()))
    return paths
