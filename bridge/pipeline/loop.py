"""THE DATA PATH: deliveries from Salesforce in, records and position out, together.

The position (the highest replay id handed to Kafka) commits with the records: when the buffer is empty, else
after ``interval`` seconds or ``max_pending`` records, whichever comes first. Whatever is pending is committed, whether
or not the position moved: the record of the position then repeats it. No transaction is open across a
call to Salesforce or the registry. Whatever goes wrong with Kafka ends the run; the connector starts again
from the committed position, which is the only recovery there is.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import Final

from attrs import Factory, define, field

from bridge import spans
from bridge.buffer import Buffer
from bridge.encryption.uses import Unreserved, Uses
from bridge.errors import BadRecord, BridgeError
from bridge.event import Arguments, Data, Delivery, Message, Record, Unreadable
from bridge.kafka.producer import Producer
from bridge.kafka.sizes import ENVELOPE, check_size
from bridge.log import for_connector
from bridge.metrics import Stats
from bridge.pipeline.alike import convert_alike
from bridge.pipeline.commits import Commits
from bridge.pipeline.policy import ErrorPolicy
from bridge.pipeline.records import LowerIds
from bridge.pipeline.transaction import Open
from bridge.progress import Progress
from bridge.routing.conversion import ConversionGuard
from bridge.routing.routes import Route, Routes, Unprepared
from bridge.source import Ended, Gap, Idle, Listening, Silent

Judgement = tuple[Arguments | None, BridgeError | None]


@define
class Limits:
    """When to commit, when to end, and the size a record may have."""

    interval: float = 0.2
    max_pending: int = 40_000
    max_message_bytes: int = 1_000_000
    max_events: int | None = None
    until_idle: float | None = None


# In a stream the buffer is empty for a moment after each reply; a commit at each such moment costs a fifth of the
# throughput. A single event does not wait.
_STREAM: Final = 256  # uncommitted records from which on it is one
_IDLE_EVERY: Final = 600.0  # seconds between positions of an idle stream; ids are retained for 72 h
_LOOK: Final = 2.0  # seconds after which a loop that has nothing to do looks at its producer and routes
# Kafka says that a transaction is committed some milliseconds before it is over. One that is begun meanwhile is put off
# by 20 ms (librdkafka, after CONCURRENT_TRANSACTIONS), and with it all that comes until then.
_BREATH: Final = 0.002  # seconds
_MORE_COMES: Final = 0.01  # seconds; the next reply takes 1 to 3 ms to come from a server nearby


@define
class Pipeline:
    """Carries what is in the buffer to Kafka until the receiver has ended and the buffer is empty."""

    connector: str
    buffer: Buffer
    routes: Routes
    producer: Producer
    commits: Commits
    policy: ErrorPolicy
    stats: Stats
    limits: Limits
    progress: Progress
    on_running: Callable[[], None]  # a subscription is confirmed, and where a restart would begin is durable
    on_gap: Callable[[int], None]  # with the last position, after it was committed
    topic: str = ""  # where records go unless a transform says otherwise
    uses: Uses | None = None  # counts the values that are encrypted
    records: int = 0  # since the start of the process: handed to Kafka …
    committed: int = 0  # … and committed
    guard: ConversionGuard = Factory(
        lambda self: ConversionGuard(for_connector(self.connector)), takes_self=True
    )
    open: Open = field(factory=Open)
    taken: int = 0  # events out of the buffer whose fate is not committed yet
    _rest: Delivery | None = None  # of the last delivery, what was too much for one transaction
    _had_position: bool = False
    _listening: bool = False
    _ended: Ended | None = None
    _noted: int = 0  # so many events of the delivery count as done
    _aside: list[Unreadable] = field(factory=list)  # what of it could not be read, and is judged
    _lower: LowerIds = Factory(lambda self: LowerIds(for_connector(self.connector)), takes_self=True)
    _idle_since: float = field(factory=time.monotonic)
    _committed_at: float = 0.0

    def run(self) -> BridgeError | None:
        """Returns when everything received is committed, or a limit is reached: with what ended the source, if it
        failed. Raises BridgeError where carrying fails."""
        while (delivery := self._next()) is not None:
            events, self._noted = delivery.events, 0
            batch: list[Arguments] = []
            failure: BridgeError | None = self._set_aside(delivery, batch)
            routes, room, fits = self.routes.by_schema, self._room(), self.limits.max_message_bytes - ENVELOPE
            done, sealed, raised = 0, 0, None
            if failure is None and room >= len(events):
                done, sealed, raised = convert_alike(events, routes, batch, fits)
            for message in events[done:] if failure is None else ():
                data = message.data
                assert data is not None
                try:
                    route = routes.get(data.schema)
                    if route is None:
                        route, room = self._resolve(message, batch, events, done), self._room()
                    try:
                        if raised is not None:
                            again, raised = raised, None
                            raise again
                        if route.record is not None:
                            arguments = self._arguments(route.record(data), data, batch)
                        else:
                            arguments = (route.topic, route.convert(data))
                            sealed += route.sealed
                    except (Unprepared, Unreserved) as target:
                        arguments = self._converted(target, message, batch, events, done)
                        room = self._room()
                    if arguments is not None and (len(arguments[1] or b"") > fits or len(arguments) > 2):
                        check_size(data.event.replayId, arguments, fits + ENVELOPE)
                except BadRecord as error:
                    judge: Callable[[], Judgement] = partial(self.policy.judge, error, data, message.channel)
                    arguments, failure = self._judged(judge, batch, events, done)
                    room = self._room()
                except BridgeError as error:
                    failure = error
                except Exception as error:
                    judge = partial(self._unexpected, error, routes[data.schema], message)
                    arguments, failure = self._judged(judge, batch, events, done)
                    room = self._room()
                if failure is not None:
                    break
                if arguments is not None:
                    batch.append(arguments)
                done += 1
                if len(batch) >= room:
                    break
            self.stats.fields_encrypted += sealed
            self._hand_over(batch, events, done)
            if failure is not None:
                self._commit()
                raise failure
            if self.open.is_due(self.limits.max_pending, self.limits.interval):
                self._commit()
        self._commit()
        self.taken = 0
        self.routes.close()
        if self.uses is not None:
            self.uses.give_back()
        self._lower.say(self.progress, last=True)
        self.producer.flush()
        return self._ended.failure if self._ended is not None else None

    def _next(self) -> Delivery | None:
        """The next delivery; heeds the signals before it, and commits before it waits. None: the end."""
        self.routes.tend(self._commit)
        if self._rest is not None:
            return self._part(self._rest)
        if not self.open.records and not self.progress.moved:
            self.taken = 0
        wait = _MORE_COMES if self.open.records >= _STREAM else 0
        while not isinstance(signal := self.buffer.get(wait), Delivery):
            if signal is None:
                self._commit()
                self.taken = 0
                self._lower.say(self.progress)
                self.producer.check()
                self.routes.tend(self._commit)
                wait = _LOOK if self.limits.until_idle is None else _LOOK / 8
            else:
                self._heed(signal)
                wait = 0
            if self._is_over():
                return None
        self._idle_since = time.monotonic()
        if (
            not self.open.records
            and len(signal.events) < _STREAM
            and self.producer.transactional_id is not None
        ):
            time.sleep(max(0.0, self._committed_at + _BREATH - self._idle_since))
        self.taken += len(signal.events) + len(signal.unreadable)
        return self._part(signal)

    def _part(self, delivery: Delivery) -> Delivery | None:
        """As much of it as one transaction may hold."""
        part, self._rest = delivery.split(self.open.line.open_bytes)
        return part if self._room() > 0 else None

    def _heed(self, signal: Listening | Silent | Gap | Idle | Ended) -> None:
        match signal:
            case Listening(since_ms):
                self._listening, self.stats.listening = True, 1
                if since_ms is not None and self.progress.newest < 0:
                    self.commits.start(since_ms, instead=self._had_position)
                    self._committed()
                self.on_running()
            case Silent():
                self._listening, self.stats.listening = False, 0
            case Gap(last):
                self._commit()
                self.on_gap(last)
                self._had_position = True
                self.progress = Progress()
            case Idle():
                self._stand_on(signal)
            case Ended():
                self._ended = signal

    def _is_over(self) -> bool:
        if self._room() <= 0 or self._ended is not None:
            return True
        if not self._listening:
            self._idle_since = time.monotonic()
        idle = self.limits.until_idle
        return idle is not None and time.monotonic() - self._idle_since >= idle

    def _stand_on(self, idle: Idle) -> None:
        """The position of an idle stream, written now and then: each time would be a transaction."""
        self._commit()
        self.progress.stand_on(idle.replay_id, idle.raw)
        if time.monotonic() - self.commits.last_at >= _IDLE_EVERY:
            self.progress.moved = True
            self._commit()

    def _resolve(self, message: Message, batch: list[Arguments], events: list[Message], done: int) -> Route:
        """Ask Salesforce and the registry, after everything so far is committed; nobody where the old route serves."""
        assert message.data is not None
        if (serving := self.routes.serving(message.data, message.channel)) is not None:
            return serving
        with self.guard.between():
            self._settle(batch, events, done)
            route = self.routes.resolve(message.data, message.channel)
        self.stats.schemas_compiled += 1
        return route

    def _prepare(
        self, target: Unprepared | Unreserved, batch: list[Arguments], events: list[Message], done: int
    ) -> None:
        """The same for where one record goes, and for the values that its key may encrypt."""
        with self.guard.between():
            self._settle(batch, events, done)
            target.prepare()

    def _converted(
        self,
        target: Unprepared | Unreserved,
        message: Message,
        batch: list[Arguments],
        events: list[Message],
        done: int,
    ) -> Arguments | None:
        """An event whose conversion could not go on: prepare what was asked for and convert it again, as often as it
        asks. Its route may have been forgotten meanwhile, for another key."""
        data = message.data
        assert data is not None
        while True:
            self._prepare(target, batch, events, done)
            route = self.routes.by_schema.get(data.schema) or self._resolve(message, batch, events, done)
            try:
                if route.record is not None:
                    return self._arguments(route.record(data), data, batch)
                value = route.convert(data)
            except (Unprepared, Unreserved) as again:
                target = again
            else:
                self.stats.fields_encrypted += route.sealed
                return route.topic, value

    def _judged(
        self, judge: Callable[[], Judgement], batch: list[Arguments], events: list[Message], done: int
    ) -> Judgement:
        """What becomes of a bad record; a dead letter is encrypted, too."""
        while True:
            try:
                return judge()
            except Unreserved as target:
                self._prepare(target, batch, events, done)

    def _unexpected(self, error: Exception, route: Route, message: Message) -> Judgement:
        data = message.data
        assert data is not None
        refusal = self.guard.refusal(error, route.record or route.convert, data)
        return self.policy.judge(refusal, data, message.channel)

    def _settle(self, batch: list[Arguments], events: list[Message], done: int) -> None:
        self._hand_over(batch, events, done)
        batch.clear()
        self._commit()

    def _set_aside(self, delivery: Delivery, batch: list[Arguments]) -> BridgeError | None:
        """Messages that could not even be parsed: judged before the events among which they came."""
        self._aside = []
        for unreadable in delivery.unreadable:
            judge = partial(self.policy.judge_unreadable, unreadable)
            arguments, failure = self._judged(judge, batch, delivery.events, 0)
            if failure is not None:
                return failure
            if arguments is not None:
                batch.append(arguments)
            self._aside.append(unreadable)
        return None

    def _hand_over(self, batch: Sequence[Arguments], events: list[Message], done: int) -> None:
        """Produce an encoded batch into the open transaction, opening one if need be; with it, so many of the
        delivery's events are done."""
        if batch:
            size = self.open.add(batch)
            self.producer.begin()
            produce = self.producer.produce
            for arguments in batch:
                try:
                    produce(*arguments)
                except BufferError:
                    self.producer.send(arguments)
                except Exception as error:
                    raise self.producer.refused(error) from error
            self.producer.check()
            self.records += len(batch)
            self.stats.bytes_written += size
        self.progress.advance(events, self._noted, done)
        self._noted = done
        for unreadable in self._aside:
            self.progress.pass_by(unreadable)

    def _commit(self) -> None:
        """Records and position, together. Nothing to do where there are none and it is as it was."""
        if self.open.records or (self.progress.moved and self.progress.newest >= 0):
            with spans.span("deliver", spans.PRODUCER, self._facts(), ago=self.open.age()):
                self.commits.position(self.progress)
            self._committed()

    def _facts(self) -> dict[str, spans.Value]:
        """Of a delivery's span: records that are not events (dead letters) are among its messages."""
        return {
            "messaging.system": "kafka",
            "messaging.destination.name": self.topic,
            "messaging.batch.message_count": self.open.records,
            "sfbridge.connector": self.connector,
        }

    def _committed(self) -> None:
        self.stats.events_delivered = self.committed = self.records
        self.open.committed()
        self.progress.moved = False
        self._committed_at = time.monotonic()

    def _room(self) -> int:
        """How many more records may be written before ``max_events`` is reached."""
        return 2**62 if self.limits.max_events is None else self.limits.max_events - self.records

    def _arguments(self, record: Record | None, data: Data, batch: list[Arguments]) -> Arguments | None:
        """Of a record; others of its event go into the batch before it, all of them or none."""
        if record is None:
            return None
        self.stats.fields_encrypted += record.sealed
        if record.gap is not None:
            self.stats.count_gap(record.gap)
        arguments = record.produced()
        if record.before:
            before = [one.produced() for one in record.before]
            for one in (*before, arguments):
                check_size(data.event.replayId, one, self.limits.max_message_bytes)
            batch.extend(before)
        return arguments
