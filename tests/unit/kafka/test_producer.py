"""The producer of a connector after a fatal error, without transactions: every call names the error."""

from __future__ import annotations

import logging
from collections.abc import Callable

import pytest

from bridge.errors import Retriable
from bridge.kafka.producer import Producer
from bridge.sandbox.kafka import MockKafka
from tests.support.fatal_error import answer_next_record

SETTINGS = {"enable.idempotence": True, "delivery.report.only.error": True, "log_level": 0}


def test_a_dead_client_says_why_it_is_dead(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logging.getLogger("bridge.librdkafka"), "disabled", True)
    with MockKafka(["out"]) as kafka:
        producer = Producer(
            {**SETTINGS, "bootstrap.servers": kafka.bootstrap},
            transactional_id=None,
            stopped=lambda: False,
            waiting=lambda reason: None,
        )
        answer_next_record(kafka)
        producer.produce("out", b"1")
        calls: tuple[Callable[[], None], ...] = (
            producer.flush,
            lambda: producer.send(("out", b"2")),
            lambda: producer.commit(("offsets", b"3")),
        )
        try:
            for call in calls:
                with pytest.raises(
                    Retriable, match=r"^producing: the broker lost the state of this producer"
                ):
                    call()
        finally:
            producer.close()
