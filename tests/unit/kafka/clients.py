"""What the tests of the clients' settings share: a worker and a connector to derive them from."""

from __future__ import annotations

from collections.abc import Mapping

from bridge.config import Config, Loaded, config_of
from bridge.config.declarations import CONNECTOR, WORKER
from bridge.kafka.settings import (
    examine,
    producer_settings,
)

BROKER = {"bootstrap.servers": "broker:9092"}


def loaded(worker: Mapping[str, str] | None = None, connector: Mapping[str, str] | None = None) -> Loaded:
    config = config_of({"kafka.topic": "orders", **(connector or {})}, CONNECTOR)
    given = config_of(BROKER if worker is None else worker, WORKER)
    return Loaded(Config(dict(config), config.raw(), "orders"), given)


def faults(worker: Mapping[str, str], connector: Mapping[str, str] | None = None) -> dict[str, str]:
    return {fault.key: fault.message for fault in examine(loaded({**BROKER, **worker}, connector))[0]}


def producer(worker: Mapping[str, str], connector: Mapping[str, str] | None = None) -> dict[str, object]:
    return producer_settings(loaded({**BROKER, **worker}, connector))
