"""What an error of Kafka means: whether trying again can help, and one sentence that says what to do.

librdkafka's own ``retriable()`` is no guide, because connection errors (wrong password, unknown CA) are never
raised by a call: the call only times out, and the reason is told to ``error_cb``. So ``ErrorWatch`` is given
as ``error_cb``, remembers the reason, and ``explain`` judges a failed call by both.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Final, Protocol

from attrs import define, frozen

from bridge.errors import BridgeError, Fatal, Fenced, Retriable, Stage

if TYPE_CHECKING:
    from confluent_kafka import KafkaError, KafkaException


class Make(Protocol):
    """A class of errors."""

    def __call__(self, message: str, *, stage: Stage) -> BridgeError: ...


class TopicUnknown(Retriable):
    """No broker knows a topic that was there a moment ago: one starts up, or the topic was deleted."""


class NoTransactionalId(Fatal):
    """No right to use the transactional id."""


class NotAcknowledged(Retriable):
    """Records were not acknowledged in the time they have; what else was the matter is not known."""


@frozen
class Meaning:
    """What a code means: the error to raise, what happened, and what to do about it."""

    make: Make
    what: str
    remedy: str = ""
    quote: bool = True  # whether the broker's own words add anything


_LOGIN_REMEDY: Final = (
    "check sasl.mechanism and sasl.jaas.config of the worker (or kafka.api.key and kafka.api.secret)"
)
_TRUST_REMEDY: Final = "name the CA that signed its certificate in ssl.truststore.location"
_FENCED: Final = Meaning(
    Fenced,
    "another process took this connector over (same group.id and connector name)",
    "only one of them can run; this one stops",
    quote=False,
)
_TOO_LARGE: Final = Meaning(
    Fatal,
    "a record is larger than {topic} allows",
    "raise the topic's max.message.bytes and producer.override.max.request.size together",
)
_NO_TOPIC: Final = Meaning(
    Fatal,
    "{topic} does not exist",
    "create it, or let the connector do so with topic.creation.default.replication.factor and .partitions",
    quote=False,
)
# A broker that comes up answers for a moment as if it had no topics.
_NOT_KNOWN_YET: Final = Meaning(TopicUnknown, "no broker knows {topic} at the moment", quote=False)
_LOST_STATE: Final = Meaning(Retriable, "the broker lost the state of this producer")
_BROKER_AT_WORK: Final = Meaning(Retriable, "the cluster is changing its leaders or starting up")

# Keyed by librdkafka's names; what is absent is retriable, because Kafka is waited for without a limit.
MEANINGS: Final[dict[str, Meaning]] = {
    "_AUTHENTICATION": Meaning(Fatal, "the broker refused the login", _LOGIN_REMEDY),
    "SASL_AUTHENTICATION_FAILED": Meaning(Fatal, "the broker refused the login", _LOGIN_REMEDY),
    "UNSUPPORTED_SASL_MECHANISM": Meaning(
        Fatal, "the broker does not offer this sasl.mechanism", _LOGIN_REMEDY
    ),
    "ILLEGAL_SASL_STATE": Meaning(
        Fatal, "the broker expects no login of this kind", "check security.protocol"
    ),
    "_SSL": Meaning(Fatal, "no trusted connection to the broker", _TRUST_REMEDY),
    "TOPIC_AUTHORIZATION_FAILED": Meaning(
        Fatal, "no right to {verb} {topic}", "grant the ACL {acl} on it to the bridge's user", quote=False
    ),
    "TRANSACTIONAL_ID_AUTHORIZATION_FAILED": Meaning(
        NoTransactionalId,
        "no right to use the transactional id",
        "grant the ACLs Write and Describe on TransactionalId (prefix: the worker's group.id), or turn "
        "exactly-once off with exactly.once.source.support=disabled",
        quote=False,
    ),
    "CLUSTER_AUTHORIZATION_FAILED": Meaning(
        Fatal,
        "no right on the cluster",
        "grant the ACL IdempotentWrite (to create topics: Create) on Cluster",
    ),
    "GROUP_AUTHORIZATION_FAILED": Meaning(
        Fatal, "no right to read with this consumer group", "grant the ACL Read on Group", quote=False
    ),
    "UNKNOWN_TOPIC_OR_PART": _NO_TOPIC,
    "_UNKNOWN_TOPIC": _NO_TOPIC,
    "UNKNOWN_TOPIC_ID": _NO_TOPIC,
    "_UNKNOWN_PARTITION": _NO_TOPIC,
    "TOPIC_EXCEPTION": Meaning(Fatal, "{topic} is no valid topic name", "correct kafka.topic", quote=False),
    "MSG_SIZE_TOO_LARGE": _TOO_LARGE,
    "RECORD_LIST_TOO_LARGE": _TOO_LARGE,
    "INVALID_RECORD": Meaning(
        Fatal,
        "the broker refused a record for {topic}",
        "a compacted topic takes no record without a key: see its cleanup.policy",
    ),
    "INVALID_TRANSACTION_TIMEOUT": Meaning(
        Fatal,
        "the broker's transaction.max.timeout.ms is below the bridge's transaction.timeout.ms",
        "raise the first or lower producer.transaction.timeout.ms",
        quote=False,
    ),
    "UNSUPPORTED_VERSION": Meaning(Fatal, "the broker is too old for this", "Kafka 2.5 or later is needed"),
    "_UNSUPPORTED_FEATURE": Meaning(Fatal, "the broker is too old for this", "Kafka 2.5 or later is needed"),
    "UNSUPPORTED_COMPRESSION_TYPE": Meaning(
        Fatal, "the broker does not take this compression", "change producer.override.compression.type"
    ),
    "POLICY_VIOLATION": Meaning(
        Fatal, "a policy of the cluster forbids it", "the cluster's owner can say which"
    ),
    "INVALID_REPLICATION_FACTOR": Meaning(
        Fatal, "there are fewer brokers than replicas asked for", "lower the replication factor"
    ),
    "INVALID_CONFIG": Meaning(Fatal, "the broker refused a topic's configuration", "correct it"),
    "INVALID_PARTITIONS": Meaning(Fatal, "the number of partitions is not valid", "correct it"),
    "_INVALID_ARG": Meaning(Fatal, "a Kafka client setting is wrong", "correct it in the worker file"),
    "_FENCED": _FENCED,
    "PRODUCER_FENCED": _FENCED,
    "INVALID_PRODUCER_EPOCH": _FENCED,
    "TRANSACTION_COORDINATOR_FENCED": _BROKER_AT_WORK,
    "UNKNOWN_PRODUCER_ID": _LOST_STATE,
    "INVALID_PRODUCER_ID_MAPPING": _LOST_STATE,
    "OUT_OF_ORDER_SEQUENCE_NUMBER": _LOST_STATE,
    "NOT_ENOUGH_REPLICAS": Meaning(Retriable, "{topic} has fewer replicas in sync than min.insync.replicas"),
    "NOT_ENOUGH_REPLICAS_AFTER_APPEND": Meaning(
        Retriable, "{topic} has fewer replicas in sync than min.insync.replicas"
    ),
    "COORDINATOR_NOT_AVAILABLE": _BROKER_AT_WORK,
    "COORDINATOR_LOAD_IN_PROGRESS": _BROKER_AT_WORK,
    "NOT_COORDINATOR": _BROKER_AT_WORK,
    "LEADER_NOT_AVAILABLE": _BROKER_AT_WORK,
    "CONCURRENT_TRANSACTIONS": Meaning(Retriable, "the transaction before is still being completed"),
    "KAFKA_STORAGE_ERROR": Meaning(Retriable, "a broker has trouble with its disk"),
    "_ALL_BROKERS_DOWN": Meaning(Retriable, "no broker can be reached", "see bootstrap.servers", quote=False),
    "_TRANSPORT": Meaning(Retriable, "the connection to a broker failed"),
    "_RESOLVE": Meaning(Retriable, "a broker's host name cannot be resolved", "see bootstrap.servers"),
    "_TIMED_OUT": Meaning(Retriable, "Kafka did not answer in time", quote=False),
    "_MSG_TIMED_OUT": Meaning(NotAcknowledged, "Kafka did not acknowledge records in time", quote=False),
    "REQUEST_TIMED_OUT": Meaning(Retriable, "Kafka did not answer in time", quote=False),
}

# The broker's or TLS library's words that change what a code means; the first that is found counts.
_WORDS: Final[tuple[tuple[str, str, Meaning], ...]] = (
    (
        "_AUTHENTICATION",
        "supported mechanisms",
        Meaning(Fatal, "the broker does not offer this sasl.mechanism", "use one that it names"),
    ),
    (
        "_SSL",
        "No such file",
        Meaning(
            Fatal, "a certificate file cannot be read", "check ssl.truststore.location and ssl.keystore.*"
        ),
    ),
    (
        "_TRANSPORT",
        "certificate required",
        Meaning(Fatal, "the broker wants a client certificate", "set ssl.keystore.location"),
    ),
    (
        "_TRANSPORT",
        "alert",
        Meaning(Fatal, "the broker refused the client's certificate", "check ssl.keystore.location"),
    ),
    (
        # Also what a broker says that goes down in the middle of a handshake: hence not fatal.
        "_TRANSPORT",
        "PLAINTEXT broker listener",
        Meaning(
            Retriable, "the broker broke off the TLS handshake", "is security.protocol right for this port?"
        ),
    ),
    (
        # The same, as OpenSSL says it where the broker's end of the connection came before its answer.
        "_TRANSPORT",
        "/bootstrap: Disconnected: SSL connection closed",
        Meaning(
            Retriable, "the broker broke off the TLS handshake", "is security.protocol right for this port?"
        ),
    ),
)

_AFTER: Final = re.compile(
    r"\s*\(after \d+ms in state [A-Z_]+(?:, \d+ identical error\(s\) suppressed)?\)"
    r"|, \d+ identical error\(s\) suppressed"
)
_VERBS: Final = {"write": ("write to", "Write"), "read": ("read", "Read"), "create": ("create", "Create")}


def meaning_of(name: str, text: str) -> Meaning:
    """The meaning of a code (librdkafka's name) with these words; retriable where nothing better is known."""
    for code, words, meaning in _WORDS:
        if code == name and words in text:
            return meaning
    if name == "_FATAL" and ("fenced" in text.lower() or "epoch" in text.lower()):
        return _FENCED
    return MEANINGS.get(name) or Meaning(Retriable, f"Kafka answered {name}")


def classify(
    error: KafkaError,
    doing: str,
    *,
    topic: str | None = None,
    verb: str = "write",
    stage: Stage = Stage.PRODUCE,
    seen: bool = False,
) -> BridgeError:
    """The error to raise for ``error``, met while ``doing`` (a participle: "committing").

    ``seen``: the topic was there a moment ago, so that a broker which does not know it is waited for.
    """
    name, text = error.name(), error.str() or ""
    return _sentence(name, text, doing, topic=topic, verb=verb, stage=stage, seen=seen)


def _sentence(
    name: str, text: str, doing: str, *, topic: str | None, verb: str, stage: Stage, seen: bool = False
) -> BridgeError:
    meaning = meaning_of(name, text)
    if seen and meaning is _NO_TOPIC:
        meaning = _NOT_KNOWN_YET
    words, acl = _VERBS[verb]
    where = f"topic {topic}" if topic else "the topic"
    parts = {"topic": where, "verb": words, "acl": acl}
    said = _AFTER.sub("", text).strip().rstrip(".")
    message = f"{doing}: {meaning.what.format(**parts)}"
    if meaning.quote and said:
        message += f" ({said})"
    if meaning.remedy:
        message += f"; {meaning.remedy.format(**parts)}"
    return meaning.make(message, stage=stage)


@frozen
class _Seen:
    name: str
    text: str
    at: float


@define
class _Told:
    """What a client reported last, and how to hear more."""

    seen: _Seen | None = None
    serve: Callable[[float], object] | None = None
    fatal: KafkaError | None = None


# A call that fails with one of these has no reason of its own.
_REASONLESS: Final = frozenset({"_TIMED_OUT", "_MSG_TIMED_OUT", "_TRANSPORT", "_ALL_BROKERS_DOWN", "_FAIL"})
# librdkafka repeats an identical connection error every 30 s only.
_MEMORY: Final = 90.0
_RANK: Final = {"_AUTHENTICATION": 3, "_SSL": 3, "_TRANSPORT": 2, "_RESOLVE": 2, "_ALL_BROKERS_DOWN": 1}


class ErrorWatch:
    """Give it as ``error_cb``: it keeps the last telling connection error of the last 90 seconds.

    Calls that block (``init_transactions``, ``commit_transaction``) serve no callbacks: set ``serve`` to the
    client's ``poll``, so that what was reported meanwhile is known when such a call has failed.
    """

    def __init__(
        self,
        *,
        stage: Stage = Stage.PRODUCE,
        clock: Callable[[], float] = time.monotonic,
        beside: ErrorWatch | None = None,
    ) -> None:
        """``beside``: one whose client, and so whose memory, this one shares."""
        self._stage = stage
        self._clock = clock
        self._told: _Told = _Told() if beside is None else beside._told

    @property
    def serve(self) -> Callable[[float], object] | None:
        """The client's ``poll``. Client and watch refer to each other: whoever closes the client sets it to None."""
        return self._told.serve

    @serve.setter
    def serve(self, poll: Callable[[float], object] | None) -> None:
        self._told.serve = poll

    def __call__(self, error: KafkaError) -> None:
        """What librdkafka calls, from within ``poll`` and ``flush``."""
        seen = _Seen(error.name(), error.str() or "", self._clock())
        now = self._current()
        if now is None or _weight(seen) >= _weight(now):
            self._told.seen = seen

    @property
    def fatal(self) -> KafkaError | None:
        """The error that ended the client, if one has: it writes nothing any more."""
        return self._told.fatal

    def clear(self) -> None:
        """Forget, because a call has succeeded."""
        self._told.seen = None

    def reason(self) -> str | None:
        """What keeps Kafka from answering, in words, if anything is known."""
        error = self.error("Kafka")
        return None if error is None else error.message.removeprefix("Kafka: ")

    def error(self, doing: str) -> BridgeError | None:
        """The error that the remembered reason makes of a failure while ``doing``."""
        seen = self._current()
        if seen is None:
            return None
        return _sentence(seen.name, seen.text, doing, topic=None, verb="write", stage=self._stage)

    def explain(
        self,
        failure: KafkaException | KafkaError,
        doing: str,
        *,
        topic: str | None = None,
        verb: str = "write",
        seen: bool = False,
    ) -> BridgeError:
        """The error to raise for a failed call; where that only timed out, the connection's reason.

        ``seen`` as for :func:`classify`.
        """
        error: KafkaError = failure.args[0] if isinstance(failure, BaseException) else failure
        if error.fatal() and error.name() != "_FATAL":
            self._told.fatal = error
        if error.name() == "_FATAL":  # which it was is told once, to whoever serves the client
            self.hear()
            error = self.fatal or error
        if error.name() in _REASONLESS:
            self.hear()
            reported = self.error(doing)
            if reported is not None:
                return reported
        return classify(error, doing, topic=topic, verb=verb, stage=self._stage, seen=seen)

    def hear(self, seconds: float = 0.0) -> None:
        """Serve the client for so long. A fatal error, which it raises instead of reporting it, is remembered."""
        from confluent_kafka import KafkaException

        if self.serve is None:
            return
        try:
            self.serve(seconds)
        except (KafkaException, SystemError) as error:
            cause = error if isinstance(error, KafkaException) else error.__cause__
            if isinstance(cause, KafkaException) and cause.args[0].fatal():
                self._told.fatal = cause.args[0]

    def _current(self) -> _Seen | None:
        seen = self._told.seen
        return seen if seen is not None and self._clock() - seen.at < _MEMORY else None


def _weight(seen: _Seen) -> int:
    """A reason that decides outweighs a later one that only says that nobody answers."""
    rank = _RANK.get(seen.name, 0)
    return rank + 1 if rank == 2 and meaning_of(seen.name, seen.text).make is Fatal else rank
