"""Counts of values under keys are read although a stop was asked for: what was received is still to be delivered."""

from types import SimpleNamespace
from typing import Any

import pytest
from confluent_kafka import Producer

from bridge.config import Loaded, config_of
from bridge.config.declarations import CONNECTOR, WORKER
from bridge.kafka.committed import NotRead
from bridge.kafka.uses import uses_key, uses_value
from bridge.pipeline import counting
from bridge.pipeline.counting import counted
from bridge.sandbox.kafka import MockKafka


def counts(bootstrap: str) -> Any:
    """What a connector reads that is being stopped."""
    given = {"name": "orders"}
    loaded = Loaded(config_of(given, CONNECTOR), config_of({"bootstrap.servers": bootstrap}, WORKER))
    parts: Any = SimpleNamespace(forget=lambda: None)
    return counted(loaded, parts, parts, "offsets", lambda key, value: None, lambda: True, print).read()


def test_they_are_read_while_a_drain_may_last(monkeypatch: pytest.MonkeyPatch) -> None:
    dek = ("kek", "orders-value", "AES256_GCM", 1)
    with MockKafka(["offsets"]) as kafka:
        producer = Producer({"bootstrap.servers": kafka.bootstrap, "log_level": 0})
        producer.produce("offsets", uses_value({dek: 512}), uses_key("orders"))
        assert producer.flush(20) == 0
        assert counts(kafka.bootstrap) == ({dek: 512}, {})
        monkeypatch.setattr(counting, "DRAIN_SHARE", 0)
        with pytest.raises(NotRead):
            counts(kafka.bootstrap)
