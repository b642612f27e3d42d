"""The brokers of the tests are real: transactions isolate and fence, ACLs refuse by name, outages end."""

from __future__ import annotations

import json
import time
from collections.abc import Callable

import pytest
from confluent_kafka import KafkaError, KafkaException, Producer
from confluent_kafka.admin import AclOperation, ResourceType

from tests.support.brokers import Cluster
from tests.support.kafka_broker import Broker
from tests.support.kafka_client import allow, create_topic, forbid, read, unique
from tests.support.kafka_config import ADMIN, BRIDGE, SECURED


def _transactional(broker: Broker, name: str, user: str = ADMIN) -> Producer:
    settings = {"transactional.id": name, "transaction.timeout.ms": 10000, "log_level": 0}
    return Producer(broker.client(settings, user=user))


def test_records_and_position_commit_together(broker: Broker, make_topic: Callable[..., str]) -> None:
    topic, positions = make_topic(), make_topic(config={"cleanup.policy": "compact"})
    producer = _transactional(broker, unique("together"))
    producer.init_transactions(30)
    for batch in range(3):
        producer.begin_transaction()
        for number in range(100):
            producer.produce(topic, json.dumps([batch, number]))
        producer.produce(positions, json.dumps({"replayId": batch}), key="position")
        producer.commit_transaction(30)
    records = [json.loads(message.value() or b"") for message in read(broker, topic)]
    assert records == [[batch, number] for batch in range(3) for number in range(100)]
    assert [m.value() for m in read(broker, positions)][-1] == b'{"replayId": 2}'


def test_aborted_and_open_transactions_are_invisible(broker: Broker, topic: str) -> None:
    producer = _transactional(broker, unique("invisible"))
    producer.init_transactions(30)
    producer.begin_transaction()
    producer.produce(topic, b"aborted")
    producer.flush(30)
    producer.abort_transaction(30)
    producer.begin_transaction()
    producer.produce(topic, b"kept")
    producer.commit_transaction(30)
    producer.begin_transaction()
    producer.produce(topic, b"open")
    producer.flush(30)
    assert [m.value() for m in read(broker, topic, 1)] == [b"kept"]
    with pytest.raises(AssertionError, match="1 of all"):
        read(broker, topic, timeout=1)
    assert {m.value() for m in read(broker, topic, committed=False)} == {b"aborted", b"kept", b"open"}
    producer.abort_transaction(30)


def test_a_second_producer_of_the_same_id_fences_the_first(broker: Broker, topic: str) -> None:
    name = unique("fenced")
    first, second = _transactional(broker, name), _transactional(broker, name)
    first.init_transactions(30)
    first.begin_transaction()
    first.produce(topic, b"zombie")
    first.flush(30)
    second.init_transactions(30)
    with pytest.raises(KafkaException) as caught:
        first.commit_transaction(30)
    assert caught.value.args[0].code() == KafkaError._FENCED
    assert read(broker, topic) == []


def test_a_missing_topic_is_not_made_by_writing(broker: Broker) -> None:
    answers: list[KafkaError | None] = []
    settings = {"topic.metadata.propagation.max.ms": 500, "message.timeout.ms": 5000, "log_level": 0}
    producer = Producer(broker.client(settings))
    producer.produce(unique("missing"), b"", on_delivery=lambda error, _: answers.append(error))
    producer.flush(20)
    assert answers[0] is not None
    assert answers[0].code() == KafkaError.UNKNOWN_TOPIC_OR_PART


def test_acls_refuse_by_name_until_they_allow(secured_broker: Broker) -> None:
    topic, group = create_topic(secured_broker, unique("acl")), unique("acl-group")
    write = (AclOperation.WRITE, AclOperation.DESCRIBE)

    producer = _transactional(secured_broker, f"{group}-connector-0", BRIDGE)
    with pytest.raises(KafkaException) as caught:
        producer.init_transactions(30)
    assert caught.value.args[0].code() == KafkaError.TRANSACTIONAL_ID_AUTHORIZATION_FAILED

    allow(secured_broker, BRIDGE, ResourceType.TRANSACTIONAL_ID, f"{group}*", *write)
    producer = _transactional(secured_broker, f"{group}-connector-0", BRIDGE)
    producer.init_transactions(30)
    answers: list[KafkaError | None] = []
    producer.begin_transaction()
    producer.produce(topic, b"refused", on_delivery=lambda error, _: answers.append(error))
    producer.flush(30)
    assert answers[0] is not None
    assert answers[0].code() == KafkaError.TOPIC_AUTHORIZATION_FAILED
    producer.abort_transaction(30)

    allow(secured_broker, BRIDGE, ResourceType.TOPIC, topic, *write)
    # The first producer remembers the refusal until it reads the topic's metadata again.
    producer = _transactional(secured_broker, f"{group}-connector-0", BRIDGE)
    producer.init_transactions(30)
    producer.begin_transaction()
    producer.produce(topic, b"allowed")
    producer.commit_transaction(30)
    assert [m.value() for m in read(secured_broker, topic)] == [b"allowed"]

    forbid(secured_broker, BRIDGE, ResourceType.TOPIC, topic, *write)
    answers.clear()
    producer.begin_transaction()
    producer.produce(topic, b"again", on_delivery=lambda error, _: answers.append(error))
    producer.flush(30)
    assert answers[0] is not None


def test_scram_and_a_wrong_password(secured_broker: Broker) -> None:
    settings = {"sasl.mechanism": "SCRAM-SHA-512", "log_level": 0}
    assert Producer(secured_broker.client(settings, user=BRIDGE)).list_topics(timeout=20).brokers
    said: list[int] = []
    wrong = settings | {"sasl.password": "not-it", "error_cb": lambda error: said.append(error.code())}
    producer = Producer(secured_broker.client(wrong, user=BRIDGE))
    until = time.monotonic() + 20
    while KafkaError._AUTHENTICATION not in said and time.monotonic() < until:
        producer.poll(0.1)
    assert KafkaError._AUTHENTICATION in said


@pytest.mark.parametrize("secured", [False, True])
def test_a_broker_of_ones_own_keeps_its_data(own_broker: Callable[..., Broker], secured: bool) -> None:
    own = own_broker(SECURED) if secured else own_broker()
    address, topic = own.bootstrap, create_topic(own, "kept")
    producer = Producer(own.client({"log_level": 0, "enable.idempotence": True}))
    for number, harm in enumerate([own.restart, own.kill, own.pause]):
        producer.produce(topic, str(number))
        assert producer.flush(30) == 0
        harm()
        if harm == own.kill:
            own.start()
        if harm == own.pause:
            producer.produce(topic, b"while frozen")
            assert producer.flush(0.5) == 1
            own.cont()
            assert producer.flush(30) == 0
    assert own.bootstrap == address
    assert [m.value() for m in read(own, topic)] == [b"0", b"1", b"2", b"while frozen"]


def test_three_brokers_survive_the_death_of_one(cluster: Cluster) -> None:
    first, second, _ = cluster.nodes
    topic = create_topic(first, "replicated")
    settings = {"bootstrap.servers": cluster.bootstrap, "transactional.id": "three", "log_level": 0}
    producer = Producer(second.client(settings))
    producer.init_transactions(60)
    for number in range(3):
        producer.begin_transaction()
        producer.produce(topic, str(number))
        producer.commit_transaction(60)
        if number == 1:
            first.kill()
    assert [m.value() for m in read(second, topic, 3)] == [b"0", b"1", b"2"]
