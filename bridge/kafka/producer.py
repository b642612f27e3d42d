"""The producer of one connector: records and position together, exactly once or at least once.

Exactly once: records and position commit in one transaction. At least once (by configuration only): the
position is produced after a flush has shown that every record before it is acknowledged.
"""

from __future__ import annotations

import contextlib
import logging
import time
from collections import Counter
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

from bridge.errors import BridgeError, Fenced, Retriable, Stage
from bridge.event import Arguments
from bridge.kafka.errors import ErrorWatch, classify
from bridge.kafka.librdkafka import Settings
from bridge.kafka.takeover import take_over
from bridge.log import LIBRDKAFKA

if TYPE_CHECKING:
    from confluent_kafka import KafkaError, KafkaException, Message

T = TypeVar("T")
SLICE = 2.0  # seconds; how often a wait for Kafka looks whether it is still wanted
_ASKED = 5.0  # seconds that a broker has to say whether it knows a topic
SILENCE = 10.0  # seconds that Kafka may take before it is said that it is waited for


class TransactionExpired(Retriable):
    """Our transaction outlived its timeout (a frozen process, a slow broker), so the broker fenced it.

    Whether somebody else has taken over besides can be told by the position only.
    """


class Producer:
    """Owns the librdkafka producer. After an error it is dropped, never repaired: one recovery path."""

    def __init__(
        self,
        settings: Settings,
        *,
        transactional_id: str | None,
        stopped: Callable[[], bool],
        waiting: Callable[[str], None],
        patience: float = 18.0,
    ) -> None:
        """``patience``: seconds that are waited for Kafka when ``stopped`` says so."""
        from confluent_kafka import Producer as KafkaProducer

        self._watch = ErrorWatch()
        self._failed: BridgeError | None = None
        self._positions = ""  # their topic
        self._lost: Counter[str] = Counter()  # records that were given up, by topic
        self._stopped = stopped
        self._waiting = waiting
        self._patience = patience
        self._waiting_since: float | None = None
        self._stopped_at: float | None = None
        self._open = False
        self._opened_at = 0.0
        self._timeout = float(settings.get("transaction.timeout.ms", 60_000)) / 1000
        self.transactional_id = transactional_id
        config: dict[str, object] = {
            **settings,
            "error_cb": self._watch,
            "on_delivery": self._delivered,
            "logger": logging.getLogger(LIBRDKAFKA),
        }
        if transactional_id is not None:
            config["transactional.id"] = transactional_id
        else:
            config.pop("transaction.timeout.ms", None)
        self._producer = KafkaProducer(config)
        self._watch.serve = self._producer.poll
        self.produce = self._producer.produce

    def fence(self, positions: str) -> None:
        """Take the transactional id over: whoever had it can write nothing more. Waits for Kafka without limit.

        ``positions``: their topic, which exists.
        """
        from confluent_kafka import KafkaException

        if self.transactional_id is None:
            return
        while True:
            try:
                take_over(self._producer, positions, SLICE)
                return
            except KafkaException as error:
                reason = self._judge(error, "taking over the transactional id")
                if not isinstance(reason, Retriable):
                    raise reason from error
                if self._stopped():
                    raise reason from error
                self._waiting(reason.message)

    def begin(self) -> None:
        """Open a transaction unless one is open."""
        if self.transactional_id is not None and not self._open:
            self._call(self._producer.begin_transaction, "beginning a transaction")
            self._open = True
            self._opened_at = time.monotonic()

    def refused(self, error: Exception) -> Exception:
        """What to raise for an exception of ``produce`` other than a full queue."""
        from confluent_kafka import KafkaException

        return self._judge(error, "producing") if isinstance(error, KafkaException) else error

    def send(self, arguments: Arguments) -> None:
        """Produce although librdkafka's queue is full: wait for it, however long; nothing is dropped."""
        while True:
            try:
                return self.produce(*arguments)
            except BufferError:
                # nothing wakes it early: only failed deliveries are reported
                self._call(lambda: self._producer.poll(0.002), "producing")
                self._raise_failed()
            except Exception as error:
                raise self.refused(error) from error

    def check(self) -> None:
        """Serve callbacks; raise what they reported."""
        self._call(lambda: self._producer.poll(0), "producing")
        self._raise_failed()

    def commit(self, position: Arguments | None) -> None:
        """Everything produced so far, and the position record (where there is one), together; asks again while the
        outcome is open."""
        if position is not None:
            self._positions = position[0]
        if self.transactional_id is None:
            self.flush()
            if position is not None:
                self.send(position)
            return
        self.begin()
        if position is not None:
            self.send(position)
        while not self._commit_within(SLICE):
            self._check_patience("the last transaction was not confirmed before the stop")
        self._waiting_since = None
        self._open = False

    def _commit_within(self, seconds: float) -> bool:
        from confluent_kafka import KafkaException

        try:
            self._producer.commit_transaction(seconds)
        except SystemError as error:  # a fatal error met a delivery callback on the way out
            raise self._judge(error.__cause__, "committing") from error
        except KafkaException as error:
            reason = self._judge(error, "committing")
            if not error.args[0].retriable() or error.args[0].txn_requires_abort():
                # Records fail together with their transaction; being fenced is the reason then, not a symptom.
                fenced = isinstance(reason, Fenced | TransactionExpired)
                raise (reason if fenced else self._failed or reason) from error
            self._say(reason.message)
            return False
        return True

    def _say(self, reason: str) -> None:
        """What is waited for, after a while."""
        self._waiting_since = self._waiting_since or time.monotonic()
        if time.monotonic() - self._waiting_since >= SILENCE - SLICE:
            self._waiting(reason)

    def _check_patience(self, lacking: str) -> None:
        """Kafka is waited for without a limit, until the connector is to stop."""
        if not self._stopped():
            self._stopped_at = None
            return
        self._stopped_at = self._stopped_at or time.monotonic()
        if time.monotonic() - self._stopped_at >= self._patience:
            raise Retriable(
                f"{lacking} ({self._watch.reason() or 'Kafka does not answer'})", stage=Stage.PRODUCE
            )

    def flush(self) -> None:
        """Wait until every record is acknowledged, however long Kafka takes."""
        while self._call(lambda: self._producer.flush(SLICE), "producing"):
            self._raise_failed()
            self._say(self._watch.reason() or "records are not acknowledged yet")
            self._check_patience("records were not acknowledged before the stop")
        self._waiting_since = None
        self._raise_failed()

    def close(self) -> bool:
        """Drop what was not committed. An abort is tried, so that readers need not wait for the timeout.

        Says whether a transaction was open, whose records readers will not see. Of one that was being committed when
        the answer was lost, only the position will tell; it counts as given up. May be called again, for nothing.
        """
        from confluent_kafka import KafkaException

        if not hasattr(self, "_producer"):
            return False
        given_up = self._open
        if given_up:
            self._open = False
            with contextlib.suppress(KafkaException, SystemError):
                self._producer.abort_transaction(2.0)  # else the next init_transactions aborts it
        with contextlib.suppress(KafkaException, SystemError):
            self._producer.purge()
            self._producer.poll(0)
        # librdkafka's client ends when nothing refers to it, and it refers to us; its own close() would wait for Kafka.
        self._watch.serve = None
        del self.produce, self._producer
        return given_up

    def outstanding(self) -> int:
        """How many records were produced and are not acknowledged."""
        return len(self._producer) + self._lost.total()

    def missing_topic(self) -> str | None:
        """The topic of positions, or one whose records were given up, where it is not there any more."""
        from confluent_kafka import KafkaException

        for topic in {self._positions, *self._lost} - {""}:
            with contextlib.suppress(KafkaException):
                told = self._producer.list_topics(topic, timeout=_ASKED).topics[topic].error
                if told is not None and told.name() in ("UNKNOWN_TOPIC_OR_PART", "_UNKNOWN_TOPIC"):
                    return topic
        return None

    def _delivered(self, error: KafkaError | None, message: Message) -> None:
        """Only called for records that failed (``delivery.report.only.error``)."""
        if error is not None:
            self._lost[message.topic() or ""] += 1
        if error is not None and self._failed is None:
            # The topics were looked at before: one that is gone for good is found missing at the next start.
            reason = classify(error, "producing", topic=message.topic(), seen=True)
            # A purge is what follows another error, never the reason.
            if error.name() not in ("_PURGE_QUEUE", "_PURGE_INFLIGHT"):
                self._failed = reason

    def _raise_failed(self) -> None:
        if self._failed is not None:
            raise self._failed

    def _call(self, function: Callable[[], T], doing: str) -> T:
        from confluent_kafka import KafkaException

        try:
            return function()
        except SystemError as error:
            raise self._judge(error.__cause__, doing) from error
        except KafkaException as error:
            raise self._judge(error, doing) from error

    def _judge(self, error: BaseException | None, doing: str) -> BridgeError:
        from confluent_kafka import KafkaException

        if not isinstance(error, KafkaException):
            return Retriable(f"{doing}: {error}", stage=Stage.PRODUCE)
        named = self.transactional_id is not None and _is_fatal(error)
        cause = self._fatal_error() if named else error
        reason = self._watch.explain(cause, doing, seen=True)
        if isinstance(reason, Fenced) and self._open and self._open_for() >= self._timeout:
            return TransactionExpired(
                f"{doing}: the transaction was open for {self._open_for():.0f} s, over transaction.timeout.ms",
                stage=Stage.PRODUCE,
            )
        return reason

    def _fatal_error(self) -> KafkaException:
        """Which fatal error it was: ``produce`` says only that there was one, a transactional call names it."""
        from confluent_kafka import KafkaError, KafkaException

        try:
            self._producer.commit_transaction(0)
        except KafkaException as error:
            return error
        return KafkaException(KafkaError(KafkaError._FATAL))

    def _open_for(self) -> float:
        return time.monotonic() - self._opened_at


def _is_fatal(error: KafkaException) -> bool:
    return bool(error.args[0].name() == "_FATAL")
