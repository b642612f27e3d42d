"""What errors of Kafka mean; the codes and texts are those that librdkafka 2.16 reported against Kafka 4.3.1."""

from __future__ import annotations

import pytest
from confluent_kafka import KafkaError, KafkaException
from hypothesis import given
from hypothesis import strategies as st

from bridge.errors import BridgeError, Fatal, Fenced, Retriable, Stage
from bridge.kafka.errors import MEANINGS, ErrorWatch, NotAcknowledged, NoTransactionalId, classify

CODES = {name: getattr(KafkaError, name) for name in dir(KafkaError) if name.lstrip("_").isupper()}
AUTHENTICATION = (
    "sasl_ssl://127.0.0.1:19093/bootstrap: SASL authentication error: Authentication failed: Invalid username or "
    "password (after 302ms in state AUTH_REQ, 4 identical error(s) suppressed)"
)


def error(name: str, text: str = "") -> KafkaError:
    return KafkaError(CODES[name], text)


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.mark.parametrize(
    ("name", "kind", "words"),
    [
        ("_AUTHENTICATION", Fatal, ["sasl.jaas.config", "kafka.api.key"]),
        ("_SSL", Fatal, ["ssl.truststore.location"]),
        ("TOPIC_AUTHORIZATION_FAILED", Fatal, ["topic orders", "ACL Write"]),
        (
            "TRANSACTIONAL_ID_AUTHORIZATION_FAILED",
            NoTransactionalId,
            ["TransactionalId", "exactly.once.source.support=disabled"],
        ),
        ("GROUP_AUTHORIZATION_FAILED", Fatal, ["ACL Read on Group"]),
        ("UNKNOWN_TOPIC_OR_PART", Fatal, ["topic orders does not exist", "topic.creation.default."]),
        ("MSG_SIZE_TOO_LARGE", Fatal, ["max.message.bytes", "max.request.size"]),
        ("INVALID_TRANSACTION_TIMEOUT", Fatal, ["transaction.max.timeout.ms"]),
        ("_FENCED", Fenced, ["another process"]),
        ("PRODUCER_FENCED", Fenced, ["another process"]),
        ("INVALID_PRODUCER_ID_MAPPING", Retriable, []),
        ("NOT_ENOUGH_REPLICAS", Retriable, ["min.insync.replicas"]),
        ("_ALL_BROKERS_DOWN", Retriable, ["bootstrap.servers"]),
        ("_TIMED_OUT", Retriable, []),
        ("_MSG_TIMED_OUT", NotAcknowledged, []),
        ("COORDINATOR_LOAD_IN_PROGRESS", Retriable, []),
        ("UNKNOWN", Retriable, []),
    ],
)
def test_meaning(name: str, kind: type[BridgeError], words: list[str]) -> None:
    found = classify(error(name), "producing", topic="orders")
    assert type(found) is kind
    assert found.message.startswith("producing: ")
    assert [word for word in words if word not in found.message] == []


def test_a_topic_that_was_seen_is_waited_for() -> None:
    found = classify(error("UNKNOWN_TOPIC_OR_PART"), "reading", topic="orders", seen=True)
    assert isinstance(found, Retriable)
    assert found.message == "reading: no broker knows topic orders at the moment"


def test_every_name_in_the_table_is_one_of_librdkafka() -> None:
    assert [name for name in MEANINGS if name not in CODES] == []


@given(
    st.sampled_from(sorted(CODES)),
    st.text(st.characters(codec="utf-8", exclude_characters="\0\n{"), max_size=60),
)
def test_every_code_gets_one_sentence(name: str, text: str) -> None:
    found = classify(error(name, text), "committing")
    assert isinstance(found, Retriable | Fatal)
    assert "{" not in found.message  # every name in the sentence was filled in
    assert "\n" not in found.message


def test_the_noise_is_cut_from_what_the_broker_said() -> None:
    message = classify(error("_AUTHENTICATION", AUTHENTICATION), "connecting").message
    assert "Invalid username or password" in message
    assert "302ms" not in message
    assert "identical" not in message


def test_the_words_decide_where_the_code_does_not() -> None:
    text = "SASL PLAIN mechanism handshake failed: Broker: Unsupported SASL mechanism: broker's supported mechanisms: X"
    assert (
        "does not offer this sasl.mechanism" in classify(error("_AUTHENTICATION", text), "connecting").message
    )
    for plain in (
        "Disconnected: connecting to a PLAINTEXT broker listener?",
        "ssl://127.0.0.1:9092/bootstrap: Disconnected: SSL connection closed by peer (after 2ms in state CONNECT)",
    ):
        found = classify(error("_TRANSPORT", plain), "connecting")
        assert isinstance(found, Retriable)
        assert "security.protocol" in found.message
    alert = "ssl/record: tls alert bad certificate"
    assert isinstance(classify(error("_TRANSPORT", alert), "connecting"), Fatal)
    fatal = "Fatal error: Local: Fenced: Producer fenced by newer instance"
    assert isinstance(classify(error("_FATAL", fatal), "committing"), Fenced)
    assert isinstance(classify(error("_FATAL", "Local: Out of sequence"), "committing"), Retriable)


def test_a_call_that_timed_out_is_explained_by_the_connection() -> None:
    watch = ErrorWatch()
    timed_out = KafkaException(error("_TIMED_OUT"))
    assert isinstance(watch.explain(timed_out, "fencing"), Retriable)
    watch(error("_AUTHENTICATION", AUTHENTICATION))
    watch(error("_ALL_BROKERS_DOWN", "1/1 brokers are down"))
    found = watch.explain(timed_out, "fencing")
    assert isinstance(found, Fatal)
    assert found.message.startswith("fencing: the broker refused the login")
    assert watch.reason() == found.message.removeprefix("fencing: ")


def test_a_call_with_a_reason_of_its_own_keeps_it() -> None:
    watch = ErrorWatch(stage=Stage.POSITION)
    watch(error("_TRANSPORT", "gone"))
    found = watch.explain(error("TOPIC_AUTHORIZATION_FAILED"), "reading", topic="t", verb="read")
    assert "ACL Read" in found.message
    assert found.stage is Stage.POSITION


def test_what_the_connection_said_is_forgotten() -> None:
    clock = Clock()
    watch = ErrorWatch(clock=clock)
    watch(error("_AUTHENTICATION"))
    clock.now = 89
    assert isinstance(watch.error("x"), Fatal)
    clock.now = 91
    assert watch.error("x") is None
    watch(error("_SSL"))
    watch.clear()
    assert watch.reason() is None


def test_reports_of_a_blocking_call_are_served_before_it_is_judged() -> None:
    watch = ErrorWatch()

    def poll(_seconds: float) -> None:
        watch(error("_AUTHENTICATION"))
        raise KafkaException(error("_FATAL"))

    watch.serve = poll
    assert isinstance(watch.explain(error("_TIMED_OUT"), "fencing"), Fatal)


@pytest.mark.parametrize(
    "more",
    ["", " (after 0ms in state CONNECT)", " (after 0ms in state CONNECT, 1 identical error(s) suppressed)"],
)
def test_how_often_librdkafka_has_said_it_is_left_out(more: str) -> None:
    text = f"127.0.0.1:1/bootstrap: Connect to ipv4#127.0.0.1:1 failed: Connection refused{more}"
    message = classify(error("_TRANSPORT", text), "reading").message
    assert message.endswith("failed: Connection refused)")
