"""A transactional id is taken over by a client that is connected: librdkafka looks again after 500 ms only."""

from __future__ import annotations

import time
from typing import Any, cast

import pytest
from attrs import define, field
from confluent_kafka import KafkaError, KafkaException, Producer
from confluent_kafka.admin import ClusterMetadata

from bridge.kafka.takeover import take_over


@define
class Recorded:
    """What a producer was asked; ``away``: no broker answers; ``answers``: by which brokers."""

    away: bool = False
    answers: list[int] = field(factory=lambda: [1])
    asked: list[tuple[str, Any]] = field(factory=list)

    def list_topics(self, topic: str, timeout: float) -> ClusterMetadata:
        self.asked.append(("connected", topic))
        if self.away:
            time.sleep(timeout)
            raise KafkaException(KafkaError(KafkaError._TRANSPORT))
        answer = ClusterMetadata()
        answer.orig_broker_id = self.answers.pop(0)
        return answer

    def init_transactions(self, timeout: float) -> None:
        self.asked.append(("taken over", timeout))
        if self.away:
            raise KafkaException(KafkaError(KafkaError._TIMED_OUT))


def test_the_connection_comes_first_and_asks_for_one_topic() -> None:
    producer = Recorded()
    take_over(cast(Producer, producer), "positions", 2.0)
    assert [what for what, _ in producer.asked] == ["connected", "taken over"]
    assert producer.asked[0][1] == "positions"
    assert 1.9 < producer.asked[1][1] <= 2.0


def test_a_bootstrap_server_that_answers_is_not_the_connection_that_counts() -> None:
    producer = Recorded(answers=[-1, 2, 3])
    take_over(cast(Producer, producer), "positions", 2.0)
    assert [what for what, _ in producer.asked] == ["connected", "connected", "taken over"]


def test_it_is_not_asked_for_ever() -> None:
    producer = Recorded(answers=[-1] * 9)
    take_over(cast(Producer, producer), "positions", 2.0)
    assert [what for what, _ in producer.asked] == ["connected"] * 3 + ["taken over"]


def test_a_broker_that_is_away_takes_no_longer_than_is_given() -> None:
    producer = Recorded(away=True)
    with pytest.raises(KafkaException) as error:
        take_over(cast(Producer, producer), "positions", 0.4)
    assert error.value.args[0].code() == KafkaError._TIMED_OUT
    assert producer.asked[1][1] <= 0.2
