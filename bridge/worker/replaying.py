"""Dead letters through the present configuration, each exactly once, beside a connector that runs or does not.

Records and the mark of what was replayed (``kafka/replayed.py``) commit in one transaction, under the transactional id
``<group.id>-<connector>-letters``: the connector's own is not taken over, so the connector runs on. A second replay
fences the first. Marks are read after fencing, so what the first had committed is passed over.

A letter that still cannot be carried stays where it is and is not marked.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Final, TypeVar

from attrs import define, field, frozen

from bridge.config import Config, Loaded
from bridge.encryption.uses import Unreserved
from bridge.errors import BadRecord, BridgeError, Fatal, Fenced
from bridge.event import Arguments, Message
from bridge.kafka.admin import ensure_routed_topic, prepare_topics
from bridge.kafka.errors import NoTransactionalId
from bridge.kafka.followed import following
from bridge.kafka.producer import Producer
from bridge.kafka.replayed import Replayed, replayed_key
from bridge.kafka.seals import Sealed, seals_key, seals_value
from bridge.kafka.settings import consumer_settings, producer_settings
from bridge.kafka.sizes import check_size
from bridge.log import for_connector
from bridge.pipeline.counting import counted
from bridge.reading.letters import Letter
from bridge.reading.stretch import Since
from bridge.routing.conversion import ConversionGuard
from bridge.routing.ledger import Ledger, Memory
from bridge.routing.resolver import Writers
from bridge.routing.routes import Routes, Unprepared
from bridge.salesforce.auth import Login
from bridge.salesforce.transport import open_rest
from bridge.worker.letters import LetterBox, nothing

AT_ONCE: Final = 500  # letters in one transaction
AT_ONCE_BYTES: Final = 4_000_000
_T = TypeVar("_T")


@frozen
class Wanted:
    """Which letters are to be replayed; of those that were replayed, none is."""

    places: frozenset[tuple[int, int]] = frozenset()
    """Partition and offset of each; empty: all."""
    since: Since | None = None
    stage: str | None = None
    most: int | None = None

    def has(self, letter: Letter) -> bool:
        """Whether it is one of them."""
        at = letter.partition, letter.offset
        return (not self.places or at in self.places) and self.stage in (None, letter.stage)


@define
class Outcome:
    """What became of letters. ``failed``: those that still cannot be carried, and why."""

    replayed: int = 0
    before: int = 0
    """So many of those asked for had been replayed before."""
    filtered: int = 0
    """So many of those replayed make no record, because a transform drops them."""
    topics: Counter[str] = field(factory=Counter)
    failed: list[tuple[Letter, BadRecord]] = field(factory=list)

    def document(self) -> dict[str, object]:
        """As JSON."""
        return {
            "replayed": self.replayed,
            "replayed_before": self.before,
            "filtered": self.filtered,
            "topics": dict(sorted(self.topics.items())),
            "failed": [
                {"partition": one.partition, "offset": one.offset, "replay_id": one.replay_id}
                | {"stage": str(error.stage), "reason": error.message}
                for one, error in self.failed
            ],
        }


def letters_id(loaded: Loaded) -> str:
    """The transactional id of replays."""
    return f"{loaded.worker['group.id']}-{loaded.connector.name}-letters"


class Replay:
    """One replay of one connector's letters; ``run`` once."""

    def __init__(self, box: LetterBox, progress: Callable[[int, int], None] = nothing) -> None:
        self._box, self._progress = box, progress
        self._loaded = _transactional(box.loaded)
        self._name = box.name
        self._log = for_connector(box.name)
        self._conversion = ConversionGuard(self._log)
        self._login = Login(self._loaded.connector)
        self._rest = open_rest(self._loaded.connector, self._login)
        self._batch: list[Arguments] = []
        self._bytes = 0
        self._marks: list[tuple[int, int, int]] = []
        self._uncommitted = Outcome()
        self.outcome = Outcome()
        """What is committed."""

    def run(self, wanted: Wanted) -> Outcome:
        """Carries the letters. Raises Fatal and Retriable where not even that can be tried, or Kafka fails: what the
        outcome counts by then is committed."""
        self._login.session()
        stopped, waiting = self._box.stopped, self._box.waiting
        topics = self._topics = prepare_topics(self._loaded, waiting=waiting, stopped=stopped)
        settings = producer_settings(self._loaded, max_message_bytes=topics.max_message_bytes)
        self._producer = Producer(
            settings, transactional_id=letters_id(self._loaded), stopped=stopped, waiting=waiting
        )
        try:
            self._fence(topics.offsets)
            self._prepare()
            self._carry_all(wanted)
            if self._writers.guard is not None and self._writers.guard.deks.uses is not None:
                self._writers.guard.deks.uses.give_back()
        except Fenced as error:
            raise Fenced(
                "another replay of this connector's letters has begun, and this one stops; what it had replayed is "
                "marked",
                stage=error.stage,
            ) from error
        finally:
            self._producer.close()
        return self.outcome

    def _fence(self, positions: str) -> None:
        try:
            self._producer.fence(positions)
        except NoTransactionalId as error:
            name = letters_id(self._loaded)
            raise Fatal(
                f"no right to use the transactional id {name}: grant the ACLs Write and Describe on TransactionalId "
                f"{name} (or the prefix {self._loaded.worker['group.id']}-) to the bridge's user",
                stage=error.stage,
            ) from error

    def _prepare(self) -> None:
        """What is remembered, and what makes records of events."""
        loaded, topics = self._loaded, self._topics
        self._replayed = Replayed(self._name, self._box.topic, self._box.topic_id())
        sealed = Sealed(self._name, topics.offsets)

        def take(message: object) -> None:
            self._replayed.take(message)  # type: ignore[arg-type]  # a Message; the library's types come late
            sealed.take(message)  # type: ignore[arg-type]  # as above

        with following(consumer_settings(loaded), topics.offsets) as followed:
            followed.read(take, self._name, stopped=self._box.stopped, waiting=self._box.waiting)
        ledger = Ledger(memory=Memory(*sealed.remembered()))
        self._writers = Writers(
            loaded, self._rest, ensure_topic=lambda name: ensure_routed_topic(loaded, name), ledger=ledger
        )
        self._routes = Routes(self._writers, loaded.connector["bridge.schema.latest.ttl.ms"] / 1000)
        ledger.store = lambda memory: self._store(
            seals_key(self._name), seals_value(memory.fields, memory.shared, memory.keks)
        )
        if self._writers.guard is not None:
            counted(
                loaded,
                self._writers.guard.deks,
                self._routes,
                topics.offsets,
                self._store,
                self._box.stopped,
                self._box.waiting,
                f"{self._name} letters",
            )

    def _carry_all(self, wanted: Wanted) -> None:
        for letter, done in self._box.letters(wanted.since, self._progress, self._replayed):
            taken = self.outcome.replayed + self._uncommitted.replayed
            if self._box.stopped() or (wanted.most is not None and taken >= wanted.most):
                break
            if not wanted.has(letter):
                continue
            if done:
                self.outcome.before += 1
                continue
            self._carry(letter)
            if len(self._marks) >= AT_ONCE or self._bytes >= AT_ONCE_BYTES:
                self._commit()
        self._commit()

    def _carry(self, letter: Letter) -> None:
        try:
            records = self._records(letter)
        except BadRecord as error:
            self.outcome.failed.append((letter, error))
            return
        for arguments in records:
            self._batch.append(arguments)
            self._bytes += len(arguments[1] or b"")
            self._uncommitted.topics[arguments[0]] += 1
        self._uncommitted.filtered += not records
        self._uncommitted.replayed += 1
        first = letter.offset if letter.before is None else letter.before + 1
        self._marks.append((letter.partition, first, letter.offset))

    def _records(self, letter: Letter) -> list[Arguments]:
        """What a letter becomes now; nothing where a transform drops it. Raises BadRecord."""
        message = self._box.message(letter)
        data = message.data
        assert data is not None
        records = self._converted(message)
        for arguments in records:
            check_size(data.event.replayId, arguments, self._topics.max_message_bytes)
        return records

    def _converted(self, message: Message) -> list[Arguments]:
        """As often as the conversion asks for something, that is prepared, after all so far is committed."""
        data = message.data
        assert data is not None
        while True:
            route = self._routes.by_schema.get(data.schema) or self._between(
                lambda: self._routes.resolve(data, message.channel)
            )
            try:
                if route.record is not None:
                    record = route.record(data)
                    return [] if record is None else [one.produced() for one in (*record.before, record)]
                return [(route.topic, route.convert(data))]
            except (Unprepared, Unreserved) as target:
                self._between(target.prepare)
            except BridgeError:
                raise
            except Exception as error:
                raise self._conversion.refusal(error, route.record or route.convert, data) from error

    def _between(self, ask: Callable[[], _T]) -> _T:
        self._commit()
        with self._conversion.between():
            return ask()

    def _commit(self) -> None:
        """Records and marks, together. The transaction is open only while they are sent."""
        if not self._marks:
            return
        self._producer.begin()
        for arguments in self._batch:
            self._producer.send(arguments)
        for mark in self._marks:
            self._replayed.mark(*mark)
        self._producer.commit(self._of_offsets(replayed_key(self._name), self._replayed.value()))
        self.outcome.replayed += self._uncommitted.replayed
        self.outcome.filtered += self._uncommitted.filtered
        self.outcome.topics.update(self._uncommitted.topics)
        self._uncommitted, self._bytes = Outcome(), 0
        self._batch.clear()
        self._marks.clear()

    def _store(self, key: bytes, value: bytes) -> None:
        self._producer.commit(self._of_offsets(key, value))

    def _of_offsets(self, key: bytes, value: bytes) -> Arguments:
        return (self._topics.offsets, value, key, -1, None, None, 0, [])


def _transactional(loaded: Loaded) -> Loaded:
    """A replay is exactly once even where the connector is at least once."""
    on = {"exactly.once.source.support": "enabled"}
    worker = loaded.worker
    changed = Config(
        {**worker, **on}, {**worker.raw(), **on}, worker.name, worker.secrets, worker.resolved, worker.origin,
        worker.egress,
    )  # fmt: skip
    return Loaded(loaded.connector, changed, loaded.notices)
